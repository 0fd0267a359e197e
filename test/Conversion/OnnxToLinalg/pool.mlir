// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Padding is what no maximum picks; rounded up, the last window ends behind it.
// CHECK-LABEL: func @max
// CHECK: arith.constant 0xFF800000
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 0, 1] [1, 2, 8] [1, 1, 1] : tensor<1x2x8xf32> into tensor<1x2x11xf32>
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "reduction", "parallel"
// CHECK: arith.maximumf
func.func @max(%x: tensor<1x2x8xf32>) -> tensor<1x2x5xf32> {
  %0 = onnx.MaxPool %x {kernel_shape = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 1>, ceil_mode = 1 : i64}
    : (tensor<1x2x8xf32>) -> tensor<1x2x5xf32>
  return %0 : tensor<1x2x5xf32>
}

// CHECK-LABEL: func @unsigned
// CHECK: arith.maxui
func.func @unsigned(%x: tensor<1x2x8xui8>) -> tensor<1x2x7xui8> {
  %0 = onnx.MaxPool %x {kernel_shape = array<i64: 2>} : (tensor<1x2x8xui8>) -> tensor<1x2x7xui8>
  return %0 : tensor<1x2x7xui8>
}

// CHECK-LABEL: func @indices
// CHECK: linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>)
// CHECK: linalg.index
func.func @indices(%x: tensor<1x1x4x4xf32>) -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>) {
  %0:2 = onnx.MaxPool %x {kernel_shape = array<i64: 2, 2>}
    : (tensor<1x1x4x4xf32>) -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>)
  return %0#0, %0#1 : tensor<1x1x3x3xf32>, tensor<1x1x3x3xi64>
}

// CHECK-LABEL: func @average
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: linalg.index 2
// CHECK: arith.divf
func.func @average(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %0 = onnx.AveragePool %x {kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>}
    : (tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return %0 : tensor<1x2x8xf32>
}

// CHECK-LABEL: func @global
// CHECK: tensor.collapse_shape %arg0 {{\[\[}}0], [1], [2, 3]]
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "reduction"
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 2, 1, 1]
func.func @global(%x: tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32> {
  %0 = onnx.GlobalAveragePool %x : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
  return %0 : tensor<1x2x1x1xf32>
}
