// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Pieces of rows in parallel. Magnitudes are compared as integers, where NaN is above all;
// a row without a scale gets codes 0 and the scale NaN. The last 4 columns are
// masked.
// CHECK-LABEL: @token
// CHECK-SAME: %[[X:.*]]: memref<?x20xf32>, %[[C:.*]]: memref<?x20xi8>, %[[S:.*]]: memref<?xf32>, %[[U:.*]]: memref<?xi32>
func.func @token(%x: memref<?x20xf32>, %c: memref<?x20xi8>, %s: memref<?xf32>, %u: memref<?xi32>) {
  // CHECK-DAG: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // CHECK-DAG: %[[BIG:.*]] = arith.constant dense<0x4B400000> : vector<16xf32>
  // CHECK-DAG: %[[BIAS:.*]] = arith.constant 1744830464 : i32
  // CHECK: scf.forall (%{{.*}}) in (%{{.*}})
  // CHECK: scf.for %[[ROW:.*]] =
  // CHECK: %[[MASK:.*]] = vector.constant_mask [4] : vector<16xi1>
  // CHECK: vector.maskedload %[[X]][%[[ROW]], %{{.*}}], %[[MASK]]
  // CHECK: %[[MOST:.*]] = vector.reduction <maxsi>
  // CHECK: arith.bitcast %[[MOST]] : i32 to f32
  // CHECK: %[[XS:.*]] = arith.select %[[VALID:.*]], %{{.*}}, %[[NAN]] : f32
  // CHECK: memref.store %[[XS]], %[[S]][%[[ROW]]]
  // CHECK: %[[SUM:.*]] = scf.if %[[VALID]] -> (i32)
  // An addition rounds; the sum of 32 times its bits comes off modulo 2^32.
  // CHECK-NOT: arith.cmpf
  // CHECK: %[[V:.*]] = arith.addf %{{.*}}, %[[BIG]] : vector<16xf32>
  // CHECK: %[[BITS:.*]] = arith.bitcast %[[V]] : vector<16xf32> to vector<16xi32>
  // CHECK: arith.trunci %[[BITS]] : vector<16xi32> to vector<16xi8>
  // CHECK: arith.addi %[[BITS]],
  // CHECK: %[[BIASED:.*]] = vector.reduction <add>
  // CHECK: arith.subi %[[BIASED]], %[[BIAS]] : i32
  // CHECK: memref.store %[[SUM]], %[[U]][%[[ROW]]]
  bit.absmax_quantize ins(%x : memref<?x20xf32>) outs(%c, %s, %u : memref<?x20xi8>, memref<?xf32>, memref<?xi32>)
      quantizer = <>
  return
}

// -----

// A narrower range is clamped before the conversion, and floor(v + 0.5) rounds.
// CHECK-LABEL: @narrow
func.func @narrow(%x: memref<16xf32>, %c: memref<16xi8>, %s: memref<f32>, %u: memref<i32>) {
  // CHECK-NOT: vector.maskedload
  // CHECK: math.floor
  // CHECK: arith.cmpf ogt
  // CHECK: arith.cmpf olt
  // CHECK: arith.fptosi
  bit.absmax_quantize ins(%x : memref<16xf32>) outs(%c, %s, %u : memref<16xi8>, memref<f32>, memref<i32>)
      quantizer = <clamp = [-100, 100], rounding = half_up>
  return
}

// -----

// One scale for all rows: the maximum of all first.
// CHECK-LABEL: @tensor
func.func @tensor(%x: memref<?x16xf32>, %c: memref<?x16xi8>, %s: memref<f32>, %u: memref<?xi32>) {
  // CHECK: scf.for
  // CHECK: vector.reduction <maxsi>
  // CHECK: memref.store %{{.*}}, %{{.*}}[] : memref<f32>
  // CHECK: scf.forall
  bit.absmax_quantize ins(%x : memref<?x16xf32>) outs(%c, %s, %u : memref<?x16xi8>, memref<f32>, memref<?xi32>)
      quantizer = <granularity = tensor>
  return
}

// -----

// Every operation rounds to the type; what rounds may be beyond Q, so it is clamped.
// CHECK-LABEL: @half
func.func @half(%x: memref<16xf32>, %c: memref<16xi8>, %s: memref<f32>, %u: memref<i32>) {
  // CHECK: %[[S:.*]] = arith.divf %{{.*}}, %{{.*}} : f32
  // CHECK: %[[HS:.*]] = arith.truncf %[[S]] : f32 to f16
  // CHECK: %[[FS:.*]] = arith.extf %[[HS]] : f16 to f32
  // CHECK: arith.divf %{{.*}}, %[[FS]] : f32
  // CHECK: %[[V:.*]] = arith.mulf %{{.*}}, %{{.*}} : vector<16xf32>
  // CHECK: %[[HV:.*]] = arith.truncf %[[V]] : vector<16xf32> to vector<16xf16>
  // CHECK: %[[FV:.*]] = arith.extf %[[HV]] : vector<16xf16> to vector<16xf32>
  // CHECK: arith.cmpf ogt, %[[FV]],
  // CHECK: arith.cmpf olt
  // CHECK: arith.addf %{{.*}}, %{{.*}} : vector<16xf32>
  // CHECK: arith.bitcast
  bit.absmax_quantize ins(%x : memref<16xf32>) outs(%c, %s, %u : memref<16xi8>, memref<f32>, memref<i32>)
      quantizer = <scale = div, eps_mode = none, compute = f16>
  return
}
