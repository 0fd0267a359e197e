// RUN: bit-opt %s --bit-expand-math | FileCheck %s

// A constant exponent of 2 is a product.

// CHECK-LABEL: func @square
// CHECK-NOT: math.
// CHECK: arith.mulf %arg0, %arg0 : f32
// CHECK-NOT: math.
func.func @square(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32
  %y = math.powf %x, %two : f32
  return %y : f32
}

// CHECK-LABEL: func @square_of_a_vector
// CHECK: arith.mulf %arg0, %arg0 : vector<8xf32>
func.func @square_of_a_vector(%x: vector<8xf32>) -> vector<8xf32> {
  %two = arith.constant dense<2.0> : vector<8xf32>
  %y = math.powf %x, %two : vector<8xf32>
  return %y : vector<8xf32>
}

// Every other exponent is not.
// CHECK-LABEL: func @cube
// CHECK: math.fma
func.func @cube(%x: f32) -> f32 {
  %three = arith.constant 3.0 : f32
  %y = math.powf %x, %three : f32
  return %y : f32
}
