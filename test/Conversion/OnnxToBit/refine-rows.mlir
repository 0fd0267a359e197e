// RUN: bit-opt %s --bit-refine-rows | FileCheck %s

// The size of flattened heads, through the quantizer that stands between.
// CHECK-LABEL: @quantizer
// CHECK-DAG: %[[SIZES:.*]] = arith.constant dense<[0, 0, 64]> : tensor<3xi64>
// CHECK-DAG: %[[ROWS:.*]] = onnx.Reshape %arg0, %arg1 {{.*}} -> tensor<?x?x?xf32>
// CHECK: %[[X:.*]] = onnx.Reshape %[[ROWS]], %[[SIZES]] {{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.Abs %[[X]] : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
// CHECK: onnx.ReduceMax {{.*}} -> tensor<?x?x1xf32>
// CHECK: onnx.Div %[[X]], %{{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.Round {{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.Mul {{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.Sub %{{.*}}, %[[X]] {{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.Add %[[X]], {{.*}} -> tensor<?x?x64xf32>
// CHECK: onnx.MatMul {{.*}} : (tensor<?x?x64xf32>, tensor<64x8xf32>)
func.func @quantizer(%x: tensor<?x?x4x16xf32>, %shape: tensor<3xi64>) -> tensor<?x?x8xf32> {
  %w = onnx.Constant dense<1.0> : tensor<64x8xf32>
  %axis = onnx.Constant dense<-1> : tensor<1xi64>
  %rows = onnx.Reshape %x, %shape : (tensor<?x?x4x16xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  %abs = onnx.Abs %rows : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %max = onnx.ReduceMax %abs, %axis : (tensor<?x?x?xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %div = onnx.Div %rows, %max : (tensor<?x?x?xf32>, tensor<?x?x1xf32>) -> tensor<?x?x?xf32>
  %round = onnx.Round %div : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %q = onnx.Mul %round, %max : (tensor<?x?x?xf32>, tensor<?x?x1xf32>) -> tensor<?x?x?xf32>
  %less = onnx.Sub %q, %rows : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %ste = onnx.Add %rows, %less : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = onnx.MatMul %ste, %w : (tensor<?x?x?xf32>, tensor<64x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// What is returned has the type it had.
// CHECK-LABEL: @returned
// CHECK: %[[X:.*]] = onnx.Reshape %arg0, {{.*}} -> tensor<?x64xf32>
// CHECK: %[[R:.*]] = onnx.Relu %[[X]] {{.*}} -> tensor<?x64xf32>
// CHECK: %[[CAST:.*]] = tensor.cast %[[R]] : tensor<?x64xf32> to tensor<?x?xf32>
// CHECK: onnx.MatMul %[[R]]
// CHECK: return %{{.*}}, %[[CAST]] : tensor<?x8xf32>, tensor<?x?xf32>
func.func @returned(%x: tensor<?x?xf32>) -> (tensor<?x8xf32>, tensor<?x?xf32>) {
  %w = onnx.Constant dense<1.0> : tensor<64x8xf32>
  %r = onnx.Relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = onnx.MatMul %r, %w : (tensor<?x?xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  return %y, %r : tensor<?x8xf32>, tensor<?x?xf32>
}

// Of two unknown sizes each may be 1 and repeated: the sum is where they meet.
// CHECK-LABEL: @two_sizes
// CHECK: %[[SUM:.*]] = onnx.Add %arg0, %arg1 {{.*}} -> tensor<?x?xf32>
// CHECK: %[[X:.*]] = onnx.Reshape %[[SUM]], {{.*}} -> tensor<?x64xf32>
// CHECK: onnx.MatMul %[[X]]
func.func @two_sizes(%x: tensor<?x?xf32>, %b: tensor<?x?xf32>) -> tensor<?x8xf32> {
  %w = onnx.Constant dense<1.0> : tensor<64x8xf32>
  %sum = onnx.Add %x, %b : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = onnx.MatMul %sum, %w : (tensor<?x?xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A row of one element cannot be told from one that is repeated; known sizes
// need nothing; a weight that is no constant says nothing.
// CHECK-LABEL: @left_alone
// CHECK-NOT: onnx.Reshape
// CHECK: return
func.func @left_alone(%x: tensor<?x?xf32>, %known: tensor<?x64xf32>, %b: tensor<64x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %one = onnx.Constant dense<1.0> : tensor<1x8xf32>
  %w = onnx.Constant dense<1.0> : tensor<64x8xf32>
  %0 = onnx.MatMul %x, %one : (tensor<?x?xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.MatMul %known, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  %2 = onnx.MatMul %x, %b : (tensor<?x?xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  return %0, %1, %2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// The check would run where the branch does not.
// CHECK-LABEL: @branch
// CHECK-NOT: onnx.Reshape
// CHECK: return
func.func @branch(%c: tensor<i1>, %x: tensor<?x?xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = onnx.Constant dense<1.0> : tensor<64x8xf32>
  %y = onnx.If %c : (tensor<i1>) -> tensor<?x8xf32> {
    %p = onnx.MatMul %x, %w : (tensor<?x?xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    onnx.Yield %p : tensor<?x8xf32>
  } {
    onnx.Yield %z : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// Unsigned integers have no cast: the size is known behind what is returned.
// CHECK-LABEL: @unsigned
// CHECK: %[[Q:.*]], %{{.*}}, %[[ZERO:.*]] = onnx.DynamicQuantizeLinear %arg0 {{.*}} -> (tensor<?x?xui8>
// CHECK: %[[X:.*]] = onnx.Reshape %[[Q]], {{.*}} -> tensor<?x64xui8>
// CHECK: onnx.MatMulInteger %[[X]]
// CHECK: return %{{.*}}, %[[Q]] :
func.func @unsigned(%x: tensor<?x?xf32>) -> (tensor<?x8xi32>, tensor<?x?xui8>) {
  %w = onnx.Constant dense<1> : tensor<64x8xi8>
  %q, %scale, %zero = onnx.DynamicQuantizeLinear %x : (tensor<?x?xf32>) -> (tensor<?x?xui8>, tensor<f32>, tensor<ui8>)
  %y = onnx.MatMulInteger %q, %w, %zero {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<?x?xui8>, tensor<64x8xi8>, tensor<ui8>) -> tensor<?x8xi32>
  return %y, %q : tensor<?x8xi32>, tensor<?x?xui8>
}
