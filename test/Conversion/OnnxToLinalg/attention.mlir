// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @causal
// CHECK-SAME: %[[Q:.*]]: tensor<1x4x6x16xf32>, %[[K:.*]]: tensor<1x2x6x16xf32>
// CHECK: %[[RANGE:.*]] = linalg.generic
// CHECK: bit.attention ins(%[[Q]], %[[K]], %[[K]] : {{.*}}) range(%[[RANGE]] : tensor<1x6x2xi64>) outs(%{{.*}}) scale = 2.500000e-01
func.func @causal(%q: tensor<1x4x6x16xf32>, %k: tensor<1x2x6x16xf32>) -> tensor<1x4x6x16xf32> {
  %0 = onnx.Attention %q, %k, %k {is_causal = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x4x6x16xf32>, tensor<1x2x6x16xf32>, tensor<1x2x6x16xf32>) -> tensor<1x4x6x16xf32>
  return %0 : tensor<1x4x6x16xf32>
}

// -----

// CHECK-LABEL: @halves
// CHECK: arith.extf
// CHECK: bit.attention {{.*}} mask(%{{.*}} : tensor<1x1x6x6xf32>) {{.*}} tensor<1x2x6x16xf32>
// CHECK: arith.truncf
func.func @halves(%q: tensor<1x2x6x16xf16>, %m: tensor<6x6xi1>) -> tensor<1x2x6x16xf16> {
  %0 = onnx.Attention %q, %q, %q, %m {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x2x6x16xf16>, tensor<1x2x6x16xf16>, tensor<1x2x6x16xf16>, tensor<6x6xi1>) -> tensor<1x2x6x16xf16>
  return %0 : tensor<1x2x6x16xf16>
}

// -----

func.func @heads(%q: tensor<1x6x10xf32>) -> tensor<1x6x10xf32> {
  // expected-error @below {{expects a last dimension of Q divisible by the number of heads, got 10 and 4}}
  %0 = onnx.Attention %q, %q, %q {q_num_heads = 4 : i64, kv_num_heads = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x6x10xf32>, tensor<1x6x10xf32>, tensor<1x6x10xf32>) -> tensor<1x6x10xf32>
  return %0 : tensor<1x6x10xf32>
}

// -----

func.func @shared(%q: tensor<1x4x6x16xf32>, %k: tensor<1x3x6x16xf32>) -> tensor<1x4x6x16xf32> {
  // expected-error @below {{expects a number of heads of Q divisible by that of K, got 4 and 3}}
  %0 = onnx.Attention %q, %k, %k {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x4x6x16xf32>, tensor<1x3x6x16xf32>, tensor<1x3x6x16xf32>) -> tensor<1x4x6x16xf32>
  return %0 : tensor<1x4x6x16xf32>
}

// -----

func.func @mask(%q: tensor<1x4x6x16xf32>, %m: tensor<6x7xf32>) -> tensor<1x4x6x16xf32> {
  // expected-error @below {{expects attn_mask for at most 6 keys, got 7}}
  %0 = onnx.Attention %q, %q, %q, %m {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x4x6x16xf32>, tensor<1x4x6x16xf32>, tensor<1x4x6x16xf32>, tensor<6x7xf32>) -> tensor<1x4x6x16xf32>
  return %0 : tensor<1x4x6x16xf32>
}
