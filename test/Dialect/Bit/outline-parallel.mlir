// RUN: bit-opt %s --bit-outline-parallel | FileCheck %s

// The body has its parent's features and makes constants anew.
// CHECK-LABEL: func.func private @rows.body
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %[[LO:.*]]: i64, %[[HI:.*]]: i64) attributes {passthrough = {{\[\[}}"target-features", "+avx2"]]}
// CHECK: arith.constant 1.0
// CHECK: scf.for

// CHECK-LABEL: func.func private @rows(
// CHECK-SAME: %[[CALL:.*]]: !bit.call, %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index)
func.func private @rows(%call: !bit.call, %x: memref<?xf32>, %n: index) attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK: %[[CONTEXT:.*]] = llvm.alloca
  // CHECK: llvm.store %{{.*}} : {{.*}}, !llvm.ptr
  // CHECK: bit.parallel_for %[[CALL]] @rows.body(%[[CONTEXT]] : !llvm.ptr) count %[[N]]
  // CHECK-NOT: scf.forall
  %c = arith.constant 1.0 : f32
  scf.forall (%i) in (%n) {
    memref.store %c, %x[%i] : memref<?xf32>
  }
  return
}

// Without a call there is no runtime to ask.
// CHECK-LABEL: @no_call
func.func @no_call(%x: memref<?xf32>, %n: index) {
  // CHECK: scf.forall
  %c = arith.constant 1.0 : f32
  scf.forall (%i) in (%n) {
    memref.store %c, %x[%i] : memref<?xf32>
  }
  return
}

// Two dimensions are not a range.
// CHECK-LABEL: @two_dims
func.func @two_dims(%call: !bit.call, %x: memref<?x?xf32>, %n: index) {
  // CHECK: scf.forall
  %c = arith.constant 1.0 : f32
  scf.forall (%i, %j) in (%n, %n) {
    memref.store %c, %x[%i, %j] : memref<?x?xf32>
  }
  return
}
