// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Each element of a tuple is checked against the axis that it indexes.
// CHECK-LABEL: func @gather_nd
// CHECK: tensor.extract_slice %arg1[0, 0] [%{{.*}}, 1] [1, 1] : tensor<?x2xi64> to tensor<?xi64>
// CHECK: cf.assert %{{.*}}, "expects indices in the range of axis 0"
// CHECK: tensor.extract_slice %arg1[0, 1]
// CHECK: cf.assert %{{.*}}, "expects indices in the range of axis 1"
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @gather_nd(%x: tensor<4x5x6xf32>, %i: tensor<?x2xi64>) -> tensor<?x6xf32> {
  %0 = onnx.GatherND %x, %i : (tensor<4x5x6xf32>, tensor<?x2xi64>) -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// -----

// How long tuples are follows from the ranks.
// CHECK-LABEL: func @gather_nd_length
// CHECK: cf.assert %{{.*}}, "expects index tuples as long as the ranks say"
func.func @gather_nd_length(%x: tensor<4x5xf32>, %i: tensor<3x?xi64>) -> tensor<3x5xf32> {
  %0 = onnx.GatherND %x, %i : (tensor<4x5xf32>, tensor<3x?xi64>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// -----

// CHECK-LABEL: func @gather_elements
// CHECK: cf.assert %{{.*}}, "expects indices within the data in axis 0"
// CHECK: cf.assert %{{.*}}, "expects indices in the range of axis 1"
func.func @gather_elements(%x: tensor<4x5xf32>, %i: tensor<?x3xi64>) -> tensor<?x3xf32> {
  %0 = onnx.GatherElements %x, %i {axis = 1 : i64} : (tensor<4x5xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// Updates in order; checks come before the first write.
// CHECK-LABEL: func @scatter_elements
// CHECK: cf.assert %{{.*}}, "expects indices in the range of axis 0"
// CHECK: cf.assert %{{.*}}, "expects indices and updates of one shape"
// CHECK: scf.for {{.*}} iter_args(%[[T:.*]] = %arg0)
// CHECK: %[[OLD:.*]] = tensor.extract %[[T]]
// CHECK: arith.addf %[[OLD]]
// CHECK: tensor.insert
func.func @scatter_elements(%x: tensor<4xf32>, %i: tensor<3xi64>, %u: tensor<?xf32>) -> tensor<4xf32> {
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "add"} : (tensor<4xf32>, tensor<3xi64>, tensor<?xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The sum of bools is their or.
// CHECK-LABEL: func @scatter_nd_bool
// CHECK: scf.for
// CHECK: arith.maxui %{{.*}} : i1
func.func @scatter_nd_bool(%x: tensor<4xi1>, %i: tensor<3x1xi64>, %u: tensor<3xi1>) -> tensor<4xi1> {
  %0 = onnx.ScatterND %x, %i, %u {reduction = "add"} : (tensor<4xi1>, tensor<3x1xi64>, tensor<3xi1>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func @top_k
// CHECK: cf.assert %{{.*}}, "expects a K of 0 or more"
// CHECK: cf.assert %{{.*}}, "expects a K within axis 1"
// CHECK: scf.while
// CHECK: arith.cmpf uno
func.func @top_k(%x: tensor<2x9xf32>, %k: tensor<1xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>) {
  %0:2 = onnx.TopK %x, %k : (tensor<2x9xf32>, tensor<1xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>)
  return %0#0, %0#1 : tensor<2x?xf32>, tensor<2x?xi64>
}

// -----

// CHECK-LABEL: func @arg_max
// CHECK: cf.assert %{{.*}}, "expects an axis that is not empty"
// CHECK: %[[R:.*]]:2 = linalg.generic
// CHECK: tensor.expand_shape %[[R]]#1
func.func @arg_max(%x: tensor<2x?xf32>) -> tensor<2x1xi64> {
  %0 = onnx.ArgMax %x {axis = 1 : i64} : (tensor<2x?xf32>) -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}

// -----

// What is kept is counted before memory for it is taken.
// CHECK-LABEL: func @non_zero
// CHECK: linalg.generic
// CHECK: %[[N:.*]] = arith.index_cast
// CHECK: tensor.empty(%[[N]]) : tensor<2x?xi64>
// CHECK: scf.if
func.func @non_zero(%x: tensor<2x3xf32>) -> tensor<2x?xi64> {
  %0 = onnx.NonZero %x : (tensor<2x3xf32>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// -----

// CHECK-LABEL: func @compress
// CHECK: %[[N:.*]] = scf.for
// CHECK: tensor.empty(%[[N]]) : tensor<?xi64>
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @compress(%x: tensor<2x3xf32>, %c: tensor<3xi1>) -> tensor<2x?xf32> {
  %0 = onnx.Compress %x, %c {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3xi1>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

// Sums stand inside of all loops but the one that vectors run over.
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1)>
// CHECK-DAG: #[[C:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-LABEL: func @einsum
// CHECK: linalg.generic {indexing_maps = [#[[A]], #{{.*}}, #[[C]]], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
// CHECK: math.fma
func.func @einsum(%a: tensor<2x3x4xf32>, %b: tensor<2x3x5xf32>) -> tensor<2x4x5xf32> {
  %0 = onnx.Einsum %a, %b {equation = "bki, bkj -> bij"} : (tensor<2x3x4xf32>, tensor<2x3x5xf32>) -> tensor<2x4x5xf32>
  return %0 : tensor<2x4x5xf32>
}

// -----

// CHECK-LABEL: func @einsum_trace
// CHECK: cf.assert %{{.*}}, "expects one size for each label"
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 0
// CHECK: tensor.extract %arg0[%[[I]], %[[J]]]
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]
func.func @einsum_trace(%a: tensor<3x?xf32>) -> tensor<f32> {
  %0 = onnx.Einsum %a {equation = "ii"} : (tensor<3x?xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Positions are sorted, neighbours compared; first occurrences are in order.
// CHECK-LABEL: func @unique
// CHECK: scf.while
// CHECK: tensor.extract_slice
// CHECK: linalg.generic
func.func @unique(%x: tensor<6xi64>) -> (tensor<?xi64>, tensor<6xi64>) {
  %0:2 = onnx.Unique %x {resultSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<6xi64>) -> (tensor<?xi64>, tensor<6xi64>)
  return %0#0, %0#1 : tensor<?xi64>, tensor<6xi64>
}

// -----

// CHECK-LABEL: func @tensor_scatter
// CHECK: cf.assert %{{.*}}, "expects an update within the cache"
// CHECK: cf.assert %{{.*}}, "expects write_indices that leave room for the update"
// CHECK: scf.for
// CHECK: tensor.insert
func.func @tensor_scatter(%c: tensor<2x8x4xf32>, %u: tensor<2x?x4xf32>, %w: tensor<2xi64>) -> tensor<2x8x4xf32> {
  %0 = onnx.TensorScatter %c, %u, %w : (tensor<2x8x4xf32>, tensor<2x?x4xf32>, tensor<2xi64>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}
