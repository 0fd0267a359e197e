// The inner loops that the compiler makes of aarch64.dotprod_p2: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --target=aarch64 --level=dotprod --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=neoverse-n1=64.22 --cpu=neoverse-v1=32.20 --cpu=neoverse-v2=32.20 --cpu=apple-m1=42.84 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --target=aarch64 --level=dotprod --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=neoverse-n1=48.22 --cpu=neoverse-v1=24.20 --cpu=neoverse-v2=24.20 --cpu=apple-m1=32.16 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --target=aarch64 --level=dotprod --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=neoverse-n1=42.83 --cpu=neoverse-v1=21.47 --cpu=neoverse-v2=21.47 --cpu=apple-m1=28.56 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --target=aarch64 --level=dotprod --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=neoverse-n1=42.12 --cpu=neoverse-v1=21.11 --cpu=neoverse-v2=21.12 --cpu=apple-m1=28.08 | FileCheck %s --check-prefix=FOUR
// RUN: sed 's/TOKENS/8/g' %s > %t8.mlir && bit-opt %t8.mlir --target=aarch64 --level=dotprod --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=neoverse-n1=38.05 --cpu=neoverse-v1=19.05 --cpu=neoverse-v2=19.07 --cpu=apple-m1=25.38 | FileCheck %s --check-prefix=EIGHT

// 16 rows x 16 k: a plane each for a product, no other vector instruction.
// ONE: products: 256
// ONE-NEXT: loads: 3
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-DAG: and: 12
// ONE-DAG: sdot: 16
// ONE-DAG: ushr: 4

// 8 rows for more tokens: planes are decoded once for all.
// TWO: products: 256
// TWO-NEXT: loads: 3
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: and: 6
// TWO-DAG: sdot: 16
// TWO-DAG: ushr: 2

// As for two.
// THREE: products: 384
// THREE-NEXT: loads: 4
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE-DAG: and: 6
// THREE-DAG: sdot: 24
// THREE-DAG: ushr: 2

// Planes 0, 2 and 1, 3 share a sum.
// FOUR: products: 512
// FOUR-NEXT: loads: 5
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-DAG: and: 8
// FOUR-DAG: sdot: 32
// FOUR-DAG: ushr: 2

// One sum for all planes; codes copied side by side are loaded in pairs.
// EIGHT: products: 1024
// EIGHT-NEXT: loads: 5
// EIGHT-NEXT: stores: 0
// EIGHT-NEXT: stack: 0
// EIGHT-DAG: and: 6
// EIGHT-DAG: sdot: 64
// EIGHT-DAG: ushr: 6

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
