// The inner loops of products of codes: no copies, no stack. A weight is read once a tile, four k of a row with one load.

// RUN: sed 's/ROWS/1/g' %s > %t1.mlir && sed 's/ROWS/2/g' %s > %t2.mlir && sed 's/ROWS/8/g' %s > %t8.mlir
// RUN: bit-opt %t1.mlir --level=avx512vnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=znver4=16.13 --cpu=icelake-server=12.15 | FileCheck %s --check-prefix=VNNI1
// RUN: bit-opt %t8.mlir --level=avx512vnni --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=znver4=36.04 --cpu=icelake-server=9.07 | FileCheck %s --check-prefix=VNNI8
// RUN: bit-opt %t1.mlir --level=avxvnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=alderlake=28.28 | FileCheck %s --check-prefix=AVXVNNI1
// RUN: bit-opt %t8.mlir --level=avxvnni --emit=asm -o %t8.s
// RUN: %hot_loop %t8.s --cpu=alderlake=16.20 | FileCheck %s --check-prefix=AVXVNNI8
// RUN: bit-opt %t1.mlir --level=x86-64-v3 --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --product=vpmaddwd=32 --cpu=skylake=72.68 | FileCheck %s --check-prefix=AVX2-1
// RUN: bit-opt %t2.mlir --level=x86-64-v3 --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --product=vpmaddwd=32 --cpu=skylake=62.60 | FileCheck %s --check-prefix=AVX2-2

// Eight chains of sums, weights from memory.
// VNNI1: products: 512
// VNNI1-NEXT: loads: 12
// VNNI1-NEXT: stores: 0
// VNNI1-NEXT: stack: 0
// VNNI1-NEXT: instructions: 16
// VNNI1: vpdpbusd: 8

// VNNI8: products: 1024
// VNNI8-NEXT: loads: 10
// VNNI8-NEXT: stores: 0
// VNNI8-NEXT: stack: 0
// VNNI8-NEXT: instructions: 29
// VNNI8: vpbroadcastd: 8
// VNNI8: vpdpbusd: 16

// AVXVNNI1: products: 256
// AVXVNNI1-NEXT: loads: 10
// AVXVNNI1-NEXT: stores: 0
// AVXVNNI1-NEXT: stack: 0

// AVXVNNI8: products: 384
// AVXVNNI8-NEXT: loads: 7
// AVXVNNI8-NEXT: stores: 0
// AVXVNNI8-NEXT: stack: 0

// Each 16 weights are widened once, codes of x after their broadcast.
// AVX2-1: products: 128
// AVX2-1-NEXT: loads: 9
// AVX2-1-NEXT: stores: 0
// AVX2-1-NEXT: stack: 0
// AVX2-1: vpaddd: 8
// AVX2-1: vpmaddwd: 8
// AVX2-1-NEXT: vpmovsxbw: 8
// AVX2-1-NEXT: vpmovzxbw: 1

// AVX2-2: products: 128
// AVX2-2-NEXT: loads: 6
// AVX2-2-NEXT: stores: 0
// AVX2-2-NEXT: stack: 0
// AVX2-2: vpmaddwd: 8
// AVX2-2-NEXT: vpmovsxbw: 4
// AVX2-2-NEXT: vpmovzxbw: 2

func.func @main_graph(%x: tensor<ROWSx2560xi8> {onnx.name = "x"}, %p: tensor<20x640x32x4xi8> {onnx.name = "p"}) -> (tensor<ROWSx640xi32> {onnx.name = "y"}) {
  %empty = tensor.empty() : tensor<ROWSx640xi32>
  %y = bit.code_matmul ins(%x, %p : tensor<ROWSx2560xi8>, tensor<20x640x32x4xi8>) outs(%empty : tensor<ROWSx640xi32>)
      kernel = #bit.kernel<generic.codes> -> tensor<ROWSx640xi32>
  return %y : tensor<ROWSx640xi32>
}
