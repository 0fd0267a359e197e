// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// The bit of k = 4p + q of a row is at bit 8q + p of its 32 bits, which a loop over
// p moves on. No instruction of any target.
// CHECK-LABEL: @codes
func.func @codes(%x: memref<1x32xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK-DAG: %[[LAST:.*]] = arith.constant dense<24> : vector<16xi32>
  // CHECK-DAG: %[[SECOND:.*]] = arith.constant dense<8> : vector<16xi32>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1> : vector<16xi32>
  // CHECK: %[[LOADED:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<16xi32>
  // CHECK: scf.for %[[K:.*]] = %c0 to %c32 step %c4 iter_args(%{{.*}} = %{{.*}}, %[[WORDS:.*]] = %[[LOADED]])
  // CHECK: memref.load %arg0[%c0, %[[K]]]
  // CHECK: %[[MOVED:.*]] = arith.shrui %[[WORDS]], %[[SECOND]]
  // CHECK: %[[BIT:.*]] = arith.andi %[[MOVED]], %[[ONE]]
  // CHECK: arith.shli %[[BIT]], %[[ONE]]
  // CHECK: arith.shrui %[[WORDS]], %[[LAST]]
  // CHECK: %[[NEXT:.*]] = arith.shrui %[[WORDS]], %[[ONE]]
  // CHECK: scf.yield %{{.*}}, %[[NEXT]]
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<1x32xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 32 weights = binary range = [-128, 127] kernel = #bit.kernel<generic.p1>
  return
}

// -----

// Float activations: a weight is 1 with a sign, and nothing is multiplied past
// the end of K.
// CHECK-LABEL: @floats
func.func @floats(%x: memref<1x2xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK-DAG: %[[F32:.*]] = arith.constant dense<1065353216> : vector<16xi32>
  // CHECK: arith.ori %{{.*}}, %[[F32]]
  // CHECK: %[[FIRST:.*]] = math.fma %{{.*}}, %{{.*}}, %[[ZERO]] : vector<16xf32>
  // CHECK: %[[SUM:.*]] = math.fma %{{.*}}, %{{.*}}, %[[FIRST]] : vector<16xf32>
  // CHECK-NOT: math.fma
  // CHECK: arith.mulf %[[SUM]], %{{.*}} : vector<16xf32>
  bit.packed_matmul ins(%x, %p, %ws : memref<1x2xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 2 weights = binary kernel = #bit.kernel<generic.p1>
  return
}
