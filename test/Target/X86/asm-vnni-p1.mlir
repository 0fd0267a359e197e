// The inner loops that the compiler makes of x86.vnni_p1: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=avx512vnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=znver4=36.03 --cpu=icelake-server=17.04 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=avx512vnni --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=znver4=38.64 --cpu=icelake-server=15.52 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --level=avx512vnni --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=znver4=36.01 --cpu=icelake-server=11.76 | FileCheck %s --check-prefix=FOUR

// 64 rows x 32 k: 4 loads of weights and 8 of codes, a mask for each product, a shift for each load.
// ONE: products: 2048
// ONE-NEXT: loads: 12
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-NEXT: instructions: 83
// ONE: vpandq: 32
// ONE-NEXT: vpbroadcastd: 8
// ONE-NEXT: vpdpbusd: 32
// ONE-NEXT: vpsrld: 4

// More tokens share 32 masks and 28 shifts.
// TWO: products: 4096
// TWO-NEXT: loads: 20
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO: vpandq: 32
// TWO-NEXT: vpbroadcastd: 16
// TWO-NEXT: vpdpbusd: 64
// TWO-NEXT: vpsrld: 28

// FOUR: products: 8192
// FOUR-NEXT: loads: 36
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR: vpandq: 32
// FOUR-NEXT: vpbroadcastd: 32
// FOUR-NEXT: vpdpbusd: 128
// FOUR-NEXT: vpsrld: 28

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
