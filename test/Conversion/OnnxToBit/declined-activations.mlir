// RUN: bit-opt %s --bit-recognize-activations --split-input-file | FileCheck %s

// Near misses of recognize-activations.mlir: the layer stays as it is, and so
// do its activations.

// Only the first case is written out; the others differ from it in one place.
// CHECK-LABEL: func @no_round
// CHECK: %[[X:.+]] = onnx.Div %{{.+}} -> tensor<3x4xf32>
// CHECK: bit.linear %[[X]], %arg1, %arg2 weights = ternary :
func.func @no_round(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Div %3, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %4, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The maximum is over the first axis: its scales belong to k.
// CHECK-LABEL: func @other_axis
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary :
func.func @other_axis(%x: tensor<4x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<4x2xf32> {
  %axes = onnx.Constant dense<0> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<4x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %3 = onnx.Mul %x, %2 : (tensor<4x4xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>
  %4 = onnx.Round %3 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<4x4xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<4x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Without keepdims the maxima of the rows scale the columns.
// CHECK-LABEL: func @dropped_axis
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary :
func.func @dropped_axis(%x: tensor<4x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<4x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = onnx.ReduceMax %0, %axes {keepdims = 0 : i64} : (tensor<4x4xf32>, tensor<1xi64>) -> tensor<4xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Mul %x, %2 : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %4 = onnx.Round %3 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<4x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// 100 is no Q of any number of bits.
// CHECK-LABEL: func @other_maximum
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary :
func.func @other_maximum(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<100.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Rescaled by another value than the one that made the codes.
// CHECK-LABEL: func @other_rescale
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary :
func.func @other_rescale(%x: tensor<3x4xf32>, %z: tensor<3x1xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Div %4, %z : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The codes are clamped at values between integers.
// CHECK-LABEL: func @fractional_clamp
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary :
func.func @fractional_clamp(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %lo = onnx.Constant dense<-127.5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Clip %3, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
