// RUN: bit-opt %s --bit-lower-products --split-input-file | FileCheck %s

// CHECK-LABEL: func @einsum
// CHECK: %[[W:.+]] = onnx.Transpose %arg1 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
// CHECK: onnx.MatMul %arg0, %[[W]] : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
func.func @einsum(%x: tensor<?x2xf32>, %w: tensor<3x2xf32>) -> tensor<?x3xf32> {
  %y = onnx.Einsum %x, %w {equation = "mk,nk->mn"} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// A reason stays; the bias is added after the product.
// CHECK-LABEL: func @blockwise
// CHECK: %[[W:.+]] = onnx.Transpose %{{.+}} {perm = array<i64: 1, 0>} : (tensor<1x16xf32>) -> tensor<16x1xf32>
// CHECK: %[[Y:.+]] = onnx.MatMul %arg0, %[[W]] {bit.declined = "it is an example"}
// CHECK: onnx.Add %[[Y]], %arg1
func.func @blockwise(%x: tensor<?x16xf32>, %b: tensor<1xf32>) -> tensor<?x1xf32> {
  %w = onnx.Constant dense<100> : tensor<1x1x8xui8>
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s, %b {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64, bit.declined = "it is an example", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>} : (tensor<?x16xf32>, tensor<1x1x8xui8>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Weights that are not known and sums over nothing stay what they are.
// CHECK-LABEL: func @stay
// CHECK: onnx.com.microsoft.MatMulNBits
// CHECK: onnx.Einsum
func.func @stay(%x: tensor<?x16xf32>, %w: tensor<1x1x8xui8>) -> (tensor<?x1xf32>, tensor<?x16xf32>) {
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x8xui8>, tensor<1xf32>) -> tensor<?x1xf32>
  %z = onnx.Einsum %x, %x {equation = "mk,mk->mk"} : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x16xf32>
}
