// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// One chain of fused multiply-adds an output, over channel, row and column of
// the kernel, from the bias on; the output's columns are the innermost loop.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d3, d1 * 2 + d4, d6 * 2 + d5)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d2, d3, d4, d5)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d2, d1, d6)>
// CHECK-DAG: #[[PHASES:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d3, d4 mod 2, d5 mod 2, d1 + d4 floordiv 2, d6 + d5 floordiv 2)>
// CHECK-LABEL: func @conv
// CHECK: %[[BIAS:.*]] = linalg.generic {{.*}} ins(%arg2
// CHECK: %[[ZEROS:.*]] = linalg.fill {{.*}} tensor<1x3x9x9xf32>
// CHECK: %[[PADDED:.*]] = tensor.insert_slice %arg0 into %[[ZEROS]][0, 0, 1, 1]
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]]
// CHECK-SAME: "parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"
// CHECK-SAME: ins(%[[PADDED]], %arg1{{.*}} outs(%[[BIAS]]
// CHECK: math.fma
func.func @conv(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>, %b: tensor<16xf32>) -> tensor<1x16x4x4xf32> {
  %0 = onnx.Conv %x, %w, %b {pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<1x16x4x4xf32>
  return %0 : tensor<1x16x4x4xf32>
}

// Without padding the input is read where it lies; a group is a loop.
// CHECK-LABEL: func @depthwise
// CHECK-NOT: insert_slice
// CHECK: tensor.expand_shape %arg0 {{\[\[}}0], [1, 2], [3]] output_shape [1, 4, 1, 8]
// CHECK: tensor.expand_shape %arg1 {{\[\[}}0, 1], [2], [3]] output_shape [4, 1, 1, 3]
// CHECK: tensor.collapse_shape
func.func @depthwise(%x: tensor<1x4x8xf32>, %w: tensor<4x1x3xf32>) -> tensor<1x4x6xf32> {
  %0 = onnx.Conv %x, %w {group = 4 : i64} : (tensor<1x4x8xf32>, tensor<4x1x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// Halves are summed as floats and rounded once.
// CHECK-LABEL: func @half
// CHECK: math.fma {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f32 to f16
func.func @half(%x: tensor<1x1x8xf16>, %w: tensor<1x1x3xf16>) -> tensor<1x1x6xf16> {
  %0 = onnx.Conv %x, %w : (tensor<1x1x8xf16>, tensor<1x1x3xf16>) -> tensor<1x1x6xf16>
  return %0 : tensor<1x1x6xf16>
}

// What only the run shows is checked there.
// CHECK-LABEL: func @dynamic
// CHECK-DAG: cf.assert {{.*}}, "expects a kernel that is not empty"
// CHECK-DAG: cf.assert {{.*}}, "expects weights for the input's channels"
// CHECK-DAG: cf.assert {{.*}}, "expects output channels divisible by group 2"
// CHECK-DAG: cf.assert {{.*}}, "expects a kernel that fits in the padded input"
// CHECK-DAG: cf.assert {{.*}}, "expects a bias for each output channel"
func.func @dynamic(%x: tensor<?x?x?xf32>, %w: tensor<?x?x?xf32>, %b: tensor<?xf32>) -> tensor<?x?x?xf32> {
  %0 = onnx.Conv %x, %w, %b {group = 2 : i64} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  return %0 : tensor<?x?x?xf32>
}

// Strided planes that are wide enough are split in phases, so that neighbours in
// memory are neighbours in the output.
// CHECK-LABEL: func @phases
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 0, 1, 1] {{.*}} into tensor<1x3x18x18xf32>
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x3x2x2x9x9xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[PHASES]]
func.func @phases(%x: tensor<1x3x16x16xf32>, %w: tensor<16x3x3x3xf32>) -> tensor<1x16x8x8xf32> {
  %0 = onnx.Conv %x, %w {pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<1x3x16x16xf32>, tensor<16x3x3x3xf32>) -> tensor<1x16x8x8xf32>
  return %0 : tensor<1x16x8x8xf32>
}

// Not for halves: no vector form takes their weights.
// CHECK-LABEL: func @strided_halves
// CHECK-NOT: x2x2x9x9x
// CHECK: return
func.func @strided_halves(%x: tensor<1x3x16x16xf16>, %w: tensor<16x3x3x3xf16>) -> tensor<1x16x8x8xf16> {
  %0 = onnx.Conv %x, %w {pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<1x3x16x16xf16>, tensor<16x3x3x3xf16>) -> tensor<1x16x8x8xf16>
  return %0 : tensor<1x16x8x8xf16>
}
