// The inner loops that the compiler makes of aarch64.dotprod_p1: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --target=aarch64 --level=dotprod --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=neoverse-n1=64.06 --cpu=neoverse-v1=32.05 --cpu=neoverse-v2=32.06 --cpu=apple-m1=42.72 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --target=aarch64 --level=dotprod --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=neoverse-n1=48.06 --cpu=neoverse-v1=24.05 --cpu=neoverse-v2=24.06 --cpu=apple-m1=32.05 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --target=aarch64 --level=dotprod --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=neoverse-n1=42.71 --cpu=neoverse-v1=21.37 --cpu=neoverse-v2=21.37 --cpu=apple-m1=28.48 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --target=aarch64 --level=dotprod --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=neoverse-n1=42.28 --cpu=neoverse-v1=21.16 --cpu=neoverse-v2=21.16 --cpu=apple-m1=28.19 | FileCheck %s --check-prefix=FOUR
// RUN: sed 's/TOKENS/8/g' %s > %t8.mlir && bit-opt %t8.mlir --target=aarch64 --level=dotprod --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=neoverse-n1=38.78 --cpu=neoverse-v1=19.40 --cpu=neoverse-v2=19.40 --cpu=apple-m1=25.86 | FileCheck %s --check-prefix=EIGHT

// 32 rows x 32 k: a plane is one instruction.
// ONE: products: 1024
// ONE-NEXT: loads: 5
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-DAG: cmtst: 64
// ONE-DAG: sdot: 64

// 16 rows.
// TWO: products: 1024
// TWO-NEXT: loads: 5
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: cmtst: 32
// TWO-DAG: sdot: 64

// 16 rows.
// THREE: products: 1536
// THREE-NEXT: loads: 7
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE-DAG: cmtst: 32
// THREE-DAG: sdot: 96

// 16 rows.
// FOUR: products: 2048
// FOUR-NEXT: loads: 9
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-DAG: cmtst: 32
// FOUR-DAG: sdot: 128

// 8 rows.
// EIGHT: products: 2048
// EIGHT-NEXT: loads: 9
// EIGHT-NEXT: stores: 0
// EIGHT-NEXT: stack: 0
// EIGHT-DAG: cmtst: 16
// EIGHT-DAG: sdot: 128

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
