// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Out of range saturates and NaN is 0, before the conversion.
// CHECK-LABEL: func @float_to_integer
// CHECK-DAG: arith.cmpf ole, %cst{{.*}}, %[[X:.*]] : f32
// CHECK-DAG: arith.cmpf olt, %[[X]], %cst
// CHECK-DAG: arith.cmpf uno, %[[X]], %[[X]]
// CHECK: %[[SAFE:.*]] = arith.select
// CHECK: arith.fptosi %[[SAFE]] : f32 to i8
func.func @float_to_integer(%x: tensor<4xf32>) -> tensor<4xi8> {
  %0 = onnx.Cast %x {to = 3 : i64} : (tensor<4xf32>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// Rounded to odd on the way, so that two roundings are as good as one.
// CHECK-LABEL: func @double_to_half
// CHECK: %[[R:.*]] = arith.truncf %[[X:.*]] : f64 to f32
// CHECK: arith.extf %[[R]] : f32 to f64
// CHECK: arith.ori
// CHECK: %[[ODD:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.truncf %[[ODD]] : f32 to f16
func.func @double_to_half(%x: tensor<4xf64>) -> tensor<4xf16> {
  %0 = onnx.Cast %x {to = 10 : i64} : (tensor<4xf64>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// CHECK-LABEL: func @unsigned_to_float
// CHECK: arith.uitofp
func.func @unsigned_to_float(%x: tensor<4xui8>) -> tensor<4xf32> {
  %0 = onnx.Cast %x {to = 1 : i64} : (tensor<4xui8>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @to_bool
// CHECK: arith.cmpf une
func.func @to_bool(%x: tensor<4xf32>) -> tensor<4xi1> {
  %0 = onnx.Cast %x {to = 9 : i64} : (tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}
