// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Sums of i16, two registers for each quad, are widened after 32 steps; 33 steps are one turn more.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x528xi8>, %p: memref<2112xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  // CHECK: scf.for {{.*}} = %c0 to %c32 step %c1 iter_args({{.*}}vector<8xi16>
  // CHECK: llvm.inline_asm "", "=w,0"
  // CHECK-COUNT-32: llvm.call_intrinsic "llvm.aarch64.neon.smull.v8i16"({{.*}}) : (vector<8xi8>, vector<8xi8>) -> vector<8xi16>
  // CHECK: scf.yield
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.saddlp.v4i32.v8i16"
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.addp.v4i32"
  bit.packed_matmul ins(%x, %p, %ws : memref<1x528xi8>, memref<2112xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 528 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.neon_p2>
  return
}

// -----

// Many tokens by many rows through tables of sums.
// CHECK-LABEL: @tables
func.func @tables(%x: memref<33x256xi8>, %p: memref<16384xi8>, %ws: memref<1xf32>, %xs: memref<33xf32>, %sum: memref<33xi32>, %y: memref<33x256xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<4x205x32xi16>
  // CHECK-COUNT-81: vector.store
  bit.packed_matmul ins(%x, %p, %ws : memref<33x256xi8>, memref<16384xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<33xf32>, memref<33xi32>) outs(%y : memref<33x256xf32>)
      n = 256 k = 256 weights = ternary range = [-128, 127] kernel = #bit.kernel<aarch64.neon_p2>
  return
}
