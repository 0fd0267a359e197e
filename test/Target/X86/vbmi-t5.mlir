// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: 16 tables of 3 products of pairs for each quarter, then, for each
// of 6 groups and of 4 units of 64 rows, two lookups.
// CHECK-LABEL: @one_token
// CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.packsswb.512"
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<32xi16>, vector<32xi16>, vector<32xi16>, vector<32xi16>, vector<32xi16>, vector<32xi16>, vector<32xi16>, vector<32xi16>)
// CHECK-COUNT-48: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// CHECK: scf.yield
func.func @one_token(%x: memref<1x240xi8>, %p: memref<12288xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x256xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni,+avx512vbmi"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<1x240xi8>, memref<12288xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x256xf32>)
      n = 256 k = 240 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vbmi_t5>
  return
}

// -----

// More tokens: weights are unpacked, once.
// CHECK-LABEL: @two_tokens
// CHECK-NOT: vpermi2var
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<3840xi8>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: vpermi2var
func.func @two_tokens(%x: memref<2x240xi8>, %p: memref<12288xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %sum: memref<2xi32>, %y: memref<2x256xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni,+avx512vbmi"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<2x240xi8>, memref<12288xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%y : memref<2x256xf32>)
      n = 256 k = 240 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vbmi_t5>
  return
}
