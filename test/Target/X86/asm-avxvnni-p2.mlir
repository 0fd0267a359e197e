// The inner loops that the compiler makes of x86.avxvnni_p2: what they count, and how long llvm-mca thinks they
// take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=avxvnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=alderlake=25.54 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=avxvnni --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=alderlake=20.30 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --level=avxvnni --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=alderlake=16.24 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/6/g' %s > %t6.mlir && bit-opt %t6.mlir --level=avxvnni --emit=asm -o %t6.s
// RUN: %hot_loop %t6.s --cpu=alderlake=17.48 | FileCheck %s --check-prefix=SIX

// 32 rows x 16 k, a mask for each product and a shift for 4 planes; two lines of what comes next are fetched.
// ONE: products: 512
// ONE: stores: 0
// ONE-NEXT: stack: 0
// ONE: prefetcht1: 2
// ONE: vpand: 16
// ONE: vpbroadcastd: 4
// ONE-NEXT: vpdpbusd: 16
// ONE-NEXT: vpsrld: 4

// 8 rows x 16 k with four sums a token: no shift.
// TWO: products: 256
// TWO: stores: 0
// TWO-NEXT: stack: 0
// TWO: vpand: 4
// TWO: vpbroadcastd: 8
// TWO-NEXT: vpdpbusd: 8
// TWO-NOT: vpsrld

// THREE: products: 384
// THREE: stores: 0
// THREE-NEXT: stack: 0
// THREE: prefetcht1: 1
// THREE: vpdpbusd: 12
// THREE-NOT: vpsrld

// Two sums a token.
// SIX: products: 768
// SIX: stores: 0
// SIX-NEXT: stack: 0
// SIX: vpand: 4
// SIX: vpbroadcastd: 24
// SIX-NEXT: vpdpbusd: 24
// SIX-NEXT: vpsrld: 1

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
