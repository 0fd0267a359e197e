// RUN: bit-opt %s --bit-quantize-weights --split-input-file --verify-diagnostics | FileCheck %s

// Each scheme on one row: |w| is 0.25, 1, 2, 0, 0.75, mean 0.8, median 0.75.
// CHECK-LABEL: @schemes
func.func @schemes() -> (tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>,
                         tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) {
  %w = arith.constant dense<[[0.25, -1.0, 2.0, 0.0, 0.75]]> : tensor<1x5xf32>
  // CHECK: dense<8.000000e-01>
  // CHECK-NEXT: dense<{{\[\[}}0, -1, 1, 0, 1]]> : tensor<1x5xi8>
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1xf32>
  // CHECK: dense<7.500000e-01>
  // CHECK-NEXT: dense<{{\[\[}}0, -1, 1, 0, 1]]> : tensor<1x5xi8>
  %1:2 = bit.quantize_weight %w scheme = absmedian granularity = tensor : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1xf32>
  // The threshold is 0.56, the mean above it 1.25.
  // CHECK: dense<1.250000e+00>
  // CHECK-NEXT: dense<{{\[\[}}0, -1, 1, 0, 1]]> : tensor<1x5xi8>
  %2:2 = bit.quantize_weight %w scheme = twn granularity = tensor : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1xf32>
  // CHECK: dense<8.000000e-01>
  // CHECK-NEXT: dense<{{\[\[}}1, -1, 1, 1, 1]]> : tensor<1x5xi8>
  %3:2 = bit.quantize_weight %w scheme = sign granularity = tensor : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1xf32>
  // (sum)^2 / k is 4, 4.5, 4.6875, 4: three are kept.
  // CHECK: dense<1.250000e+00>
  // CHECK-NEXT: dense<{{\[\[}}0, -1, 1, 0, 1]]> : tensor<1x5xi8>
  %4:2 = bit.quantize_weight %w scheme = fit granularity = tensor : tensor<1x5xf32> -> tensor<1x5xi8>, tensor<1xf32>
  return %0#0, %1#0, %2#0, %3#0, %4#0, %0#1, %1#1, %2#1, %3#1, %4#1 : tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xi8>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
}

// -----

// A scale a row, a scale a group, and eps where all weights are 0.
// CHECK-LABEL: @granularity
func.func @granularity() -> (tensor<2x4xi8>, tensor<2xf32>, tensor<2x4xi8>, tensor<2x2xf32>) {
  %w = arith.constant dense<[[1.0, -1.0, 3.0, 3.0], [0.0, 0.0, 0.0, 8.0]]> : tensor<2x4xf32>
  // CHECK: dense<2.000000e+00> : tensor<2xf32>
  // CHECK-NEXT: dense<{{\[\[}}0, 0, 1, 1], [0, 0, 0, 1]]>
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = channel : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2xf32>
  // CHECK: dense<{{\[\[}}1.000000e+00, 3.000000e+00], [5.000000e-01, 4.000000e+00]]>
  // CHECK-NEXT: dense<{{\[\[}}1, -1, 1, 1], [0, 0, 0, 1]]>
  %1:2 = bit.quantize_weight %w scheme = absmean granularity = group group = 2 {eps = 0.5 : f32} : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2x2xf32>
  return %0#0, %0#1, %1#0, %1#1 : tensor<2x4xi8>, tensor<2xf32>, tensor<2x4xi8>, tensor<2x2xf32>
}

// -----

// Codes of large weights are a resource; weights that are not constant stay.
// CHECK-LABEL: @large
func.func @large(%w: tensor<2x2xf32>) -> (tensor<33x32xi8>, tensor<2x2xi8>) {
  // CHECK: arith.constant dense_resource<codes> : tensor<33x32xi8>
  // CHECK: bit.quantize_weight %arg0
  %large = arith.constant dense<1.0> : tensor<33x32xf32>
  %0:2 = bit.quantize_weight %large scheme = sign granularity = tensor : tensor<33x32xf32> -> tensor<33x32xi8>, tensor<1xf32>
  %1:2 = bit.quantize_weight %w scheme = sign granularity = tensor : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<1xf32>
  return %0#0, %1#0 : tensor<33x32xi8>, tensor<2x2xi8>
}

// -----

// A constant subgraph is computed first, and the layers hear of the error:
// sqrt(0.25 / 2.5) of codes 0, 1 and scale 1.5.
// CHECK-LABEL: @subgraph
// CHECK-NOT: onnx
// CHECK: bit.linear {{.*}} weights = ternary {bit.layer = {name = "fc", weight_error = 0.31622776601683794 : f64}}
// CHECK: bit.rescale {{.*}} {bit.layer = {name = "q", weight_error = 0.31622776601683794 : f64}}
func.func @subgraph(%x: tensor<?x2xf32>, %q: tensor<?x2xi8>, %xs: tensor<?xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %c = onnx.Constant dense<[[-0.5], [1.5]]> : tensor<2x1xf32>
  %t = onnx.Transpose %c {perm = array<i64: 1, 0>} : (tensor<2x1xf32>) -> tensor<1x2xf32>
  %0:2 = bit.quantize_weight %t scheme = twn granularity = channel : tensor<1x2xf32> -> tensor<1x2xi8>, tensor<1xf32>
  %y = bit.linear %x, %0#0, %0#1 weights = ternary {bit.layer = {name = "fc"}} : (tensor<?x2xf32>, tensor<1x2xi8>, tensor<1xf32>) -> tensor<?x1xf32>
  %acc = bit.ternary_matmul %q, %0#0 weights = ternary range = [-128, 127] : tensor<?x2xi8>, tensor<1x2xi8> -> tensor<?x1xi32>
  %z = bit.rescale %acc, %xs, %0#1 {bit.layer = {name = "q"}} : (tensor<?x1xi32>, tensor<?xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

func.func @not_finite() -> tensor<2x2xi8> {
  %w = arith.constant dense<[[0.5, 1.5], [0xFF800000, 0.75]]> : tensor<2x2xf32>
  // expected-error @below {{'bit.quantize_weight' op expects finite weights, got -INF at [1, 0]}}
  %codes, %scales = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<1xf32>
  return %codes : tensor<2x2xi8>
}

// -----

func.func @elided() -> tensor<2x2xi8> {
  %w = arith.constant dense_resource<__elided__> : tensor<2x2xf32>
  // expected-error @below {{'bit.quantize_weight' op cannot read its weights: its data is not in the file}}
  %codes, %scales = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<1xf32>
  return %codes : tensor<2x2xi8>
}
