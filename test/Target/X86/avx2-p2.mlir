// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token, two groups of two halves: planes 0 and 2 share a sum of i16, 1 and
// 3, whose weights stay times 4, another. Added and widened every 8 steps.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x256xi8>, %p: memref<2048xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x32xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK: scf.for {{.*}} step %c8 {
  // CHECK: scf.for {{.*}} step %c1 iter_args
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"({{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
  // CHECK: scf.yield
  // CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
  // CHECK-COUNT-4: vector.store {{.*}} : memref<32xi32>, vector<8xi32>
  // CHECK-NOT: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x256xi8>, memref<2048xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x32xf32>)
      n = 32 k = 256 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p2>
  return
}

// -----

// Four tokens, one group: all planes at weight 1, widened every 16 steps; the
// 33rd step has a period of its own.
// CHECK-LABEL: @four_tokens
func.func @four_tokens(%x: memref<4x528xi8>, %p: memref<2112xi8>, %ws: memref<1xf32>, %xs: memref<4xf32>, %sum: memref<4xi32>, %y: memref<4x16xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK: scf.for {{.*}} step %c16 {
  // Each of 32 products is added before the next plane's.
  // CHECK-COUNT-32: llvm.inline_asm "", "=x,0" {{.*}} : (vector<16xi16>)
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  // CHECK-COUNT-32: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  bit.packed_matmul ins(%x, %p, %ws : memref<4x528xi8>, memref<2112xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x16xf32>)
      n = 16 k = 528 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p2>
  return
}

// -----

// 32 tokens and 1,100 rows: for each step of 16 k four tables of the sums of
// four codes, whose entries the bytes of a row choose. With one thread a unit
// has all rows. Where the magnitudes of the codes say that sums of i16 could
// overflow, the sums are looked at, and large ones moved to the result's memory.
// CHECK-LABEL: @tables
func.func @tables(%x: memref<32x272xi8>, %p: memref<75072xi8>, %ws: memref<1xf32>, %xs: memref<32xf32>, %sum: memref<32xi32>, %y: memref<32x1100xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK-DAG: %[[NARROW:.*]] = memref.alloca() {alignment = 64 : i64} : memref<1152x32xi16>
  // CHECK-DAG: %[[TABLES:.*]] = memref.alloca() {alignment = 64 : i64} : memref<4x205x32xi16>
  // CHECK-DAG: %[[RAGGED:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32x16xf32>
  // CHECK: scf.for {{.*}} iter_args(%[[BOUND:.*]] = %{{.*}}, %[[KEPT:.*]] = %false) -> (vector<32xi16>, i1)
  // CHECK-COUNT-64: vector.shuffle {{.*}} : vector<16xi8>, vector<16xi8>
  // CHECK: %[[TOTAL:.*]] = arith.addi %[[BOUND]],
  // CHECK: %[[MOST:.*]] = vector.reduction <maxui>, %[[TOTAL]] : vector<32xi16> into i16
  // CHECK: %[[OVER:.*]] = arith.cmpi ugt, %[[MOST]], %c32767_i16
  // CHECK: scf.if %[[OVER]]
  // CHECK: %[[FOUND:.*]] = scf.for
  // CHECK: vector.load %[[NARROW]]
  // CHECK: vector.reduction <maxui>, %[[FOUND]]
  // CHECK: arith.cmpi ugt, {{.*}}, %c24576_i16
  // CHECK: scf.if
  // CHECK: scf.if %[[KEPT]]
  // CHECK-COUNT-32: vector.store {{.*}} vector<16x{{f32|i16}}>
  // CHECK-COUNT-81: vector.store {{.*}}, %[[TABLES]]
  // CHECK-NOT: vector.store {{.*}}, %[[TABLES]]
  // CHECK: memref.prefetch {{.*}}, read, locality<3>, data
  // Two rows, each with 32 tokens in two vectors.
  // CHECK: scf.for {{.*}} step %c2
  // CHECK-COUNT-16: vector.load %[[TABLES]]{{.*}} : memref<4x205x32xi16>, vector<16xi16>
  // CHECK-NOT: vector.load %[[TABLES]]
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<32x272xi8>, memref<75072xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<32xf32>, memref<32xi32>) outs(%y : memref<32x1100xf32>)
      n = 1100 k = 272 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p2>
  return
}

// -----

// Two steps at once for 16 tokens; what is left of 20 has tiles.
// CHECK-LABEL: @sixteen
func.func @sixteen(%x: memref<20x48xi8>, %p: memref<3072xi8>, %ws: memref<1xf32>, %xs: memref<20xf32>, %sum: memref<20xi32>, %y: memref<20x256xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<8x174x16xi16>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  bit.packed_matmul ins(%x, %p, %ws : memref<20x48xi8>, memref<3072xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<20xf32>, memref<20xi32>) outs(%y : memref<20x256xf32>)
      n = 256 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p2>
  return
}
