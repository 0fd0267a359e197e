// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse | FileCheck %s

// 64 rows become 5 steps of layout P2 for every 4 steps of T5, once for all
// tokens: digits of base 3 by comparisons, from 81 down.
// CHECK-LABEL: @f
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<1280xi8>
// CHECK: vector.load %{{.*}} : memref<1024xi8>, vector<32xi8>
// CHECK: arith.cmpi sgt, %{{.*}}, %cst{{.*}} : vector<32xi8>
// CHECK-COUNT-20: vector.store {{.*}} : memref<1280xi8>, vector<32xi8>
// CHECK: scf.for
// CHECK: vector.load {{.*}} : memref<1280xi8>, vector<64xi8>
func.func @f(%x: memref<?x80xf32>, %p: memref<1024xi8>, %ws: memref<1xf32>, %y: memref<?x64xf32>) {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x80xf32>, memref<1024xi8>, memref<1xf32>)
      outs(%y : memref<?x64xf32>) n = 64 k = 80 weights = ternary kernel = #bit.kernel<generic.t5>
  return
}
