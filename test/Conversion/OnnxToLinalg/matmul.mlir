// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// One chain of fused multiply-adds, k between m and n; batches are rows.
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func @rows
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2]]
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #{{.*}}], iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[ROWS]], %arg1
// CHECK: math.fma
// CHECK: tensor.expand_shape
func.func @rows(%x: tensor<?x?x64xf32>, %w: tensor<64x32xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.MatMul %x, %w : (tensor<?x?x64xf32>, tensor<64x32xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// CHECK-LABEL: func @half
// CHECK: math.fma %{{.*}} : f32
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x4xf16>)
// CHECK: arith.truncf
func.func @half(%x: tensor<2x3xf16>, %w: tensor<3x4xf16>) -> tensor<2x4xf16> {
  %0 = onnx.MatMul %x, %w : (tensor<2x3xf16>, tensor<3x4xf16>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// CHECK-LABEL: func @inner_dims
// CHECK: cf.assert %{{.*}}, "expects matrices whose inner dimensions agree"
func.func @inner_dims(%x: tensor<2x?xf32>, %w: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %0 = onnx.MatMul %x, %w : (tensor<2x?xf32>, tensor<?x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @vectors
// CHECK: tensor.expand_shape %arg0 {{\[\[}}0, 1]] output_shape [1, 3]
// CHECK: tensor.expand_shape %arg1 {{\[\[}}0, 1]] output_shape [3, 1]
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xf32> into tensor<f32>
func.func @vectors(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<f32> {
  %0 = onnx.MatMul %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// A weight is transposed when it is packed, f64, which is not packed, at once.
// CHECK-LABEL: func @gemm
// CHECK: arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 5.000000e+00, 6.000000e+00]]>
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[BT:.*]],
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @gemm(%x: tensor<?x3xf32>, %c: tensor<2xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %0 = onnx.Gemm %x, %w, %c {alpha = 0.5 : f32, transB = 1 : i64}
    : (tensor<?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// The sums are exact; a scale of each column of B, and one of each row of the result.
// CHECK-LABEL: func @qlinear
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK: tensor.expand_shape {{.*}} : tensor<3xf32> into tensor<3x1xf32>
// CHECK: arith.mulf
// CHECK: arith.divf
// CHECK: math.roundeven
// CHECK: arith.fptosi
func.func @qlinear(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>, %s: tensor<f32>, %sb: tensor<5xf32>, %sy: tensor<3xf32>,
                   %za: tensor<ui8>, %z: tensor<i8>) -> tensor<3x5xi8> {
  %0 = onnx.QLinearMatMul %a, %s, %za, %b, %sb, %z, %sy, %z
    : (tensor<3x4xui8>, tensor<f32>, tensor<ui8>, tensor<4x5xi8>, tensor<5xf32>, tensor<i8>, tensor<3xf32>, tensor<i8>) -> tensor<3x5xi8>
  return %0 : tensor<3x5xi8>
}
