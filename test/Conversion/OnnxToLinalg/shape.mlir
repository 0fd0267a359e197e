// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// A shape computed in the graph is index arithmetic; 64 / 16 is known.
// CHECK-LABEL: func @computed_shape
// CHECK-DAG: %[[B:.*]] = tensor.dim %arg0, %c0
// CHECK-DAG: %[[S:.*]] = tensor.dim %arg0, %c1
// CHECK-NOT: cf.assert
// CHECK: tensor.expand_shape %arg0 {{\[\[}}0], [1], [2, 3]] output_shape [%[[B]], %[[S]], 4, 16]
func.func @computed_shape(%x: tensor<?x?x64xf32>) -> tensor<?x?x?x?xf32> {
  %s = onnx.Shape %x : (tensor<?x?x64xf32>) -> tensor<3xi64>
  %i = onnx.Constant dense<[0, -2]> : tensor<2xi64>
  %g = onnx.Gather %s, %i : (tensor<3xi64>, tensor<2xi64>) -> tensor<2xi64>
  %c = onnx.Constant dense<[-1, 16]> : tensor<2xi64>
  %t = onnx.Concat %g, %c {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %r = onnx.Reshape %x, %t : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return %r : tensor<?x?x?x?xf32>
}

// The product of two dims, there and back, is the same value.
// CHECK-LABEL: func @there_and_back
// CHECK-DAG: %[[B:.*]] = tensor.dim %arg0, %c0
// CHECK-DAG: %[[S:.*]] = tensor.dim %arg0, %c1
// CHECK-NOT: cf.assert
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %arg0
// CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1], [2]] output_shape [%[[B]], %[[S]], 64]
func.func @there_and_back(%x: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %flat = onnx.Constant dense<[-1, 64]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %flat : (tensor<?x?x64xf32>, tensor<2xi64>) -> tensor<?x64xf32>
  %s = onnx.Shape %x : (tensor<?x?x64xf32>) -> tensor<3xi64>
  %1 = onnx.Reshape %0, %s : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  return %1 : tensor<?x?x64xf32>
}

// A shape that only the run knows is checked there.
// CHECK-LABEL: func @shape_input
// CHECK: tensor.extract %arg1
// CHECK: cf.assert %{{.*}}, "expects dims of -1 or more in shape"
// CHECK: cf.assert %{{.*}}, "expects a shape with as many elements as the input"
// CHECK: tensor.expand_shape
func.func @shape_input(%x: tensor<12xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = onnx.Reshape %x, %s : (tensor<12xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// CHECK-LABEL: func @squeeze_dynamic
// CHECK: cf.assert %{{.*}}, "expects squeezed dims to be 1"
func.func @squeeze_dynamic(%x: tensor<?x4xf32>) -> tensor<4xf32> {
  %axes = onnx.Constant dense<0> : tensor<1xi64>
  %0 = onnx.Squeeze %x, %axes : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Indices from outside are checked before anything is read.
// CHECK-LABEL: func @gather
// CHECK: linalg.generic {{.*}} ins(%arg1
// CHECK: %[[OK:.*]] = tensor.extract
// CHECK: cf.assert %[[OK]], "expects indices in the range of axis 0"
// CHECK: linalg.generic {{.*}} ins(%arg1
// CHECK: tensor.extract %arg0
func.func @gather(%x: tensor<10x4xf32>, %i: tensor<?xi64>) -> tensor<?x4xf32> {
  %0 = onnx.Gather %x, %i : (tensor<10x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @concat
// CHECK: %[[SUM:.*]] = arith.addi
// CHECK: %[[E:.*]] = tensor.empty(%[[SUM]]) : tensor<?x4xf32>
// CHECK: %[[F:.*]] = tensor.insert_slice %arg0 into %[[E]][0, 0]
// CHECK: tensor.insert_slice %arg1 into %[[F]]
func.func @concat(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.Concat %a, %b {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @slices
// CHECK: tensor.extract_slice %arg0[1, 0] [2, 4] [1, 1]
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @slices(%x: tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<4x4xf32>) {
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %end = onnx.Constant dense<-1> : tensor<1xi64>
  %0 = onnx.Slice %x, %one, %end {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}
    : (tensor<4x4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x4xf32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %low = onnx.Constant dense<-9223372036854775807> : tensor<1xi64>
  %1 = onnx.Slice %x, %end, %low, %zero, %end {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>}
    : (tensor<4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<4x4xf32>
}

// CHECK-LABEL: func @ranges
// CHECK-DAG: %[[KNOWN:.*]] = arith.constant dense<[7, 5, 3]> : tensor<3xi64>
// CHECK: tensor.extract %arg0
// CHECK: math.ceil
// CHECK: linalg.index 0
// CHECK: return %[[KNOWN]]
func.func @ranges(%end: tensor<f32>) -> (tensor<3xi64>, tensor<?xf32>) {
  %0 = onnx.Constant dense<7> : tensor<i64>
  %1 = onnx.Constant dense<2> : tensor<i64>
  %2 = onnx.Constant dense<-2> : tensor<i64>
  %3 = onnx.Range %0, %1, %2 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  %4 = onnx.Constant dense<0.0> : tensor<f32>
  %5 = onnx.Constant dense<0.5> : tensor<f32>
  %6 = onnx.Range %4, %end, %5 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return %3, %6 : tensor<3xi64>, tensor<?xf32>
}

// The sum of two huge sizes may wrap around.
// CHECK-LABEL: func @split_sizes
// CHECK-COUNT-2: cf.assert %{{.*}}, "expects sizes in split within the axis"
// CHECK: cf.assert %{{.*}}, "expects sizes in split that sum up to the axis"
func.func @split_sizes(%a: tensor<?xf32>, %s: tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>) {
  %0, %1 = onnx.Split %a, %s : (tensor<?xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}
