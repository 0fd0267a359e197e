// RUN: bit-opt %s --bit-fuse-parallel --split-input-file | FileCheck %s

// Loops of other sizes: a range of the joint loop is what each of them has of it.
// The two differ in what they are applied to only, so one function computes
// ranges of both. Arithmetic stays where a constant is one.
// CHECK-LABEL: func.func private @both.range(
// CHECK-SAME: %[[Y:[^:]*]]: memref<?xf32>, %[[LO:[^:]*]]: index, %[[HI:[^:]*]]: index) attributes {passthrough
// CHECK: %[[C:.*]] = arith.constant 2.0
// CHECK: scf.for %[[I:.*]] = %[[LO]] to %[[HI]] step
// CHECK: memref.store %[[C]], %[[Y]][%[[I]]]
// CHECK-NOT: func.func private @both.range_
// CHECK-LABEL: func.func private @both(
// CHECK-SAME: %[[A:[^:]*]]: memref<?xf32>, %[[B:[^:]*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK: %[[ALL:.*]] = arith.addi %[[N]], %[[FIVE:.*]] : index
// CHECK: bit.parallel_ranges %[[ALL]] {
// CHECK-NEXT: ^bb0(%[[L:.*]]: index, %[[H:.*]]: index):
// CHECK: %[[END:.*]] = arith.minsi %[[H]], %[[FIVE]]
// CHECK: %[[E:.*]] = arith.subi %[[END]]
// CHECK: func.call @both.range(%[[A]], %{{.*}}, %[[E]])
// CHECK: %[[START:.*]] = arith.maxsi %[[L]], %[[FIVE]]
// CHECK: %[[END:.*]] = arith.minsi %[[H]], %[[ALL]]
// CHECK: %[[S:.*]] = arith.subi %[[START]], %[[FIVE]]
// CHECK: %[[E:.*]] = arith.subi %[[END]], %[[FIVE]]
// CHECK: func.call @both.range(%[[B]], %[[S]], %[[E]])
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
// CHECK: bit.parallel_ranges
// CHECK: call @uneven.range
// CHECK: call @uneven.range
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

// Ordered ones compute the same range, one after the other; that their bounds are
// the same is seen through arithmetic.
// CHECK-LABEL: func.func private @ordered(
// CHECK-SAME: %[[A:[^:]*]]: memref<?xf32>, %[[B:[^:]*]]: memref<?xf32>)
// CHECK: bit.parallel_ranges %{{.*}} {
// CHECK-NEXT: ^bb0(%[[L:.*]]: index, %[[H:.*]]: index):
// CHECK-NEXT: func.call @ordered.range(%[[A]], %[[L]], %[[H]])
// CHECK-NEXT: func.call @ordered.range_0(%[[A]], %[[B]], %[[L]], %[[H]])
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
// into ranges as a number.
// CHECK-LABEL: func.func private @threads.range(
// CHECK-SAME: %{{.*}}: index, %{{.*}}: memref<8xindex>, %{{.*}}: index, %{{.*}}: index)
// CHECK-NOT: bit.num_threads
// CHECK-LABEL: func.func private @threads(
// CHECK: bit.parallel_ranges
// CHECK-COUNT-2: func.call @threads.range
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
