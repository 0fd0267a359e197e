// The loop over rows of products by tables of sums: what it counts, and how long llvm-mca thinks it takes. An addition of
// an entry stands for 4 k of 16 tokens, which 512 bits would have twice.

// RUN: sed 's/TOKENS/32/g' %s > %t32.mlir && bit-opt %t32.mlir --level=x86-64-v3 --emit=asm -o %t32.s
// RUN: %hot_loop %t32.s --product='vpaddw\s+[^%%]*\(%%r=128' --cpu=haswell=18.09 --cpu=skylake=14.73 | FileCheck %s
// RUN: sed 's/TOKENS/16/g' %s > %t16.mlir && bit-opt %t16.mlir --level=x86-64-v3 --emit=asm -o %t16.s
// RUN: %hot_loop %t16.s --product='vpaddw\s+[^%%]*\(%%r=128' --cpu=haswell=22.07 --cpu=skylake=17.04 | FileCheck %s

// 16 additions for 16 entries, one of which is loaded, and for the sums, which are loaded and stored.
// CHECK: products: 1024
// CHECK: stack: 0
// CHECK: vpaddw: 16

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
