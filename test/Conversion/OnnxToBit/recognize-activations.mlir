// RUN: bit-opt %s --bit-recognize-activations --split-input-file | FileCheck %s

// Every form keeps its own attributes; defaults are not printed.

// CHECK-LABEL: func @b158
// CHECK-SAME: %[[X:.+]]: tensor<?x4xf32>
// CHECK-NOT: onnx.Round
// CHECK: bit.linear %[[X]], {{.+}} weights = ternary quantizer = <> :
func.func @b158(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %lo = onnx.Constant dense<-128.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Clip %1, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Reciprocal %2 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Mul %3, %q : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %5 = onnx.Mul %x, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %6 = onnx.Round %5 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = onnx.Clip %6, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x4xf32>, tensor<f32>, tensor<f32>) -> tensor<?x4xf32>
  %8 = onnx.Div %7, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Straight-through arithmetic is gone; 4 bits, Div, Max, Min and Max.
// CHECK-LABEL: func @straight_through
// CHECK-SAME: %[[X:.+]]: tensor<3x4xf32>
// CHECK-NOT: onnx.Sub
// CHECK: bit.linear %[[X]], {{.+}} quantizer = <bits = 4, eps = {{.*}}, scale = div, clamp = [-7, 7]>
func.func @straight_through(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-6> : tensor<f32>
  %lo = onnx.Constant dense<-7.0> : tensor<f32>
  %q = onnx.Constant dense<7.0> : tensor<1xf32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Max %eps, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Div %q, %2 : (tensor<1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %4 = onnx.Mul %3, %x : (tensor<3x1xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Max %5, %lo : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %7 = onnx.Min %6, %q : (tensor<3x4xf32>, tensor<1xf32>) -> tensor<3x4xf32>
  %8 = onnx.Div %7, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %9 = onnx.Sub %8, %x : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %10 = onnx.Add %x, %9 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %10, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// One scale for the tensor, an added eps, d = a' / Q, half up, no clamp.
// CHECK-LABEL: func @inverse
// CHECK: bit.linear %arg0, {{.+}} quantizer = <granularity = tensor, eps_mode = add, scale = inverse, rounding = half_up>
func.func @inverse(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0 {keepdims = 0 : i64} : (tensor<3x4xf32>) -> tensor<f32>
  %2 = onnx.Add %1, %eps : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = onnx.Div %2, %q : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %4 = onnx.Div %x, %3 : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Add %4, %half : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Floor %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Mul %3, %6 : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Rescaled by a second chain, a' / Q, after a trip through int8.
// CHECK-LABEL: func @direct
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div, dequant = direct>
func.func @direct(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %lo = onnx.Constant dense<-128.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Clip %3, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Cast %5 {to = 3 : i64} : (tensor<3x4xf32>) -> tensor<3x4xi8>
  %7 = onnx.Cast %6 {to = 1 : i64} : (tensor<3x4xi8>) -> tensor<3x4xf32>
  %8 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %9 = onnx.Mul %7, %8 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %9, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Two layers share a quantizer, and another user keeps its result.
// CHECK-LABEL: func @shared
// CHECK: %[[Q:.+]] = onnx.Div
// CHECK-DAG: bit.linear %arg0, %arg1, {{.+}} quantizer = <eps_mode = none>
// CHECK-DAG: bit.linear %arg0, %arg2, {{.+}} quantizer = <eps_mode = none>
// CHECK: return %{{.+}}, %{{.+}}, %[[Q]]
func.func @shared(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %v: tensor<2x4xi8>, %ws: tensor<1xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x4xf32>) {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Reciprocal %1 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %q, %2 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %4 = onnx.Mul %x, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %z = bit.linear %6, %v, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y, %z, %6 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x4xf32>
}
