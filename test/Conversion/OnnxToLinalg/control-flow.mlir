// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// The regions are in the order of their attributes' names: else, then.
// CHECK-LABEL: func @branches
// CHECK-SAME: (%[[C:.*]]: tensor<i1>, %[[A:.*]]: tensor<?xf32>, %[[B:.*]]: tensor<3xi8>
func.func @branches(%c: tensor<i1>, %a: tensor<?xf32>, %b: tensor<3xui8>) -> (tensor<?xf32>, tensor<?xui8>) {
  // CHECK: %[[YES:.*]] = tensor.extract %[[C]][]
  // CHECK: scf.if %[[YES]] -> (tensor<?xf32>, tensor<?xi8>)
  // CHECK: arith.addi
  // CHECK: tensor.cast %{{.*}} : tensor<2xf32> to tensor<?xf32>
  // CHECK: else
  // CHECK: %[[NEG:.*]] = linalg.generic
  // CHECK: %[[SAME:.*]] = tensor.cast %[[B]] : tensor<3xi8> to tensor<?xi8>
  // CHECK: scf.yield %[[NEG]], %[[SAME]]
  %0:2 = onnx.If %c : (tensor<i1>) -> (tensor<?xf32>, tensor<?xui8>) {
    %r = onnx.Neg %a : (tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %r, %b : tensor<?xf32>, tensor<3xui8>
  } {
    %k = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
    %x = onnx.Add %b, %b : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
    onnx.Yield %k, %x : tensor<2xf32>, tensor<3xui8>
  }
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xui8>
}

// -----

// A constant chooses at compile time.
// CHECK-LABEL: func @known
func.func @known(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NOT: scf.if
  // CHECK-NOT: arith.negf
  // CHECK: math.exp
  %c = onnx.Constant dense<true> : tensor<1xi1>
  %0 = onnx.If %c : (tensor<1xi1>) -> tensor<4xf32> {
    %r = onnx.Neg %a : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %r : tensor<4xf32>
  } {
    %r = onnx.Exp %a : (tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %r : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// A loop by count: the output is allocated whole, its rows inserted in place.
// CHECK-LABEL: func @counted
// CHECK-SAME: (%[[M:.*]]: tensor<i64>, %[[A:.*]]: tensor<4xf32>)
func.func @counted(%m: tensor<i64>, %a: tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[TRIPS:.*]] = arith.index_cast
  // CHECK: %[[ROWS:.*]] = arith.maxsi %[[TRIPS]]
  // CHECK: %[[STACK:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x4xf32>
  // CHECK: scf.while (%{{.*}} = %c0, %{{.*}} = %[[A]], %{{.*}} = %[[STACK]])
  // CHECK: %[[GO:.*]] = arith.cmpi slt, %{{.*}}, %[[TRIPS]]
  // CHECK: scf.condition(%[[GO]])
  // CHECK: ^bb0(%[[I:.*]]: index, %[[V:.*]]: tensor<4xf32>, %[[SOFAR:.*]]: tensor<?x4xf32>):
  // CHECK: %[[W:.*]] = linalg.generic {{.*}} ins(%[[V]], %[[A]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1
  // CHECK: %[[LONGER:.*]] = tensor.insert_slice %[[W]] into %[[SOFAR]][%[[I]], 0] [1, 4] [1, 1]
  // CHECK: scf.yield %[[NEXT]], %[[W]], %[[LONGER]]
  %0:2 = "onnx.Loop"(%m, %a) <{operandSegmentSizes = array<i32: 1, 0, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<4xf32>):
    %w = onnx.Add %v, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %go, %w, %w : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }) : (tensor<i64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

// A loop that asks: its output grows, and its rows have to be of one size.
// CHECK-LABEL: func @asking
func.func @asking(%c: tensor<i1>, %a: tensor<?xf32>, %b: tensor<f32>) -> (tensor<?xf32>, tensor<?x?xf32>) {
  // CHECK: %[[FIRST:.*]] = tensor.extract %arg0[]
  // CHECK: scf.while (%{{.*}} = %c0, %{{.*}} = %[[FIRST]]
  // CHECK: ^bb0(%[[I:.*]]: index, %{{.*}}: tensor<?xf32>, %[[SOFAR:.*]]: tensor<?x?xf32>):
  // CHECK: cf.assert %{{.*}}, "expects a scan output of one shape in all iterations"
  // CHECK: %[[LONGER:.*]] = tensor.empty
  // CHECK: tensor.insert_slice %[[SOFAR]] into %[[LONGER]]
  // CHECK: tensor.insert_slice
  %0:2 = "onnx.Loop"(%c, %a) <{operandSegmentSizes = array<i32: 0, 1, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<?xf32>):
    %w = onnx.Neg %v : (tensor<?xf32>) -> tensor<?xf32>
    %n = onnx.Cast %i {to = 1 : i64} : (tensor<i64>) -> tensor<f32>
    %on = onnx.Less %n, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    onnx.Yield %on, %w, %w : tensor<i1>, tensor<?xf32>, tensor<?xf32>
  }) : (tensor<i1>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?x?xf32>)
  return %0#0, %0#1 : tensor<?xf32>, tensor<?x?xf32>
}

// -----

// What is carried has the argument's shape, which a run may violate.
// CHECK-LABEL: func @checked
func.func @checked(%m: tensor<i64>, %a: tensor<?xf32>) -> tensor<4xf32> {
  // CHECK: cf.assert %{{.*}}, "expects dimension 0 of the result to be 4"
  // CHECK: tensor.cast %{{.*}} : tensor<?xf32> to tensor<4xf32>
  %0 = "onnx.Loop"(%m, %a) <{operandSegmentSizes = array<i32: 1, 0, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<4xf32>):
    onnx.Yield %go, %v : tensor<i1>, tensor<4xf32>
  }) : (tensor<i64>, tensor<?xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func @scan
func.func @scan(%s: tensor<4xf32>, %x: tensor<4x3xf32>) -> (tensor<4xf32>, tensor<4x3xf32>) {
  // CHECK: scf.while
  // CHECK: %[[POSITION:.*]] = arith.subi
  // CHECK: tensor.extract_slice %arg1[0, %[[POSITION]]] [4, 1] [1, 1] : tensor<4x3xf32> to tensor<4xf32>
  // CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, %{{.*}}] [4, 1] [1, 1]
  %0:2 = "onnx.Scan"(%s, %x) <{num_scan_inputs = 1 : i64, scan_input_axes = array<i64: -1>, scan_input_directions = array<i64: 1>, scan_output_axes = array<i64: 1>}> ({
  ^bb0(%v: tensor<4xf32>, %row: tensor<4xf32>):
    %w = onnx.Add %v, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    onnx.Yield %w, %w : tensor<4xf32>, tensor<4xf32>
  }) : (tensor<4xf32>, tensor<4x3xf32>) -> (tensor<4xf32>, tensor<4x3xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4x3xf32>
}

// -----

func.func @two_conditions(%c: tensor<2xi1>, %a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects one element in the condition, got 'tensor<2xi1>'}}
  %0 = onnx.If %c : (tensor<2xi1>) -> tensor<4xf32> {
    onnx.Yield %a : tensor<4xf32>
  } {
    onnx.Yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @other_rank(%c: tensor<i1>, %a: tensor<4xf32>, %b: tensor<1x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects result 0 of type 'tensor<4xf32>', got 'tensor<1x4xf32>'}}
  %0 = onnx.If %c : (tensor<i1>) -> tensor<4xf32> {
    onnx.Yield %a : tensor<4xf32>
  } {
    onnx.Yield %b : tensor<1x4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @body_inputs(%m: tensor<i64>, %a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects a body of 3 inputs, got 2}}
  %0 = "onnx.Loop"(%m, %a) <{operandSegmentSizes = array<i32: 1, 0, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>):
    onnx.Yield %go, %a : tensor<i1>, tensor<4xf32>
  }) : (tensor<i64>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @lengths(%x: tensor<4xf32>, %y: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{expects scan inputs of one length}}
  %0 = "onnx.Scan"(%x, %y) <{num_scan_inputs = 2 : i64}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    onnx.Yield %a : tensor<f32>
  }) : (tensor<4xf32>, tensor<3xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// A size that stays is the input's, inside the loop and after it.
// CHECK-LABEL: func @named
func.func @named(%m: tensor<i64>, %a: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> (tensor<?x4xf32>, tensor<?x?x4xf32>, index) {
  // CHECK: %[[N:.*]] = tensor.dim %arg1, %c0
  // CHECK: tensor.empty(%{{.*}}, %[[N]]) : tensor<?x?x4xf32>
  // CHECK: scf.while
  // CHECK-NOT: onnx.dims
  // CHECK: tensor.empty(%[[N]]) : tensor<?x4xf32>
  // CHECK-NOT: tensor.extract %
  // CHECK-NOT: cf.assert
  // CHECK: return %{{.*}}, %{{.*}}, %[[N]]
  %0:2 = "onnx.Loop"(%m, %a) <{operandSegmentSizes = array<i32: 1, 0, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<?x4xf32>):
    %w = onnx.Add %v, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    onnx.Yield %go, %w, %w : tensor<i1>, tensor<?x4xf32>, tensor<?x4xf32>
  }) {onnx.dims = [["n", ""], ["", "n", ""]]} : (tensor<i64>, tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x?x4xf32>)
  %zero = arith.constant 0 : index
  %n = tensor.dim %0#0, %zero : tensor<?x4xf32>
  return %0#0, %0#1, %n : tensor<?x4xf32>, tensor<?x?x4xf32>, index
}

// -----

// Each iteration is checked to keep it.
// CHECK-LABEL: func @not_named
func.func @not_named(%m: tensor<i64>, %a: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<?xf32> {
  // CHECK: cf.assert %{{.*}}, "expects dimension 0 of carried value 0 to keep its size"
  %0 = "onnx.Loop"(%m, %a) <{operandSegmentSizes = array<i32: 1, 0, 1>}> ({
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %v: tensor<?xf32>):
    %w = onnx.Concat %v, %a {axis = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %go, %w : tensor<i1>, tensor<?xf32>
  }) {onnx.dims = [["n"]]} : (tensor<i64>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
