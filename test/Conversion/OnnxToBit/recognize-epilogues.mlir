// RUN: bit-opt %s --bit-recognize-epilogues --split-input-file | FileCheck %s

// CHECK-LABEL: func @bias_first
// CHECK: bit.linear %arg0, %arg1, %arg2 bias %arg3 weights = ternary {bit.layer = {name = "l"}}
// CHECK-NOT: onnx.Add
func.func @bias_first(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
  %y = bit.linear %x, %w, %ws weights = ternary {bit.layer = {name = "l"}} : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %z = onnx.Add %b, %y : (tensor<2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

// The bias is added before the scale, so that it is scaled, too.
// CHECK-LABEL: func @scale_after_bias
// CHECK-DAG: %[[B:.+]] = arith.constant dense<[2.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[S:.+]] = arith.constant dense<[1.000000e+00, 1.500000e+00]> : tensor<2xf32>
// CHECK: bit.linear %arg0, %arg1, %[[S]] bias %[[B]]
// CHECK-NOT: onnx.Mul
func.func @scale_after_bias(%x: tensor<1x4xf32>, %w: tensor<2x4xi8>) -> tensor<1x2xf32> {
  %ws = arith.constant dense<0.5> : tensor<1xf32>
  %b = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  %f = onnx.Constant dense<[2.0, 3.0]> : tensor<2xf32>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  %z = onnx.Add %y, %b : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %u = onnx.Mul %z, %f : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %u : tensor<1x2xf32>
}

// -----

// Written for inference: codes into the product, both scales divided out.
// CHECK-LABEL: func @codes
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK: %[[S:.+]] = arith.constant dense<2.500000e-01> : tensor<1xf32>
// CHECK-NOT: onnx.Div
// CHECK: bit.linear %[[X]], %{{.+}}, %[[S]] bias %{{.+}} weights = ternary quantizer = <eps_mode = none>
func.func @codes(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
  %ws = arith.constant dense<1.0> : tensor<1xf32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Reciprocal %1 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %3 = onnx.Mul %q, %2 : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Mul %x, %3 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %5 = onnx.Round %4 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = bit.linear %5, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %7 = onnx.Div %6, %four : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %8 = onnx.Div %7, %3 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %9 = onnx.Add %8, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %9 : tensor<?x2xf32>
}

// -----

// One division by the product of both scales.
// CHECK-LABEL: func @scale_product
// CHECK: %[[S:.+]] = arith.constant dense<2.500000e-01> : tensor<1xf32>
// CHECK: bit.linear %arg0, %arg1, %[[S]] weights = ternary quantizer = <eps_mode = none>
func.func @scale_product(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>) -> tensor<?x2xf32> {
  %ws = arith.constant dense<1.0> : tensor<1xf32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %four = onnx.Constant dense<4.0> : tensor<1xf32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Reciprocal %1 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %3 = onnx.Mul %q, %2 : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Mul %x, %3 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %5 = onnx.Round %4 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = bit.linear %5, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %7 = onnx.Mul %four, %3 : (tensor<1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %8 = onnx.Div %6, %7 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %8 : tensor<?x2xf32>
}

// -----

// The sum has another user: the layer keeps its result.
// CHECK-LABEL: func @other_user
// CHECK: bit.linear %arg0, %arg1, %arg2 weights
// CHECK: onnx.Add
func.func @other_user(%x: tensor<1x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>, %b: tensor<2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  %z = onnx.Add %y, %b : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// A residual is no bias, a vector that broadcasts the layer neither.
// CHECK-LABEL: func @residual
// CHECK: bit.linear %arg0, %arg1, %arg2 weights
// CHECK: onnx.Add
func.func @residual(%x: tensor<1x2xf32>, %w: tensor<2x2xi8>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  %z = onnx.Add %y, %x : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  return %z : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func @zero_divisor
// CHECK: bit.linear
// CHECK: onnx.Div
func.func @zero_divisor(%x: tensor<1x4xf32>, %w: tensor<2x4xi8>) -> tensor<1x2xf32> {
  %ws = arith.constant dense<0.5> : tensor<1xf32>
  %f = onnx.Constant dense<0.0> : tensor<f32>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  %u = onnx.Div %y, %f : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  return %u : tensor<1x2xf32>
}

// -----

// A bias of rank 3 becomes a vector.
// CHECK-LABEL: func @bias_of_rank_3
// CHECK: %[[B:.+]] = onnx.Reshape %arg3, %{{.+}} : (tensor<1x1x2xf32>, tensor<1xi64>) -> tensor<2xf32>
// CHECK: bit.linear %arg0, %arg1, %arg2 bias %[[B]]
// CHECK-NOT: onnx.Add
func.func @bias_of_rank_3(%x: tensor<?x3x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>, %b: tensor<1x1x2xf32>) -> tensor<?x3x2xf32> {
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<?x3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x3x2xf32>
  %z = onnx.Add %y, %b : (tensor<?x3x2xf32>, tensor<1x1x2xf32>) -> tensor<?x3x2xf32>
  return %z : tensor<?x3x2xf32>
}

// -----

// One row for each row is no bias.
// CHECK-LABEL: func @row_for_each_row
// CHECK: onnx.Add
func.func @row_for_each_row(%x: tensor<2x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>, %b: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<2x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<2x2xf32>
  %z = onnx.Add %y, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %z : tensor<2x2xf32>
}

// -----

// The bias comes before the rescaling: it is rescaled on its own. The reason of
// the step before is gone.
// CHECK-LABEL: func @bias_before_rescale
// CHECK: %[[A:.+]] = onnx.ReduceMax
// CHECK: %[[D:.+]] = onnx.Div %[[A]]
// CHECK: %[[Y:.+]] = bit.linear %arg0, %arg1, %{{.+}} weights = ternary quantizer = <bits = 4, eps_mode = none, scale = inverse, clamp = [-11, 10]> :
// CHECK: %[[B:.+]] = onnx.Mul %arg2, %[[D]] : (tensor<2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
// CHECK: onnx.Add %[[Y]], %[[B]]
func.func @bias_before_rescale(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
  %ws = arith.constant dense<1.0> : tensor<1xf32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<7.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Div %1, %q : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Div %x, %2 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %4 = onnx.Round %3 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = bit.linear %4, %w, %ws bias %b weights = ternary {bit.activations_declined = "codes"} : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %6 = onnx.Mul %5, %2 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %6 : tensor<?x2xf32>
}

// -----

// Behind the cast of a layer's result to a half: scale and bias move before it.
// CHECK-LABEL: func @half
// CHECK-DAG: %[[S:.+]] = arith.constant dense<2.500000e-01> : tensor<1xf32>
// CHECK-DAG: %[[B:.+]] = onnx.Cast %arg2
// CHECK: %[[Y:.+]] = bit.linear %arg0, %arg1, %[[S]] bias %[[B]]
// CHECK: %[[H:.+]] = onnx.Cast %[[Y]] {{.*}} -> tensor<3x2xf16>
// CHECK: return %[[H]]
func.func @half(%x: tensor<3x4xf32>, %w: tensor<2x4xi8>, %b: tensor<2xf16>) -> tensor<3x2xf16> {
  %ws = arith.constant dense<1.0> : tensor<1xf32>
  %four = onnx.Constant dense<4.0> : tensor<f16>
  %0 = bit.linear %x, %w, %ws weights = ternary : (tensor<3x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %1 = onnx.Cast %0 {to = 10 : i64} : (tensor<3x2xf32>) -> tensor<3x2xf16>
  %2 = onnx.Div %1, %four : (tensor<3x2xf16>, tensor<f16>) -> tensor<3x2xf16>
  %3 = onnx.Add %2, %b : (tensor<3x2xf16>, tensor<2xf16>) -> tensor<3x2xf16>
  return %3 : tensor<3x2xf16>
}

// -----

// Scales of --quantize=all become constants when the weights are packed, and
// so do their multiples.
// CHECK-LABEL: func @scale_of_groups
// CHECK-DAG: %[[FACTORS:.+]] = arith.constant dense<{{\[\[}}2.000000e+00, 2.000000e+00], [3.000000e+00, 3.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[TWO:.+]] = arith.constant dense<2.000000e+00> : tensor<2x2xf32>
// CHECK-DAG: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight
// CHECK: %[[SCALED:.+]] = arith.mulf %[[SCALES]], %[[FACTORS]]
// CHECK: %[[DIVIDED:.+]] = arith.divf %[[SCALED]], %[[TWO]]
// CHECK: bit.linear %arg0, %[[CODES]], %[[DIVIDED]] weights
// CHECK-NOT: onnx.
func.func @scale_of_groups(%x: tensor<1x4xf32>, %w: tensor<2x4xf32>) -> tensor<1x2xf32> {
  %f = onnx.Constant dense<[2.0, 3.0]> : tensor<2xf32>
  %d = onnx.Constant dense<2.0> : tensor<f32>
  %codes, %scales = bit.quantize_weight %w scheme = fit granularity = group group = 2 : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2x2xf32>
  %y = bit.linear %x, %codes, %scales weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %z = onnx.Mul %y, %f : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %u = onnx.Div %z, %d : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  return %u : tensor<1x2xf32>
}

// -----

// One scale for all is not multiplied by one factor for each.
// CHECK-LABEL: func @scale_of_tensor
// CHECK: bit.linear %arg0, %{{.+}}, %scales weights
// CHECK: onnx.Mul
func.func @scale_of_tensor(%x: tensor<1x4xf32>, %w: tensor<2x4xf32>) -> tensor<1x2xf32> {
  %f = onnx.Constant dense<[2.0, 3.0]> : tensor<2xf32>
  %codes, %scales = bit.quantize_weight %w scheme = fit granularity = tensor : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<1xf32>
  %y = bit.linear %x, %codes, %scales weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  %z = onnx.Mul %y, %f : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %z : tensor<1x2xf32>
}

// -----

// A constant bias of rank 2 is one, too: what scales it later is multiplied
// into it.
// CHECK-LABEL: func @matrix_bias_scaled
// CHECK-DAG: %[[B:.+]] = arith.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[S:.+]] = arith.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK: bit.linear %arg0, %arg1, %[[S]] bias %[[B]]
// CHECK-NOT: onnx.Mul
func.func @matrix_bias_scaled(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>) -> tensor<?x2xf32> {
  %ws = arith.constant dense<0.5> : tensor<1xf32>
  %b = onnx.Constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %f = onnx.Constant dense<2.0> : tensor<f32>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %z = onnx.Add %b, %y : (tensor<1x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %u = onnx.Mul %z, %f : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %u : tensor<?x2xf32>
}

// -----

// Codes that nothing rescales stand for themselves.
// CHECK-LABEL: func @codes_alone
// CHECK: bit.linear %arg0, {{.+}} quantizer = <granularity = tensor, eps_mode = none, scale = div, dequant = none>
func.func @codes_alone(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>) -> tensor<?x2xf32> {
  %ws = arith.constant dense<0.5> : tensor<1xf32>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %0 = onnx.Abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.ReduceMax %0 {keepdims = 0 : i64} : (tensor<?x4xf32>) -> tensor<f32>
  %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = onnx.Mul %x, %2 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %4 = onnx.Round %3 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = onnx.Cast %4 {to = 3 : i64} : (tensor<?x4xf32>) -> tensor<?x4xi8>
  %6 = onnx.Cast %5 {to = 1 : i64} : (tensor<?x4xi8>) -> tensor<?x4xf32>
  %y = bit.linear %6, %w, %ws weights = ternary : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
