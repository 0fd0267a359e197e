// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Eight pixels and two registers of channels: each sum starts from the bias and
// is carried through one loop over channels and rows of the window. Tiles are
// transposed, and pixels of a channel stored side by side.
// CHECK-LABEL: @avx512
// CHECK: vector.load {{.*}} : memref<64xf32>, vector<16xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: vector.load {{.*}} : memref<2x36x32xf32>, vector<16xf32>
// CHECK-COUNT-16: math.fma {{.*}} : vector<16xf32>
// CHECK-COUNT-32: math.fma {{.*}} : vector<16xf32>
// CHECK-NOT: math.fma
// CHECK: scf.yield
// CHECK-COUNT-24: vector.shuffle
// CHECK-NOT: scf.if
// CHECK: vector.store {{.*}} vector<8xf32>
func.func @avx512(%x: memref<1x4x10x10xf32>, %p: memref<2x36x32xf32>, %b: memref<64xf32>, %y: memref<1x64x8x8xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.panel_conv ins(%x, %p : memref<1x4x10x10xf32>, memref<2x36x32xf32>) bias(%b : memref<64xf32>) outs(%y : memref<1x64x8x8xf32>)
      window = [3, 3] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<x86.avx512_panel>
  return
}

// -----

// One tap: the channel after the next ones is fetched. Channels that pad are
// not stored.
// CHECK-LABEL: @ragged
// CHECK: memref.prefetch
// CHECK: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK: scf.if
// CHECK: vector.store {{.*}} vector<6xf32>
func.func @ragged(%x: memref<?x40x?x?xf32>, %p: memref<2x40x32xbf16>, %y: memref<?x60x?x?xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_conv ins(%x, %p : memref<?x40x?x?xf32>, memref<2x40x32xbf16>) outs(%y : memref<?x60x?x?xf32>)
      window = [1, 1] strides = [2, 2] dilations = [1, 1] kernel = #bit.kernel<x86.avx2_panel>
  return
}

// -----

// Planes side by side may have gaps between them; rows may not, they are written
// pixel by pixel.
// CHECK-LABEL: @planes
// CHECK-NOT: memref.store
// CHECK: vector.store
func.func @planes(%x: memref<1x16x4x4xf32>, %p: memref<1x16x16xf32>, %y: memref<1x16x4x4xf32, strided<[512, 32, 4, 1]>>) {
  bit.panel_conv ins(%x, %p : memref<1x16x4x4xf32>, memref<1x16x16xf32>) outs(%y : memref<1x16x4x4xf32, strided<[512, 32, 4, 1]>>)
      window = [1, 1] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

// CHECK-LABEL: @rows
// CHECK-NOT: vector.store
// CHECK: memref.store {{.*}} : memref<1x16x4x4xf32, strided<[512, 32, 8, 1]>>
func.func @rows(%x: memref<1x16x4x4xf32>, %p: memref<1x16x16xf32>, %y: memref<1x16x4x4xf32, strided<[512, 32, 8, 1]>>) {
  bit.panel_conv ins(%x, %p : memref<1x16x4x4xf32>, memref<1x16x16xf32>) outs(%y : memref<1x16x4x4xf32, strided<[512, 32, 8, 1]>>)
      window = [1, 1] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

// Two registers of 8 channels are a whole panel: four pixels only.
// CHECK-LABEL: @narrow
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-8: math.fma {{.*}} : vector<8xf32>
// CHECK-NOT: math.fma
// CHECK: scf.yield
func.func @narrow(%x: memref<1x16x4x4xf32>, %p: memref<1x16x16xf32>, %y: memref<1x16x4x4xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_conv ins(%x, %p : memref<1x16x4x4xf32>, memref<1x16x16xf32>) outs(%y : memref<1x16x4x4xf32>)
      window = [1, 1] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<x86.avx2_panel>
  return
}
