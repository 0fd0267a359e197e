// RUN: bit-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

// The results take the place of the inits; nothing is copied.
// CHECK-LABEL: @absmax_quantize
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>
func.func @absmax_quantize(%x: tensor<?x8xf32>, %m: index) -> (tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) {
  // CHECK: %[[C:.*]] = memref.alloc({{.*}} : memref<?x8xi8>
  // CHECK-NOT: memref.copy
  // CHECK: bit.absmax_quantize ins(%[[X]] : memref<?x8xf32>) outs(%[[C]], %{{.*}}, %{{.*}} : memref<?x8xi8>, memref<?xf32>, memref<?xi32>) quantizer = <> {bit.layer = 1 : i64}
  // CHECK: return %[[C]]
  %c = tensor.empty(%m) : tensor<?x8xi8>
  %s = tensor.empty(%m) : tensor<?xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<?x8xf32>)
      outs(%c, %s, %u : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) quantizer = <> {bit.layer = 1 : i64}
      -> tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
  return %codes, %scale, %sum : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
}

// An init that is used later is not overwritten, and not copied: it is never
// read.
// CHECK-LABEL: @init_used_later
func.func @init_used_later(%x: tensor<2x8xf32>, %c: tensor<2x8xi8>, %s: tensor<2xf32>, %u: tensor<2xi32>) -> (tensor<2x8xi8>, tensor<2x8xi8>) {
  // CHECK-NOT: memref.copy
  // CHECK: %[[NEW:.*]] = memref.alloc() {{.*}} : memref<2x8xi8>
  // CHECK: bit.absmax_quantize {{.*}} outs(%[[NEW]],
  %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<2x8xf32>)
      outs(%c, %s, %u : tensor<2x8xi8>, tensor<2xf32>, tensor<2xi32>) quantizer = <>
      -> tensor<2x8xi8>, tensor<2xf32>, tensor<2xi32>
  return %codes, %c : tensor<2x8xi8>, tensor<2x8xi8>
}

// What an epilogue reads never shares its memory with the result, even where it
// could be overwritten: tiles may be computed twice.
// CHECK-LABEL: @epilogue
// CHECK-SAME: %[[X:[^:,]*]]: memref<2x8xf32>, %[[P:[^:,]*]]: memref<1x8x32xf32>, %[[Z:[^:,]*]]: memref<2x20xf32>
func.func @epilogue(%x: tensor<2x8xf32>, %p: tensor<1x8x32xf32>, %z: tensor<2x20xf32>) -> tensor<2x20xf32> {
  // CHECK: %[[ZERO:.*]] = arith.constant
  // CHECK: %[[NEW:.*]] = memref.alloc() {{.*}} : memref<2x20xf32>
  // CHECK-NOT: memref.copy
  // CHECK: bit.panel_matmul ins(%[[X]], %[[P]] : {{.*}}) with(%[[Z]] : memref<2x20xf32>) outs(%[[NEW]] : memref<2x20xf32>)
  // CHECK-SAME: epilogue {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[E:.*]]: f32):
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[E]] : f32
  // CHECK-NEXT: %[[M:.*]] = arith.maximumf %[[S]], %[[ZERO]] : f32
  // CHECK-NEXT: bit.yield %[[M]] : f32
  // CHECK: return %[[NEW]]
  %zero = arith.constant 0.0 : f32
  %r = bit.panel_matmul ins(%x, %p : tensor<2x8xf32>, tensor<1x8x32xf32>) with(%z : tensor<2x20xf32>) outs(%z : tensor<2x20xf32>)
      kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %e: f32):
      %0 = arith.addf %a, %e : f32
      %1 = arith.maximumf %0, %zero : f32
      bit.yield %1 : f32
    } -> tensor<2x20xf32>
  return %r : tensor<2x20xf32>
}

// CHECK-LABEL: @codes
// CHECK-SAME: %[[X:[^:,]*]]: memref<?x10xi8>, %[[P:[^:,]*]]: memref<1x3x32x4xi8>
func.func @codes(%x: tensor<?x10xi8>, %p: tensor<1x3x32x4xi8>, %m: index) -> tensor<?x20xi32> {
  // CHECK: %[[NEW:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x20xi32>
  // CHECK: bit.code_matmul ins(%[[X]], %[[P]] : {{.*}}) outs(%[[NEW]] : memref<?x20xi32>) kernel = #bit.kernel<generic.codes>
  // CHECK: return %[[NEW]]
  %init = tensor.empty(%m) : tensor<?x20xi32>
  %r = bit.code_matmul ins(%x, %p : tensor<?x10xi8>, tensor<1x3x32x4xi8>) outs(%init : tensor<?x20xi32>)
      kernel = #bit.kernel<generic.codes> -> tensor<?x20xi32>
  return %r : tensor<?x20xi32>
}
