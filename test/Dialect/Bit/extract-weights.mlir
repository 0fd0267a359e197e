// RUN: bit-opt %s --bit-extract-weights=min-bytes=16 | FileCheck %s

// CHECK: bit.weight @weight at 0 = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
// The second one begins at the next multiple of 64.
// CHECK: bit.weight @weight_0 at 64 = dense<{{.*}}> : tensor<16xi8>
// CHECK-NOT: bit.weight

// CHECK-LABEL: @extract
func.func @extract() -> (tensor<4xf32>, tensor<16xi8>) {
  // CHECK: bit.get_weight @weight : tensor<4xf32>
  %0 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  // CHECK: bit.get_weight @weight_0 : tensor<16xi8>
  %1 = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : tensor<16xi8>
  return %0, %1 : tensor<4xf32>, tensor<16xi8>
}

// CHECK-LABEL: @share
func.func @share() -> tensor<4xf32> {
  // CHECK: bit.get_weight @weight : tensor<4xf32>
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
