// RUN: bit-opt %s --bit-recognize-weights --split-input-file | FileCheck %s

// The activations do not matter here: no quantizer appears.
// CHECK-LABEL: func @ternary_tensor
// CHECK-DAG: %[[CODES:.+]] = arith.constant dense<{{\[}}[1, 0, -1, 1], [0, 1, -1, 0]]> : tensor<2x4xi8>
// CHECK-DAG: %[[SCALE:.+]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK: bit.linear %arg0, %[[CODES]], %[[SCALE]] weights = ternary {bit.layer = {name = "", source_bytes = 32 : i64, weight_error = 0.000000e+00 : f64, weight_granularity = "tensor", weight_scheme = "ternary"}}
func.func @ternary_tensor(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.5, 0.0], [-0.0, 0.5], [-0.5, -0.5], [0.5, 0.0]]> : tensor<4x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The quantizer's whole chain stays in the graph; sums decide the scale.
// CHECK-LABEL: func @fake_quantized_chain
// CHECK-DAG: %[[CODES:.+]] = arith.constant dense<{{\[}}[1, -1, 0], [1, 0, 0]]> : tensor<2x3xi8>
// CHECK-DAG: %[[SCALE:.+]] = arith.constant dense<0.641666651> : tensor<1xf32>
// CHECK: bit.linear %arg0, %[[CODES]], %[[SCALE]] bias %{{.+}} weights = ternary
func.func @fake_quantized_chain(%x: tensor<5x3xf32>) -> tensor<5x2xf32> {
  %w = onnx.Constant dense<[[0.5, -1.0, 0.1], [2.0, -0.25, 0.0]]> : tensor<2x3xf32>
  %b = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %lo = onnx.Constant dense<-1.0> : tensor<f32>
  %hi = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Abs %w : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = onnx.ReduceMean %0 : (tensor<2x3xf32>) -> tensor<1x1xf32>
  %2 = onnx.Squeeze %1 : (tensor<1x1xf32>) -> tensor<f32>
  %3 = onnx.Clip %2, %eps {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %4 = onnx.Reciprocal %3 : (tensor<f32>) -> tensor<f32>
  %5 = onnx.Mul %w, %4 : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %6 = onnx.Round %5 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = onnx.Clip %6, %lo, %hi {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
  %8 = onnx.Div %7, %4 : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %9 = onnx.Sub %8, %w : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %10 = onnx.Add %w, %9 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = onnx.Gemm %x, %10, %b {transB = 1 : i64} : (tensor<5x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<5x2xf32>
  return %y : tensor<5x2xf32>
}

// -----

// Straight-through weights folded by the exporter: 1 ulp around the level.
// CHECK-LABEL: func @folded_straight_through
// CHECK-DAG: arith.constant dense<{{\[}}[1, -1, 0, 1]]> : tensor<1x4xi8>
// CHECK-DAG: arith.constant dense<1.000000e-01> : tensor<1xf32>
// CHECK: bit.linear
func.func @folded_straight_through(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.Constant dense<[[0x3DCCCCCD], [0xBDCCCCCE], [0.0], [0x3DCCCCCD]]> : tensor<4x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<2x4xf32>, tensor<4x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: func @binary_channels
// CHECK-DAG: arith.constant dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK: bit.linear {{.*}} weights = binary {{.*}}weight_granularity = "channel", weight_scheme = "binary"
func.func @binary_channels(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = onnx.Constant dense<[[0.5, -0.5], [0.25, 0.25]]> : tensor<2x2xf32>
  %t = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %t : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @groups
// CHECK-DAG: arith.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK: bit.linear {{.*}}weight_granularity = "group8"
func.func @groups(%x: tensor<2x16xf32>) -> tensor<2x1xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 2.0, 0.0, -2.0, 0.0, 2.0, 0.0, 2.0, -2.0]]> : tensor<1x16xf32>
  %y = onnx.Gemm %x, %w {transB = 1 : i64} : (tensor<2x16xf32>, tensor<1x16xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: func @gemm_attributes
// CHECK-DAG: %[[SCALE:.+]] = arith.constant dense<1.500000e+00> : tensor<1xf32>
// CHECK-DAG: %[[BIAS:.+]] = arith.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 1, 0>} : (tensor<2x?xf32>) -> tensor<?x2xf32>
// CHECK: bit.linear %[[X]], %{{.+}}, %[[SCALE]] bias %[[BIAS]] weights = binary
func.func @gemm_attributes(%x: tensor<2x?xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.5, -0.5], [0.5, 0.5]]> : tensor<2x2xf32>
  %c = onnx.Constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = onnx.Gemm %x, %w, %c {alpha = 3.0 : f32, beta = 2.0 : f32, transA = 1 : i64} : (tensor<2x?xf32>, tensor<2x2xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// One weight, two layers: its codes are made once.
// CHECK-LABEL: func @shared_weight
// CHECK: %[[CODES:.+]] = arith.constant {{.*}} : tensor<2x2xi8>
// CHECK-NOT: tensor<2x2xi8>{{$}}
// CHECK: bit.linear %arg0, %[[CODES]]
// CHECK: bit.linear %arg1, %[[CODES]]
func.func @shared_weight(%x: tensor<1x2xf32>, %z: tensor<3x2xf32>) -> (tensor<1x2xf32>, tensor<3x2xf32>) {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0]]> : tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %u = onnx.MatMul %z, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y, %u : tensor<1x2xf32>, tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @all_zero
// CHECK-DAG: arith.constant dense<0> : tensor<2x2xi8>
// CHECK-DAG: arith.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK: bit.linear
func.func @all_zero(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = onnx.Constant dense<0.0> : tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func @in_a_branch
// CHECK: arith.constant {{.*}} : tensor<2x2xi8>
// CHECK: onnx.If
// CHECK: bit.linear
func.func @in_a_branch(%c: tensor<i1>, %x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %r = onnx.If %c : (tensor<i1>) -> tensor<1x2xf32> {
    %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    onnx.Yield %y : tensor<1x2xf32>
  } {
    onnx.Yield %x : tensor<1x2xf32>
  }
  return %r : tensor<1x2xf32>
}
