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
// CHECK: %[[X:.+]] = onnx.Transpose %arg0
// CHECK: %[[BIAS:.+]] = arith.constant dense<[5.000000e-01, 1.000000e+00]> : tensor<2xf32>
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
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "it computes in f64, layers in float32, float16 and bfloat16"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "weight is not constant: it depends on a value known only at run time"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "its activations are not known to have rows of 2 elements"}
// CHECK: onnx.MatMul %{{.+}} {bit.declined = "its weight is not a matrix"}
// CHECK: onnx.Gemm %{{.+}} {alpha = 0.000000e+00 : f32, bit.declined = "its alpha is no factor of a scale"}
// CHECK: onnx.Einsum %{{.+}} {bit.declined = "Einsum 'ij,jk->i' is no product of rows by a matrix"
func.func @declined(%x: tensor<3x2xf32>, %d: tensor<3x2xf64>, %v: tensor<2x2xf32>, %s: tensor<3x?xf32>)
    -> (tensor<3x2xf32>, tensor<2x3x2xf32>, tensor<3x2xf64>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<2x2x2xf32>, tensor<3x2xf32>, tensor<3xf32>) {
  %nan = onnx.Constant dense<[[0.5, 1.0], [0x7FC00000, 4.0]]> : tensor<2x2xf32>
  %0 = onnx.MatMul %x, %nan : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %three = onnx.Constant dense<[[[0.5, 1.0], [3.0, 4.0]], [[0.5, 1.0], [3.0, 4.0]]]> : tensor<2x2x2xf32>
  %1 = onnx.MatMul %x, %three : (tensor<3x2xf32>, tensor<2x2x2xf32>) -> tensor<2x3x2xf32>
  %wide = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf64>
  %2 = onnx.MatMul %d, %wide : (tensor<3x2xf64>, tensor<2x2xf64>) -> tensor<3x2xf64>
  %3 = onnx.MatMul %x, %v : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %w = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %4 = onnx.MatMul %s, %w : (tensor<3x?xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %5 = onnx.MatMul %three, %v : (tensor<2x2x2xf32>, tensor<2x2xf32>) -> tensor<2x2x2xf32>
  %6 = onnx.Gemm %x, %w {alpha = 0.0 : f32} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %7 = onnx.Einsum %x, %w {equation = "ij,jk->i"} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<3x2xf32>, tensor<2x3x2xf32>, tensor<3x2xf64>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<2x2x2xf32>, tensor<3x2xf32>, tensor<3xf32>
}

// -----

// A constant on the left: the product of the transposes, transposed.
// CHECK-LABEL: func @left
// CHECK: %[[W:.+]] = onnx.Constant
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %[[W]] scheme
// CHECK: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 0, 2, 1>}
// CHECK: %[[Y:.+]] = bit.linear %[[X]], %[[CODES]], %[[SCALES]] weights
// CHECK: onnx.Transpose %[[Y]] {perm = array<i64: 0, 2, 1>} : (tensor<?x3x2xf32>) -> tensor<?x2x3xf32>
func.func @left(%x: tensor<?x4x3xf32>) -> tensor<?x2x3xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0, 3.0, 4.0], [2.0, 4.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %y = onnx.MatMul %w, %x : (tensor<2x4xf32>, tensor<?x4x3xf32>) -> tensor<?x2x3xf32>
  return %y : tensor<?x2x3xf32>
}

// -----

// CHECK-LABEL: func @fused
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %{{.+}} : tensor<2x4xf32>
// CHECK: %[[X:.+]] = onnx.Transpose %arg0
// CHECK: %[[S:.+]] = arith.mulf %[[SCALES]], %{{.+}} : tensor<2xf32>
// CHECK: bit.linear %[[X]], %[[CODES]], %[[S]] weights
func.func @fused(%x: tensor<4x3xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0, 3.0, 4.0], [2.0, 4.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %y = onnx.com.microsoft.FusedMatMul %x, %w {alpha = 0.25 : f32, transA = 1 : i64, transB = 1 : i64} : (tensor<4x3xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @einsum
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %{{.+}} : tensor<2x4xf32>
// CHECK: bit.linear %arg0, %[[CODES]], %[[SCALES]] weights
func.func @einsum(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0, 3.0, 4.0], [2.0, 4.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %y = onnx.Einsum %x, %w {equation = "bk,nk->bn"} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Halves are widened, and the result is rounded once.
// CHECK-LABEL: func @halves
// CHECK: %[[F:.+]] = onnx.Cast %{{.+}} : (tensor<4x2xf16>) -> tensor<4x2xf32>
// CHECK: %[[W:.+]] = onnx.Transpose %[[F]]
// CHECK: %[[CODES:.+]], %[[SCALES:.+]] = bit.quantize_weight %[[W]] scheme
// CHECK: %[[X:.+]] = onnx.Cast %arg0 {{.*}} -> tensor<?x4xf32>
// CHECK: %[[Y:.+]] = bit.linear %[[X]], %[[CODES]]
// CHECK: onnx.Cast %[[Y]] {{.*}} -> tensor<?x2xf16>
func.func @halves(%x: tensor<?x4xf16>) -> tensor<?x2xf16> {
  %w = onnx.Constant dense<[[0.5, 1.0], [2.0, 4.0], [8.0, 3.0], [5.0, 6.0]]> : tensor<4x2xf16>
  %y = onnx.MatMul %x, %w : (tensor<?x4xf16>, tensor<4x2xf16>) -> tensor<?x2xf16>
  return %y : tensor<?x2xf16>
}

// -----

// What is no bias of the layer is added after it.
// CHECK-LABEL: func @addend
// CHECK: %[[C:.+]] = onnx.Constant dense<{{.*}}> : tensor<3x1xf32>
// CHECK: %[[Y:.+]] = bit.linear %arg0, %{{.+}}, %{{.+}} weights
// CHECK: %[[SCALED:.+]] = onnx.Mul %[[C]]
// CHECK: onnx.Add %[[Y]], %[[SCALED]]
func.func @addend(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %c = onnx.Constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %y = onnx.Gemm %x, %w, %c {beta = 0.5 : f32} : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
