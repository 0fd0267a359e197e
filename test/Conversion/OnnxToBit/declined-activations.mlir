// RUN: bit-opt %s --bit-recognize-activations --split-input-file | FileCheck %s

// Near misses of recognize-activations.mlir: the layer stays as it is, and so
// do its activations.

// Only the first case is written out; the others differ from it in one place.
// CHECK-LABEL: func @no_round
// CHECK: %[[X:.+]] = onnx.Div %{{.+}} -> tensor<3x4xf32>
// CHECK: bit.linear %[[X]], %arg1, %arg2 weights = ternary {bit.activations_declined = "no Round between scale and matmul{{.*}}"} :
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
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "they are quantized per channel: {{.*}}"} :
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
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "their scale is broadcast along another dimension{{.*}}"} :
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

// 300 is no code of eight bits.
// CHECK-LABEL: func @other_maximum
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "they are scaled to a maximum of 300, not to an integer of 1 to 128"} :
func.func @other_maximum(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<300.0> : tensor<f32>
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
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "they are rescaled by another factor than the one that made their codes{{.*}}"} :
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
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "they are clamped at bounds that are no integers{{.*}}"} :
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

// -----

// Codes of codes.
// CHECK-LABEL: func @rounded_twice
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "they are rounded more than once"}
func.func @rounded_twice(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %h = onnx.Constant dense<0.5> : tensor<f32>
  %5 = onnx.Mul %4, %h : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %6, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The scale of another tensor.
// CHECK-LABEL: func @other_tensor
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "their scale comes from another tensor"}
func.func @other_tensor(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %a = onnx.Abs %0 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %a, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A cast to int8 truncates, so that nothing is left to round.
// CHECK-LABEL: func @cast_before_round
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "{{.+}}"}
func.func @cast_before_round(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Cast %3 {to = 3 : i64} : (tensor<3x4xf32>) -> tensor<3x4xi8>
  %5 = onnx.Cast %4 {to = 1 : i64} : (tensor<3x4xi8>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %6, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Codes of a mean have no bounds but those of a clamp.
// CHECK-LABEL: func @unbounded_mean
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "the range of their codes is not known to fit eight bits"}
func.func @unbounded_mean(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMean %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Nothing is quantized.
// CHECK-LABEL: func @float_input
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "they are not quantized"}
func.func @float_input(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %0, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Rows of 4 are no rows of 2.
// CHECK-LABEL: func @reshaped
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "{{.+}}"} :
func.func @reshaped(%x: tensor<3x4xf32>, %w: tensor<2x2xi8>, %ws: tensor<1xf32>) -> tensor<6x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %shape = onnx.Constant dense<[6, 2]> : tensor<2xi64>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %6 = onnx.Reshape %5, %shape : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<6x2xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<6x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<6x2xf32>
  return %y : tensor<6x2xf32>
}

// -----

// A mean lets x be millions of steps: then x + (q - x) is not q.
// CHECK-LABEL: func @straight_through_mean
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "straight-through arithmetic around their codes rounds {{.+}}"} :
func.func @straight_through_mean(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %lo = onnx.Constant dense<-127.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMean %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Clip %4, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Sub %5, %3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Add %3, %6 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %8 = onnx.Div %7, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A power of the maximum that would take 2^48 steps to multiply out.
// CHECK-LABEL: func @power
// CHECK: bit.linear %{{.+}}, %arg1, %arg2 weights = ternary {bit.activations_declined = "they are rescaled by another factor than the one that made their codes"} :
func.func @power(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %s0 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %s0 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %s1 = onnx.Mul %s0, %s0 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s2 = onnx.Mul %s1, %s1 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s3 = onnx.Mul %s2, %s2 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s4 = onnx.Mul %s3, %s3 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s5 = onnx.Mul %s4, %s4 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s6 = onnx.Mul %s5, %s5 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s7 = onnx.Mul %s6, %s6 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s8 = onnx.Mul %s7, %s7 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s9 = onnx.Mul %s8, %s8 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s10 = onnx.Mul %s9, %s9 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s11 = onnx.Mul %s10, %s10 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s12 = onnx.Mul %s11, %s11 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s13 = onnx.Mul %s12, %s12 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s14 = onnx.Mul %s13, %s13 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s15 = onnx.Mul %s14, %s14 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s16 = onnx.Mul %s15, %s15 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s17 = onnx.Mul %s16, %s16 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s18 = onnx.Mul %s17, %s17 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s19 = onnx.Mul %s18, %s18 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s20 = onnx.Mul %s19, %s19 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s21 = onnx.Mul %s20, %s20 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s22 = onnx.Mul %s21, %s21 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s23 = onnx.Mul %s22, %s22 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s24 = onnx.Mul %s23, %s23 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s25 = onnx.Mul %s24, %s24 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s26 = onnx.Mul %s25, %s25 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s27 = onnx.Mul %s26, %s26 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s28 = onnx.Mul %s27, %s27 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s29 = onnx.Mul %s28, %s28 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s30 = onnx.Mul %s29, %s29 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s31 = onnx.Mul %s30, %s30 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s32 = onnx.Mul %s31, %s31 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s33 = onnx.Mul %s32, %s32 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s34 = onnx.Mul %s33, %s33 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s35 = onnx.Mul %s34, %s34 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s36 = onnx.Mul %s35, %s35 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s37 = onnx.Mul %s36, %s36 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s38 = onnx.Mul %s37, %s37 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s39 = onnx.Mul %s38, %s38 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s40 = onnx.Mul %s39, %s39 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s41 = onnx.Mul %s40, %s40 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s42 = onnx.Mul %s41, %s41 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s43 = onnx.Mul %s42, %s42 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s44 = onnx.Mul %s43, %s43 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s45 = onnx.Mul %s44, %s44 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s46 = onnx.Mul %s45, %s45 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s47 = onnx.Mul %s46, %s46 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %s48 = onnx.Mul %s47, %s47 : (tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %5 = onnx.Mul %4, %s48 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Rounded to bfloat16, 127 / a * a may be 128: without a clamp it is no code of eight bits.
// CHECK-LABEL: func @half_without_clamp
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "the range of their codes is not known to fit eight bits"} :
func.func @half_without_clamp(%x: tensor<4x4xbf16>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<4x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<bf16>
  %0 = onnx.Abs %x : (tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %1 = onnx.ReduceMax %0, %axes : (tensor<4x4xbf16>, tensor<1xi64>) -> tensor<4x1xbf16>
  %2 = onnx.Div %q, %1 : (tensor<bf16>, tensor<4x1xbf16>) -> tensor<4x1xbf16>
  %3 = onnx.Mul %x, %2 : (tensor<4x4xbf16>, tensor<4x1xbf16>) -> tensor<4x4xbf16>
  %4 = onnx.Round %3 : (tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %5 = onnx.Div %4, %2 : (tensor<4x4xbf16>, tensor<4x1xbf16>) -> tensor<4x4xbf16>
  %6 = onnx.Cast %5 {to = 1 : i64} : (tensor<4x4xbf16>) -> tensor<4x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<4x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Without eps: infinite codes of one sign are clamped, those of the other become NaN.
// CHECK-LABEL: func @one_bound
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "no eps keeps their scale finite, and their codes are clamped on one side only"} :
func.func @one_bound(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %lo = onnx.Constant dense<-128.0> : tensor<f32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Max %4, %lo : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Without eps and clamp: infinite codes times a / 127 are infinite.
// CHECK-LABEL: func @infinite_codes
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "no eps keeps their scale finite: values too small for it have infinite codes{{.*}}"} :
func.func @infinite_codes(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %6 = onnx.Mul %4, %5 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A scale for each position, in all samples.
// CHECK-LABEL: func @positions
// CHECK: bit.activations_declined = "a scale is shared by several rows, which are neither all nor those of one index of the first dimension"
func.func @positions(%x: tensor<?x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x3x2xf32> {
  %axes = onnx.Constant dense<[0, -1]> : tensor<2xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<1x3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<?x3x4xf32>, tensor<1x3x1xf32>) -> tensor<?x3x4xf32>
  %4 = onnx.Round %3 : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<?x3x4xf32>, tensor<1x3x1xf32>) -> tensor<?x3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<?x3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x3x2xf32>
  return %y : tensor<?x3x2xf32>
}

// -----

// 127.5 is near to 127 as bfloat16 goes, but it is another number.
// CHECK-LABEL: func @near_factor
// CHECK: bit.linear %{{[0-9]+}}, %arg{{[12]}}, %arg{{[23]}} weights = ternary {bit.activations_declined = "they are rescaled by another factor than the one that made their codes"} :
func.func @near_factor(%x: tensor<4x4xbf16>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<4x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %lo = onnx.Constant dense<-127.0> : tensor<bf16>
  %q = onnx.Constant dense<127.0> : tensor<bf16>
  %other = onnx.Constant dense<127.5> : tensor<bf16>
  %0 = onnx.Abs %x : (tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %1 = onnx.ReduceMax %0, %axes : (tensor<4x4xbf16>, tensor<1xi64>) -> tensor<4x1xbf16>
  %2 = onnx.Div %q, %1 : (tensor<bf16>, tensor<4x1xbf16>) -> tensor<4x1xbf16>
  %3 = onnx.Mul %x, %2 : (tensor<4x4xbf16>, tensor<4x1xbf16>) -> tensor<4x4xbf16>
  %4 = onnx.Round %3 : (tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %5 = onnx.Clip %4, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<4x4xbf16>, tensor<bf16>, tensor<bf16>) -> tensor<4x4xbf16>
  %6 = onnx.Div %1, %other : (tensor<4x1xbf16>, tensor<bf16>) -> tensor<4x1xbf16>
  %7 = onnx.Mul %5, %6 : (tensor<4x4xbf16>, tensor<4x1xbf16>) -> tensor<4x4xbf16>
  %8 = onnx.Cast %7 {to = 1 : i64} : (tensor<4x4xbf16>) -> tensor<4x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<4x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// The maximum of relu(x) says nothing of values below 0.
// CHECK-LABEL: func @maximum_of_relu
// CHECK: bit.activations_declined = "their scale comes from the maximum of Relu, which negative values may exceed"
func.func @maximum_of_relu(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Relu %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Infinite codes enter the product, and a step, not the scale, rescales it.
// CHECK-LABEL: func @infinite_codes_in_the_product
// CHECK: bit.activations_declined = "codes enter the product, and no eps keeps their scale finite: {{.*}}"
func.func @infinite_codes_in_the_product(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Reciprocal %1 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %4, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %5 = onnx.Mul %y, %1 : (tensor<3x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
  return %5 : tensor<3x2xf32>
}

// -----

// A step that is a subnormal of one bit gives codes of more than eight bits.
// CHECK-LABEL: func @short_step
// CHECK: bit.activations_declined = "no eps keeps their step from being a subnormal of a few bits, which gives codes up to 190: they need an eps, or a clamp to eight bits"
func.func @short_step(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Div %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Mul %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// What hides a scale is named, and so is a quantizer that is not made of Round.
// CHECK-LABEL: func @hidden_scale
// CHECK: bit.activations_declined = "their scale goes through Expand, which is not looked through"
// CHECK: bit.activations_declined = "they are scaled by a constant, not by their own maximum"
// CHECK: bit.activations_declined = "QuantizeLinear with a scale that is not constant is not looked through"
// CHECK: bit.activations_declined = "their quantizer has a zero point that depends on them, codes of a layer have none"
func.func @hidden_scale(%x: tensor<3x4xf32>, %shape: tensor<2xi64>, %s: tensor<f32>, %z: tensor<i8>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %zero = onnx.Constant dense<0> : tensor<i8>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Expand %2, %shape : (tensor<3x1xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  %4 = onnx.Mul %x, %3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %a = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %7 = onnx.QuantizeLinear %x, %q, %zero : (tensor<3x4xf32>, tensor<f32>, tensor<i8>) -> tensor<3x4xi8>
  %8 = onnx.DequantizeLinear %7, %q, %zero : (tensor<3x4xi8>, tensor<f32>, tensor<i8>) -> tensor<3x4xf32>
  %b = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %9 = onnx.QuantizeLinear %x, %s, %zero : (tensor<3x4xf32>, tensor<f32>, tensor<i8>) -> tensor<3x4xi8>
  %10 = onnx.DequantizeLinear %9, %s, %zero : (tensor<3x4xi8>, tensor<f32>, tensor<i8>) -> tensor<3x4xf32>
  %c = bit.linear %10, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %11 = onnx.QuantizeLinear %x, %s, %z : (tensor<3x4xf32>, tensor<f32>, tensor<i8>) -> tensor<3x4xi8>
  %12 = onnx.DequantizeLinear %11, %s, %z : (tensor<3x4xi8>, tensor<f32>, tensor<i8>) -> tensor<3x4xf32>
  %d = bit.linear %12, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %a, %b, %c, %d : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// Clamped by Where.
// CHECK-LABEL: func @clamped_by_where
// CHECK: bit.activations_declined = "Where between Round and matmul is neither Clip nor Min and Max"
func.func @clamped_by_where(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Round %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.Greater %0, %q : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xi1>
  %2 = onnx.Where %1, %q, %0 : (tensor<3x4xi1>, tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %2, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
