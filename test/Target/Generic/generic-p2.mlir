// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Code k = 4p + q of a row is at bit 8q + 2p of its 32 bits, which a loop over p
// moves on. No instruction of any target.
// CHECK-LABEL: @codes
func.func @codes(%x: memref<1x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK-DAG: %[[LAST:.*]] = arith.constant dense<24> : vector<16xi32>
  // CHECK-DAG: %[[SECOND:.*]] = arith.constant dense<8> : vector<16xi32>
  // CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2> : vector<16xi32>
  // CHECK: %[[LOADED:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<16xi32>
  // CHECK: scf.for %[[K:.*]] = %c0 to %c16 step %c4 iter_args(%{{.*}} = %{{.*}}, %[[WORDS:.*]] = %[[LOADED]])
  // CHECK: memref.load %arg0[%c0, %[[K]]]
  // CHECK: arith.shrui %[[WORDS]], %[[SECOND]]
  // CHECK: arith.shrui %[[WORDS]], %[[LAST]]
  // CHECK: %[[NEXT:.*]] = arith.shrui %[[WORDS]], %[[TWO]]
  // CHECK: scf.yield %{{.*}}, %[[NEXT]]
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

// Float activations: one chain of fma in ascending k, from 0.
// CHECK-LABEL: @floats
func.func @floats(%x: memref<1x2xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK: %[[FIRST:.*]] = math.fma %{{.*}}, %{{.*}}, %[[ZERO]] : vector<16xf32>
  // CHECK: %[[SUM:.*]] = math.fma %{{.*}}, %{{.*}}, %[[FIRST]] : vector<16xf32>
  // CHECK: arith.mulf %[[SUM]], %{{.*}} : vector<16xf32>
  bit.packed_matmul ins(%x, %p, %ws : memref<1x2xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 2 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}
