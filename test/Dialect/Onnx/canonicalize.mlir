// RUN: bit-opt %s --cse --canonicalize | FileCheck %s

// CHECK-LABEL: func @constants_merge
// CHECK-NEXT: %[[C:.*]] = onnx.Constant dense<1.000000e+00> : tensor<2xf32>
// CHECK-NEXT: return %[[C]], %[[C]]
func.func @constants_merge() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = onnx.Constant dense<1.0> : tensor<2xf32>
  %1 = onnx.Constant dense<1.0> : tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// Unused pure operations go; random ones stay apart.
// CHECK-LABEL: func @effects
// CHECK-NEXT: %[[A:.*]] = onnx.RandomNormal
// CHECK-NEXT: %[[B:.*]] = onnx.RandomNormal
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @effects(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = onnx.Exp %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = onnx.RandomNormal {shape = array<i64: 2>} : () -> tensor<2xf32>
  %2 = onnx.RandomNormal {shape = array<i64: 2>} : () -> tensor<2xf32>
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}
