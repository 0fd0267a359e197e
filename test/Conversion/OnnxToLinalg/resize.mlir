// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// A table of positions for the axis that changes, then one read an element.
// CHECK-LABEL: func @nearest
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8xi64>)
// CHECK: math.floor
// CHECK: arith.maxsi
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x2x8xf32>)
// CHECK: tensor.extract %arg0
func.func @nearest(%x: tensor<1x2x4xf32>) -> tensor<1x2x8xf32> {
  %scales = onnx.Constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>
  %0 = onnx.Resize %x, %scales {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4xf32>, tensor<3xf32>) -> tensor<1x2x8xf32>
  return %0 : tensor<1x2x8xf32>
}

// Two taps an output; a tap that weighs nothing is skipped.
// CHECK-LABEL: func @linear
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x2xi64>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x2xf32>)
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "parallel", "reduction"
// CHECK: arith.cmpf oeq
// CHECK: math.fma
// CHECK: arith.select
func.func @linear(%x: tensor<1x2x4xf32>) -> tensor<1x2x8xf32> {
  %scales = onnx.Constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>
  %0 = onnx.Resize %x, %scales {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4xf32>, tensor<3xf32>) -> tensor<1x2x8xf32>
  return %0 : tensor<1x2x8xf32>
}

// Scales that only the run shows are checked there, and so is what they make.
// CHECK-LABEL: func @dynamic
// CHECK-DAG: cf.assert {{.*}}, "expects scales above 0"
// CHECK-DAG: cf.assert {{.*}}, "expects sizes below 2^31"
// CHECK-DAG: cf.assert {{.*}}, "expects an input that is not empty where the output is not"
func.func @dynamic(%x: tensor<?xf32>, %scales: tensor<1xf32>) -> tensor<?xf32> {
  %0 = onnx.Resize %x, %scales {mode = "cubic", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// Codes are interpolated as floats and rounded.
// CHECK-LABEL: func @codes
// CHECK: arith.uitofp
// CHECK: math.fma
// CHECK: math.roundeven
// CHECK: arith.fptoui
func.func @codes(%x: tensor<1x2x4xui8>) -> tensor<1x2x8xui8> {
  %scales = onnx.Constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>
  %0 = onnx.Resize %x, %scales {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4xui8>, tensor<3xf32>) -> tensor<1x2x8xui8>
  return %0 : tensor<1x2x8xui8>
}
