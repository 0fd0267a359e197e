// The inner loops of products by panels: nothing but products, loads and the loop itself, each element of x a lane.

// RUN: sed 's/ROWS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --target=aarch64 --level=neon --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --product=fmla=16 --cpu=neoverse-n1=272.44 --cpu=neoverse-v1=88.44 --cpu=neoverse-v2=136.48 --cpu=apple-m1=96.28 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/ROWS/5/g' %s > %t5.mlir && bit-opt %t5.mlir --target=aarch64 --level=neon --emit=asm -o %t5.s
// RUN: %hot_loop %t5.s --product=fmla=16 --cpu=neoverse-n1=134.61 --cpu=neoverse-v1=64.19 --cpu=neoverse-v2=64.21 --cpu=apple-m1=85.49 | FileCheck %s --check-prefix=FIVE

// ONE: products: 128
// ONE-NEXT: loads: 17
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-NEXT: instructions: 53

// Of 98 instructions 80 multiply.
// FIVE: products: 320
// FIVE-NEXT: loads: 13
// FIVE-NEXT: stores: 0
// FIVE-NEXT: stack: 0
// FIVE-NEXT: instructions: 98
// FIVE: fmla: 80

func.func @main_graph(%x: tensor<ROWSx2560xf32> {onnx.name = "x"}, %p: tensor<20x2560x32xf32> {onnx.name = "p"}) -> (tensor<ROWSx640xf32> {onnx.name = "y"}) {
  %empty = tensor.empty() : tensor<ROWSx640xf32>
  %y = bit.panel_matmul ins(%x, %p : tensor<ROWSx2560xf32>, tensor<20x2560x32xf32>) outs(%empty : tensor<ROWSx640xf32>)
      kernel = #bit.kernel<generic.panel> -> tensor<ROWSx640xf32>
  return %y : tensor<ROWSx640xf32>
}
