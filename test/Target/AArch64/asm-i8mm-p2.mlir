// The inner loops that the compiler makes of aarch64.i8mm_p2: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --target=aarch64 --level=i8mm --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=neoverse-v1=18.13 --cpu=neoverse-v2=22.10 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --target=aarch64 --level=i8mm --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=neoverse-v1=13.15 --cpu=neoverse-v2=16.13 | FileCheck %s --check-prefix=FOUR
// RUN: sed 's/TOKENS/8/g' %s > %t8.mlir && bit-opt %t8.mlir --target=aarch64 --level=i8mm --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=neoverse-v1=11.53 --cpu=neoverse-v2=11.58 | FileCheck %s --check-prefix=EIGHT
// RUN: sed 's/TOKENS/16/g' %s > %t16.mlir && bit-opt %t16.mlir --target=aarch64 --level=i8mm --emit=asm -o %t16.s
// RUN: %hot_loop %t16.s --cpu=neoverse-v1=9.88 --cpu=neoverse-v2=12.02 | FileCheck %s --check-prefix=SIXTEEN

// 8 rows x 32 k: two steps are zipped, then masked.
// TWO: products: 512
// TWO-NEXT: loads: 5
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: smmla: 16
// TWO-DAG: zip1: 2
// TWO-DAG: zip2: 2

// 4 rows.
// FOUR: products: 512
// FOUR-NEXT: loads: 6
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-DAG: smmla: 16
// FOUR-DAG: zip1: 1
// FOUR-DAG: zip2: 1

// 8 rows, one sum for all planes.
// EIGHT: products: 2048
// EIGHT-NEXT: loads: 11
// EIGHT-NEXT: stores: 0
// EIGHT-NEXT: stack: 0
// EIGHT-DAG: smmla: 64
// EIGHT-DAG: zip1: 2
// EIGHT-DAG: zip2: 2

// 4 rows.
// SIXTEEN: products: 2048
// SIXTEEN-NEXT: loads: 18
// SIXTEEN-NEXT: stores: 0
// SIXTEEN-NEXT: stack: 0
// SIXTEEN-DAG: smmla: 64
// SIXTEEN-DAG: zip1: 1
// SIXTEEN-DAG: zip2: 1

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
