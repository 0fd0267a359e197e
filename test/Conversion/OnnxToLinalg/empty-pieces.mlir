// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// A piece without elements may begin where its tensor ends.

// CHECK-LABEL: func @slice
// CHECK-NOT: tensor.extract_slice
// CHECK: tensor.empty({{.*}}) : tensor<?x0xf32>
func.func @slice(%x: tensor<?x8xf32>) -> tensor<?x0xf32> {
  %from = onnx.Constant dense<8> : tensor<1xi64>
  %to = onnx.Constant dense<20> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %y = onnx.Slice %x, %from, %to, %axis {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x0xf32>
  return %y : tensor<?x0xf32>
}

// -----

// CHECK-LABEL: func @split_and_join
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [%{{.*}}, 8] [1, 1]
// CHECK-NOT: tensor.extract_slice
// CHECK: tensor.insert_slice
// CHECK-NOT: tensor.insert_slice
func.func @split_and_join(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %sizes = onnx.Constant dense<[8, 0]> : tensor<2xi64>
  %a, %b = onnx.Split %x, %sizes {axis = 1 : i64} : (tensor<?x8xf32>, tensor<2xi64>) -> (tensor<?x8xf32>, tensor<?x0xf32>)
  %y = onnx.Concat %a, %b {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x0xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Nothing is put into what is filled, and nothing repeated.
// CHECK-LABEL: func @padded
// CHECK-NOT: tensor.insert_slice
// CHECK: return
func.func @padded(%x: tensor<0x2xf32>) -> tensor<2x4xf32> {
  %pads = onnx.Constant dense<1> : tensor<4xi64>
  %0 = onnx.Pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<0x2xf32>, tensor<4xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @tiled
// CHECK-NOT: tensor.collapse_shape
// CHECK: return
func.func @tiled(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %repeats = onnx.Constant dense<[2, 0]> : tensor<2xi64>
  %0 = onnx.Tile %x, %repeats : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// CHECK-LABEL: func @reshaped
// CHECK: tensor.empty() : tensor<0x4xf32>
func.func @reshaped(%x: tensor<0x3x4xf32>) -> tensor<0x4xf32> {
  %shape = onnx.Constant dense<[-1, 4]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<0x3x4xf32>, tensor<2xi64>) -> tensor<0x4xf32>
  return %0 : tensor<0x4xf32>
}

// -----

// Sizes that the run says cannot begin anywhere in what has no elements.
// CHECK-LABEL: func @split_nothing
// CHECK-NOT: tensor.extract_slice
// CHECK: return
func.func @split_nothing(%x: tensor<0xf32>, %sizes: tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>) {
  %0:2 = onnx.Split %x, %sizes : (tensor<0xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xf32>
}
