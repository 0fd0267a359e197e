// RUN: bit-opt %s --split-input-file | bit-opt --split-input-file | FileCheck %s
// RUN: bit-opt %s --split-input-file --mlir-print-op-generic | bit-opt --split-input-file | FileCheck %s
// RUN: bit-opt %s --split-input-file --canonicalize="test-convergence" | FileCheck %s --check-prefix=SIMPLE

// CHECK-LABEL: @inputs
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[P:.*]]: tensor<1x8x32xf32>, %[[B:.*]]: tensor<20xf32>, %[[Z:.*]]: tensor<?x20xf32>, %[[F:.*]]: tensor<f32>, %[[S:.*]]: f32, %[[Y:.*]]: tensor<?x20xf32>)
// CHECK: bit.panel_matmul ins(%[[X]], %[[P]] : tensor<?x8xf32>, tensor<1x8x32xf32>) bias(%[[B]] : tensor<20xf32>)
// CHECK-SAME: with(%[[B]], %[[Z]], %[[F]] : tensor<20xf32>, tensor<?x20xf32>, tensor<f32>) outs(%[[Y]] : tensor<?x20xf32>)
// CHECK-SAME: kernel = #bit.kernel<generic.panel> epilogue {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[C:.*]]: f32, %[[E:.*]]: f32, %[[N:.*]]: f32):
// CHECK-NEXT: %[[R0:.*]] = math.fma %[[A]], %[[C]], %[[E]] : f32
// CHECK-NEXT: %[[R1:.*]] = arith.mulf %[[R0]], %[[N]] : f32
// CHECK-NEXT: %[[R2:.*]] = arith.maximumf %[[R1]], %[[S]] : f32
// CHECK-NEXT: bit.yield %[[R2]] : f32
// CHECK-NEXT: } -> tensor<?x20xf32>
func.func @inputs(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %b: tensor<20xf32>, %z: tensor<?x20xf32>, %f: tensor<f32>, %s: f32,
    %y: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %r = bit.panel_matmul ins(%x, %p : tensor<?x8xf32>, tensor<1x8x32xf32>) bias(%b : tensor<20xf32>)
      with(%b, %z, %f : tensor<20xf32>, tensor<?x20xf32>, tensor<f32>) outs(%y : tensor<?x20xf32>)
      kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %c: f32, %e: f32, %n: f32):
      %0 = math.fma %a, %c, %e : f32
      %1 = arith.mulf %0, %n : f32
      %2 = arith.maximumf %1, %s : f32
      bit.yield %2 : f32
    } -> tensor<?x20xf32>
  return %r : tensor<?x20xf32>
}

// -----

// What is not used is not read.
// CHECK-LABEL: @unused
// CHECK: with({{.*}} : memref<1x16x7xf32>, memref<16xf32>)
// SIMPLE-LABEL: @unused
// SIMPLE-SAME: %{{[^,]*}}, %{{[^,]*}}, %[[B:[^:]*]]: memref<16xf32>
// SIMPLE: with(%[[B]] : memref<16xf32>) outs
// SIMPLE: ^bb0(%[[A:.*]]: f32, %[[C:.*]]: f32):
// SIMPLE-NEXT: arith.addf %[[A]], %[[C]]
func.func @unused(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %b: memref<16xf32>, %z: memref<1x16x7xf32>, %y: memref<1x16x7xf32>) {
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) with(%z, %b : memref<1x16x7xf32>, memref<16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %c: f32, %d: f32):
      %0 = arith.addf %a, %d : f32
      bit.yield %0 : f32
    }
  return
}

// -----

// CHECK-LABEL: @nothing
// CHECK: epilogue
// SIMPLE-LABEL: @nothing
// SIMPLE: bit.panel_matmul
// SIMPLE-NOT: with
// SIMPLE-NOT: epilogue
// SIMPLE: return
func.func @nothing(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %z: memref<2x20xf32>, %y: memref<2x20xf32>) {
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) with(%z : memref<2x20xf32>) outs(%y : memref<2x20xf32>)
      kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %e: f32):
      %0 = arith.negf %e : f32
      bit.yield %a : f32
    }
  return
}

// -----

// CHECK-LABEL: @packed
// CHECK: bias({{.*}} : memref<4xf32>) with({{.*}} : memref<2x4xf32>) outs({{.*}} : memref<2x4xf32>) n = 4 k = 8 weights = ternary
// CHECK-SAME: kernel = #bit.kernel<generic.p2> epilogue {
// SIMPLE-LABEL: @packed
// SIMPLE: kernel = #bit.kernel<generic.p2>
// SIMPLE-NOT: epilogue
func.func @packed(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %b: memref<4xf32>, %z: memref<2x4xf32>, %y: memref<2x4xf32>) {
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) bias(%b : memref<4xf32>) with(%z : memref<2x4xf32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2> epilogue {
    ^bb0(%a: f32, %e: f32):
      bit.yield %a : f32
    }
  return
}
