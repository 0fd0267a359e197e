// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Sizes are arithmetic on the dims of the inputs, and what is equal at run time
// is one value: nothing is checked, and no residual sum is a broadcast.

// As exporters write a split into heads: the batch behind -1 is that of x.
// CHECK-LABEL: func @heads
// CHECK: %[[B:.+]] = tensor.dim %arg0
// CHECK-NOT: arith.divui
// CHECK-NOT: cf.assert
// CHECK: tensor.expand_shape {{.*}} output_shape [%[[B]], 64, 3, 64]
func.func @heads(%x: tensor<?x64x192xf32>) -> tensor<?x64x3x64xf32> {
  %shape = onnx.Constant dense<[-1, 64, 3, 64]> : tensor<4xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<?x64x192xf32>, tensor<4xi64>) -> tensor<?x64x3x64xf32>
  return %0 : tensor<?x64x3x64xf32>
}

// A constant that does not divide the elements stays a division and a check.
// CHECK-LABEL: func @no_divisor
// CHECK: arith.divui
// CHECK: cf.assert {{.*}} "expects a shape with as many elements as the input"
func.func @no_divisor(%x: tensor<?x10xf32>) -> tensor<?x3xf32> {
  %shape = onnx.Constant dense<[-1, 3]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<?x10xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// The size that an earlier stage asked of an ONNX value is the one that its
// lowering knows.
// CHECK-LABEL: func @earlier_stage
// CHECK: %[[B:.+]] = tensor.dim %arg0
// CHECK-NOT: cf.assert
// CHECK: tensor.empty(%[[B]])
// CHECK: linalg.generic
// CHECK-NOT: tensor.extract
// CHECK: return
func.func @earlier_stage(%x: tensor<?x8x4xf32>) -> tensor<?x8x4xf32> {
  %c0 = arith.constant 0 : index
  %shape = onnx.Constant dense<[-1, 8, 4]> : tensor<3xi64>
  %0 = onnx.Relu %x : (tensor<?x8x4xf32>) -> tensor<?x8x4xf32>
  %1 = onnx.Reshape %0, %shape : (tensor<?x8x4xf32>, tensor<3xi64>) -> tensor<?x8x4xf32>
  %dim = tensor.dim %1, %c0 : tensor<?x8x4xf32>
  %rows = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<?x8x4xf32> into tensor<?x4xf32>
  %y = tensor.expand_shape %rows [[0, 1], [2]] output_shape [%dim, 8, 4] : tensor<?x4xf32> into tensor<?x8x4xf32>
  %sum = onnx.Add %x, %y : (tensor<?x8x4xf32>, tensor<?x8x4xf32>) -> tensor<?x8x4xf32>
  return %sum : tensor<?x8x4xf32>
}

// What an earlier stage has reshaped into rows is as long as the input says.
// CHECK-LABEL: func @rows
// CHECK: %[[B:.+]] = tensor.dim %arg0
// CHECK: %[[M:.+]] = arith.muli %[[B]], %{{.+}}
// CHECK-NOT: tensor.dim
// CHECK: tensor.empty(%[[M]])
func.func @rows(%x: tensor<?x8x4xf32>) -> tensor<?x4xi8> {
  %c0 = arith.constant 0 : index
  %0 = onnx.Relu %x : (tensor<?x8x4xf32>) -> tensor<?x8x4xf32>
  %rows = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<?x8x4xf32> into tensor<?x4xf32>
  %m = tensor.dim %rows, %c0 : tensor<?x4xf32>
  %codes = tensor.empty(%m) : tensor<?x4xi8>
  return %codes : tensor<?x4xi8>
}
