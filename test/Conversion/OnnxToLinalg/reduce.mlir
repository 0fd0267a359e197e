// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Neighbouring axes are one innermost loop.
// CHECK-LABEL: func @last_axes
// CHECK: %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2]]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%[[X]]
// CHECK: linalg.generic
// CHECK: arith.divf
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2]] output_shape [%{{.*}}, 1, 1]
func.func @last_axes(%x: tensor<?x3x4xf32>) -> tensor<?x1x1xf32> {
  %axes = onnx.Constant dense<[2, -2]> : tensor<2xi64>
  %0 = onnx.ReduceMean %x, %axes : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x1x1xf32>
  return %0 : tensor<?x1x1xf32>
}

// CHECK-LABEL: func @all
// CHECK: tensor.collapse_shape %arg0 {{\[\[}}0, 1]]
// CHECK: iterator_types = ["reduction"]
// CHECK: arith.maximumf
func.func @all(%x: tensor<3x4xf32>) -> tensor<f32> {
  %0 = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<3x4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func @no_axes
// CHECK: iterator_types = ["parallel", "parallel"]
// CHECK: math.fma
func.func @no_axes(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = onnx.ReduceSumSquare %x {noop_with_empty_axes = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func @softmax
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
  %0 = onnx.Softmax %x : (tensor<?x10xf32>) -> tensor<?x10xf32>
  return %0 : tensor<?x10xf32>
}

// CHECK-LABEL: func @rms_norm
// CHECK: math.fma
// CHECK: math.sqrt
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}} ins(%arg0, %arg1,
// CHECK-COUNT-2: arith.mulf
func.func @rms_norm(%x: tensor<?x8xf32>, %scale: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.RMSNormalization %x, %scale : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @layer_norm
// CHECK: return %{{.*}}, %{{.*}} : tensor<2x8xf32>, tensor<2x1xf32>
func.func @layer_norm(%x: tensor<2x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>)
    -> (tensor<2x8xf32>, tensor<2x1xf32>) {
  %0, %1 = onnx.LayerNormalization %x, %s, %b {resultSegmentSizes = array<i32: 1, 0, 1>}
    : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2x1xf32>)
  return %0, %1 : tensor<2x8xf32>, tensor<2x1xf32>
}
