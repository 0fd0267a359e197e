// The inner loops that the compiler makes of aarch64.neon_p2: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --target=aarch64 --level=neon --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=cortex-a57=128.40 --cpu=neoverse-n1=128.38 --cpu=apple-m1=80.30 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --target=aarch64 --level=neon --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=cortex-a57=128.20 --cpu=neoverse-n1=128.17 --cpu=apple-m1=64.13 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --target=aarch64 --level=neon --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=cortex-a57=128.24 --cpu=neoverse-n1=128.21 --cpu=apple-m1=64.20 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --target=aarch64 --level=neon --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=cortex-a57=128.18 --cpu=neoverse-n1=128.16 --cpu=apple-m1=64.13 | FileCheck %s --check-prefix=FOUR

// 16 rows x 16 k: two instructions multiply a register of weights.
// ONE: products: 256
// ONE-NEXT: loads: 6
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-DAG: smlal: 16
// ONE-DAG: smlal2: 16

// 16 rows.
// TWO: products: 512
// TWO-NEXT: loads: 10
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: smlal: 32
// TWO-DAG: smlal2: 32

// 8 rows.
// THREE: products: 384
// THREE-NEXT: loads: 13
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE-DAG: smlal: 24
// THREE-DAG: smlal2: 24

// 8 rows.
// FOUR: products: 512
// FOUR-NEXT: loads: 17
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-DAG: smlal: 32
// FOUR-DAG: smlal2: 32

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
