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
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div, dequant = direct, overflow = clamp>
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

// -----

// BitLab: eps clamps the step.
// CHECK-LABEL: func @step_clamped
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = clamp_step, scale = inverse>
func.func @step_clamped(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Clip %2, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %4 = onnx.Div %x, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Mul %5, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// 1 / (a / Q + eps).
// CHECK-LABEL: func @step_reciprocal
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = add_step, scale = recip_step>
func.func @step_reciprocal(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Add %2, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %4 = onnx.Reciprocal %3 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %5 = onnx.Mul %x, %4 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %6, %4 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// a * (1 / Q). Nothing keeps the step from being a subnormal of one bit, where
// codes are up to 3 / 2 * Q.
// CHECK-LABEL: func @step_multiplied
// CHECK: bit.linear %arg0, {{.+}} quantizer = <bits = 4, eps_mode = none, scale = inverse_mul, clamp = [-11, 10]>
func.func @step_multiplied(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %i = onnx.Constant dense<0.142857149> : tensor<f32>
  %2 = onnx.Mul %1, %i : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %4 = onnx.Div %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Mul %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// (x / a') * Q; rescaled in two steps.
// CHECK-LABEL: func @normalized_first
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = add, scale = div_mul>
func.func @normalized_first(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Add %eps, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Div %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Mul %3, %q : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Mul %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %6, %q : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// (x * Q) / a', whose overflow a clamp holds; half down.
// CHECK-LABEL: func @multiplied_first
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = mul_div, clamp = [-127, 127], rounding = half_down>
func.func @multiplied_first(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %lo = onnx.Constant dense<-127.0> : tensor<f32>
  %2 = onnx.Mul %q, %x : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = onnx.Div %2, %1 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Sub %3, %half : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Ceil %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Clip %5, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %7 = onnx.Div %1, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %8 = onnx.Mul %6, %7 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// The mean magnitude; straight-through arithmetic as x - (x - q).
// CHECK-LABEL: func @mean
// CHECK-NOT: onnx.Sub
// CHECK: bit.linear %arg0, {{.+}} quantizer = <statistic = absmean, eps_mode = none, scale = div, clamp = [-127, 127], overflow = clamp>
func.func @mean(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %lo = onnx.Constant dense<-127.0> : tensor<f32>
  %1 = onnx.ReduceMean %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Clip %4, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %7 = onnx.Sub %x, %6 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %8 = onnx.Sub %x, %7 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Straight-through arithmetic around the codes, (q - v) + v; codes go through int8 and f16.
// CHECK-LABEL: func @straight_through_codes
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div>
func.func @straight_through_codes(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Sub %4, %3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Add %5, %3 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Cast %6 {to = 3 : i64} : (tensor<3x4xf32>) -> tensor<3x4xi8>
  %8 = onnx.Cast %7 {to = 10 : i64} : (tensor<3x4xi8>) -> tensor<3x4xf16>
  %9 = onnx.Cast %8 {to = 1 : i64} : (tensor<3x4xf16>) -> tensor<3x4xf32>
  %10 = onnx.Div %9, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %10, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// After Relu, the maximum needs no Abs; Max of three.
// CHECK-LABEL: func @relu
// CHECK: %[[X:.+]] = onnx.Relu
// CHECK: bit.linear %[[X]], {{.+}} quantizer = <scale = div>
func.func @relu(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %r = onnx.Relu %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %r, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Max %zero, %1, %eps : (tensor<f32>, tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Div %q, %2 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %4 = onnx.Mul %r, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %5 = onnx.Round %4 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A reshape of whole rows comes after the quantizer, and stays.
// CHECK-LABEL: func @reshaped
// CHECK: %[[X:.+]] = onnx.Reshape %arg0, %{{.+}} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
// CHECK: bit.linear %[[X]], {{.+}} quantizer = <eps_mode = none, scale = div>
func.func @reshaped(%x: tensor<2x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<6x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %shape = onnx.Constant dense<[6, 4]> : tensor<2xi64>
  %0 = onnx.Abs %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<2x3x4xf32>, tensor<1xi64>) -> tensor<2x3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %4 = onnx.Round %3 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %6 = onnx.Reshape %5, %shape : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<6x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<6x2xf32>
  return %y : tensor<6x2xf32>
}

// -----

// All in float16, whose eps is another number; the layer reads it as float32.
// CHECK-LABEL: func @half
// CHECK-SAME: %[[X:.+]]: tensor<3x4xf16>
// CHECK: %[[F:.+]] = onnx.Cast %[[X]]
// CHECK-NOT: onnx.Round
// CHECK: bit.linear %[[F]], {{.+}} quantizer = <eps = 1.00135803E-5, scale = div, overflow = clamp, compute = f16>
func.func @half(%x: tensor<3x4xf16>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f16>
  %lo = onnx.Constant dense<-128.0> : tensor<f16>
  %q = onnx.Constant dense<127.0> : tensor<f16>
  %0 = onnx.Abs %x : (tensor<3x4xf16>) -> tensor<3x4xf16>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf16>, tensor<1xi64>) -> tensor<3x1xf16>
  %2 = onnx.Clip %1, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<3x1xf16>, tensor<f16>) -> tensor<3x1xf16>
  %3 = onnx.Div %q, %2 : (tensor<f16>, tensor<3x1xf16>) -> tensor<3x1xf16>
  %4 = onnx.Mul %x, %3 : (tensor<3x4xf16>, tensor<3x1xf16>) -> tensor<3x4xf16>
  %5 = onnx.Round %4 : (tensor<3x4xf16>) -> tensor<3x4xf16>
  %6 = onnx.Clip %5, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf16>, tensor<f16>, tensor<f16>) -> tensor<3x4xf16>
  %7 = onnx.Div %6, %3 : (tensor<3x4xf16>, tensor<3x1xf16>) -> tensor<3x4xf16>
  %8 = onnx.Cast %7 {to = 1 : i64} : (tensor<3x4xf16>) -> tensor<3x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Quantized in float32 between two casts: the one behind it only rounds.
// CHECK-LABEL: func @half_around
// CHECK-SAME: %[[X:.+]]: tensor<3x4xbf16>
// CHECK: %[[F:.+]] = onnx.Cast %[[X]]
// CHECK-NOT: onnx.Round
// CHECK: bit.linear %[[F]], {{.+}} quantizer = <scale = inverse>
func.func @half_around(%h: tensor<3x4xbf16>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %x = onnx.Cast %h {to = 1 : i64} : (tensor<3x4xbf16>) -> tensor<3x4xf32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %a = onnx.Max %1, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %2 = onnx.Div %a, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Div %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Mul %4, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %6 = onnx.Cast %5 {to = 16 : i64} : (tensor<3x4xf32>) -> tensor<3x4xbf16>
  %7 = onnx.Cast %6 {to = 1 : i64} : (tensor<3x4xbf16>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Infinite codes are clamped to what is no code, and divided by infinity.
// CHECK-LABEL: func @wide_clamp
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div, overflow = clamp>
func.func @wide_clamp(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %lo = onnx.Constant dense<-200.0> : tensor<f32>
  %hi = onnx.Constant dense<200.0> : tensor<f32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Clip %4, %lo, %hi {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Without a clamp they are NaN when divided.
// CHECK-LABEL: func @no_clamp
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div>
func.func @no_clamp(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
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

// All rows of one sample: a dimension of 1 is as good as reduced.
// CHECK-LABEL: func @one_sample
// CHECK: bit.linear %arg0, {{.+}} quantizer = <granularity = tensor, eps_mode = none, scale = div>
func.func @one_sample(%x: tensor<1x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<1x3x2xf32> {
  %axes = onnx.Constant dense<[-2, -1]> : tensor<2xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<1x3x4xf32>, tensor<2xi64>) -> tensor<1x1x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<1x3x4xf32>, tensor<1x1x1xf32>) -> tensor<1x3x4xf32>
  %4 = onnx.Round %3 : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<1x3x4xf32>, tensor<1x1x1xf32>) -> tensor<1x3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<1x3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// -----

// 1 / (max(a, eps) * (1 / Q)).
// CHECK-LABEL: func @step_by_product_reciprocal
// CHECK: bit.linear %arg0, {{.+}} quantizer = <scale = recip_step_mul>
func.func @step_by_product_reciprocal(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %inv = onnx.Constant dense<0x3C010204> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Max %1, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %2, %inv : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %4 = onnx.Div %one, %3 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %5 = onnx.Mul %x, %4 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %6, %4 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// (x * (1 / a')) * Q.
// CHECK-LABEL: func @normalized_by_reciprocal
// CHECK: bit.linear %arg0, {{.+}} quantizer = <scale = norm_mul>
func.func @normalized_by_reciprocal(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Max %1, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Reciprocal %2 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %4 = onnx.Mul %x, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %5 = onnx.Mul %q, %4 : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Div %2, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %8 = onnx.Mul %6, %7 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %8, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// (x * Q) * (1 / a'): x * Q may overflow, so that its codes need a clamp.
// CHECK-LABEL: func @multiplied_and_reciprocal
// CHECK: bit.linear %arg0, {{.+}} quantizer = <scale = mul_norm, clamp = [-127, 127]>
func.func @multiplied_and_reciprocal(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %lo = onnx.Constant dense<-127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Max %1, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %3 = onnx.Reciprocal %2 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %4 = onnx.Mul %x, %q : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %5 = onnx.Mul %4, %3 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %6 = onnx.Round %5 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %7 = onnx.Clip %6, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %8 = onnx.Div %2, %q : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %9 = onnx.Mul %7, %8 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %9, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A scale for the rows of a sample, of which there are several.
// CHECK-LABEL: func @samples
// CHECK: bit.linear %arg0, {{.+}} quantizer = <granularity = sample, eps_mode = none, scale = div>
func.func @samples(%x: tensor<?x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x3x2xf32> {
  %axes = onnx.Constant dense<[-2, -1]> : tensor<2xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x1x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<?x1x1xf32>) -> tensor<?x1x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<?x3x4xf32>, tensor<?x1x1xf32>) -> tensor<?x3x4xf32>
  %4 = onnx.Round %3 : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %5 = onnx.Div %4, %2 : (tensor<?x3x4xf32>, tensor<?x1x1xf32>) -> tensor<?x3x4xf32>
  %y = bit.linear %5, %w, %ws weights = ternary : (tensor<?x3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x3x2xf32>
  return %y : tensor<?x3x2xf32>
}

// -----

// A maximum that loses its dimension and has it back.
// CHECK-LABEL: func @unsqueezed
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div>
func.func @unsqueezed(%x: tensor<?x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %1 = onnx.ReduceMax %0, %axes {keepdims = 0 : i64} : (tensor<?x3x4xf32>, tensor<1xi64>) -> tensor<?x3xf32>
  %2 = onnx.Unsqueeze %1, %axes : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x3x1xf32>
  %3 = onnx.Div %q, %2 : (tensor<f32>, tensor<?x3x1xf32>) -> tensor<?x3x1xf32>
  %4 = onnx.Mul %x, %3 : (tensor<?x3x4xf32>, tensor<?x3x1xf32>) -> tensor<?x3x4xf32>
  %5 = onnx.Round %4 : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %6 = onnx.Div %5, %3 : (tensor<?x3x4xf32>, tensor<?x3x1xf32>) -> tensor<?x3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<?x3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x3x2xf32>
  return %y : tensor<?x3x2xf32>
}

// -----

// Q = 2^(b-1), clamped to b bits.
// CHECK-LABEL: func @power_of_two
// CHECK: bit.linear %arg0, {{.+}} quantizer = <bits = 4, max = 8, eps_mode = none, scale = div, overflow = clamp>
func.func @power_of_two(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<8.0> : tensor<f32>
  %lo = onnx.Constant dense<-8.0> : tensor<f32>
  %hi = onnx.Constant dense<7.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %3 = onnx.Mul %x, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %4 = onnx.Round %3 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %5 = onnx.Clip %4, %lo, %hi {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> tensor<3x4xf32>
  %6 = onnx.Div %5, %2 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// max(max(max x, 0), -min(min x, 0)) is max |x|.
// CHECK-LABEL: func @extremes
// CHECK: bit.linear %arg0, {{.+}} quantizer = <granularity = tensor, scale = inverse>
func.func @extremes(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<3x2xf32> {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.ReduceMin %x {keepdims = 0 : i64} : (tensor<3x4xf32>) -> tensor<f32>
  %1 = onnx.Min %zero, %0 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = onnx.Neg %1 : (tensor<f32>) -> tensor<f32>
  %3 = onnx.ReduceMax %x {keepdims = 0 : i64} : (tensor<3x4xf32>) -> tensor<f32>
  %4 = onnx.Max %3, %zero : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %5 = onnx.Max %2, %4 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %6 = onnx.Max %5, %eps : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %7 = onnx.Div %6, %q : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %8 = onnx.Div %x, %7 : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %9 = onnx.Round %8 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %10 = onnx.Mul %9, %7 : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %y = bit.linear %10, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A scale that gets its last dimension back when it is computed.
// CHECK-LABEL: func @late_dimension
// CHECK: bit.linear %arg0, {{.+}} quantizer = <scale = div>
func.func @late_dimension(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<?x2xf32> {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes {keepdims = 0 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?xf32>
  %2 = onnx.Clip %1, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %3 = onnx.Div %q, %2 : (tensor<f32>, tensor<?xf32>) -> tensor<?xf32>
  %4 = onnx.Unsqueeze %3, %axes : (tensor<?xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %5 = onnx.Mul %x, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %6 = onnx.Round %5 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = onnx.Div %6, %4 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %y = bit.linear %7, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A scale that is repeated to the shape of what it scales.
// CHECK-LABEL: func @expanded
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div>
// CHECK: bit.linear %arg0, {{.+}} quantizer = <eps_mode = none, scale = div>
// CHECK: onnx.Expand %{{.+}}, %arg3
// CHECK: bit.linear %{{[0-9]+}}, {{.+}} {bit.activations_declined = "their scale goes through Expand, which is not looked through"}
func.func @expanded(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>, %other: tensor<2xi64>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %four = onnx.Constant dense<4> : tensor<1xi64>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %shape = onnx.Shape %x : (tensor<?x4xf32>) -> tensor<2xi64>
  %3 = onnx.Expand %2, %shape : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %4 = onnx.Mul %x, %3 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = onnx.Round %4 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = onnx.Div %5, %3 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = bit.linear %6, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %rows = onnx.Shape %x {end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %sizes = onnx.Concat %rows, %four {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %7 = onnx.Expand %2, %sizes : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %8 = onnx.Mul %7, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %9 = onnx.Round %8 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %10 = onnx.Div %9, %7 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %b = bit.linear %10, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  // One row may become many.
  %11 = onnx.Expand %2, %other : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %12 = onnx.Mul %x, %11 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %13 = onnx.Round %12 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %14 = onnx.Div %13, %11 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %c = bit.linear %14, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %a, %b, %c : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
