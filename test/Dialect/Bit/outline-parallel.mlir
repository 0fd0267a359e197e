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

// Scratch memory of a fixed size belongs to the function, where a loop cannot
// make more of it; another size stays where it is known.
// CHECK-LABEL: func.func private @scratch.body
// CHECK-NEXT: memref.alloca() : memref<16xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK-NOT: memref.alloca()
// CHECK: memref.alloca(%{{.*}}) : memref<?xf32>
// CHECK-LABEL: func.func private @scratch(
func.func private @scratch(%call: !bit.call, %x: memref<?xf32>, %n: index) {
  %c = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (%n) {
    scf.for %j = %c0 to %n step %c1 {
      %fixed = memref.alloca() : memref<16xf32>
      %any = memref.alloca(%i) : memref<?xf32>
      memref.store %c, %fixed[%c0] : memref<16xf32>
      memref.store %c, %any[%c0] : memref<?xf32>
    }
  }
  return
}

// A loop inside another one is run by the thread of its body.
// CHECK-LABEL: func.func private @nested.body
// CHECK: scf.forall
// CHECK-LABEL: func.func private @nested(
// CHECK: bit.parallel_for %{{.*}} @nested.body
// CHECK-NOT: bit.parallel_for
// CHECK: return
func.func private @nested(%call: !bit.call, %x: memref<?xf32>, %n: index) {
  %c = arith.constant 1.0 : f32
  scf.forall (%i) in (%n) {
    scf.forall (%j) in (%n) {
      memref.store %c, %x[%j] : memref<?xf32>
    }
  }
  return
}

// A range is handed on as it is.
// CHECK-LABEL: func.func private @ranges.body
// CHECK-SAME: (%[[CONTEXT:.*]]: !llvm.ptr, %[[LO:.*]]: i64, %[[HI:.*]]: i64)
// CHECK: %[[N:.*]] = builtin.unrealized_conversion_cast
// CHECK: %[[L:.*]] = arith.index_cast %[[LO]]
// CHECK: %[[H:.*]] = arith.index_cast %[[HI]]
// CHECK-NOT: scf.for
// CHECK: call @range(%[[N]], %[[L]], %[[H]])
// CHECK-LABEL: func.func private @ranges(
// CHECK-SAME: %[[CALL:.*]]: !bit.call, %[[N:.*]]: index)
// CHECK: bit.parallel_for %[[CALL]] @ranges.body({{.*}}) count %[[N]]
func.func private @range(index, index, index)
func.func private @ranges(%call: !bit.call, %n: index) {
  bit.parallel_ranges %n {
  ^bb0(%lo: index, %hi: index):
    func.call @range(%n, %lo, %hi) : (index, index, index) -> ()
  }
  return
}

// Nobody to ask, and ranges in a loop's body: one range, all of it.
// CHECK-LABEL: func.func private @nobody(
// CHECK-SAME: %[[N:.*]]: index)
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: call @range(%[[N]], %[[ZERO]], %[[N]])
func.func private @nobody(%n: index) {
  bit.parallel_ranges %n {
  ^bb0(%lo: index, %hi: index):
    func.call @range(%n, %lo, %hi) : (index, index, index) -> ()
  }
  return
}

// CHECK-LABEL: func.func private @inner_ranges.body
// CHECK: scf.for
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: call @range(%[[N:.*]], %[[ZERO]], %[[N]])
// CHECK-LABEL: func.func private @inner_ranges(
// CHECK: bit.parallel_for
// CHECK-NOT: bit.parallel_for
// CHECK: return
func.func private @inner_ranges(%call: !bit.call, %n: index) {
  scf.forall (%i) in (%n) {
    bit.parallel_ranges %n {
    ^bb0(%lo: index, %hi: index):
      func.call @range(%n, %lo, %hi) : (index, index, index) -> ()
    }
  }
  return
}
