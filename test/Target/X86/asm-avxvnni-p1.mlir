// The inner loops that the compiler makes of x86.avxvnni_p1: what they count, and how long llvm-mca thinks they
// take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=avxvnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=alderlake=25.42 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=avxvnni --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=alderlake=20.16 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --level=avxvnni --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=alderlake=18.50 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/6/g' %s > %t6.mlir && bit-opt %t6.mlir --level=avxvnni --emit=asm -o %t6.s
// RUN: %hot_loop %t6.s --cpu=alderlake=17.98 | FileCheck %s --check-prefix=SIX

// 32 rows x 32 k, a mask for each product and three shifts for 8 planes, whose even and odd ones share a sum.
// ONE: products: 1024
// ONE-NEXT: loads: 12
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE: prefetcht1: 2
// ONE: vpand: 32
// ONE-NEXT: vpbroadcastd: 8
// ONE-NEXT: vpdpbusd: 32
// ONE-NEXT: vpsrld: 12

// 8 rows x 32 k with four sums a token: one shift.
// TWO: products: 512
// TWO: stores: 0
// TWO-NEXT: stack: 0
// TWO: vpand: 8
// TWO: vpbroadcastd: 16
// TWO-NEXT: vpdpbusd: 16
// TWO-NEXT: vpsrld: 1

// THREE: products: 768
// THREE: stores: 0
// THREE-NEXT: stack: 0
// THREE: prefetcht1: 1
// THREE: vpdpbusd: 24
// THREE-NEXT: vpsrld: 1

// Two sums a token.
// SIX: products: 1536
// SIX: stores: 0
// SIX-NEXT: stack: 0
// SIX: vpand: 8
// SIX: vpbroadcastd: 48
// SIX-NEXT: vpdpbusd: 48
// SIX-NEXT: vpsrld: 3

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
