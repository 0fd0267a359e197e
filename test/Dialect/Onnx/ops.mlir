// RUN: bit-opt %s | bit-opt | FileCheck %s
// RUN: bit-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// What onnx-tblgen writes: every kind of attribute, optional and variadic
// operands and results, regions.

// CHECK-LABEL: func @default_attributes
func.func @default_attributes(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: onnx.LeakyRelu %arg0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // GENERIC: "onnx.LeakyRelu"(%{{.*}}) <{alpha = 0.00999999977 : f32}>
  %0 = onnx.LeakyRelu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: onnx.Softmax %{{.*}} {axis = 0 : i64}
  %1 = onnx.Softmax %0 {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: func @attributes
func.func @attributes(%x: tensor<1x1x?x?xf32>, %w: tensor<1x1x3x3xf32>)
    -> tensor<1x1x?x?xf32> {
  // CHECK: onnx.Conv %arg0, %arg1 {auto_pad = "SAME_UPPER", kernel_shape = array<i64: 3, 3>}
  %0 = onnx.Conv %x, %w {auto_pad = "SAME_UPPER", kernel_shape = array<i64: 3, 3>}
    : (tensor<1x1x?x?xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x?x?xf32>
  return %0 : tensor<1x1x?x?xf32>
}

// CHECK-LABEL: func @strings_and_floats
func.func @strings_and_floats(%x: tensor<4x2x3xf32>, %w: tensor<1x5x3xf32>,
                              %r: tensor<1x5x5xf32>) -> tensor<1x2x5xf32> {
  // CHECK: %{{.*}}, %[[H:.*]] = onnx.RNN
  // CHECK-SAME: activation_alpha = array<f32: 5.000000e-01>, activations = ["Elu"]
  // CHECK-SAME: operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  // CHECK-SAME: resultSegmentSizes = array<i32: 1, 1>
  %y, %h = onnx.RNN %x, %w, %r {
    activation_alpha = array<f32: 0.5>, activations = ["Elu"], hidden_size = 5 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 1>
  } : (tensor<4x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>)
    -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>)
  return %h : tensor<1x2x5xf32>
}

// CHECK-LABEL: func @tensor_attribute
func.func @tensor_attribute(%shape: tensor<2xi64>) -> tensor<?x?xui8> {
  // CHECK: onnx.ConstantOfShape %arg0 {value = dense<7> : tensor<1xui8>}
  %0 = onnx.ConstantOfShape %shape {value = dense<7> : tensor<1xui8>}
    : (tensor<2xi64>) -> tensor<?x?xui8>
  return %0 : tensor<?x?xui8>
}

// CHECK-LABEL: func @optional_operands
func.func @optional_operands(%x: tensor<?xf16>, %max: tensor<f16>) -> tensor<?xf16> {
  // CHECK: onnx.Clip %arg0, %arg1 {operandSegmentSizes = array<i32: 1, 0, 1>}
  %0 = onnx.Clip %x, %max {operandSegmentSizes = array<i32: 1, 0, 1>}
    : (tensor<?xf16>, tensor<f16>) -> tensor<?xf16>
  return %0 : tensor<?xf16>
}

// CHECK-LABEL: func @branches
func.func @branches(%c: tensor<i1>, %a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<?xf32> {
  // CHECK: onnx.If %arg0 : (tensor<i1>) -> tensor<?xf32> {
  // CHECK-NEXT: onnx.Yield %arg2 : tensor<3xf32>
  // CHECK: onnx.Yield %arg1 : tensor<2xf32>
  %0 = onnx.If %c : (tensor<i1>) -> tensor<?xf32> {
    onnx.Yield %b : tensor<3xf32>
  } {
    onnx.Yield %a : tensor<2xf32>
  }
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @loop
func.func @loop(%m: tensor<i64>, %x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: onnx.Loop %arg0, %arg1 {operandSegmentSizes = array<i32: 1, 0, 1>}
  // CHECK-NEXT: ^bb0(%[[I:.*]]: tensor<i64>, %[[C:.*]]: tensor<i1>, %[[V:.*]]: tensor<2xf32>):
  // CHECK: onnx.Yield %[[C]], %{{.*}} : tensor<i1>, tensor<2xf32>
  %0 = onnx.Loop %m, %x {operandSegmentSizes = array<i32: 1, 0, 1>}
    : (tensor<i64>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i64>, %cond: tensor<i1>, %v: tensor<2xf32>):
    %1 = onnx.Neg %v : (tensor<2xf32>) -> tensor<2xf32>
    onnx.Yield %cond, %1 : tensor<i1>, tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @small_types
func.func @small_types(%x: tensor<4xi4>, %s: tensor<1xf32>) -> tensor<4xf32> {
  // CHECK: onnx.DequantizeLinear %arg0, %arg1
  %0 = onnx.DequantizeLinear %x, %s : (tensor<4xi4>, tensor<1xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @microsoft
func.func @microsoft(%a: tensor<?x32xf32>, %b: tensor<8x1x16xui8>, %s: tensor<8xf32>)
    -> tensor<?x8xf32> {
  // CHECK: onnx.com.microsoft.MatMulNBits %arg0, %arg1, %arg2 {K = 32 : i64, N = 8 : i64
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s {
    K = 32 : i64, N = 8 : i64, block_size = 32 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
  } : (tensor<?x32xf32>, tensor<8x1x16xui8>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @constant
func.func @constant() -> (tensor<2xf32>, tensor<2xui8>) {
  // CHECK: onnx.Constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %0 = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: onnx.Constant dense<255> : tensor<2xui8>
  %1 = onnx.Constant dense<255> : tensor<2xui8>
  return %0, %1 : tensor<2xf32>, tensor<2xui8>
}
