// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// After the bias and before the store. What runs along the channels is read
// once for all rows of the tile.
// CHECK-LABEL: @matmul
// CHECK-SAME: %[[B:[^:,]*]]: memref<64xf32>, %[[Z:[^:,]*]]: memref<8x64xf32>
// CHECK: memref.prefetch %[[Z]]
// CHECK: scf.for
// CHECK-COUNT-16: math.fma
// CHECK: vector.load %[[B]]
// CHECK-NOT: vector.load %[[B]]
// CHECK: %[[E:.*]] = vector.load %[[Z]]
// CHECK: %[[S:.*]] = arith.addf %{{.*}}, %[[E]] : vector<16xf32>
// CHECK: %[[R:.*]] = arith.maximumf %[[S]], %{{.*}} : vector<16xf32>
// CHECK: vector.store %[[R]]
func.func @matmul(%x: memref<8x70xf32>, %p: memref<2x70x32xf32>, %b: memref<64xf32>, %z: memref<8x64xf32>, %y: memref<8x64xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  %zero = arith.constant 0.0 : f32
  bit.panel_matmul ins(%x, %p : memref<8x70xf32>, memref<2x70x32xf32>) bias(%b : memref<64xf32>) with(%z : memref<8x64xf32>)
      outs(%y : memref<8x64xf32>) kernel = #bit.kernel<x86.avx512_panel> epilogue {
    ^bb0(%a: f32, %e: f32):
      %0 = arith.addf %a, %e : f32
      %1 = arith.maximumf %0, %zero : f32
      bit.yield %1 : f32
    }
  return
}

// -----

// Channels that pad are read as zeros.
// CHECK-LABEL: @ragged
// CHECK: vector.maskedload %{{.*}} : memref<60xf32>
// CHECK: vector.maskedload %{{.*}} : memref<?x60xf32>
// CHECK: math.tanh %{{.*}} : vector<8xf32>
// CHECK: vector.maskedstore
func.func @ragged(%x: memref<?x70xf32>, %p: memref<2x70x32xf32>, %b: memref<60xf32>, %z: memref<?x60xf32>, %y: memref<?x60xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_matmul ins(%x, %p : memref<?x70xf32>, memref<2x70x32xf32>) with(%z, %b : memref<?x60xf32>, memref<60xf32>)
      outs(%y : memref<?x60xf32>) kernel = #bit.kernel<x86.avx2_panel> epilogue {
    ^bb0(%a: f32, %e: f32, %c: f32):
      %0 = math.fma %a, %c, %e : f32
      %1 = math.tanh %0 : f32
      bit.yield %1 : f32
    }
  return
}

// -----

// Lanes are channels, as they are in the sums.
// CHECK-LABEL: @channels
// CHECK: scf.yield
// CHECK: %[[C:.*]] = vector.load %{{.*}} : memref<64xf32>, vector<16xf32>
// CHECK-COUNT-8: arith.mulf %{{.*}}, %[[C]] : vector<16xf32>
// CHECK: vector.shuffle
// CHECK-NOT: arith.mulf
// CHECK: vector.store
func.func @channels(%x: memref<1x4x10x10xf32>, %p: memref<2x36x32xf32>, %c: memref<64xf32>, %y: memref<1x64x8x8xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.panel_conv ins(%x, %p : memref<1x4x10x10xf32>, memref<2x36x32xf32>) with(%c : memref<64xf32>) outs(%y : memref<1x64x8x8xf32>)
      window = [3, 3] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<x86.avx512_panel> epilogue {
    ^bb0(%a: f32, %s: f32):
      %0 = arith.mulf %a, %s : f32
      bit.yield %0 : f32
    }
  return
}

// -----

// Lanes are pixels, as they lie in what is added; two channels of 8 in a
// register.
// CHECK-LABEL: @pixels
// CHECK: scf.yield
// CHECK-NOT: arith.addf
// CHECK: vector.shuffle
// CHECK-COUNT-2: vector.load {{.*}} : memref<{{.*}}xf32{{.*}}>, vector<8xf32>
// CHECK: %[[S:.*]] = arith.addf %{{.*}} : vector<16xf32>
// CHECK: vector.store
func.func @pixels(%x: memref<1x4x10x10xf32>, %p: memref<2x36x32xf32>, %z: memref<1x64x8x8xf32>, %y: memref<1x64x8x8xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.panel_conv ins(%x, %p : memref<1x4x10x10xf32>, memref<2x36x32xf32>) with(%z : memref<1x64x8x8xf32>) outs(%y : memref<1x64x8x8xf32>)
      window = [3, 3] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<x86.avx512_panel> epilogue {
    ^bb0(%a: f32, %e: f32):
      %0 = arith.addf %a, %e : f32
      bit.yield %0 : f32
    }
  return
}

// -----

// After the scale and the bias; the last rows of a ragged group are read and
// written as they are there.
// CHECK-LABEL: @packed
// CHECK: vector.load %{{.*}} : memref<?x20xf32>, vector<16xf32>
// CHECK: arith.addf %{{.*}} : vector<16xf32>
// CHECK: vector.store %{{.*}} : memref<?x20xf32>, vector<16xf32>
// CHECK: vector.load %{{.*}} : memref<?x20xf32>, vector<4xf32>
// CHECK: vector.store %{{.*}} : memref<?x20xf32>, vector<4xf32>
func.func @packed(%x: memref<?x8xf32>, %p: memref<128xi8>, %ws: memref<1xf32>, %z: memref<?x20xf32>, %y: memref<?x20xf32>) {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x8xf32>, memref<128xi8>, memref<1xf32>) with(%z : memref<?x20xf32>)
      outs(%y : memref<?x20xf32>) n = 20 k = 8 weights = ternary kernel = #bit.kernel<generic.p2> epilogue {
    ^bb0(%a: f32, %e: f32):
      %0 = arith.addf %a, %e : f32
      bit.yield %0 : f32
    }
  return
}
