// RUN: bit-opt %s --bit-recognize-weights --split-input-file | FileCheck %s

// Near misses of recognize-weights.mlir: the product stays, with a reason.

// CHECK-LABEL: func @four_levels
// CHECK: onnx.MatMul {{.*}}bit.declined = "weights take 2 or more distinct magnitudes where a ternary or binary weight has one (first row: 0.5, 0, 1)"
func.func @four_levels(%x: tensor<1x4xf32>) -> tensor<1x1xf32> {
  %w = onnx.Constant dense<[[0.5], [0.0], [-1.0], [1.0]]> : tensor<4x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @float_weights
// CHECK: bit.declined = "weights take 4 or more distinct magnitudes where a ternary or binary weight has one (first row: 0.1, 0.2, 0.3, 0.4)"
func.func @float_weights(%x: tensor<1x4xf32>) -> tensor<1x1xf32> {
  %w = onnx.Constant dense<[[0.1], [0.2], [-0.3], [0.4]]> : tensor<4x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// Levels that lie 1e-5 apart are two.
// CHECK-LABEL: func @near_levels
// CHECK: bit.declined = "weights take 2 or more
func.func @near_levels(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w = onnx.Constant dense<[[1.0], [1.00001]]> : tensor<2x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @input_weight
// CHECK: bit.declined = "weight is not constant: it depends on the graph input 'w'"
func.func @input_weight(%x: tensor<1x2xf32>, %w: tensor<2x1xf32> {onnx.name = "w"}) -> tensor<1x1xf32> {
  %0 = onnx.Softmax %w : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %y = onnx.MatMul %x, %0 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @not_finite
// CHECK: bit.declined = "weights are not all finite"
func.func @not_finite(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w = onnx.Constant dense<[[0x7F800000], [0x7F800000]]> : tensor<2x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @batch_of_weights
// CHECK: bit.declined = "its weight is not a matrix"
func.func @batch_of_weights(%x: tensor<3x1x2xf32>) -> tensor<3x1x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<3x2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x1x2xf32>, tensor<3x2x2xf32>) -> tensor<3x1x2xf32>
  return %y : tensor<3x1x2xf32>
}

// -----

// CHECK-LABEL: func @double_precision
// CHECK: bit.declined = "it computes in f64, layers in float32, float16 and bfloat16"
func.func @double_precision(%x: tensor<1x2xf64>) -> tensor<1x1xf64> {
  %w = onnx.Constant dense<1.0> : tensor<2x1xf64>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf64>, tensor<2x1xf64>) -> tensor<1x1xf64>
  return %y : tensor<1x1xf64>
}

// -----

// CHECK: bit.declined = "it is in no function"
%x = onnx.Constant dense<0.5> : tensor<1x2xf32>
%w = onnx.Constant dense<1.0> : tensor<2x1xf32>
%y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>

// -----

// The second product has the shape of its activations, the first has not.
// CHECK-LABEL: func @more_dimensions
// CHECK: onnx.MatMul {{.*}}bit.declined = "its weight has more dimensions than its activations"
// CHECK: bit.linear
func.func @more_dimensions(%x: tensor<1x2xf32>, %z: tensor<3x1x2xf32>) -> (tensor<1x1x1xf32>, tensor<3x1x1xf32>) {
  %w = onnx.Constant dense<[[[0.5], [-0.5]]]> : tensor<1x2x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<1x2x1xf32>) -> tensor<1x1x1xf32>
  %v = onnx.MatMul %z, %w : (tensor<3x1x2xf32>, tensor<1x2x1xf32>) -> tensor<3x1x1xf32>
  return %y, %v : tensor<1x1x1xf32>, tensor<3x1x1xf32>
}
