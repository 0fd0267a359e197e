// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token, two groups of two halves: planes 0 and 2 share a sum of i16, 1 and
// 3, whose weights stay times 4, another. Widened every 8 steps.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x256xi8>, %p: memref<2048xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x32xf32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  // CHECK: scf.for {{.*}} step %c8 iter_args
  // CHECK: scf.for {{.*}} step %c1 iter_args
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"({{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
  // CHECK: scf.yield
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
  // CHECK-COUNT-4: arith.shrsi
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
  // CHECK: scf.for {{.*}} step %c16 iter_args
  // CHECK-COUNT-32: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  // CHECK-COUNT-32: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
  bit.packed_matmul ins(%x, %p, %ws : memref<4x528xi8>, memref<2112xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x16xf32>)
      n = 16 k = 528 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avx2_p2>
  return
}
