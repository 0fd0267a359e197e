// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Unsigned by signed: four quads of a row are one load.
// CHECK-LABEL: @i8mm
// CHECK-NOT: udot
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load {{.*}} : memref<5x64xi8>, vector<16xi8>
// CHECK: llvm.call_intrinsic "llvm.aarch64.neon.usdot.v4i32.v16i8"
func.func @i8mm(%x: memref<5x64xi8>, %p: memref<2x16x64x4xi8>, %y: memref<5x128xi32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod,+i8mm"]]} {
  bit.code_matmul ins(%x, %p : memref<5x64xi8>, memref<2x16x64x4xi8>) outs(%y : memref<5x128xi32>)
      kernel = #bit.kernel<aarch64.i8mm_codes>
  return
}

// -----

// Weights are made unsigned, and sums start from -128 times the sum of the row, by products of 1 - 128.
// CHECK-LABEL: @dotprod
// CHECK-DAG: arith.constant dense<1> : vector<16xi8>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<-128> : vector<16xi8>
// CHECK-DAG: %[[FACTOR:.*]] = arith.constant -128 : i32
// CHECK: scf.for
// CHECK: llvm.call_intrinsic "llvm.aarch64.neon.udot.v4i32.v16i8"
// CHECK: %[[SUM:.*]] = vector.reduction <add>
// CHECK: %[[START:.*]] = arith.muli %[[SUM]], %[[FACTOR]]
// CHECK: vector.broadcast %[[START]] : i32 to vector<4xi32>
// CHECK: %[[W:.*]] = vector.load {{.*}} vector<16xi8>
// CHECK: %[[U:.*]] = arith.xori %{{.*}}, %[[BIAS]] : vector<16xi8>
// CHECK: llvm.call_intrinsic "llvm.aarch64.neon.udot.v4i32.v16i8"(%{{.*}}, %[[U]], %{{.*}})
func.func @dotprod(%x: memref<1x70xi8>, %p: memref<2x18x64x4xi8>, %y: memref<1x128xi32>)
    attributes {passthrough = [["target-features", "+neon,+dotprod"]]} {
  bit.code_matmul ins(%x, %p : memref<1x70xi8>, memref<2x18x64x4xi8>) outs(%y : memref<1x128xi32>)
      kernel = #bit.kernel<aarch64.dotprod_codes>
  return
}

// -----

// Of the two sums of a column, one starts from the correction.
// CHECK-LABEL: @neon
// CHECK-DAG: arith.constant dense<[-1, 0, -1, 0, -1, 0, -1, 0]> : vector<8xi32>
// CHECK: arith.extui {{.*}} : vector<8xi8> to vector<8xi16>
// CHECK: arith.muli {{.*}} : vector<8xi16>
// CHECK: llvm.call_intrinsic "llvm.aarch64.neon.uaddlp.v4i32.v8i16"
// CHECK: vector.store {{.*}} vector<4xi32>
func.func @neon(%x: memref<2x64xi8>, %p: memref<2x16x64x4xi8>, %y: memref<2x128xi32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  bit.code_matmul ins(%x, %p : memref<2x64xi8>, memref<2x16x64x4xi8>) outs(%y : memref<2x128xi32>)
      kernel = #bit.kernel<aarch64.neon_codes>
  return
}
