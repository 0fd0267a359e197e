// RUN: bit-opt %s --bit-expand-math --split-input-file | FileCheck %s

// The same text for a scalar and a vector, all of it in arith and math.fma.

// CHECK-LABEL: func @exp
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : f32
// CHECK: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
// CHECK: arith.select %{{.*}}, %[[NAN]], %{{.*}} : f32
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// -----

// CHECK-LABEL: func @exp_vector
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<2x8xf32>
func.func @exp_vector(%x: vector<2x8xf32>) -> vector<2x8xf32> {
  %y = math.exp %x : vector<2x8xf32>
  return %y : vector<2x8xf32>
}

// -----

// Half precision is computed in single and rounded once.

// CHECK-LABEL: func @tanh_half
// CHECK: arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
// CHECK-NOT: vector<4xf16>
// CHECK: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
func.func @tanh_half(%x: vector<4xf16>) -> vector<4xf16> {
  %y = math.tanh %x : vector<4xf16>
  return %y : vector<4xf16>
}

// -----

// The rare functions are computed in double.

// CHECK-LABEL: func @pow
// CHECK: arith.extf %{{.*}} : f32 to f64
// CHECK-NOT: math.powf
// CHECK: arith.truncf %{{.*}} : f64 to f32
func.func @pow(%x: f32, %y: f32) -> f32 {
  %z = math.powf %x, %y : f32
  return %z : f32
}

// -----

// Huge arguments take a branch; one element of the vector is enough.

// CHECK-LABEL: func @sin
// CHECK: %[[ANY:.*]] = vector.reduction <or>, %{{.*}} : vector<16xi1> into i1
// CHECK: scf.if %[[ANY]] -> (vector<16xf64>, vector<16xf64>, vector<16xi64>)
// CHECK-NOT: math.sin
func.func @sin(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.sin %x : vector<16xf32>
  return %y : vector<16xf32>
}

// -----

// One instruction everywhere, but its NaN has another sign on x86 and AArch64.

// CHECK-LABEL: func @sqrt
// CHECK: %[[ROOT:.*]] = math.sqrt
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[ROOT]] : f64
func.func @sqrt(%x: f64) -> f64 {
  %y = math.sqrt %x : f64
  return %y : f64
}

// -----

// What is one instruction stays.

// CHECK-LABEL: func @stays
// CHECK-NEXT: math.fma
// CHECK-NEXT: math.floor
// CHECK-NEXT: math.roundeven
// CHECK-NEXT: return
func.func @stays(%x: f32) -> f32 {
  %a = math.fma %x, %x, %x : f32
  %b = math.floor %a : f32
  %c = math.roundeven %b : f32
  return %c : f32
}

// -----

// A square is rounded once either way.

// CHECK-LABEL: func @square
// CHECK: %[[Y:.*]] = arith.mulf %[[X:.*]], %[[X]] : f32
// CHECK-NEXT: return %[[Y]]
func.func @square(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32
  %y = math.powf %x, %two : f32
  return %y : f32
}

// -----

// CHECK-LABEL: func @square_vector
// CHECK: arith.mulf %[[X:.*]], %[[X]] : vector<4xf32>
// CHECK-NOT: math.fma
func.func @square_vector(%x: vector<4xf32>) -> vector<4xf32> {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %y = math.powf %x, %two : vector<4xf32>
  return %y : vector<4xf32>
}

// -----

// A cube would be rounded twice.

// CHECK-LABEL: func @cube
// CHECK: math.fma
func.func @cube(%x: f32) -> f32 {
  %three = arith.constant 3.0 : f32
  %y = math.powf %x, %three : f32
  return %y : f32
}
