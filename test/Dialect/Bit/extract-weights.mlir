// RUN: bit-opt %s --bit-extract-weights=min-bytes=16 | FileCheck %s

// In the order of their use: what is defined last is used first.
// CHECK: bit.weight @weight at 0 = dense<{{.*}}> : tensor<16xi8>
// The next one begins at the next multiple of 64.
// CHECK: bit.weight @weight_0 at 64 = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
// For who reads the matrix as it is, and in panels.
// CHECK: bit.weight @weight_1 at 128 = dense<{{.*}}> : tensor<2x3xf32>
// CHECK: bit.weight @weight_2 at 192 panels 16 = dense<{{.*}}> : tensor<2x3xf32>
// CHECK: bit.weight @weight_3 at 320 panels 16 transposed = dense<{{.*}}> : tensor<2x3xf32>
// A scale lies with the codes, however small.
// CHECK: bit.weight @weight_4 at 512 = dense<5.000000e-01> : tensor<1xf32>
// Quads of k are another form of the same matrix.
// CHECK: bit.weight @weight_5 at 576 panels 16 = dense<{{.*}}> : tensor<5x3xi8>
// CHECK: bit.weight @weight_6 at 704 panels 16 quads = dense<{{.*}}> : tensor<5x3xi8>
// CHECK: bit.weight @weight_7 at 832 panels 16 quads transposed = dense<{{.*}}> : tensor<5x3xi8>
// CHECK-NOT: bit.weight

// CHECK-LABEL: @extract
func.func @extract() -> (tensor<4xf32>, tensor<16xi8>) {
  // CHECK: bit.get_weight @weight_0 : tensor<4xf32>
  %0 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  // CHECK: bit.get_weight @weight : tensor<16xi8>
  %1 = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : tensor<16xi8>
  %first = tensor.cast %1 : tensor<16xi8> to tensor<?xi8>
  return %0, %1 : tensor<4xf32>, tensor<16xi8>
}

// CHECK-LABEL: @share
func.func @share() -> tensor<4xf32> {
  // CHECK: bit.get_weight @weight_0 : tensor<4xf32>
  %0 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A splat is a scalar to whoever reads it; a few bytes are not worth a name.
// CHECK-LABEL: @stay
func.func @stay() -> (tensor<64xf32>, tensor<2xf32>, i32) {
  // CHECK-DAG: arith.constant dense<1.000000e+00> : tensor<64xf32>
  %splat = arith.constant dense<1.0> : tensor<64xf32>
  // CHECK-DAG: arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %small = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %scalar = arith.constant 1 : i32
  return %splat, %small, %scalar : tensor<64xf32>, tensor<2xf32>, i32
}

// CHECK-LABEL: @panels
func.func @panels() -> (tensor<1x2x16xf32>, tensor<1x3x16xf32>, tensor<2x3xf32>) {
  %b = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  // CHECK: bit.get_weight @weight_1 : tensor<2x3xf32>
  // CHECK-NOT: tensor.empty
  // CHECK: bit.get_weight @weight_2 : tensor<1x2x16xf32>
  %0 = tensor.empty() : tensor<1x2x16xf32>
  %p = bit.pack_panels ins(%b : tensor<2x3xf32>) outs(%0 : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  // CHECK: bit.get_weight @weight_3 : tensor<1x3x16xf32>
  %1 = tensor.empty() : tensor<1x3x16xf32>
  %t = bit.pack_panels ins(%b : tensor<2x3xf32>) outs(%1 : tensor<1x3x16xf32>) transposed -> tensor<1x3x16xf32>
  return %p, %t, %b : tensor<1x2x16xf32>, tensor<1x3x16xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @scale
func.func @scale(%x: tensor<?x16xi8>, %p: tensor<64xi8>, %xs: tensor<?xf32>, %sum: tensor<?xi32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: bit.get_weight @weight_4 : tensor<1xf32>
  %ws = arith.constant dense<0.5> : tensor<1xf32>
  %z = bit.packed_matmul ins(%x, %p, %ws : tensor<?x16xi8>, tensor<64xi8>, tensor<1xf32>)
      quantized(%xs, %sum : tensor<?xf32>, tensor<?xi32>) outs(%y : tensor<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2> -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// CHECK-LABEL: @quads
func.func @quads() -> (tensor<1x5x16xi8>, tensor<1x2x16x4xi8>, tensor<1x1x16x4xi8>) {
  %b = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15]]> : tensor<5x3xi8>
  // CHECK: bit.get_weight @weight_5 : tensor<1x5x16xi8>
  %0 = tensor.empty() : tensor<1x5x16xi8>
  %p = bit.pack_panels ins(%b : tensor<5x3xi8>) outs(%0 : tensor<1x5x16xi8>) -> tensor<1x5x16xi8>
  // CHECK: bit.get_weight @weight_6 : tensor<1x2x16x4xi8>
  %1 = tensor.empty() : tensor<1x2x16x4xi8>
  %q = bit.pack_panels ins(%b : tensor<5x3xi8>) outs(%1 : tensor<1x2x16x4xi8>) -> tensor<1x2x16x4xi8>
  // CHECK: bit.get_weight @weight_7 : tensor<1x1x16x4xi8>
  %2 = tensor.empty() : tensor<1x1x16x4xi8>
  %t = bit.pack_panels ins(%b : tensor<5x3xi8>) outs(%2 : tensor<1x1x16x4xi8>) transposed -> tensor<1x1x16x4xi8>
  return %p, %q, %t : tensor<1x5x16xi8>, tensor<1x2x16x4xi8>, tensor<1x1x16x4xi8>
}
