// RUN: bit-opt %s --canonicalize="test-convergence" --cse --split-input-file | FileCheck %s

// Equal quantizers of one value are computed once, others are not.
// CHECK-LABEL: @quantize_once
// CHECK-COUNT-2: bit.absmax_quantize
// CHECK-NOT: bit.absmax_quantize
func.func @quantize_once(%x: tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x4xi8>) {
  %c = tensor.empty() : tensor<2x4xi8>
  %s = tensor.empty() : tensor<2xf32>
  %u = tensor.empty() : tensor<2xi32>
  %0:3 = bit.absmax_quantize ins(%x : tensor<2x4xf32>) outs(%c, %s, %u : tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>)
      quantizer = <> -> tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>
  %1:3 = bit.absmax_quantize ins(%x : tensor<2x4xf32>) outs(%c, %s, %u : tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>)
      quantizer = <bits = 8> -> tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>
  %2:3 = bit.absmax_quantize ins(%x : tensor<2x4xf32>) outs(%c, %s, %u : tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>)
      quantizer = <eps = 0.0> -> tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>
  return %0#0, %1#0, %2#0 : tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x4xi8>
}

// -----

// An unused quantizer goes; on buffers it stays, since it writes.
// CHECK-LABEL: @unused
func.func @unused(%x: tensor<2x4xf32>, %mx: memref<2x4xf32>, %c: memref<2x4xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // CHECK-NOT: tensor<2x4xi8>
  // CHECK: bit.absmax_quantize ins(%{{.*}} : memref
  %ec = tensor.empty() : tensor<2x4xi8>
  %es = tensor.empty() : tensor<2xf32>
  %eu = tensor.empty() : tensor<2xi32>
  %0:3 = bit.absmax_quantize ins(%x : tensor<2x4xf32>) outs(%ec, %es, %eu : tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>)
      quantizer = <> -> tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>
  bit.absmax_quantize ins(%mx : memref<2x4xf32>) outs(%c, %s, %u : memref<2x4xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
  return
}

// -----

// CHECK-LABEL: @merge_scale
func.func @merge_scale(%acc: tensor<2x2xi32>, %xs: tensor<2xf32>) -> tensor<2x2xf32> {
  // CHECK-DAG: %[[WS:.*]] = arith.constant dense<[1.200000e+00, -2.000000e+00]>
  // CHECK-DAG: %[[B:.*]] = arith.constant dense<[0.000000e+00, 4.000000e-01]>
  // CHECK: %[[Y:.*]] = bit.rescale %{{.*}}, %{{.*}}, %[[WS]] bias %[[B]] {bit.layer = 1 : i64}
  // CHECK-NEXT: return %[[Y]]
  %ws = arith.constant dense<[0.3, -0.5]> : tensor<2xf32>
  %b = arith.constant dense<[0.0, 0.1]> : tensor<2xf32>
  %four = arith.constant dense<4.0> : tensor<2x2xf32>
  %0 = bit.rescale %acc, %xs, %ws bias %b {bit.layer = 1 : i64}
      : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = arith.mulf %0, %four : tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Not merged: a factor that rounds, a scale that underflows, a scale that is
// not known, a value that is used elsewhere.
// CHECK-LABEL: @keep_scale
// CHECK-COUNT-4: arith.mulf
func.func @keep_scale(%acc: tensor<2x2xi32>, %xs: tensor<2xf32>, %any: tensor<2xf32>)
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %ws = arith.constant dense<[0.3, -0.5]> : tensor<2xf32>
  %tiny = arith.constant dense<1.17549435E-38> : tensor<2xf32>
  %three = arith.constant dense<3.0> : tensor<2x2xf32>
  %half = arith.constant dense<0.5> : tensor<2x2xf32>
  %0 = bit.rescale %acc, %xs, %ws : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = arith.mulf %0, %three : tensor<2x2xf32>
  %2 = bit.rescale %acc, %xs, %tiny : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %3 = arith.mulf %2, %half : tensor<2x2xf32>
  %4 = bit.rescale %acc, %xs, %any : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %5 = arith.mulf %4, %half : tensor<2x2xf32>
  %acc2 = arith.addi %acc, %acc : tensor<2x2xi32>
  %6 = bit.rescale %acc2, %xs, %ws : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %7 = arith.mulf %6, %half : tensor<2x2xf32>
  return %1, %3, %5, %6, %7 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// Integers times 0 are 0; bit.linear keeps its NaN.
// CHECK-LABEL: @zero_weights
func.func @zero_weights(%x: tensor<2x4xi8>, %f: tensor<2x4xf32>, %s: tensor<1xf32>) -> (tensor<2x3xi32>, tensor<2x3xf32>) {
  // CHECK-NOT: bit.ternary_matmul
  // CHECK: arith.constant dense<0> : tensor<2x3xi32>
  // CHECK: bit.linear
  %w = arith.constant dense<0> : tensor<3x4xi8>
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] : tensor<2x4xi8>, tensor<3x4xi8> -> tensor<2x3xi32>
  %1 = bit.linear %f, %w, %s weights = ternary : (tensor<2x4xf32>, tensor<3x4xi8>, tensor<1xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xi32>, tensor<2x3xf32>
}
