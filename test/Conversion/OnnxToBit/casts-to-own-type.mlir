// RUN: bit-opt %s --bit-recognize-activations --split-input-file | FileCheck %s

// As TorchScript exports x.float() of a float, before and after the quantizer.
// CHECK-LABEL: func @own_type
// CHECK-SAME: %[[X:.+]]: tensor<?x4xf32>
// CHECK-NOT: onnx.Cast
// CHECK: bit.linear %[[X]], {{.+}} weights = ternary quantizer = <> :
func.func @own_type(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %lo = onnx.Constant dense<-128.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %f = onnx.Cast %x {to = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = onnx.Abs %f : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Clip %1, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Reciprocal %2 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Mul %3, %q : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %5 = onnx.Mul %x, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %6 = onnx.Round %5 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = onnx.Clip %6, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x4xf32>, tensor<f32>, tensor<f32>) -> tensor<?x4xf32>
  %8 = onnx.Div %7, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %9 = onnx.Cast %8 {to = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = bit.linear %9, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A cast that rounds makes another tensor: the scale is not x's own.
// CHECK-LABEL: func @half_between
// CHECK: onnx.Cast
// CHECK: onnx.Cast
// CHECK: onnx.Round
// CHECK: bit.linear
// CHECK-NOT: quantizer = <
func.func @half_between(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %lo = onnx.Constant dense<-128.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %h = onnx.Cast %x {to = 10 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf16>
  %f = onnx.Cast %h {to = 1 : i64} : (tensor<?x4xf16>) -> tensor<?x4xf32>
  %0 = onnx.Abs %f : (tensor<?x4xf32>) -> tensor<?x4xf32>
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

// Factors of 1 change nothing; others do, and so does one that makes rows.
// CHECK-LABEL: func @factors_of_one
// CHECK: %[[A:.+]] = onnx.Div %{{.+}}, %arg0
// CHECK: %[[B:.+]] = onnx.Mul %arg1, %{{.+}} : (tensor<4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
// CHECK: return %arg0, %arg0, %[[A]], %[[B]]
func.func @factors_of_one(%x: tensor<3x4xf32>, %v: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %ones = onnx.Constant dense<1.0> : tensor<3x1xf32>
  %0 = onnx.Mul %one, %x : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.Div %x, %one : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %2 = onnx.Div %one, %x : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = onnx.Mul %v, %ones : (tensor<4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  return %0, %1, %2, %3 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}
