// RUN: bit-opt %s --bit-fold-constants --split-input-file | FileCheck %s
// RUN: bit-opt %s --bit-fold-constants=max-bytes=4 --split-input-file | FileCheck %s --check-prefix=SMALL
// RUN: bit-opt %s --bit-fold-constants=leave=bit.quantize_weight --split-input-file | FileCheck %s --check-prefix=LEAVE

// Only the value that something else reads is left.
// CHECK-LABEL: func @chain
// CHECK-NEXT: onnx.Constant dense<[3.000000e+00, 5.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: onnx.Mul
func.func @chain(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = onnx.Add %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %1 = onnx.Add %0, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %y = onnx.Mul %x, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// The shape of a static tensor is a constant; that of a dynamic one is not.
// CHECK-LABEL: func @shapes
// CHECK: onnx.Constant dense<[2, 3]> : tensor<2xi64>
// CHECK: onnx.Shape %arg1
func.func @shapes(%x: tensor<2x3xf32>, %z: tensor<?x3xf32>) -> (tensor<2xi64>, tensor<2xi64>) {
  %0 = onnx.Shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  %1 = onnx.Shape %z : (tensor<?x3xf32>) -> tensor<2xi64>
  return %0, %1 : tensor<2xi64>, tensor<2xi64>
}

// -----

// A value much larger than what it comes from stays computed.
// CHECK-LABEL: func @growth
// CHECK: onnx.Constant dense<1.000000e+00> : tensor<4xf32>
// SMALL-LABEL: func @growth
// SMALL: onnx.Expand
func.func @growth() -> tensor<4xf32> {
  %a = onnx.Constant dense<1.0> : tensor<1xf32>
  %s = onnx.Constant dense<4> : tensor<1xi64>
  %0 = onnx.Expand %a, %s : (tensor<1xf32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// What evaluates its operand itself gets it unfolded; other users do not.
// LEAVE-LABEL: func @leave
// LEAVE: %[[T:.+]] = onnx.Transpose
// LEAVE: bit.quantize_weight %[[T]]
// CHECK-LABEL: func @leave
// CHECK-NOT: onnx.Transpose
func.func @leave() -> tensor<1x2xi8> {
  %a = onnx.Constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %t = onnx.Transpose %a {perm = array<i64: 1, 0>} : (tensor<2x1xf32>) -> tensor<1x2xf32>
  %codes, %scales = bit.quantize_weight %t scheme = sign granularity = tensor : tensor<1x2xf32> -> tensor<1x2xi8>, tensor<1xf32>
  return %codes : tensor<1x2xi8>
}

// The branch that a constant chooses takes the place of the If.
// CHECK-LABEL: @known_if
func.func @known_if(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NOT: onnx.If
  // CHECK-NOT: onnx.Neg
  // CHECK: %[[Y:.*]] = onnx.Exp %{{.*}}
  // CHECK: return %[[Y]]
  %no = onnx.Constant dense<false> : tensor<i1>
  %yes = onnx.Not %no : (tensor<i1>) -> tensor<i1>
  %0 = onnx.If %yes : (tensor<i1>) -> tensor<4xf32> {
    %r = onnx.Neg %x : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %r : tensor<4xf32>
  } {
    %r = onnx.Exp %x : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %r : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
