// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Eight planes of two steps.
// CHECK-LABEL: @two_tokens
func.func @two_tokens(%x: memref<2x64xi8>, %p: memref<128xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %sum: memref<2xi32>, %y: memref<2x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod,+i8mm"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<1x8x1x16xi8>
  // CHECK: llvm.inline_asm "cmtst $0.16b, $1.16b, $2.16b"
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.smmla.v4i32.v16i8"
  bit.packed_matmul ins(%x, %p, %ws : memref<2x64xi8>, memref<128xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%y : memref<2x16xf32>)
      n = 16 k = 64 weights = binary range = [-128, 127] kernel = #bit.kernel<aarch64.i8mm_p1>
  return
}
