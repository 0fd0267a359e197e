// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Zero points are taken off first, so that padding is 0; sums are exact.
// CHECK-LABEL: func @integer
// CHECK: arith.extui {{.*}} : i8 to i32
// CHECK: arith.subi
// CHECK: tensor.insert_slice {{.*}} into tensor<1x1x6xi32>
// CHECK: arith.muli
// CHECK: arith.addi
func.func @integer(%x: tensor<1x1x4xui8>, %w: tensor<2x1x3xui8>, %zero: tensor<ui8>) -> tensor<1x2x4xi32> {
  %0 = onnx.ConvInteger %x, %w, %zero {pads = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 1, 1, 0>}
    : (tensor<1x1x4xui8>, tensor<2x1x3xui8>, tensor<ui8>) -> tensor<1x2x4xi32>
  return %0 : tensor<1x2x4xi32>
}

// CHECK-LABEL: func @qlinear
// CHECK: linalg.generic
// CHECK: arith.divf
// CHECK: math.roundeven
// CHECK: arith.fptoui
func.func @qlinear(%x: tensor<1x1x4xui8>, %w: tensor<2x1x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<1x2x2xui8> {
  %0 = onnx.QLinearConv %x, %s, %z, %w, %s, %z, %s, %z
    : (tensor<1x1x4xui8>, tensor<f32>, tensor<ui8>, tensor<2x1x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x2xui8>
  return %0 : tensor<1x2x2xui8>
}
