// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token is multiplied by sdot.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x48xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod,+i8mm"]]} {
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK-NOT: llvm.call_intrinsic "llvm.aarch64.neon.smmla.v4i32.v16i8"
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.i8mm_p2>
  return
}

// -----

// Two steps are zipped, 4 k of each: 2 registers of 2 rows x 8 k for each plane, by 8 pairs of tokens.
// CHECK-LABEL: @sixteen_tokens
func.func @sixteen_tokens(%x: memref<16x128xi8>, %p: memref<512xi8>, %ws: memref<1xf32>, %xs: memref<16xf32>, %sum: memref<16xi32>, %y: memref<16x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod,+i8mm"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<4x4x8x16xi8>
  // CHECK: vector.shuffle {{.*}} [0, 4, 1, 5] : vector<4xi32>, vector<4xi32>
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.aarch64.neon.smmla.v4i32.v16i8"({{.*}}) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
  // CHECK: scf.yield
  bit.packed_matmul ins(%x, %p, %ws : memref<16x128xi8>, memref<512xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<16xf32>, memref<16xi32>) outs(%y : memref<16x16xf32>)
      n = 16 k = 128 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.i8mm_p2>
  return
}

// -----

// 37 = 2 * 16 + 5: a step without a second one, whose codes are 0 past the end.
// CHECK-LABEL: @odd_steps
func.func @odd_steps(%x: memref<2x37xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %sum: memref<2xi32>, %y: memref<2x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod,+i8mm"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<2x4x1x16xi8>
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.aarch64.neon.smmla.v4i32.v16i8"
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<2x37xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%y : memref<2x16xf32>)
      n = 16 k = 37 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.i8mm_p2>
  return
}
