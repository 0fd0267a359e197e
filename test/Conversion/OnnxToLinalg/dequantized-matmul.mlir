// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// A product of codes that DequantizeLinear makes floats of sums the codes, which is exact, and scales each sum once.

// CHECK-LABEL: func @columns
// CHECK-DAG: %[[S:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]> : tensor<8xf32>
// CHECK-NOT: math.fma
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]
// CHECK: arith.muli
// CHECK: linalg.generic {{.*}} ins(%[[SUM]], %[[S]] : tensor<?x8xi32>, tensor<8xf32>)
// CHECK: %[[F:.*]] = arith.sitofp
// CHECK: %[[BOTH:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: arith.mulf %[[F]], %[[BOTH]] : f32
func.func @columns(%x: tensor<?x2xi8>) -> tensor<?x8xf32> {
  %w = onnx.Constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, 15, 16]]> : tensor<2x8xi8>
  %sx = onnx.Constant dense<0.5> : tensor<f32>
  %sw = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %a = onnx.DequantizeLinear %x, %sx : (tensor<?x2xi8>, tensor<f32>) -> tensor<?x2xf32>
  %b = onnx.DequantizeLinear %w, %sw {axis = 1 : i64} : (tensor<2x8xi8>, tensor<8xf32>) -> tensor<2x8xf32>
  %y = onnx.MatMul %a, %b : (tensor<?x2xf32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Scales along k, a scale that the model computes, weights that it computes: floats.
// CHECK-LABEL: func @floats
// CHECK-COUNT-3: math.fma
func.func @floats(%x: tensor<?x2xi8>, %v: tensor<2x8xi8>, %s: tensor<f32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = onnx.Constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, 15, 16]]> : tensor<2x8xi8>
  %sx = onnx.Constant dense<0.5> : tensor<f32>
  %sk = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  %a = onnx.DequantizeLinear %x, %sx : (tensor<?x2xi8>, tensor<f32>) -> tensor<?x2xf32>
  %b = onnx.DequantizeLinear %w, %sk {axis = 0 : i64} : (tensor<2x8xi8>, tensor<2xf32>) -> tensor<2x8xf32>
  %0 = onnx.MatMul %a, %b : (tensor<?x2xf32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  %c = onnx.DequantizeLinear %x, %s : (tensor<?x2xi8>, tensor<f32>) -> tensor<?x2xf32>
  %d = onnx.DequantizeLinear %w, %sx : (tensor<2x8xi8>, tensor<f32>) -> tensor<2x8xf32>
  %1 = onnx.MatMul %c, %d : (tensor<?x2xf32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  %e = onnx.DequantizeLinear %v, %sx : (tensor<2x8xi8>, tensor<f32>) -> tensor<2x8xf32>
  %2 = onnx.MatMul %a, %e : (tensor<?x2xf32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return %0, %1, %2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
