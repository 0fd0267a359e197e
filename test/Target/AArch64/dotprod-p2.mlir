// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: 16 rows a turn. Planes 0, 1 and 2 are masked where they are, plane 3, whose 128 would be negative, is
// shifted; sums of planes 1 and 2 are shifted at the end, for each quad of rows.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x48xi8>, %p: memref<768xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x64xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  // CHECK: llvm.inline_asm "", "=r,0"
  // CHECK: scf.for {{.*}} iter_args
  // CHECK: vector.load {{.*}} : memref<1x48xi8>, vector<16xi8>
  // CHECK-COUNT-4: arith.shrui
  // CHECK-NOT: arith.shrui
  // CHECK: scf.yield
  // CHECK-COUNT-8: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xi8>, memref<768xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x64xf32>)
      n = 64 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.dotprod_p2>
  return
}

// -----

// 16 words of weights by the 4 words of 16 codes.
// CHECK-LABEL: @one_step
func.func @one_step(%x: memref<1x48xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"({{.*}}) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
  // CHECK-NOT: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK: scf.yield
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.dotprod_p2>
  return
}

// -----

// Eight tokens: their codes are copied side by side; 8 rows a turn, two turns a group.
// CHECK-LABEL: @eight_tokens
func.func @eight_tokens(%x: memref<8x48xi8>, %p: memref<768xi8>, %ws: memref<1xf32>, %xs: memref<8xf32>, %sum: memref<8xi32>, %y: memref<8x64xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<3x1x8x16xi8>
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK: scf.yield
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK: scf.yield
  bit.packed_matmul ins(%x, %p, %ws : memref<8x48xi8>, memref<768xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<8xf32>, memref<8xi32>) outs(%y : memref<8x64xf32>)
      n = 64 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.dotprod_p2>
  return
}

// -----

// 37 = 2 * 16 + 5: the last step has plane 0 and one code of plane 1, which is all that is loaded.
// CHECK-LABEL: @ragged_k
func.func @ragged_k(%x: memref<1x37xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK: scf.yield
  // CHECK: vector.load {{.*}} : memref<1x37xi8>, vector<4xi8>
  // CHECK: vector.load {{.*}} : memref<1x37xi8>, vector<1xi8>
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  // CHECK-NOT: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  bit.packed_matmul ins(%x, %p, %ws : memref<1x37xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 37 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.dotprod_p2>
  return
}
