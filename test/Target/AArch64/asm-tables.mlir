// The loop over rows of products by tables of sums on NEON: what it counts, and how long llvm-mca thinks it takes. An
// addition of an entry stands for 4 k of 8 tokens.

// RUN: sed 's/TOKENS/32/g' %s > %t32.mlir && bit-opt %t32.mlir --target=aarch64 --level=neon --emit=asm -o %t32.s
// RUN: %hot_loop %t32.s --product='add\s+v\d+\.8h=128' --having=ubfiz --cpu=cortex-a57=45.17 --cpu=neoverse-n1=58.03 --cpu=neoverse-v1=15.79 --cpu=neoverse-v2=21.11 --cpu=apple-m1=24.60 | FileCheck %s
// RUN: sed 's/TOKENS/16/g' %s > %t16.mlir && bit-opt %t16.mlir --target=aarch64 --level=neon --emit=asm -o %t16.s
// RUN: %hot_loop %t16.s --product='add\s+v\d+\.8h=128' --having=ubfiz --cpu=cortex-a57=48.15 --cpu=neoverse-n1=62.05 --cpu=neoverse-v1=17.11 --cpu=neoverse-v2=22.11 --cpu=apple-m1=24.11 | FileCheck %s

// CHECK: products: 1024
// CHECK: stack: 0

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
