// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Four k of each of five rows are one load, whose lanes are multiplied; the rest of k comes one by one.
// CHECK-LABEL: @rows
// CHECK: %[[MAIN:.*]]:20 = scf.for {{.*}} iter_args
// CHECK-COUNT-5: vector.load {{.*}} : memref<5x70xf32>, vector<4xf32>
// CHECK-COUNT-4: vector.load {{.*}} : memref<4x70x32xf32>, vector<4xf32>
// CHECK: vector.shuffle {{.*}} [0, 0, 0, 0]
// CHECK-COUNT-4: math.fma
// CHECK: vector.shuffle {{.*}} [3, 3, 3, 3]
// CHECK: scf.yield
// CHECK: scf.for {{.*}} iter_args({{.*}} = %[[MAIN]]#0
// CHECK: memref.load
// CHECK: llvm.inline_asm "", "=w,0"
// CHECK: vector.broadcast
// CHECK-COUNT-20: vector.store
func.func @rows(%x: memref<5x70xf32>, %p: memref<4x70x32xf32>, %y: memref<5x128xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  bit.panel_matmul ins(%x, %p : memref<5x70xf32>, memref<4x70x32xf32>) outs(%y : memref<5x128xf32>)
      kernel = #bit.kernel<aarch64.neon_panel>
  return
}

// -----

// No rest of k: one loop.
// CHECK-LABEL: @whole
// CHECK: scf.for {{.*}} step %c4 iter_args
// CHECK-NOT: memref.load
// CHECK-NOT: inline_asm
func.func @whole(%x: memref<4x72xf32>, %p: memref<4x72x32xf32>, %y: memref<4x128xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  bit.panel_matmul ins(%x, %p : memref<4x72xf32>, memref<4x72x32xf32>) outs(%y : memref<4x128xf32>)
      kernel = #bit.kernel<aarch64.neon_panel>
  return
}

// -----

// Four pixels by 16 channels.
// CHECK-LABEL: @conv
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-4: vector.load {{.*}} vector<4xf32>
// CHECK: memref.load
// CHECK: llvm.inline_asm "", "=w,0"
// CHECK-COUNT-4: math.fma
func.func @conv(%x: memref<1x8x10x10xf32>, %p: memref<1x72x32xf32>, %y: memref<1x32x8x8xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  bit.panel_conv ins(%x, %p : memref<1x8x10x10xf32>, memref<1x72x32xf32>) outs(%y : memref<1x32x8x8xf32>)
      window = [3, 3] strides = [1, 1] dilations = [1, 1] kernel = #bit.kernel<aarch64.neon_panel>
  return
}
