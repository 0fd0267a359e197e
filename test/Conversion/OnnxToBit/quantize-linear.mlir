// RUN: bit-opt %s --bit-quantize-linear="scheme=fit granularity=channel" --split-input-file | FileCheck %s

// The values stay where they are: codes are made when they are packed.
// CHECK-LABEL: func @matmul
// CHECK: %[[W:.+]] = onnx.Transpose %{{.+}} {perm = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %[[W]] scheme = fit granularity = channel : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2xf32>
// CHECK: bit.linear %arg0, %[[CODES]], %[[SCALES]] weights = ternary {bit.layer = {name = "", source_bytes = 32 : i64, weight_granularity = "channel", weight_scheme = "fit"}}
// CHECK: bit.linear %arg1, %[[CODES]], %[[SCALES]] weights
func.func @matmul(%x: tensor<?x4xf32>, %z: tensor<2x?x4xf32>) -> (tensor<?x2xf32>, tensor<2x?x2xf32>) {
  %w = onnx.Constant dense<[[0.5, 1.0], [2.0, 4.0], [8.0, 3.0], [5.0, 6.0]]> : tensor<4x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %v = onnx.MatMul %z, %w : (tensor<2x?x4xf32>, tensor<4x2xf32>) -> tensor<2x?x2xf32>
  return %y, %v : tensor<?x2xf32>, tensor<2x?x2xf32>
}

// -----

// What only transposes the weight is looked through; alpha belongs to the
// scales, beta to the bias.
// CHECK-LABEL: func @gemm
// CHECK-NOT: onnx.Transpose %{{.*}} : (tensor<2x4xf32>)
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %{{.+}} scheme
// CHECK: %[[BIAS:.+]] = arith.constant dense<[5.000000e-01, 1.000000e+00]> : tensor<2xf32>
// CHECK: %[[X:.+]] = onnx.Transpose %arg0
// CHECK: %[[ALPHA:.+]] = arith.constant dense<2.500000e-01> : tensor<2xf32>
// CHECK: %[[S:.+]] = arith.mulf %[[SCALES]], %[[ALPHA]]
// CHECK: bit.linear %[[X]], %[[CODES]], %[[S]] bias %[[BIAS]]
func.func @gemm(%x: tensor<4x3xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0, 3.0, 4.0], [2.0, 4.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %t = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<4x2xf32>
  %i = onnx.Identity %t : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %c = onnx.Constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = onnx.Gemm %x, %i, %c {transA = 1 : i64, alpha = 0.25 : f32, beta = 0.5 : f32} : (tensor<4x3xf32>, tensor<4x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @declined
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "weights are not all finite"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "its weight is not a matrix"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "it does not compute in float32"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "weight is not constant: it depends on a value known only at run time"}
// CHECK: onnx.Gemm %{{.+}} {bit.declined = "its bias is not one vector for all rows"}
func.func @declined(%x: tensor<3x2xf32>, %h: tensor<3x2xf16>, %v: tensor<2x2xf32>)
    -> (tensor<3x2xf32>, tensor<2x3x2xf32>, tensor<3x2xf16>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %nan = onnx.Constant dense<[[0.5, 1.0], [0x7FC00000, 4.0]]> : tensor<2x2xf32>
  %0 = onnx.MatMul %x, %nan : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %three = onnx.Constant dense<[[[0.5, 1.0], [3.0, 4.0]], [[0.5, 1.0], [3.0, 4.0]]]> : tensor<2x2x2xf32>
  %1 = onnx.MatMul %x, %three : (tensor<3x2xf32>, tensor<2x2x2xf32>) -> tensor<2x3x2xf32>
  %half = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf16>
  %2 = onnx.MatMul %h, %half : (tensor<3x2xf16>, tensor<2x2xf16>) -> tensor<3x2xf16>
  %3 = onnx.MatMul %x, %v : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %w = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %c = onnx.Constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %4 = onnx.Gemm %x, %w, %c : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
  return %0, %1, %2, %3, %4 : tensor<3x2xf32>, tensor<2x3x2xf32>, tensor<3x2xf16>, tensor<3x2xf32>, tensor<3x2xf32>
}
