// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One token: four planes are masked where they are, four after one shift, and
// planes p and p + 4 of each group share a sum. At the end the first is doubled, the
// second is as it should be, the others are shifted.
// CHECK-LABEL: @one_token
func.func @one_token(%x: memref<1x96xi8>, %p: memref<384xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x32xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-8: vector.broadcast {{.*}} : i32 to vector<16xi32>
  // CHECK: arith.shrui
  // CHECK: arith.shrui
  // CHECK-NOT: arith.shrui
  // CHECK: scf.yield {{.*}} : vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>
  // CHECK: arith.shli
  // CHECK-COUNT-2: arith.shrsi
  // CHECK: arith.shli
  // CHECK-COUNT-2: arith.shrsi
  // CHECK-NOT: arith.shrsi
  bit.packed_matmul ins(%x, %p, %ws : memref<1x96xi8>, memref<384xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x32xf32>)
      n = 32 k = 96 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p1>
  return
}

// -----

// Four tokens: each plane is decoded once, 4 groups x 8 planes, for 128 products.
// CHECK-LABEL: @four_tokens
func.func @four_tokens(%x: memref<4x96xi8>, %p: memref<768xi8>, %ws: memref<1xf32>, %xs: memref<4xf32>, %sum: memref<4xi32>, %y: memref<4x64xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK-COUNT-128: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
  // CHECK-NOT: llvm.call_intrinsic
  // CHECK: scf.yield
  // CHECK-COUNT-16: arith.shli
  bit.packed_matmul ins(%x, %p, %ws : memref<4x96xi8>, memref<768xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x64xf32>)
      n = 64 k = 96 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p1>
  return
}

// -----

// 69 = 2 * 32 + 5: in the last step plane 0 is whole, plane 1 has one code, which is
// loaded alone, and the others have none.
// CHECK-LABEL: @ragged_k
// CHECK-SAME: %[[X:.*]]: memref<1x69xi8>
func.func @ragged_k(%x: memref<1x69xi8>, %p: memref<192xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x16xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // CHECK-COUNT-8: llvm.call_intrinsic
  // CHECK: scf.yield
  // CHECK: vector.load %[[X]]{{.*}} vector<4xi8>
  // CHECK: %[[LAST:.*]] = memref.load %[[X]]
  // CHECK: vector.insert %[[LAST]], %{{.*}} [0] : i8 into vector<4xi8>
  // CHECK-COUNT-2: llvm.call_intrinsic
  // CHECK-NOT: llvm.call_intrinsic
  bit.packed_matmul ins(%x, %p, %ws : memref<1x69xi8>, memref<192xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 69 weights = binary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p1>
  return
}
