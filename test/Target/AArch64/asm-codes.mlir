// The inner loops of products of codes: no stack; each weight is made unsigned once, where it has to be.

// RUN: sed 's/ROWS/1/g' %s > %t1.mlir && sed 's/ROWS/3/g' %s > %t3.mlir && sed 's/ROWS/5/g' %s > %t5.mlir
// RUN: bit-opt %t1.mlir --target=aarch64 --level=i8mm --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --product=sudot=64 --mattr=+i8mm --cpu=neoverse-n1=70.08 --cpu=neoverse-v1=22.11 --cpu=neoverse-v2=32.10 | FileCheck %s --check-prefix=I8MM1
// RUN: bit-opt %t5.mlir --target=aarch64 --level=i8mm --emit=asm -o %t5.s
// RUN: %hot_loop %t5.s --product=sudot=64 --mattr=+i8mm --cpu=neoverse-n1=35.24 --cpu=neoverse-v1=16.04 --cpu=neoverse-v2=16.04 | FileCheck %s --check-prefix=I8MM5
// RUN: bit-opt %t1.mlir --target=aarch64 --level=dotprod --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --product=udot=64 --cpu=neoverse-n1=90.07 --cpu=neoverse-v1=32.11 --cpu=apple-m1=42.75 | FileCheck %s --check-prefix=DOT1
// RUN: bit-opt %t5.mlir --target=aarch64 --level=dotprod --emit=asm -o %t5.s
// RUN: %hot_loop %t5.s --product=udot=64 --cpu=neoverse-n1=38.86 --cpu=neoverse-v1=19.51 --cpu=apple-m1=25.90 | FileCheck %s --check-prefix=DOT5
// RUN: bit-opt %t1.mlir --target=aarch64 --level=neon --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --product=umull=32 --cpu=neoverse-n1=168.36 --cpu=neoverse-v1=84.28 | FileCheck %s --check-prefix=NEON1
// RUN: bit-opt %t3.mlir --target=aarch64 --level=neon --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --product=umull=32 --cpu=neoverse-n1=154.88 --cpu=neoverse-v1=77.52 | FileCheck %s --check-prefix=NEON3

// I8MM1: products: 512
// I8MM1-NEXT: loads: 17
// I8MM1-NEXT: stores: 0
// I8MM1-NEXT: stack: 0
// I8MM1-NEXT: instructions: 53

// I8MM5: products: 1280
// I8MM5-NEXT: loads: 13
// I8MM5-NEXT: stores: 0
// I8MM5-NEXT: stack: 0
// I8MM5-NEXT: instructions: 98

// DOT1: products: 512
// DOT1-NEXT: loads: 17
// DOT1-NEXT: stores: 0
// DOT1-NEXT: stack: 0
// DOT1: eor: 32

// DOT5: products: 1280
// DOT5-NEXT: loads: 13
// DOT5-NEXT: stores: 0
// DOT5-NEXT: stack: 0
// DOT5: eor: 16
// DOT5: udot: 80

// NEON1: products: 256
// NEON1: stores: 0
// NEON1-NEXT: stack: 0
// NEON1: uadalp: 32

// Sums in the order of the products: LLVM would first add those of a step, and spill.
// NEON3: products: 384
// NEON3: stores: 0
// NEON3-NEXT: stack: 0
// NEON3: eor: 8
// NEON3: uadalp: 48

func.func @main_graph(%x: tensor<ROWSx2560xi8> {onnx.name = "x"}, %p: tensor<20x640x32x4xi8> {onnx.name = "p"}) -> (tensor<ROWSx640xi32> {onnx.name = "y"}) {
  %empty = tensor.empty() : tensor<ROWSx640xi32>
  %y = bit.code_matmul ins(%x, %p : tensor<ROWSx2560xi8>, tensor<20x640x32x4xi8>) outs(%empty : tensor<ROWSx640xi32>)
      kernel = #bit.kernel<generic.codes> -> tensor<ROWSx640xi32>
  return %y : tensor<ROWSx640xi32>
}
