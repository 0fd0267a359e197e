// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: two groups take turns with the other two. Planes 0 and 2 share a
// sum, 1 and 3, whose weights stay times 4, another. 528 steps are two chunks
// of 256 and what is left; sums are in memory between turns.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x8448xi8>, %p: memref<135168xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x64xf32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  // CHECK: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<128xi32>
  // CHECK: scf.for {{.*}} step %c256 {
  // CHECK: scf.for {{.*}} to %c4 step %c2 {
  // CHECK-COUNT-8: vector.load %[[SUMS]]
  // CHECK: scf.for {{.*}} step %c1 iter_args
  // CHECK-COUNT-2: memref.prefetch
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"({{.*}}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>
  // CHECK: scf.yield
  // CHECK-COUNT-8: vector.store {{.*}}, %[[SUMS]]
  // CHECK: scf.for {{.*}} to %c4 step %c2 {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-16: llvm.call_intrinsic
  // CHECK-NOT: llvm.call_intrinsic
  // CHECK-COUNT-8: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x8448xi8>, memref<135168xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x64xf32>)
      n = 64 k = 8448 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avxvnni_p2>
  return
}

// -----

// 11 tokens are tiles of 6, 3 and 2: halves of one group take turns.
// CHECK-LABEL: @eleven_tokens
func.func @eleven_tokens(%x: memref<11x48xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<11xf32>, %sum: memref<11xi32>, %y: memref<11x16xf32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  // CHECK: scf.for
  // CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for
  // CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for
  // CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for
  // CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<11x48xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<11xf32>, memref<11xi32>) outs(%y : memref<11x16xf32>)
      n = 16 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avxvnni_p2>
  return
}
