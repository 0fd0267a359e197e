// RUN: bit-opt %s --bit-fuse-parallel --split-input-file | FileCheck %s

// Loops of other sizes: items of one, then of the other. The two differ in what
// they are applied to only, so one function computes their items. Arithmetic
// stays where a constant is one.
// CHECK-LABEL: func.func private @both.item(
// CHECK-SAME: %[[Y:[^:]*]]: memref<?xf32>, %[[I:[^:]*]]: index) attributes {passthrough
// CHECK: %[[C:.*]] = arith.constant 2.0
// CHECK: memref.store %[[C]], %[[Y]][%[[I]]]
// CHECK-NOT: func.func private @both.item_
// CHECK-LABEL: func.func private @both(
// CHECK-SAME: %[[A:[^:]*]]: memref<?xf32>, %[[B:[^:]*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK: %[[FIVE:.*]] = arith.constant 5 : index
// CHECK: %[[ALL:.*]] = arith.addi %[[FIVE]], %[[N]]
// CHECK: scf.forall (%[[J:.*]]) in (%[[ALL]])
// CHECK: %[[OWN:.*]] = arith.cmpi ult, %[[J]], %[[FIVE]]
// CHECK: scf.if %[[OWN]]
// CHECK: func.call @both.item(%[[A]], %[[J]])
// CHECK: else
// CHECK: %[[K:.*]] = arith.subi %[[J]], %[[FIVE]]
// CHECK: func.call @both.item(%[[B]], %[[K]])
// CHECK-NOT: scf.forall
// CHECK-NOT: bit.siblings
func.func private @both(%call: !bit.call, %a: memref<?xf32>, %b: memref<?xf32>, %n: index) attributes {passthrough = [["target-features", "+avx2"]]} {
  bit.siblings {
    %c = arith.constant 2.0 : f32
    scf.forall (%i) in (5) {
      memref.store %c, %a[%i] : memref<?xf32>
    }
  }, {
    %c = arith.constant 2.0 : f32
    scf.forall (%i) in (%n) {
      memref.store %c, %b[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// Three, of which one has two loops and one none: what is not in a loop comes
// before the loop that it stood before.
// CHECK-LABEL: func.func private @uneven(
// CHECK: memref.store %{{.*}}, %{{.*}}[%c0]
// CHECK: scf.forall (%{{.*}}) in (%{{.*}}) {
// CHECK: call @uneven.item
// CHECK: call @uneven.item
// CHECK: scf.forall (%{{.*}}) in (8)
// CHECK: memref.store
// CHECK: return
func.func private @uneven(%call: !bit.call, %a: memref<8xf32>, %b: memref<8xf32>, %d: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c = arith.constant 2.0 : f32
  bit.siblings {
    memref.store %c, %d[%c0] : memref<8xf32>
  }, {
    scf.forall (%i) in (4) {
      memref.store %c, %a[%i] : memref<8xf32>
    }
    scf.forall (%i) in (8) {
      memref.store %c, %a[%i] : memref<8xf32>
    }
  }, {
    scf.forall (%i) in (8) {
      memref.store %c, %b[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// Ordered ones compute an item of each by turns; that their bounds are the same
// is seen through arithmetic.
// CHECK-LABEL: func.func private @ordered(
// CHECK-SAME: %[[A:[^:]*]]: memref<?xf32>, %[[B:[^:]*]]: memref<?xf32>)
// CHECK: scf.forall (%[[I:.*]]) in (%{{.*}}) {
// CHECK-NEXT: func.call @ordered.item(%[[A]], %[[I]])
// CHECK-NEXT: func.call @ordered.item_0(%[[A]], %[[B]], %[[I]])
// CHECK-NEXT: }
func.func private @ordered(%call: !bit.call, %a: memref<?xf32>, %b: memref<?xf32>) {
  %zero = arith.constant 0 : index
  %c = arith.constant 2.0 : f32
  bit.siblings ordered {
    %two = arith.constant 2 : index
    %m = memref.dim %a, %zero : memref<?xf32>
    %n = arith.divui %m, %two : index
    scf.forall (%i) in (%n) {
      memref.store %c, %a[%i] : memref<?xf32>
    }
  }, {
    %two = arith.constant 2 : index
    %m = memref.dim %a, %zero : memref<?xf32>
    %n = arith.divui %m, %two : index
    scf.forall (%i) in (%n) {
      %y = memref.load %a[%i] : memref<?xf32>
      memref.store %y, %b[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// The number of threads is the same one wherever it is asked for. It is taken
// into items as a number.
// CHECK-LABEL: func.func private @threads.item(
// CHECK-SAME: %{{.*}}: index, %{{.*}}: memref<8xindex>, %{{.*}}: index)
// CHECK-NOT: bit.num_threads
// CHECK-LABEL: func.func private @threads(
// CHECK: scf.forall
// CHECK-COUNT-2: func.call @threads.item
// CHECK-NOT: scf.forall
// CHECK: return
func.func private @threads(%call: !bit.call, %a: memref<8xindex>, %b: memref<8xindex>) {
  bit.siblings ordered {
    %two = arith.constant 2 : index
    %t = bit.num_threads %call
    %n = arith.muli %t, %two : index
    scf.forall (%i) in (%n) {
      memref.store %n, %a[%i] : memref<8xindex>
    }
  }, {
    %two = arith.constant 2 : index
    %t = bit.num_threads %call
    %n = arith.muli %t, %two : index
    scf.forall (%i) in (%n) {
      memref.store %n, %b[%i] : memref<8xindex>
    }
  }
  return
}

// -----

// Sizes that may differ, and effects outside of loops: one after the other.
// CHECK-LABEL: func.func private @in_turn(
// CHECK-SAME: %[[A:[^:]*]]: memref<?xf32>, %[[B:[^:]*]]: memref<?xf32>, %[[N:[^:]*]]: index, %[[M:[^:]*]]: index)
// CHECK: scf.forall (%{{.*}}) in (%[[N]])
// CHECK: scf.forall (%{{.*}}) in (%[[M]])
// CHECK: scf.forall (%{{.*}}) in (%[[N]])
// CHECK: memref.load
// CHECK: scf.forall (%{{.*}}) in (%[[N]])
// CHECK-NOT: call
func.func private @in_turn(%call: !bit.call, %a: memref<?xf32>, %b: memref<?xf32>, %n: index, %m: index) {
  %zero = arith.constant 0 : index
  %c = arith.constant 2.0 : f32
  bit.siblings ordered {
    scf.forall (%i) in (%n) {
      memref.store %c, %a[%i] : memref<?xf32>
    }
  }, {
    scf.forall (%i) in (%m) {
      memref.store %c, %b[%i] : memref<?xf32>
    }
  }
  bit.siblings ordered {
    scf.forall (%i) in (%n) {
      memref.store %c, %a[%i] : memref<?xf32>
    }
  }, {
    %y = memref.load %a[%zero] : memref<?xf32>
    scf.forall (%i) in (%n) {
      memref.store %y, %b[%i] : memref<?xf32>
    }
  }
  return
}
