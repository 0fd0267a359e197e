// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Bits become -1 or 0 by one instruction; the sums are subtracted twice.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x64xi8>, %p: memref<128xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  // CHECK: llvm.inline_asm "cmtst $0.16b, $1.16b, $2.16b"
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK: scf.yield
  // CHECK-COUNT-4: arith.subi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x64xi8>, memref<128xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 64 weights = binary range = [-128, 127] kernel = #bit.kernel<aarch64.dotprod_p1>
  return
}
