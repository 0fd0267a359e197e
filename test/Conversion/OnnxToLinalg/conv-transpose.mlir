// RUN: bit-opt %s --convert-onnx-to-linalg --canonicalize --cse | FileCheck %s

// The input with zeros between its elements, the kernel mirrored; what the mask
// says are zeros adds nothing to the chain.
// CHECK-LABEL: func @stride
// CHECK: %[[MASK:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[2] [4] [2] : tensor<4xf32> into tensor<11xf32>
// CHECK: tensor.insert_slice %arg0 into %{{.*}}[0, 0, 2] [1, 2, 4] [1, 1, 2] : tensor<1x2x4xf32> into tensor<1x2x11xf32>
// CHECK: tensor.extract %arg1
// CHECK: linalg.generic {{.*}}"parallel", "parallel", "reduction", "reduction", "parallel"
// CHECK: math.fma
// CHECK: arith.cmpf oeq
// CHECK: arith.select
func.func @stride(%x: tensor<1x2x4xf32>, %w: tensor<2x3x3xf32>) -> tensor<1x3x9xf32> {
  %0 = onnx.ConvTranspose %x, %w {strides = array<i64: 2>} : (tensor<1x2x4xf32>, tensor<2x3x3xf32>) -> tensor<1x3x9xf32>
  return %0 : tensor<1x3x9xf32>
}

// CHECK-LABEL: func @dynamic
// CHECK-DAG: cf.assert {{.*}}, "expects weights for the input's channels"
// CHECK-DAG: cf.assert {{.*}}, "expects input channels divisible by group 2"
// CHECK-DAG: cf.assert {{.*}}, "expects an input that is not empty"
// CHECK-DAG: cf.assert {{.*}}, "expects pads smaller than the output"
func.func @dynamic(%x: tensor<?x?x?xf32>, %w: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {
  %0 = onnx.ConvTranspose %x, %w {group = 2 : i64, pads = array<i64: 3, 3>} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return %0 : tensor<?x?x?xf32>
}
