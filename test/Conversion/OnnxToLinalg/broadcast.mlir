// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, 0, d2)>
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0, d1, d2) -> (d2)>

// Dims of one symbolic name are one value, checked once at the entry.
// CHECK-LABEL: func @same_name
// CHECK: %[[A:.*]] = tensor.dim %arg0
// CHECK: %[[B:.*]] = tensor.dim %arg1
// CHECK: %[[EQ:.*]] = arith.cmpi eq, %[[A]], %[[B]]
// CHECK: cf.assert %[[EQ]], "expects dimension 'batch' to be the same in all inputs"
// CHECK: linalg.generic {{.*}} ins(%arg0, %arg1
// CHECK-NOT: tensor.extract
func.func @same_name(%a: tensor<?x4xf32> {onnx.dims = ["batch", ""]},
                     %b: tensor<?x4xf32> {onnx.dims = ["batch", ""]}) -> tensor<?x4xf32> {
  %0 = onnx.Add %a, %b : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// One of them may be known in another input.
// CHECK-LABEL: func @same_name_known
// CHECK: %[[SIZE:.*]] = tensor.dim %arg1
// CHECK: %[[EQ:.*]] = arith.cmpi eq, %[[SIZE]], %c8
// CHECK: cf.assert %[[EQ]], "expects dimension 'batch' to be the same in all inputs"
func.func @same_name_known(%a: tensor<8x4xf32> {onnx.dims = ["batch", ""]},
                           %b: tensor<?x4xf32> {onnx.dims = ["batch", ""]}) -> tensor<?x4xf32> {
  return %b : tensor<?x4xf32>
}

// Gemm's bias may be broadcast, the product not.
// CHECK-LABEL: func @gemm_bias
// CHECK: cf.assert %{{.*}}, "expects operands that broadcast to the first's shape"
func.func @gemm_bias(%a: tensor<?x4xf32>, %b: tensor<4x2xf32>, %c: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = onnx.Gemm %a, %b, %c : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// Two dims that may differ: one of them may be 1, which the run decides.
// CHECK-LABEL: func @may_differ
// CHECK: cf.assert %{{.*}}, "expects dims that broadcast"
// CHECK: cf.assert %{{.*}}, "expects dims that broadcast"
// CHECK: linalg.generic
// CHECK: arith.select
// CHECK: tensor.extract %arg0
// CHECK: tensor.extract %arg1
func.func @may_differ(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = onnx.Mul %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// A static 1 and missing dims are affine maps.
// CHECK-LABEL: func @static_ones
// CHECK-NOT: cf.assert
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[LAST]],
func.func @static_ones(%a: tensor<2x1x4xf32>, %b: tensor<4xf32>,
                       %c: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = onnx.Sum %a, %b, %c
    : (tensor<2x1x4xf32>, tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// A known size above 1 is the result's; the other is checked against it.
// CHECK-LABEL: func @known_size
// CHECK: %[[D:.*]] = tensor.dim %arg1
// CHECK: cf.assert
// CHECK: tensor.empty() : tensor<4xf32>
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<4xf32>)
// CHECK: tensor.extract %arg1
func.func @known_size(%a: tensor<4xf32>, %b: tensor<?xf32>) -> tensor<4xf32> {
  %0 = onnx.Sub %a, %b : (tensor<4xf32>, tensor<?xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A constant of one value needs no tensor.
// CHECK-LABEL: func @splat
// CHECK: linalg.generic {{.*}} ins(%arg0 :
// CHECK: arith.mulf %{{.*}}, %cst
func.func @splat(%a: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c = onnx.Constant dense<127.0> : tensor<1xf32>
  %0 = onnx.Mul %a, %c : (tensor<?x4xf32>, tensor<1xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
