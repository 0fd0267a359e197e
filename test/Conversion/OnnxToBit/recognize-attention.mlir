// RUN: bit-opt %s --bit-recognize-attention --canonicalize | FileCheck %s

// The scale on the product, a mask, keys transposed for their product.
// CHECK-LABEL: @eager
// CHECK-SAME: %[[Q:.*]]: tensor<1x4x?x16xf32>, %[[K:.*]]: tensor<1x4x?x16xf32>, %[[V:.*]]: tensor<1x4x?x16xf32>, %[[M:.*]]: tensor<1x1x?x?xf32>
// CHECK-NEXT: %[[Y:.*]] = onnx.Attention %[[Q]], %[[K]], %[[V]], %[[M]] {bit.pattern = "nan", {{.*}}scale = 2.500000e-01 : f32
// CHECK-NEXT: return %[[Y]]
func.func @eager(%q: tensor<1x4x?x16xf32>, %k: tensor<1x4x?x16xf32>, %v: tensor<1x4x?x16xf32>, %m: tensor<1x1x?x?xf32>) -> tensor<1x4x?x16xf32> {
  %four = onnx.Constant dense<4.0> : tensor<f32>
  %kt = onnx.Transpose %k {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x4x?x16xf32>) -> tensor<1x4x16x?xf32>
  %p = onnx.MatMul %q, %kt : (tensor<1x4x?x16xf32>, tensor<1x4x16x?xf32>) -> tensor<1x4x?x?xf32>
  %s = onnx.Div %p, %four : (tensor<1x4x?x?xf32>, tensor<f32>) -> tensor<1x4x?x?xf32>
  %a = onnx.Add %s, %m : (tensor<1x4x?x?xf32>, tensor<1x1x?x?xf32>) -> tensor<1x4x?x?xf32>
  %w = onnx.Softmax %a {axis = -1 : i64} : (tensor<1x4x?x?xf32>) -> tensor<1x4x?x?xf32>
  %y = onnx.MatMul %w, %v : (tensor<1x4x?x?xf32>, tensor<1x4x?x16xf32>) -> tensor<1x4x?x16xf32>
  return %y : tensor<1x4x?x16xf32>
}

// Scales on both operands, the transposition merged with that of the heads, and
// NaN made zero.
// CHECK-LABEL: @sdpa
// CHECK-SAME: %[[Q:.*]]: tensor<1x4x?x16xf32>, %[[K:.*]]: tensor<1x?x4x16xf32>, %[[V:.*]]: tensor<1x4x?x16xf32>
// CHECK-NEXT: %[[T:.*]] = onnx.Transpose %[[K]] {perm = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: onnx.Attention %[[Q]], %[[T]], %[[V]] {bit.pattern = "zero", {{.*}}scale = 2.500000e-01 : f32
func.func @sdpa(%q: tensor<1x4x?x16xf32>, %k: tensor<1x?x4x16xf32>, %v: tensor<1x4x?x16xf32>) -> tensor<1x4x?x16xf32> {
  %half = onnx.Constant dense<0.5> : tensor<1xf32>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %kt = onnx.Transpose %k {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x?x4x16xf32>) -> tensor<1x4x16x?xf32>
  %qs = onnx.Mul %q, %half : (tensor<1x4x?x16xf32>, tensor<1xf32>) -> tensor<1x4x?x16xf32>
  %ks = onnx.Mul %kt, %half : (tensor<1x4x16x?xf32>, tensor<1xf32>) -> tensor<1x4x16x?xf32>
  %p = onnx.MatMul %qs, %ks : (tensor<1x4x?x16xf32>, tensor<1x4x16x?xf32>) -> tensor<1x4x?x?xf32>
  %w = onnx.Softmax %p {axis = 3 : i64} : (tensor<1x4x?x?xf32>) -> tensor<1x4x?x?xf32>
  %n = onnx.IsNaN %w : (tensor<1x4x?x?xf32>) -> tensor<1x4x?x?xi1>
  %g = onnx.Where %n, %zero, %w : (tensor<1x4x?x?xi1>, tensor<f32>, tensor<1x4x?x?xf32>) -> tensor<1x4x?x?xf32>
  %y = onnx.MatMul %g, %v : (tensor<1x4x?x?xf32>, tensor<1x4x?x16xf32>) -> tensor<1x4x?x16xf32>
  return %y : tensor<1x4x?x16xf32>
}

// Heads that were repeated are not.
// CHECK-LABEL: @repeated
// CHECK-SAME: %[[Q:.*]]: tensor<1x4x?x16xf32>, %[[K:.*]]: tensor<1x2x?x16xf32>
// CHECK-NEXT: onnx.Attention %[[Q]], %[[K]], %[[K]] {{.*}} (tensor<1x4x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>)
func.func @repeated(%q: tensor<1x4x?x16xf32>, %k: tensor<1x2x?x16xf32>, %e: tensor<5xi64>, %r: tensor<4xi64>) -> tensor<1x4x?x16xf32> {
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %u = onnx.Unsqueeze %k, %two : (tensor<1x2x?x16xf32>, tensor<1xi64>) -> tensor<1x2x1x?x16xf32>
  %x = onnx.Expand %u, %e : (tensor<1x2x1x?x16xf32>, tensor<5xi64>) -> tensor<1x2x2x?x16xf32>
  %h = onnx.Reshape %x, %r : (tensor<1x2x2x?x16xf32>, tensor<4xi64>) -> tensor<1x4x?x16xf32>
  %kt = onnx.Transpose %h {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x4x?x16xf32>) -> tensor<1x4x16x?xf32>
  %p = onnx.MatMul %q, %kt : (tensor<1x4x?x16xf32>, tensor<1x4x16x?xf32>) -> tensor<1x4x?x?xf32>
  %w = onnx.Softmax %p {axis = -1 : i64} : (tensor<1x4x?x?xf32>) -> tensor<1x4x?x?xf32>
  %y = onnx.MatMul %w, %h : (tensor<1x4x?x?xf32>, tensor<1x4x?x16xf32>) -> tensor<1x4x?x16xf32>
  return %y : tensor<1x4x?x16xf32>
}

// The probabilities are asked for.
// CHECK-LABEL: @used
// CHECK-NOT: onnx.Attention
// CHECK: return
func.func @used(%q: tensor<1x4x6x16xf32>, %kt: tensor<1x4x16x6xf32>, %v: tensor<1x4x6x16xf32>) -> (tensor<1x4x6x16xf32>, tensor<1x4x6x6xf32>) {
  %p = onnx.MatMul %q, %kt : (tensor<1x4x6x16xf32>, tensor<1x4x16x6xf32>) -> tensor<1x4x6x6xf32>
  %w = onnx.Softmax %p {axis = -1 : i64} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %y = onnx.MatMul %w, %v : (tensor<1x4x6x6xf32>, tensor<1x4x6x16xf32>) -> tensor<1x4x6x16xf32>
  return %y, %w : tensor<1x4x6x16xf32>, tensor<1x4x6x6xf32>
}

// Another axis is no attention.
// CHECK-LABEL: @axis
// CHECK-NOT: onnx.Attention
// CHECK: return
func.func @axis(%q: tensor<1x4x6x16xf32>, %kt: tensor<1x4x16x6xf32>, %v: tensor<1x4x6x16xf32>) -> tensor<1x4x6x16xf32> {
  %p = onnx.MatMul %q, %kt : (tensor<1x4x6x16xf32>, tensor<1x4x16x6xf32>) -> tensor<1x4x6x6xf32>
  %w = onnx.Softmax %p {axis = 2 : i64} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %y = onnx.MatMul %w, %v : (tensor<1x4x6x6xf32>, tensor<1x4x6x16xf32>) -> tensor<1x4x6x16xf32>
  return %y : tensor<1x4x6x16xf32>
}
