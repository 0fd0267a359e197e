// The inner loops that the compiler makes of aarch64.i8mm_p1: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --target=aarch64 --level=i8mm --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=neoverse-v1=17.03 --cpu=neoverse-v2=17.03 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --target=aarch64 --level=i8mm --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=neoverse-v1=12.95 --cpu=neoverse-v2=12.95 | FileCheck %s --check-prefix=FOUR
// RUN: sed 's/TOKENS/8/g' %s > %t8.mlir && bit-opt %t8.mlir --target=aarch64 --level=i8mm --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=neoverse-v1=10.46 --cpu=neoverse-v2=10.47 | FileCheck %s --check-prefix=EIGHT
// RUN: sed 's/TOKENS/16/g' %s > %t16.mlir && bit-opt %t16.mlir --target=aarch64 --level=i8mm --emit=asm -o %t16.s
// RUN: %hot_loop %t16.s --cpu=neoverse-v1=9.52 --cpu=neoverse-v2=12.01 | FileCheck %s --check-prefix=SIXTEEN

// 16 rows x 64 k.
// TWO: products: 2048
// TWO-NEXT: loads: 9
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: cmtst: 64
// TWO-DAG: smmla: 64
// TWO-DAG: zip1: 4
// TWO-DAG: zip2: 4

// 16 rows.
// FOUR: products: 4096
// FOUR-NEXT: loads: 13
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-DAG: cmtst: 64
// FOUR-DAG: smmla: 128

// 8 rows.
// EIGHT: products: 4096
// EIGHT-NEXT: loads: 19
// EIGHT-NEXT: stores: 0
// EIGHT-NEXT: stack: 0
// EIGHT-DAG: cmtst: 32
// EIGHT-DAG: smmla: 128

// 4 rows.
// SIXTEEN: products: 4096
// SIXTEEN-NEXT: loads: 34
// SIXTEEN-NEXT: stores: 0
// SIXTEEN-NEXT: stack: 0
// SIXTEEN-DAG: cmtst: 16
// SIXTEEN-DAG: smmla: 128

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
