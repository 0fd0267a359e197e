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
