// RUN: bit-opt %s --bit-bufferize-model | FileCheck %s

// The caller owns the input: what would be written in place is copied first.
// CHECK-LABEL: @keep_input
// CHECK-SAME: (%[[X:.*]]: memref<4xf32>
func.func @keep_input(%x: tensor<4xf32>, %v: f32) -> tensor<4xf32> {
  // CHECK: %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
  // CHECK: linalg.fill ins({{.*}}) outs(%[[Y]]
  // CHECK: return %[[Y]]
  %y = linalg.fill ins(%v : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

bit.weight @w = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK-LABEL: @keep_weight
func.func @keep_weight(%v: f32, %i: index) -> tensor<2xf32> {
  // CHECK: %[[W:.*]] = bit.get_weight @w : memref<2xf32>
  // CHECK: %[[Y:.*]] = memref.alloc
  // CHECK: memref.copy %[[W]], %[[Y]]
  // CHECK: memref.store %{{.*}}, %[[Y]]
  %w = bit.get_weight @w : tensor<2xf32>
  %y = tensor.insert %v into %w[%i] : tensor<2xf32>
  return %y : tensor<2xf32>
}

// A strided copy becomes a loop, not a call of MLIR's runtime library.
// CHECK-LABEL: @strided
func.func @strided(%x: tensor<4x6xf32>, %y: tensor<4x3xf32>) -> tensor<4x6xf32> {
  // CHECK: linalg.copy ins(%{{.*}} : memref<4x3xf32>) outs(%{{.*}} : memref<4x3xf32, strided<[6, 1]>>)
  %z = tensor.insert_slice %y into %x[0, 0] [4, 3] [1, 1] : tensor<4x3xf32> into tensor<4x6xf32>
  return %z : tensor<4x6xf32>
}

// A part of a value leaves its branch as a copy, without gaps.
// CHECK-LABEL: @part
func.func @part(%x: tensor<4x6xf32>, %y: tensor<4x3xf32>, %c: i1) -> tensor<4x3xf32> {
  // CHECK: scf.if %{{.*}} -> (memref<4x3xf32>)
  // CHECK: linalg.copy
  %z = scf.if %c -> tensor<4x3xf32> {
    %part = tensor.extract_slice %x[0, 0] [4, 3] [1, 1] : tensor<4x6xf32> to tensor<4x3xf32>
    scf.yield %part : tensor<4x3xf32>
  } else {
    scf.yield %y : tensor<4x3xf32>
  }
  return %z : tensor<4x3xf32>
}

// A view is returned as a buffer of its own, also where its strides might be those of one.
// CHECK-LABEL: @views
func.func @views(%x: tensor<?x?xf32>, %n: index) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  // CHECK-DAG: %[[A:.*]] = memref.subview %{{.*}}[0, 0]
  // CHECK-DAG: %[[B:.*]] = memref.subview %{{.*}}[0, %{{.*}}]
  // CHECK-DAG: linalg.copy ins(%[[A]] : memref<?x?xf32, strided<[?, 1]>>) outs(%[[C:.*]] : memref<?x?xf32>)
  // CHECK-DAG: linalg.copy ins(%[[B]] : memref<?x?xf32, strided<[?, 1], offset: ?>>) outs(%[[D:.*]] : memref<?x?xf32>)
  // CHECK: return %[[C]], %[[D]]
  %a = tensor.extract_slice %x[0, 0] [%n, %n] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  %b = tensor.extract_slice %x[0, %n] [%n, %n] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  return %a, %b : tensor<?x?xf32>, tensor<?x?xf32>
}
