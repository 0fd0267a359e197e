// RUN: bit-opt %s --bit-recognize-weights --split-input-file | FileCheck %s

// Every node that says "activations times a constant matrix", whatever it is called.

// The product of a constant by activations: both sides transposed.
// CHECK-LABEL: func @left_constant
// CHECK-DAG: arith.constant dense<{{\[}}[1, 0], [-1, 1], [0, 1]]> : tensor<3x2xi8>
// CHECK: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 0, 2, 1>} : (tensor<4x2x?xf32>) -> tensor<4x?x2xf32>
// CHECK: %[[Y:.+]] = bit.linear %[[X]], {{.*}} -> tensor<4x?x3xf32>
// CHECK: onnx.Transpose %[[Y]] {perm = array<i64: 0, 2, 1>} : (tensor<4x?x3xf32>) -> tensor<4x3x?xf32>
func.func @left_constant(%x: tensor<4x2x?xf32>) -> tensor<4x3x?xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]]> : tensor<3x2xf32>
  %y = onnx.MatMul %w, %x : (tensor<3x2xf32>, tensor<4x2x?xf32>) -> tensor<4x3x?xf32>
  return %y : tensor<4x3x?xf32>
}

// -----

// Transpositions around the product are those that it would need: none is left
// but for who wants the product itself.
// CHECK-LABEL: func @left_constant_transposed
// CHECK: %[[Y:.+]] = bit.linear %arg0, %{{.+}} : (tensor<?x2xf32>, tensor<3x2xi8>, tensor<1xf32>) -> tensor<?x3xf32>
// CHECK: %[[P:.+]] = onnx.Transpose %[[Y]] {perm = array<i64: 1, 0>}
// CHECK: return %[[Y]], %[[P]]
func.func @left_constant_transposed(%x: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<3x?xf32>) {
  %w = onnx.Constant dense<[[0.5, -0.5], [0.0, 0.5], [0.5, 0.5]]> : tensor<3x2xf32>
  %t = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<?x2xf32>) -> tensor<2x?xf32>
  %p = onnx.MatMul %w, %t : (tensor<3x2xf32>, tensor<2x?xf32>) -> tensor<3x?xf32>
  %y = onnx.Transpose %p : (tensor<3x?xf32>) -> tensor<?x3xf32>
  return %y, %p : tensor<?x3xf32>, tensor<3x?xf32>
}

// -----

// Another permutation is one with the product's own.
// CHECK-LABEL: func @left_constant_permuted
// CHECK: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 2, 1, 0>} : (tensor<2x4x?xf32>) -> tensor<?x4x2xf32>
// CHECK: %[[Y:.+]] = bit.linear %[[X]],
// CHECK: onnx.Transpose %[[Y]] {perm = array<i64: 0, 2, 1>}
func.func @left_constant_permuted(%x: tensor<2x4x?xf32>) -> tensor<?x3x4xf32> {
  %w = onnx.Constant dense<[[0.5, -0.5], [0.0, 0.5], [0.5, 0.5]]> : tensor<3x2xf32>
  %t = onnx.Transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x4x?xf32>) -> tensor<?x2x4xf32>
  %p = onnx.MatMul %w, %t : (tensor<3x2xf32>, tensor<?x2x4xf32>) -> tensor<?x3x4xf32>
  return %p : tensor<?x3x4xf32>
}

// -----

// What is added but is no vector for all rows stays an addition.
// CHECK-LABEL: func @matrix_addend
// CHECK: %[[Y:.+]] = bit.linear %arg0, %{{.+}}, %{{.+}} weights = binary
// CHECK: %[[C:.+]] = onnx.Mul %arg1, %{{.+}} : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
// CHECK: onnx.Add %[[Y]], %[[C]] : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
func.func @matrix_addend(%x: tensor<2x2xf32>, %c: tensor<2x1xf32>) -> tensor<2x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %y = onnx.Gemm %x, %w, %c {beta = 2.0 : f32} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// A scalar is a bias for every output.
// CHECK-LABEL: func @scalar_addend
// CHECK-DAG: %[[BIAS:.+]] = arith.constant dense<6.000000e+00> : tensor<2xf32>
// CHECK: bit.linear {{.*}} bias %[[BIAS]]
// CHECK-NOT: onnx.Add
func.func @scalar_addend(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
  %c = onnx.Constant dense<3.0> : tensor<f32>
  %y = onnx.Gemm %x, %w, %c {beta = 2.0 : f32} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @fused_matmul
// CHECK-DAG: arith.constant dense<{{\[}}[1, 0], [-1, 1], [0, 1]]> : tensor<3x2xi8>
// CHECK-DAG: arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 0, 2, 1>}
// CHECK: bit.linear %[[X]],
func.func @fused_matmul(%x: tensor<4x2x?xf32>) -> tensor<4x?x3xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]]> : tensor<3x2xf32>
  %y = onnx.com.microsoft.FusedMatMul %x, %w {alpha = 0.5 : f32, transA = 1 : i64, transB = 1 : i64} : (tensor<4x2x?xf32>, tensor<3x2xf32>) -> tensor<4x?x3xf32>
  return %y : tensor<4x?x3xf32>
}

// -----

// CHECK-LABEL: func @einsum_linear
// CHECK-NOT: onnx.Transpose
// CHECK: bit.linear %arg0, {{.*}} (tensor<?x4x2xf32>, tensor<3x2xi8>, tensor<1xf32>) -> tensor<?x4x3xf32>
func.func @einsum_linear(%x: tensor<?x4x2xf32>) -> tensor<?x4x3xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]]> : tensor<3x2xf32>
  %y = onnx.Einsum %x, %w {equation = "b i j, k j -> b i k"} : (tensor<?x4x2xf32>, tensor<3x2xf32>) -> tensor<?x4x3xf32>
  return %y : tensor<?x4x3xf32>
}

// -----

// Constant first, an ellipsis, the summed dimension in front, the new one in the middle.
// CHECK-LABEL: func @einsum_permuted
// CHECK: %[[X:.+]] = onnx.Transpose %arg0 {perm = array<i64: 1, 2, 0>} : (tensor<2x?x5xf32>) -> tensor<?x5x2xf32>
// CHECK: %[[Y:.+]] = bit.linear %[[X]], {{.*}} -> tensor<?x5x3xf32>
// CHECK: onnx.Transpose %[[Y]] {perm = array<i64: 0, 2, 1>} : (tensor<?x5x3xf32>) -> tensor<?x3x5xf32>
func.func @einsum_permuted(%x: tensor<2x?x5xf32>) -> tensor<?x3x5xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]]> : tensor<3x2xf32>
  %y = onnx.Einsum %w, %x {equation = "nk,k...m->...nm"} : (tensor<3x2xf32>, tensor<2x?x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// -----

// Without an arrow: what occurs once, in alphabetical order.
// CHECK-LABEL: func @einsum_implicit
// CHECK: bit.linear %arg0, {{.*}} -> tensor<4x3xf32>
func.func @einsum_implicit(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = onnx.Constant dense<[[1.0, 0.0, 1.0], [-1.0, 1.0, 0.0]]> : tensor<2x3xf32>
  %y = onnx.Einsum %x, %w {equation = "ij,jk"} : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Two bits a code, blocks of 16 of which the second is half full, a zero point of 1.
// CHECK-LABEL: func @two_bits
// CHECK-DAG: arith.constant dense<{{\[}}[-1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, 1, 1, 1, 1, -1, -1, -1, -1]]> : tensor<1x24xi8>
// CHECK-DAG: arith.constant dense<{{\[}}[5.000000e-01, 5.000000e-01, 2.000000e+00]]> : tensor<1x3xf32>
// CHECK: bit.linear {{.*}} bias %{{.+}} weights = ternary {{.*}}weight_granularity = "group8"
func.func @two_bits(%x: tensor<?x24xf32>, %b: tensor<1xf32>) -> tensor<?x1xf32> {
  // 0, 1, 2, 1 from the low bits on is 0x64.
  %w = onnx.Constant dense<[[[100, 100, 100, 100], [170, 0, 0, 0]]]> : tensor<1x2x4xui8>
  %s = onnx.Constant dense<[0.5, 2.0]> : tensor<2xf32>
  %z = onnx.Constant dense<5> : tensor<1xui8>
  %y = onnx.com.microsoft.MatMulNBits %x, %w, %s, %z, %b {K = 24 : i64, N = 1 : i64, bits = 2 : i64, block_size = 16 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>} : (tensor<?x24xf32>, tensor<1x2x4xui8>, tensor<2xf32>, tensor<1xui8>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Exact in floats: the sums stay below 2^24.
// CHECK-LABEL: func @integers
// CHECK-DAG: arith.constant dense<{{\[}}[1, 0], [-1, 1]]> : tensor<2x2xi8>
// CHECK-DAG: arith.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK-DAG: %[[X:.+]] = onnx.Cast %arg0 {to = 1 : i64} : (tensor<?x2xui8>) -> tensor<?x2xf32>
// CHECK-DAG: %[[Z:.+]] = onnx.Cast %arg1 {to = 1 : i64} : (tensor<ui8>) -> tensor<f32>
// CHECK: %[[D:.+]] = onnx.Sub %[[X]], %[[Z]]
// CHECK: %[[Y:.+]] = bit.linear %[[D]], {{.*}} -> tensor<?x2xf32>
// CHECK: onnx.Cast %[[Y]] {to = 6 : i64} : (tensor<?x2xf32>) -> tensor<?x2xi32>
func.func @integers(%x: tensor<?x2xui8>, %z: tensor<ui8>) -> tensor<?x2xi32> {
  %w = onnx.Constant dense<[[129, 127], [128, 129]]> : tensor<2x2xui8>
  %b = onnx.Constant dense<128> : tensor<ui8>
  %y = onnx.MatMulInteger %x, %w, %z, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1>} : (tensor<?x2xui8>, tensor<2x2xui8>, tensor<ui8>, tensor<ui8>) -> tensor<?x2xi32>
  return %y : tensor<?x2xi32>
}

// -----

// Sums beyond 2^24 are rounded once, as their cast to floats is.
// CHECK-LABEL: func @levels_of_127
// CHECK: %[[Y:.+]] = bit.linear {{.*}} -> tensor<1x1xf32>
// CHECK-NEXT: return %[[Y]]
func.func @levels_of_127(%x: tensor<1x768xi8>) -> tensor<1x1xf32> {
  %w = onnx.Constant dense<127> : tensor<768x1xi8>
  %y = onnx.MatMulInteger %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x768xi8>, tensor<768x1xi8>) -> tensor<1x1xi32>
  %f = onnx.Cast %y {to = 1 : i64} : (tensor<1x1xi32>) -> tensor<1x1xf32>
  return %f : tensor<1x1xf32>
}

// -----

// Codes as int8: the sums are wanted as floats only.
// CHECK-LABEL: func @integer_codes
// CHECK: %[[X:.+]] = onnx.Cast %arg0
// CHECK-NEXT: %[[Y:.+]] = bit.linear %[[X]], {{.*}} -> tensor<?x2xf32>
// CHECK-NEXT: onnx.Div %[[Y]], %arg1
func.func @integer_codes(%x: tensor<?x2xi8>, %s: tensor<?x1xf32>) -> tensor<?x2xf32> {
  %w = onnx.Constant dense<[[1, -1], [0, 1]]> : tensor<2x2xi8>
  %y = onnx.MatMulInteger %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<?x2xi8>, tensor<2x2xi8>) -> tensor<?x2xi32>
  %f = onnx.Cast %y {to = 1 : i64} : (tensor<?x2xi32>) -> tensor<?x2xf32>
  %r = onnx.Div %f, %s : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

// -----

// Halves: the level is the one most weights have, the other is next to it.
// CHECK-LABEL: func @half
// CHECK-DAG: arith.constant dense<0.100097656> : tensor<1xf32>
// CHECK: %[[X:.+]] = onnx.Cast %arg0 {to = 1 : i64} : (tensor<2x4xf16>) -> tensor<2x4xf32>
// CHECK: %[[Y:.+]] = bit.linear %[[X]]
// CHECK: onnx.Cast %[[Y]] {to = 10 : i64} : (tensor<2x1xf32>) -> tensor<2x1xf16>
func.func @half(%x: tensor<2x4xf16>) -> tensor<2x1xf16> {
  %w = onnx.Constant dense<[[0x2E68], [0xAE69], [0x0000], [0x2E68]]> : tensor<4x1xf16>
  %y = onnx.MatMul %x, %w : (tensor<2x4xf16>, tensor<4x1xf16>) -> tensor<2x1xf16>
  return %y : tensor<2x1xf16>
}

// -----

// CHECK-LABEL: func @brain
// CHECK: bit.linear {{.*}} : (tensor<2x2xf32>, tensor<1x2xi8>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
// CHECK: onnx.Cast {{.*}} {to = 16 : i64}
func.func @brain(%x: tensor<2x2xbf16>) -> tensor<2x1xbf16> {
  %w = onnx.Constant dense<[[0.5], [-0.5]]> : tensor<2x1xbf16>
  %c = onnx.Constant dense<0.25> : tensor<1xbf16>
  %y = onnx.Gemm %x, %w, %c : (tensor<2x2xbf16>, tensor<2x1xbf16>, tensor<1xbf16>) -> tensor<2x1xbf16>
  return %y : tensor<2x1xbf16>
}

// -----

// Layers in the body of a loop.
// CHECK-LABEL: func @in_a_loop
// CHECK: onnx.Loop
// CHECK: bit.linear
func.func @in_a_loop(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %r = onnx.Loop %n, %c, %x {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<i64>, tensor<i1>, tensor<1x2xf32>) -> tensor<1x2xf32> {
  ^bb0(%i: tensor<i64>, %d: tensor<i1>, %v: tensor<1x2xf32>):
    %w = onnx.Constant dense<[[1.0, 0.0], [-1.0, 1.0]]> : tensor<2x2xf32>
    %y = onnx.MatMul %v, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    onnx.Yield %d, %y : tensor<i1>, tensor<1x2xf32>
  }
  return %r : tensor<1x2xf32>
}

// -----

// Leading ones of a weight only broadcast.
// CHECK-LABEL: func @leading_ones
// CHECK: bit.linear %arg0, {{.*}} : (tensor<3x?x2xf32>, tensor<1x2xi8>, tensor<1xf32>) -> tensor<3x?x1xf32>
func.func @leading_ones(%x: tensor<3x?x2xf32>) -> tensor<3x?x1xf32> {
  %w = onnx.Constant dense<[[[0.5], [-0.5]]]> : tensor<1x2x1xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x?x2xf32>, tensor<1x2x1xf32>) -> tensor<3x?x1xf32>
  return %y : tensor<3x?x1xf32>
}
