// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Planes are negative, so products are subtracted.
// CHECK-LABEL: @two_tokens
func.func @two_tokens(%x: memref<2x64xi8>, %p: memref<128xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %sum: memref<2xi32>, %y: memref<2x16xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  // CHECK: llvm.inline_asm "cmtst $0.16b, $1.16b, $2.16b"
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.smull.v8i16"
  // CHECK: arith.subi {{.*}} : vector<8xi16>
  // CHECK: scf.yield
  // CHECK: arith.shli {{.*}} : vector<4xi32>
  bit.packed_matmul ins(%x, %p, %ws : memref<2x64xi8>, memref<128xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%y : memref<2x16xf32>)
      n = 16 k = 64 weights = binary range = [-128, 127] kernel = #bit.kernel<aarch64.neon_p1>
  return
}
