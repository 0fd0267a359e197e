// RUN: bit-opt %s --bit-recognize-weights --bit-lower-products --split-input-file | FileCheck %s

// Near misses of recognize-products.mlir.

// CHECK-LABEL: func @einsum_of_batches
// CHECK: onnx.Einsum {{.*}}bit.declined = "Einsum 'bij,bj->bi' is no product of rows by a matrix"
func.func @einsum_of_batches(%x: tensor<2x3x2xf32>) -> tensor<2x3xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %y = onnx.Einsum %x, %w {equation = "bij,bj->bi"} : (tensor<2x3x2xf32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func @einsum_diagonal
// CHECK: bit.declined = "Einsum 'ij,jj->ij' has a term that names no dimensions one by one"
func.func @einsum_diagonal(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %y = onnx.Einsum %x, %w {equation = "ij,jj->ij"} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A product by float weights becomes a MatMul, which has a lowering.
// CHECK-LABEL: func @einsum_of_floats
// CHECK: %[[W:.+]] = onnx.Transpose
// CHECK: onnx.MatMul %arg0, %[[W]] {bit.declined = "weights take 2 or more distinct magnitudes
func.func @einsum_of_floats(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = onnx.Einsum %x, %w {equation = "ij,kj->ik"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// So does one by four-bit weights.
// CHECK-LABEL: func @four_bits
// CHECK: onnx.Constant dense<{{\[}}[-3.500000e+00, -3.000000e+00, -2.500000e+00
// CHECK: onnx.MatMul {{.*}}bit.declined = "weights take 7 or more distinct magnitudes
func.func @four_bits(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %w = onnx.Constant dense<[[[33, 67, 101, 135, 169, 203, 237, 31]]]> : tensor<1x1x8xui8>
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x8xui8>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func @wrong_size
// CHECK: onnx.com.microsoft.MatMulNBits {{.*}}bit.declined = "its weights have another size than N and K say"
func.func @wrong_size(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %w = onnx.Constant dense<0> : tensor<1x1x4xui8>
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// 255 * 70000 is more than 2^24.
// CHECK-LABEL: func @integer_overflow
// CHECK: onnx.MatMulInteger {{.*}}bit.declined = "its integer sums may not fit into float32, where they are computed"
func.func @integer_overflow(%x: tensor<1x70000xi8>) -> tensor<1x1xi32> {
  %w = onnx.Constant dense<1> : tensor<70000x1xi8>
  %y = onnx.MatMulInteger %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x70000xi8>, tensor<70000x1xi8>) -> tensor<1x1xi32>
  return %y : tensor<1x1xi32>
}

// -----

// 255 * 768 * 127 is more than 2^24, and the integers are wanted.
// CHECK-LABEL: func @integer_sums
// CHECK: onnx.MatMulInteger {{.*}}bit.declined = "its integer sums may not fit into float32, where they are computed"
func.func @integer_sums(%x: tensor<1x768xi8>) -> (tensor<1x1xi32>, tensor<1x1xf32>) {
  %w = onnx.Constant dense<127> : tensor<768x1xi8>
  %y = onnx.MatMulInteger %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x768xi8>, tensor<768x1xi8>) -> tensor<1x1xi32>
  %f = onnx.Cast %y {to = 1 : i64} : (tensor<1x1xi32>) -> tensor<1x1xf32>
  return %y, %f : tensor<1x1xi32>, tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func @zero_points_of_rows
// CHECK: onnx.MatMulInteger {{.*}}bit.declined = "the zero point of its activations is not one element"
func.func @zero_points_of_rows(%x: tensor<3x2xi8>, %z: tensor<3xi8>) -> tensor<3x1xi32> {
  %w = onnx.Constant dense<1> : tensor<2x1xi8>
  %y = onnx.MatMulInteger %x, %w, %z {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<3x2xi8>, tensor<2x1xi8>, tensor<3xi8>) -> tensor<3x1xi32>
  return %y : tensor<3x1xi32>
}

// -----

// CHECK-LABEL: func @integer_levels
// CHECK: onnx.MatMulInteger {{.*}}bit.declined = "weights take 2 or more distinct magnitudes
func.func @integer_levels(%x: tensor<3x2xi8>) -> tensor<3x1xi32> {
  %w = onnx.Constant dense<[[1], [2]]> : tensor<2x1xi8>
  %y = onnx.MatMulInteger %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3x2xi8>, tensor<2x1xi8>) -> tensor<3x1xi32>
  return %y : tensor<3x1xi32>
}

// -----

// CHECK-LABEL: func @unknown_rows
// CHECK: onnx.MatMul {{.*}}bit.declined = "its activations are not known to have rows of 2 elements"
func.func @unknown_rows(%x: tensor<?x?xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x?xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @alpha_of_zero
// CHECK: onnx.Gemm {{.*}}bit.declined = "its alpha takes a scale out of float32's range"
func.func @alpha_of_zero(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %y = onnx.Gemm %x, %w {alpha = 0.0 : f32} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// Three halves in a row are not what one rounding makes of a level.
// CHECK-LABEL: func @half_levels
// CHECK: onnx.MatMul {{.*}}bit.declined = "weights take 2 or more distinct magnitudes
func.func @half_levels(%x: tensor<2x2xf16>) -> tensor<2x1xf16> {
  %w = onnx.Constant dense<[[0x2E68], [0x2E6B]]> : tensor<2x1xf16>
  %y = onnx.MatMul %x, %w : (tensor<2x2xf16>, tensor<2x1xf16>) -> tensor<2x1xf16>
  return %y : tensor<2x1xf16>
}

// -----

// CHECK-LABEL: func @default_weight
// CHECK: bit.declined = "weight is not constant: it depends on the graph input 'w', whose initializer is a default that callers may replace"
func.func @default_weight(%x: tensor<1x2xf32>, %w: tensor<2x1xf32> {onnx.name = "w", onnx.has_default}) -> tensor<1x1xf32> {
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
