// RUN: bit-opt %s --bit-decompose-linear --cse --split-input-file | FileCheck %s

// Leading dimensions are collapsed, dynamic ones too, and come back.
// CHECK-LABEL: @leading_dims
// CHECK-SAME: %[[X:.*]]: tensor<?x3x8xf32>
func.func @leading_dims(%x: tensor<?x3x8xf32>, %codes: tensor<4x8xi8>, %s: tensor<1xf32>, %b: tensor<4xf32>) -> tensor<?x3x4xf32> {
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<?x3x8xf32> into tensor<?x8xf32>
  // CHECK: bit.absmax_quantize ins(%[[ROWS]] : tensor<?x8xf32>) {{.*}} quantizer = <bits = 4>
  // CHECK: bit.ternary_matmul {{.*}} weights = ternary range = [-8, 7] : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4xi32>
  // CHECK: bit.rescale {{.*}} bias {{.*}} {bit.layer = {name = "fc"}}
  // CHECK: tensor.expand_shape {{.*}} {{\[\[}}0, 1], [2]] output_shape [%{{.*}}, 3, 4] : tensor<?x4xf32> into tensor<?x3x4xf32>
  %y = bit.linear %x, %codes, %s bias %b weights = ternary quantizer = <bits = 4> {bit.layer = {name = "fc"}}
      : (tensor<?x3x8xf32>, tensor<4x8xi8>, tensor<1xf32>, tensor<4xf32>) -> tensor<?x3x4xf32>
  return %y : tensor<?x3x4xf32>
}

// -----

// Three layers that quantize one value alike quantize it once; the fourth has
// another quantizer.
// CHECK-LABEL: @shared_quantizer
// CHECK-COUNT-2: bit.absmax_quantize
// CHECK-NOT: bit.absmax_quantize
func.func @shared_quantizer(%x: tensor<?x8xf32>, %w: tensor<4x8xi8>, %v: tensor<2x8xi8>, %s: tensor<1xf32>)
    -> (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x4xf32>) {
  %q = bit.linear %x, %w, %s weights = ternary quantizer = <> : (tensor<?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x4xf32>
  %k = bit.linear %x, %v, %s weights = ternary quantizer = <> : (tensor<?x8xf32>, tensor<2x8xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %o = bit.linear %x, %w, %s weights = ternary quantizer = <scale = div> : (tensor<?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x4xf32>
  return %q, %k, %o : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x4xf32>
}

// -----

// CHECK-LABEL: @group_scales
func.func @group_scales(%x: tensor<2x8xf32>, %w: tensor<4x8xi8>, %s: tensor<4x2xf32>) -> tensor<2x4xf32> {
  // CHECK: outs({{.*}} : tensor<2x8xi8>, tensor<f32>, tensor<2xi32>)
  // CHECK: bit.ternary_matmul {{.*}} groups = 2 : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4x2xi32>
  // CHECK: bit.rescale {{.*}} : (tensor<2x4x2xi32>, tensor<f32>, tensor<4x2xf32>) -> tensor<2x4xf32>
  %y = bit.linear %x, %w, %s weights = binary quantizer = <granularity = tensor>
      : (tensor<2x8xf32>, tensor<4x8xi8>, tensor<4x2xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// One token without a batch, in half precision.
// CHECK-LABEL: @vector
func.func @vector(%x: tensor<8xf16>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<4xf16> {
  // CHECK: arith.extf %{{.*}} : tensor<8xf16> to tensor<8xf32>
  // CHECK: tensor.expand_shape {{.*}} : tensor<8xf32> into tensor<1x8xf32>
  // CHECK: bit.rescale
  // CHECK: tensor.collapse_shape
  // CHECK: arith.truncf %{{.*}} : tensor<4xf32> to tensor<4xf16>
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <> : (tensor<8xf16>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<4xf16>
  return %y : tensor<4xf16>
}

// -----

// Float activations stay float: only the shape changes.
// CHECK-LABEL: @float_activations
func.func @float_activations(%x: tensor<?x?x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<?x?x4xf32> {
  // CHECK-NOT: bit.absmax_quantize
  // CHECK: bit.linear {{.*}} weights = ternary {bit.layer = 1 : i64} : (tensor<?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x4xf32>
  %y = bit.linear %x, %w, %s weights = ternary {bit.layer = 1 : i64} : (tensor<?x?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// Rows that share the scale of a sample are quantized before they are a matrix.
// CHECK-LABEL: @samples
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>
func.func @samples(%x: tensor<?x?x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<?x?x4xf32> {
  // CHECK: %[[CODES:.*]], %[[SCALE:.*]], %{{.*}} = bit.absmax_quantize ins(%[[X]] : tensor<?x?x8xf32>) outs({{.*}} : tensor<?x?x8xi8>, tensor<?x?xf32>, tensor<?x?xi32>) quantizer = <granularity = sample>
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[CODES]] {{\[\[}}0, 1], [2]]
  // CHECK: %[[SCALES:.*]] = tensor.collapse_shape %[[SCALE]] {{\[\[}}0, 1]]
  // CHECK: %[[ACC:.*]] = bit.ternary_matmul %[[ROWS]]
  // CHECK: bit.rescale %[[ACC]], %[[SCALES]], %{{.*}} -> tensor<?x4xf32>
  // CHECK: tensor.expand_shape
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <granularity = sample>
      : (tensor<?x?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// Rows of a tensor too small for its scale are NaN where they have zeros, the
// others are not: each has a scale.
// CHECK-LABEL: @overflow_of_rows
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
func.func @overflow_of_rows(%x: tensor<?x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[SAMPLE:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0, 1], [2]] {{.*}} into tensor<1x?x8xf32>
  // CHECK: %[[CODES:.*]], %[[SCALE:.*]], %{{.*}} = bit.absmax_quantize ins(%[[SAMPLE]] : tensor<1x?x8xf32>) {{.*}} quantizer = <granularity = sample, eps_mode = none, overflow = clamp>
  // CHECK-DAG: tensor.collapse_shape %[[CODES]] {{\[\[}}0, 1], [2]]
  // CHECK-DAG: tensor.collapse_shape %[[SCALE]] {{\[\[}}0, 1]]
  // CHECK: bit.rescale {{.*}} : (tensor<?x4xi32>, tensor<?xf32>, tensor<1xf32>) -> tensor<?x4xf32>
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <granularity = tensor, eps_mode = none, overflow = clamp>
      : (tensor<?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
