// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// One factor a channel, then two roundings an element.
// CHECK-LABEL: func @batch
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK: math.sqrt
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @batch(%x: tensor<2x3x?xf32>, %p: tensor<3xf32>) -> tensor<2x3x?xf32> {
  %0 = onnx.BatchNormalization %x, %p, %p, %p, %p {resultSegmentSizes = array<i32: 1, 0, 0>}
    : (tensor<2x3x?xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x?xf32>
  return %0 : tensor<2x3x?xf32>
}

// CHECK-LABEL: func @instance
// CHECK: tensor.expand_shape %arg1 {{\[\[}}0, 1]] output_shape [3, 1]
// CHECK: "parallel", "parallel", "reduction"
func.func @instance(%x: tensor<2x3x8xf32>, %p: tensor<3xf32>) -> tensor<2x3x8xf32> {
  %0 = onnx.InstanceNormalization %x, %p, %p : (tensor<2x3x8xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}

// Neighbouring channels are a chain between channel and plane.
// CHECK-LABEL: func @lrn
// CHECK: tensor.insert_slice {{.*}}[0, 1, 0] [2, 5, 64] [1, 1, 1] : tensor<2x5x64xf32> into tensor<2x8x64xf32>
// CHECK: "parallel", "parallel", "reduction", "parallel"
// CHECK: math.powf
func.func @lrn(%x: tensor<2x5x8x8xf32>) -> tensor<2x5x8x8xf32> {
  %0 = onnx.LRN %x {size = 4 : i64} : (tensor<2x5x8x8xf32>) -> tensor<2x5x8x8xf32>
  return %0 : tensor<2x5x8x8xf32>
}

// -----

// In training the statistics are the batch's, and the given ones move towards them.
// CHECK-LABEL: func @batch_norm_training
// CHECK-DAG: %[[OLD:.*]] = arith.constant 0.899999976 : f32
// CHECK-DAG: %[[NEW:.*]] = arith.constant 0.100000024 : f32
// CHECK-DAG: %[[COUNT:.*]] = arith.constant 8.000000e+00 : f32
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "reduction"]
// CHECK: arith.divf %{{.*}}, %[[COUNT]] : f32
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "reduction"]
// CHECK: arith.mulf %{{.*}}, %[[OLD]] : f32
// CHECK: arith.mulf %{{.*}}, %[[NEW]] : f32
func.func @batch_norm_training(%x: tensor<2x3x4xf32>, %p: tensor<3xf32>) -> (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) {
  %0, %1, %2 = onnx.BatchNormalization %x, %p, %p, %p, %p {training_mode = 1 : i64, resultSegmentSizes = array<i32: 1, 1, 1>}
    : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>)
  return %0, %1, %2 : tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>
}
