// The inner loop of a convolution by panels: an element of x for 4 pixels and 3 taps is one lane, not a load to all.

// RUN: bit-opt %s --target=aarch64 --level=neon --emit=asm -o %t.s
// RUN: %hot_loop %t.s --product=fmla=16 --cpu=neoverse-n1=192.24 --cpu=neoverse-v1=64.35 --cpu=neoverse-v2=80.29 --cpu=apple-m1=85.63 | FileCheck %s

// CHECK: products: 192
// CHECK-NEXT: loads: 18
// CHECK-NEXT: stores: 0
// CHECK-NEXT: stack: 0
// CHECK: fmla: 48
// CHECK-NOT: ld1r

func.func @main_graph(%x: tensor<1x64x58x58xf32> {onnx.name = "x"}, %p: tensor<2x576x32xf32> {onnx.name = "p"}) -> (tensor<1x64x56x56xf32> {onnx.name = "y"}) {
  %empty = tensor.empty() : tensor<1x64x56x56xf32>
  %y = bit.panel_conv ins(%x, %p : tensor<1x64x58x58xf32>, tensor<2x576x32xf32>) outs(%empty : tensor<1x64x56x56xf32>)
      window = [3, 3] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<generic.panel> -> tensor<1x64x56x56xf32>
  return %y : tensor<1x64x56x56xf32>
}
