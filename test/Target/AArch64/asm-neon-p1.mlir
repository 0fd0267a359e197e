// The inner loops that the compiler makes of aarch64.neon_p1: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --target=aarch64 --level=neon --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=cortex-a57=128.21 --cpu=neoverse-n1=128.18 --cpu=apple-m1=75.45 | FileCheck %s --check-prefix=ONE

// 16 rows x 32 k. More tokens are multiplied one by one.
// ONE: products: 512
// ONE-NEXT: loads: 10
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-DAG: cmtst: 32

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
