// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<1x1x4xui8>, %w: tensor<2x1x3xui8>, %z: tensor<1x1xui8>) -> tensor<1x2x2xi32> {
  // expected-error @+1 {{op expects scales and zero points of rank 0 or 1, got rank 2}}
  %0 = onnx.ConvInteger %x, %w, %z {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
    : (tensor<1x1x4xui8>, tensor<2x1x3xui8>, tensor<1x1xui8>) -> tensor<1x2x2xi32>
  return %0 : tensor<1x2x2xi32>
}

// -----

func.func @one(%x: tensor<1x1x4xui8>, %w: tensor<2x1x3xui8>, %z: tensor<2xui8>) -> tensor<1x2x2xi32> {
  // expected-error @+1 {{op expects one scale and zero point for all elements, got 2}}
  %0 = onnx.ConvInteger %x, %w, %z {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
    : (tensor<1x1x4xui8>, tensor<2x1x3xui8>, tensor<2xui8>) -> tensor<1x2x2xi32>
  return %0 : tensor<1x2x2xi32>
}

// -----

func.func @channels(%x: tensor<1x1x4xui8>, %w: tensor<2x1x3xui8>, %a: tensor<ui8>, %z: tensor<3xui8>) -> tensor<1x2x2xi32> {
  // expected-error @+1 {{op expects a scale and zero point for each output channel, got 3 for 2}}
  %0 = onnx.ConvInteger %x, %w, %a, %z {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
    : (tensor<1x1x4xui8>, tensor<2x1x3xui8>, tensor<ui8>, tensor<3xui8>) -> tensor<1x2x2xi32>
  return %0 : tensor<1x2x2xi32>
}
