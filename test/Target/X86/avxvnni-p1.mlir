// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: even and odd planes share a sum, so three shifts for 8 planes of
// each half; at the end the even sum is doubled, as a bit b is the weight
// 2 b - 1, and the odd one is not shifted.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x64xi8>, %p: memref<512xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x64xf32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  // CHECK: scf.for {{.*}} to %c4 step %c2 {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-12: arith.shrui
  // CHECK-NOT: arith.shrui
  // CHECK: scf.yield {{(.*vector<8xi32>)+$}}
  // CHECK-COUNT-8: arith.shli {{.*}} : vector<8xi32>
  // CHECK-NOT: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x64xi8>, memref<512xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x64xf32>)
      n = 64 k = 64 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.avxvnni_p1>
  return
}

// -----

// Six tokens, one group: its halves take turns, 48 products each.
// CHECK-LABEL: @six_tokens
func.func @six_tokens(%x: memref<6x64xi8>, %p: memref<128xi8>, %ws: memref<1xf32>, %xs: memref<6xf32>, %sum: memref<6xi32>, %y: memref<6x16xf32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-48: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-48: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<6x64xi8>, memref<128xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<6xf32>, memref<6xi32>) outs(%y : memref<6x16xf32>)
      n = 16 k = 64 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.avxvnni_p1>
  return
}
