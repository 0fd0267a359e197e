// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// Half floats are computed in f32 and rounded once.
// CHECK-LABEL: func @half
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @half(%a: tensor<4xbf16>, %b: tensor<4xbf16>) -> tensor<4xbf16> {
  %0 = onnx.Add %a, %b : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// Neither a divisor of 0 nor the least integer by -1 may trap.
// CHECK-LABEL: func @signed_division
// CHECK-DAG: %[[ZERO:.*]] = arith.cmpi eq, %[[D:.*]], %c0_i32
// CHECK-DAG: %[[MINUS:.*]] = arith.cmpi eq, %[[D]], %c-1_i32
// CHECK: %[[Q:.*]] = arith.divsi
// CHECK: arith.select %[[MINUS]], %{{.*}}, %[[Q]]
// CHECK: arith.select %[[ZERO]], %c0_i32
func.func @signed_division(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  %0 = onnx.Div %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// The sign is the operation's, no longer the type's.
// CHECK-LABEL: func @unsigned
// CHECK-SAME: (%arg0: tensor<4xi8> {onnx.element_type = ui8}
// CHECK-SAME: -> (tensor<4xi8> {onnx.element_type = ui8})
// CHECK: arith.maxui
func.func @unsigned(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %0 = onnx.Max %a, %b : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: func @remainders
// CHECK: arith.remsi
// CHECK: arith.addi
// CHECK: linalg.generic
// CHECK: arith.remsi
// CHECK-NOT: arith.addi
// CHECK: return
func.func @remainders(%a: tensor<4xi32>, %b: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>) {
  %0 = onnx.Mod %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = onnx.Mod %a, %b {fmod = 1 : i64} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0, %1 : tensor<4xi32>, tensor<4xi32>
}

// CHECK-LABEL: func @choice
// CHECK: linalg.generic {{.*}} ins(%arg0, %arg1, %arg1
// CHECK: ^bb0(%[[C:.*]]: i1, %[[X:.*]]: f16, %[[Y:.*]]: f16, %{{.*}}: f16):
// CHECK: arith.select %[[C]]
func.func @choice(%c: tensor<4xi1>, %a: tensor<4xf16>) -> tensor<4xf16> {
  %0 = onnx.Where %c, %a, %a : (tensor<4xi1>, tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// A bound that is missing is the last finite number: infinity is clipped.
// CHECK-LABEL: func @upper_bound_only
// CHECK: %[[LEAST:.+]] = arith.constant -3.40282347E+38 : f32
// CHECK: arith.maximumf %{{.+}}, %[[LEAST]]
// CHECK: arith.minimumf
// CHECK: return
func.func @upper_bound_only(%x: tensor<4xf32>, %max: tensor<f32>) -> tensor<4xf32> {
  %0 = onnx.Clip %x, %max {operandSegmentSizes = array<i32: 1, 0, 1>}
    : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @lower_bound_of_halves
// CHECK: %[[GREATEST:.+]] = arith.constant 6.550400e+04
// CHECK: arith.maximumf
// CHECK: arith.minimumf %{{.+}}, %[[GREATEST]]
func.func @lower_bound_of_halves(%x: tensor<4xf16>, %min: tensor<f16>) -> tensor<4xf16> {
  %0 = onnx.Clip %x, %min {operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<4xf16>, tensor<f16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// All integers are finite.
// CHECK-LABEL: func @lower_bound_of_integers
// CHECK: arith.maxsi
// CHECK-NOT: arith.minsi
// CHECK: return
func.func @lower_bound_of_integers(%x: tensor<4xi32>, %min: tensor<i32>) -> tensor<4xi32> {
  %0 = onnx.Clip %x, %min {operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<4xi32>, tensor<i32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}
