// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: planes are masked where they are, without a shift, and each of the
// 16 (4 groups x 4 planes) has a sum of its own. The planes' sums are shifted
// once at the end.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x48xi8>, %p: memref<768xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x64xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-4: vector.broadcast {{.*}} : i32 to vector<16xi32>
  // CHECK-NOT: arith.shrui
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"({{.*}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
  // CHECK: scf.yield
  // CHECK-COUNT-12: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xi8>, memref<768xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x64xf32>)
      n = 64 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// Four tokens: each plane is decoded once, 4 groups x 4 planes, for 64 products.
// CHECK-LABEL: @four_tokens
func.func @four_tokens(%x: memref<4x48xi8>, %p: memref<768xi8>, %ws: memref<1xf32>, %xs: memref<4xf32>, %sum: memref<4xi32>, %y: memref<4x64xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-64: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
  // CHECK-NOT: llvm.call_intrinsic
  // CHECK: scf.yield
  bit.packed_matmul ins(%x, %p, %ws : memref<4x48xi8>, memref<768xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x64xf32>)
      n = 64 k = 48 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// 37 = 2 * 16 + 5: in the last step plane 0 is whole, plane 1 has one code, which is
// loaded alone, and planes 2 and 3 have none.
// CHECK-LABEL: @ragged_k
// CHECK-SAME: %[[X:.*]]: memref<1x37xi8>
func.func @ragged_k(%x: memref<1x37xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK-COUNT-4: llvm.call_intrinsic
  // CHECK: scf.yield
  // CHECK: vector.load %[[X]]{{.*}} vector<4xi8>
  // CHECK: %[[LAST:.*]] = memref.load %[[X]]
  // CHECK: vector.insert %[[LAST]], %{{.*}} [0] : i8 into vector<4xi8>
  // CHECK-COUNT-2: llvm.call_intrinsic
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<1x37xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 37 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// 33 tokens by 2,048 rows: tables of sums for 32 of them, in one register each;
// a tile for the last.
// CHECK-LABEL: @tables
func.func @tables(%x: memref<33x256xi8>, %p: memref<131072xi8>, %ws: memref<1xf32>, %xs: memref<33xf32>, %sum: memref<33xi32>, %y: memref<33x2048xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK-DAG: %[[TABLES:.*]] = memref.alloca() {alignment = 64 : i64} : memref<4x205x32xi16>
  // CHECK-COUNT-81: vector.store {{.*}}, %[[TABLES]]{{.*}} vector<32xi16>
  // CHECK-COUNT-8: vector.load %[[TABLES]]{{.*}} : memref<4x205x32xi16>, vector<32xi16>
  // CHECK-NOT: vector.load %[[TABLES]]
  // CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
  bit.packed_matmul ins(%x, %p, %ws : memref<33x256xi8>, memref<131072xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<33xf32>, memref<33xi32>) outs(%y : memref<33x2048xf32>)
      n = 2048 k = 256 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// Fewer rows do not pay for tables.
// CHECK-LABEL: @few_rows
// CHECK-NOT: memref.alloca
func.func @few_rows(%x: memref<32x256xi8>, %p: memref<130048xi8>, %ws: memref<1xf32>, %xs: memref<32xf32>, %sum: memref<32xi32>, %y: memref<32x2032xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<32x256xi8>, memref<130048xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<32xf32>, memref<32xi32>) outs(%y : memref<32x2032xf32>)
      n = 2032 k = 256 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}
