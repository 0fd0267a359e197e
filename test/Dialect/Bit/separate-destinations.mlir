// RUN: bit-opt %s --bit-separate-destinations | FileCheck %s
// RUN: bit-opt %s --bit-separate-destinations --bit-bufferize-model | FileCheck %s --check-prefix=BUFFERS

// Two products that start from the same zeros: each gets its own, nothing is
// copied.
// CHECK-LABEL: func @sums
// CHECK-DAG: %[[E0:.+]] = tensor.empty(%arg2)
// CHECK-DAG: %[[E1:.+]] = tensor.empty(%arg2)
// CHECK-DAG: %[[F0:.+]] = linalg.fill {{.*}} outs(%[[E0]]
// CHECK-DAG: %[[F1:.+]] = linalg.fill {{.*}} outs(%[[E1]]
// CHECK: linalg.matmul {{.*}} outs(%{{.+}}
// CHECK: linalg.matmul {{.*}} outs(%{{.+}}
// BUFFERS-LABEL: func @sums
// BUFFERS-NOT: memref.copy
func.func @sums(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>, %m: index) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%m) : tensor<?x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%fill : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = linalg.matmul ins(%y, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%fill : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}
