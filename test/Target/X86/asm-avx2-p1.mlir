// The inner loops that the compiler makes of x86.avx2_p1: what they count, and how long llvm-mca thinks they take.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=x86-64-v3 --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=haswell=40.19 --cpu=skylake=34.82 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=x86-64-v3 --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=haswell=46.08 --cpu=skylake=32.08 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --level=x86-64-v3 --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=haswell=41.38 --cpu=skylake=28.72 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --level=x86-64-v3 --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=haswell=39.04 --cpu=skylake=27.54 | FileCheck %s --check-prefix=FOUR

// 16 rows x 32 k: 2 loads of weights and 8 of codes, a mask for each product, two shifts for 8 planes; one line is
// fetched of those that come next.
// ONE: products: 512
// ONE-NEXT: loads: 10
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE: prefetcht1: 1
// ONE: vpaddw: 16
// ONE-NEXT: vpand: 16
// ONE-NEXT: vpbroadcastd: 8
// ONE-NEXT: vpmaddubsw: 16
// ONE-NEXT: vpsrld: 4

// More tokens share 16 masks and 14 shifts.
// TWO: products: 1024
// TWO-NEXT: loads: 18
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO: vpmaddubsw: 32

// THREE: products: 1536
// THREE-NEXT: loads: 26
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE: vpmaddubsw: 48

// FOUR: products: 2048
// FOUR-NEXT: loads: 34
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR: vpaddw: 64
// FOUR-NEXT: vpand: 16
// FOUR-NEXT: vpbroadcastd: 32
// FOUR-NEXT: vpmaddubsw: 64
// FOUR-NEXT: vpsrld: 14

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = binary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
