// RUN: bit-opt %s --bit-recognize-weights --bit-recognize-activations --split-input-file | FileCheck %s

// Operands and numbers make the weight: its codes are made once. A bias is none of them.
// CHECK-LABEL: func @blockwise
// CHECK: %[[CODES:.+]] = arith.constant {{.*}} : tensor<1x16xi8>
// CHECK-NOT: tensor<1x16xi8>{{$}}
// CHECK: bit.linear %arg0, %[[CODES]]
// CHECK: bit.linear %arg0, %[[CODES]], %{{.+}} bias %arg1
func.func @blockwise(%x: tensor<?x16xf32>, %b: tensor<1xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = onnx.Constant dense<100> : tensor<1x1x4xui8>
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %z = onnx.Constant dense<1> : tensor<1xui8>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s, %z {K = 16 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>, tensor<1xui8>) -> tensor<?x1xf32>
  %u = onnx.com.microsoft.MatMulNBits %x, %w, %s, %z, %b {K = 16 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>, tensor<1xui8>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y, %u : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// Another scale or zero point is another weight.
// CHECK-LABEL: func @other_operands
// CHECK-DAG: %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK-DAG: %[[QUARTER:.+]] = arith.constant dense<2.500000e-01> : tensor<1xf32>
// CHECK-DAG: %[[NEGATIVE:.+]] = arith.constant dense<{{\[}}[0, -1, {{.*}} : tensor<1x16xi8>
// CHECK-DAG: %[[POSITIVE:.+]] = arith.constant dense<{{\[}}[1, 0, {{.*}} : tensor<1x16xi8>
// CHECK: bit.linear %arg0, %[[NEGATIVE]], %[[HALF]]
// CHECK: bit.linear %arg0, %[[NEGATIVE]], %[[QUARTER]]
// CHECK: bit.linear %arg0, %[[POSITIVE]], %[[HALF]]
func.func @other_operands(%x: tensor<?x16xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = onnx.Constant dense<17> : tensor<1x1x4xui8>
  %s = onnx.Constant dense<0.5> : tensor<1xf32>
  %t = onnx.Constant dense<0.25> : tensor<1xf32>
  %z = onnx.Constant dense<1> : tensor<1xui8>
  %a = onnx.com.microsoft.MatMulNBits %x, %w, %s, %z {K = 16 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>, tensor<1xui8>) -> tensor<?x1xf32>
  %b = onnx.com.microsoft.MatMulNBits %x, %w, %t, %z {K = 16 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>, tensor<1xui8>) -> tensor<?x1xf32>
  %v = onnx.Constant dense<0> : tensor<1xui8>
  %c = onnx.com.microsoft.MatMulNBits %x, %w, %s, %v {K = 16 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<?x16xf32>, tensor<1x1x4xui8>, tensor<1xf32>, tensor<1xui8>) -> tensor<?x1xf32>
  return %a, %b, %c : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func @integers
// CHECK: %[[CODES:.+]] = arith.constant {{.*}} : tensor<2x2xi8>
// CHECK-NOT: tensor<2x2xi8>{{$}}
// CHECK: bit.linear %{{.+}}, %[[CODES]]
// CHECK: bit.linear %{{.+}}, %[[CODES]]
func.func @integers(%x: tensor<?x2xui8>, %z: tensor<?x2xi8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
  %w = onnx.Constant dense<[[129, 127], [128, 129]]> : tensor<2x2xui8>
  %b = onnx.Constant dense<128> : tensor<ui8>
  %y = onnx.MatMulInteger %x, %w, %b {operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<?x2xui8>, tensor<2x2xui8>, tensor<ui8>) -> tensor<?x2xi32>
  %u = onnx.MatMulInteger %z, %w, %b {operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<?x2xi8>, tensor<2x2xui8>, tensor<ui8>) -> tensor<?x2xi32>
  return %y, %u : tensor<?x2xi32>, tensor<?x2xi32>
}

// -----

// The rows of the one are the columns of the other.
// CHECK-LABEL: func @both_ways
// CHECK-DAG: %[[CODES:.+]] = arith.constant dense<{{\[}}[1, -1], [0, 1]]> : tensor<2x2xi8>
// CHECK-DAG: %[[OTHER:.+]] = arith.constant dense<{{\[}}[1, 0], [-1, 1]]> : tensor<2x2xi8>
// CHECK: bit.linear %arg0, %[[CODES]]
// CHECK: bit.linear %arg0, %[[OTHER]]
func.func @both_ways(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0]]> : tensor<2x2xf32>
  %t = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %u = onnx.MatMul %x, %t : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y, %u : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// A layer in both branches of an If; what they share is outside.
// CHECK-LABEL: func @in_branches
// CHECK: %[[CODES:.+]] = arith.constant {{.*}} : tensor<2x4xi8>
// CHECK: onnx.If
// CHECK: bit.linear %arg1, %[[CODES]], %{{.+}} weights = ternary quantizer = <eps_mode = none, scale = div, overflow = clamp>
// CHECK: bit.linear %arg1, %[[CODES]], %{{.+}} weights = ternary {
func.func @in_branches(%c: tensor<i1>, %x: tensor<1x4xf32>) -> tensor<1x2xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]> : tensor<4x2xf32>
  %axes = onnx.Constant dense<-1> : tensor<1xi64>
  %q = onnx.Constant dense<127.0> : tensor<f32>
  %r = onnx.If %c : (tensor<i1>) -> tensor<1x2xf32> {
    %lo = onnx.Constant dense<-128.0> : tensor<f32>
    %0 = onnx.Abs %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
    %1 = onnx.ReduceMax %0, %axes : (tensor<1x4xf32>, tensor<1xi64>) -> tensor<1x1xf32>
    %2 = onnx.Div %q, %1 : (tensor<f32>, tensor<1x1xf32>) -> tensor<1x1xf32>
    %3 = onnx.Mul %x, %2 : (tensor<1x4xf32>, tensor<1x1xf32>) -> tensor<1x4xf32>
    %4 = onnx.Round %3 : (tensor<1x4xf32>) -> tensor<1x4xf32>
    %5 = onnx.Clip %4, %lo, %q {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<1x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x4xf32>
    %6 = onnx.Div %5, %2 : (tensor<1x4xf32>, tensor<1x1xf32>) -> tensor<1x4xf32>
    %y = onnx.MatMul %6, %w : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>
    onnx.Yield %y : tensor<1x2xf32>
  } {
    %y = onnx.MatMul %x, %w : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>
    onnx.Yield %y : tensor<1x2xf32>
  }
  return %r : tensor<1x2xf32>
}
