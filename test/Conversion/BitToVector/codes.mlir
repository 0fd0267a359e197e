// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// One row: two registers of columns, four quads at a time in sums of their own, which are added at the end.
// CHECK-LABEL: @avx512
// CHECK: memref.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] : memref<4x16x32x4xi8> into memref<4x16x128xi8>
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: vpdpbusd
// CHECK: scf.yield
// CHECK-COUNT-3: arith.addi {{.*}} : vector<16xi32>
// CHECK: vector.store {{.*}} vector<16xi32>
// CHECK-COUNT-3: arith.addi {{.*}} : vector<16xi32>
// CHECK-NEXT: arith.addi {{.*}} : index
// CHECK-NEXT: vector.store {{.*}} vector<16xi32>
// CHECK-NEXT: }
func.func @avx512(%x: memref<1x64xi8>, %p: memref<4x16x32x4xi8>, %y: memref<1x128xi32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.code_matmul ins(%x, %p : memref<1x64xi8>, memref<4x16x32x4xi8>) outs(%y : memref<1x128xi32>)
      kernel = #bit.kernel<x86.vnni_codes>
  return
}

// -----

// Eight rows have sums enough. What is left of k is loaded code by code: nothing past the end of a row is read.
// CHECK-LABEL: @ragged
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-8: vector.load %{{.*}} : memref<8x70xi8>, vector<4xi8>
// CHECK-COUNT-2: vector.load %{{.*}} : memref<4x18x128xi8>, vector<64xi8>
// CHECK: scf.yield
// CHECK-COUNT-16: memref.load %{{.*}} : memref<8x70xi8>
// CHECK-NOT: memref.load
// CHECK: vector.create_mask
// CHECK: vector.maskedstore {{.*}} vector<16xi32>
func.func @ragged(%x: memref<8x70xi8>, %p: memref<4x18x32x4xi8>, %y: memref<8x100xi32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.code_matmul ins(%x, %p : memref<8x70xi8>, memref<4x18x32x4xi8>) outs(%y : memref<8x100xi32>)
      kernel = #bit.kernel<x86.vnni_codes>
  return
}

// -----

// Codes become 16 bits, as sums of two products in 16 bits would saturate; neighbouring sums are added at the end.
// CHECK-LABEL: @avx2
// CHECK-NOT: pmadd.ub
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.extui {{.*}} : vector<16xi8> to vector<16xi16>
// CHECK: arith.extsi {{.*}} : vector<16xi8> to vector<16xi16>
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: pmadd
// CHECK: scf.yield
// CHECK: vector.shuffle {{.*}} [0, 2, 4, 6]
// CHECK: vector.shuffle {{.*}} [1, 3, 5, 7]
// CHECK: vector.store {{.*}} vector<4xi32>
func.func @avx2(%x: memref<1x64xi8>, %p: memref<4x16x32x4xi8>, %y: memref<1x128xi32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  bit.code_matmul ins(%x, %p : memref<1x64xi8>, memref<4x16x32x4xi8>) outs(%y : memref<1x128xi32>)
      kernel = #bit.kernel<x86.avx2_codes>
  return
}

// -----

// CHECK-LABEL: @avxvnni
// CHECK: scf.for {{.*}} iter_args
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
func.func @avxvnni(%x: memref<?x64xi8>, %p: memref<4x16x32x4xi8>, %y: memref<?x128xi32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  bit.code_matmul ins(%x, %p : memref<?x64xi8>, memref<4x16x32x4xi8>) outs(%y : memref<?x128xi32>)
      kernel = #bit.kernel<x86.avxvnni_codes>
  return
}

// -----

// CHECK-LABEL: @generic
// CHECK: arith.extsi {{.*}} : vector<16xi8> to vector<16xi32>
// CHECK: arith.muli {{.*}} : vector<16xi32>
func.func @generic(%x: memref<?x64xi8>, %p: memref<4x16x32x4xi8>, %y: memref<?x128xi32>) {
  bit.code_matmul ins(%x, %p : memref<?x64xi8>, memref<4x16x32x4xi8>) outs(%y : memref<?x128xi32>)
      kernel = #bit.kernel<generic.codes>
  return
}

// -----

// Quads of a matrix that is no constant: rows and columns that are not there give zeros, and are not read.
// CHECK-LABEL: @quads
// CHECK: arith.minui
// CHECK: memref.load %{{.*}} : memref<?x?xi8>
// CHECK: arith.select
// CHECK: memref.store %{{.*}} : memref<?x?x32x4xi8>
func.func @quads(%b: memref<?x?xi8>, %p: memref<?x?x32x4xi8>) {
  bit.pack_panels ins(%b : memref<?x?xi8>) outs(%p : memref<?x?x32x4xi8>)
  return
}
