// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: two shifts a half of a group; three sums each, of weights 1, 2 and 4,
// which are added and widened every 16 steps of 32 k.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x1024xi8>, %p: memref<2048xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  // CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2> : vector<16xi16>
  // CHECK: scf.for {{.*}} to %c32 step %c16 {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-2: arith.shrui
  // CHECK-COUNT-2: arith.shrui
  // CHECK-NOT: arith.shrui
  // CHECK: scf.yield {{.*}} : vector<16xi16>, vector<16xi16>, vector<16xi16>, vector<16xi16>, vector<16xi16>, vector<16xi16>
  // A bit counts twice.
  // CHECK-COUNT-2: arith.shrsi {{.*}} : vector<16xi16>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}, %[[TWO]]) : (vector<16xi16>
  // CHECK-COUNT-2: arith.shrsi {{.*}} : vector<16xi16>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}, %[[TWO]])
  // CHECK-COUNT-2: vector.store {{.*}} : memref<16xi32>, vector<8xi32>
  bit.packed_matmul ins(%x, %p, %ws : memref<1x1024xi8>, memref<2048xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 1024 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p1>
  return
}

// -----

// Four tokens: 8 planes of each half decoded once, for 64 products.
// CHECK-LABEL: @four_tokens
func.func @four_tokens(%x: memref<4x512xi8>, %p: memref<1024xi8>, %ws: memref<1xf32>, %xs: memref<4xf32>, %sum: memref<4xi32>, %y: memref<4x16xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  // CHECK: scf.for
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK-NOT: pmadd.ub.sw
  // CHECK: scf.yield
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  bit.packed_matmul ins(%x, %p, %ws : memref<4x512xi8>, memref<1024xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x16xf32>)
      n = 16 k = 512 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p1>
  return
}

// -----

// Two groups take turns every 16 steps, so that weights are read as one stream, and
// fetch what is read next. Their sums are in memory meanwhile.
// CHECK-LABEL: @turns
func.func @turns(%x: memref<1x1024xi8>, %p: memref<4096xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x32xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  // CHECK: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32xi32>
  // CHECK: scf.for {{.*}} to %c32 step %c16 {
  // CHECK: scf.for %[[GROUP:.*]] = %c0 to %c2 step %c1 {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK: memref.prefetch %{{.*}}, read, locality<2>, data
  // CHECK: scf.yield
  // CHECK: vector.load %[[SUMS]]
  // CHECK: vector.load %[[SUMS]]
  // CHECK-COUNT-2: vector.store {{.*}}, %[[SUMS]]
  // CHECK-NEXT: }
  bit.packed_matmul ins(%x, %p, %ws : memref<1x1024xi8>, memref<4096xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x32xf32>)
      n = 32 k = 1024 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p1>
  return
}
