// RUN: bit-opt %s --bit-fuse-row-loops --canonicalize --cse --split-input-file | FileCheck %s

// A row of a norm and the maximum of its magnitudes, which takes it from registers. A view of the row is the row.

// CHECK-LABEL: @norm
// CHECK-SAME: %[[X:[^:,]*]]: memref<64xf32>, %[[R:[^:,]*]]: vector<16xf32>, %[[NONE:[^:,]*]]: vector<16xf32>
// CHECK: %[[ROW:.*]] = memref.alloca
// CHECK: %[[MOST:.*]] = scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[BEFORE:.*]] = %[[NONE]])
// CHECK: %[[V:.*]] = vector.load %[[X]][%[[I]]]
// CHECK: %[[Y:.*]] = arith.mulf %[[V]], %[[R]]
// CHECK: vector.store %[[Y]], %[[ROW]][%[[I]]]
// CHECK: %[[A:.*]] = math.absf %[[Y]]
// CHECK: arith.maximumf %[[A]], %[[BEFORE]]
// CHECK-NOT: vector.load
// CHECK-NOT: scf.for
// CHECK: return %[[MOST]]
func.func @norm(%x: memref<64xf32>, %r: vector<16xf32>, %none: vector<16xf32>) -> (vector<16xf32>, memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %row = memref.alloca() : memref<64xf32>
  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    %y = arith.mulf %v, %r : vector<16xf32>
    vector.store %y, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  %view = memref.expand_shape %row [[0, 1]] output_shape [1, 64] : memref<64xf32> into memref<1x64xf32>
  %most = scf.for %i = %c0 to %c64 step %c16 iter_args(%m = %none) -> (vector<16xf32>) {
    %v = vector.load %view[%c0, %i] : memref<1x64xf32>, vector<16xf32>
    %a = math.absf %v : vector<16xf32>
    %n = arith.maximumf %a, %m : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  return %most, %row : vector<16xf32>, memref<64xf32>
}

// -----

// Two iterations for each of a sum in two chains; the sum also reads what nothing here writes.

// CHECK-LABEL: @wide
// CHECK-SAME: %[[X:[^:,]*]]: memref<64xf32>, %[[W:[^:,]*]]: memref<64xf32>
// CHECK: scf.for %[[I:.*]] = {{.*}} iter_args(%[[S:.*]] = %{{.*}}, %[[T:.*]] = %{{.*}})
// CHECK: %[[V:.*]] = vector.load %[[X]][%[[I]]]
// CHECK: %[[Y:.*]] = math.exp %[[V]]
// CHECK: %[[J:.*]] = arith.addi %[[I]], %c16
// CHECK: %[[V2:.*]] = vector.load %[[X]][%[[J]]]
// CHECK: %[[Y2:.*]] = math.exp %[[V2]]
// CHECK: %[[F:.*]] = vector.load %[[W]][%[[I]]]
// CHECK: math.fma %[[Y]], %[[F]], %[[S]]
// CHECK: arith.addf %[[Y2]], %[[T]]
// CHECK-NOT: scf.for
// CHECK: return
func.func @wide(%x: memref<64xf32>, %w: memref<64xf32>, %none: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>, memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %row = memref.alloca() : memref<64xf32>
  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    %y = math.exp %v : vector<16xf32>
    vector.store %y, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  %sums:2 = scf.for %i = %c0 to %c64 step %c32 iter_args(%s = %none, %t = %none) -> (vector<16xf32>, vector<16xf32>) {
    %v = vector.load %row[%i] : memref<64xf32>, vector<16xf32>
    %f = vector.load %w[%i] : memref<64xf32>, vector<16xf32>
    %s2 = math.fma %v, %f, %s : vector<16xf32>
    %j = arith.addi %i, %c16 : index
    %v2 = vector.load %row[%j] : memref<64xf32>, vector<16xf32>
    %t2 = arith.addf %v2, %t : vector<16xf32>
    scf.yield %s2, %t2 : vector<16xf32>, vector<16xf32>
  }
  return %sums#0, %sums#1, %row : vector<16xf32>, vector<16xf32>, memref<64xf32>
}

// -----

// Near misses: another range; elements of another iteration; a second store; memory that may be the same; a store between.

// CHECK-LABEL: @declined
// CHECK-COUNT-10: scf.for
// CHECK: return
func.func @declined(%x: memref<64xf32>, %z: memref<64xf32>, %none: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c48 = arith.constant 48 : index
  %c64 = arith.constant 64 : index
  %row = memref.alloca() : memref<64xf32>
  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  %a = scf.for %i = %c0 to %c48 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %v = vector.load %row[%i] : memref<64xf32>, vector<16xf32>
    %n = arith.addf %v, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  vector.store %a, %z[%c0] : memref<64xf32>, vector<16xf32>

  scf.for %i = %c0 to %c48 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  %b = scf.for %i = %c0 to %c48 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %j = arith.addi %i, %c16 : index
    %v = vector.load %row[%j] : memref<64xf32>, vector<16xf32>
    %n = arith.addf %v, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  vector.store %b, %z[%c0] : memref<64xf32>, vector<16xf32>

  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%c0] : memref<64xf32>, vector<16xf32>
  }
  %c = scf.for %i = %c0 to %c64 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %v = vector.load %row[%i] : memref<64xf32>, vector<16xf32>
    %n = arith.addf %v, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  vector.store %c, %z[%c0] : memref<64xf32>, vector<16xf32>

  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %z[%i] : memref<64xf32>, vector<16xf32>
  }
  %d = scf.for %i = %c0 to %c64 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %v = vector.load %z[%i] : memref<64xf32>, vector<16xf32>
    %w = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    %n = math.fma %v, %w, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  vector.store %d, %z[%c0] : memref<64xf32>, vector<16xf32>

  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  vector.store %none, %row[%c16] : memref<64xf32>, vector<16xf32>
  %e = scf.for %i = %c0 to %c64 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %v = vector.load %row[%i] : memref<64xf32>, vector<16xf32>
    %n = arith.addf %v, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  vector.store %e, %z[%c0] : memref<64xf32>, vector<16xf32>
  return
}

// -----

// What the sum reads may be the row itself.

// CHECK-LABEL: @selected
// CHECK-COUNT-2: scf.for
// CHECK: return
func.func @selected(%x: memref<64xf32>, %is: i1, %none: vector<16xf32>) -> vector<16xf32> {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %row = memref.alloca() : memref<64xf32>
  %other = arith.select %is, %row, %x : memref<64xf32>
  scf.for %i = %c0 to %c64 step %c16 {
    %v = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    vector.store %v, %row[%i] : memref<64xf32>, vector<16xf32>
  }
  %sum = scf.for %i = %c0 to %c64 step %c16 iter_args(%s = %none) -> (vector<16xf32>) {
    %v = vector.load %row[%i] : memref<64xf32>, vector<16xf32>
    %w = vector.load %other[%c0] : memref<64xf32>, vector<16xf32>
    %n = math.fma %v, %w, %s : vector<16xf32>
    scf.yield %n : vector<16xf32>
  }
  return %sum : vector<16xf32>
}
