// RUN: bit-opt %s --bit-separate-destinations | FileCheck %s
// RUN: bit-opt %s --bit-separate-destinations --bit-bufferize-model | FileCheck %s --check-prefix=BUFFERS

// Two products that start from the same zeros: each gets its own right before
// it, nothing is copied.
// CHECK-LABEL: func @sums
// CHECK-NEXT: arith.constant
// CHECK-NEXT: %[[E0:.+]] = tensor.empty(%arg2)
// CHECK-NEXT: %[[F0:.+]] = linalg.fill {{.*}} outs(%[[E0]]
// CHECK-NEXT: linalg.matmul {{.*}} outs(%[[F0]]
// CHECK-NEXT: %[[E1:.+]] = tensor.empty(%arg2)
// CHECK-NEXT: %[[F1:.+]] = linalg.fill {{.*}} outs(%[[E1]]
// CHECK-NEXT: linalg.matmul {{.*}} outs(%[[F1]]
// BUFFERS-LABEL: func @sums
// BUFFERS-NOT: memref.copy
// BUFFERS: return
func.func @sums(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>, %m: index) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%m) : tensor<?x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%fill : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = linalg.matmul ins(%y, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%fill : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// A fill outside of a loop runs once.
// CHECK-LABEL: func @in_loop
// CHECK: linalg.fill
// CHECK-NEXT: scf.for
// CHECK-NOT: linalg.fill
// CHECK: return
func.func @in_loop(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %n: index) -> tensor<4x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) -> tensor<4x4xf32>
  %z = scf.for %i = %c0 to %n step %c1 iter_args(%a = %y) -> tensor<4x4xf32> {
    %b = linalg.matmul ins(%a, %fill : tensor<4x4xf32>, tensor<4x4xf32>) outs(%a : tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %b : tensor<4x4xf32>
  }
  return %z : tensor<4x4xf32>
}
