// RUN: bit-opt %s --bit-quantize-activations | FileCheck %s

// A layer whose graph quantizes keeps that; a trained one keeps its floats.
// CHECK-LABEL: func @layers
// CHECK: bit.linear %arg0, %codes, %scales weights = ternary quantizer = <> :
// CHECK: bit.linear %arg0, %codes, %scales weights = ternary quantizer = <bits = 4> :
// CHECK: bit.linear %arg0, %cst, %scales weights = ternary :
func.func @layers(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %trained = arith.constant dense<[[1, -1], [0, 1]]> : tensor<2x2xi8>
  %codes, %scales = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<1xf32>
  %0 = bit.linear %x, %codes, %scales weights = ternary {bit.activations_declined = "they were float"} : (tensor<3x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %1 = bit.linear %x, %codes, %scales weights = ternary quantizer = <bits = 4> : (tensor<3x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  %2 = bit.linear %x, %trained, %scales weights = ternary : (tensor<3x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<3x2xf32>
  return %0, %1, %2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}
