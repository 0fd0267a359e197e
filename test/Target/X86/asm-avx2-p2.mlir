// The inner loops that the compiler makes of x86.avx2_p2: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=x86-64-v3 --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=haswell=40.17 --cpu=skylake=35.13 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=x86-64-v3 --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=haswell=44.16 --cpu=skylake=32.14 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --level=x86-64-v3 --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=haswell=40.10 --cpu=skylake=28.76 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --level=x86-64-v3 --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=haswell=38.08 --cpu=skylake=27.07 | FileCheck %s --check-prefix=FOUR

// The guard does see a slower loop, and one without products.
// RUN: not %hot_loop %t1.s --cpu=skylake=33 2>&1 | FileCheck %s --check-prefix=SLOWER
// RUN: not %hot_loop %t1.s --product=vpdpbusd=64 2>&1 | FileCheck %s --check-prefix=NOTHING
// SLOWER: skylake: 35.13 cycles for 1024 products, 33 when it was written
// SLOWER: slower than 105% of what it was
// NOTHING: expects a loop with products, got none

// 32 rows x 16 k: 4 loads of weights and 4 of codes, a mask for each product, one shift for 4 planes.
// ONE: products: 512
// ONE-NEXT: loads: 8
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE: vpaddw: 16
// ONE-NEXT: vpand: 16
// ONE-NEXT: vpbroadcastd: 4
// ONE-NEXT: vpmaddubsw: 16
// ONE-NEXT: vpsrld: 4

// 16 rows x 16 k for more tokens: 8 masks and 6 shifts for all.
// TWO: products: 512
// TWO-NEXT: loads: 10
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO: vpmaddubsw: 16

// THREE: products: 768
// THREE-NEXT: loads: 14
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE: vpmaddubsw: 24

// FOUR: products: 1024
// FOUR-NEXT: loads: 18
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR: vpaddw: 32
// FOUR-NEXT: vpand: 8
// FOUR: vpbroadcastd: 16
// FOUR-NEXT: vpmaddubsw: 32
// FOUR-NEXT: vpsrld: 6

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
