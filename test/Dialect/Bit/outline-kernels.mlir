// RUN: bit-opt %s --bit-outline-kernels --split-input-file | FileCheck %s

// Two layers that differ in their buffers and names only share a function.
// CHECK-LABEL: @main_graph
func.func @main_graph(%call: !bit.call, %x: memref<64xf32>, %y: memref<64xf32>, %z: memref<3xf32>) -> i32 {
  // CHECK: call @fill(%{{.*}}, %{{.*}}) {bit.layer = {name = "a"}} : (!bit.call, memref<64xf32>) -> ()
  // CHECK: call @fill(%{{.*}}, %{{.*}}) {bit.layer = {name = "b"}} : (!bit.call, memref<64xf32>) -> ()
  %c = arith.constant 1.0 : f32
  linalg.fill {bit.layer = {name = "a"}} ins(%c : f32) outs(%x : memref<64xf32>)
  linalg.fill {bit.layer = {name = "b"}} ins(%c : f32) outs(%y : memref<64xf32>)
  // Another constant is another function.
  // CHECK: call @fill_0
  %d = arith.constant 2.0 : f32
  linalg.fill ins(%d : f32) outs(%x : memref<64xf32>)
  // Loops are named after their ONNX operator.
  // CHECK: call @maxpool(
  // CHECK: call @fill_0
  %e = arith.constant 3.0 : f32
  linalg.fill ins(%e : f32) outs(%x : memref<64xf32>)
      loc(fused<{domain = "ai.onnx", op = "MaxPool", opset = 13 : i64}>["pool"("m.onnx":0:0)])
  linalg.fill ins(%d : f32) outs(%y : memref<64xf32>)
      loc(fused<{domain = "ai.onnx", op = "MaxPool", opset = 13 : i64}>["pool"("m.onnx":0:0)])
  // Three elements are no kernel.
  // CHECK: linalg.fill
  linalg.fill ins(%d : f32) outs(%z : memref<3xf32>)
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// CHECK: func.func private @fill(%{{.*}}: !bit.call, %[[OUT:.*]]: memref<64xf32>) {
// CHECK-NEXT: %[[C:.*]] = arith.constant 1.0
// CHECK-NEXT: linalg.fill ins(%[[C]] : f32) outs(%[[OUT]]
// CHECK: func.func private @fill_0
// CHECK-NOT: func.func private @fill_1

// -----

// Siblings are one function, and stay siblings in it.
// CHECK-LABEL: func.func @products
// CHECK: call @packed_matmuls(%{{.*}}, %{{.*}}, %{{.*}}) {bit.layer = [1, 2]}
// CHECK-NEXT: call @packed_matmuls(%{{.*}}, %{{.*}}, %{{.*}}) :
// CHECK: func.func private @packed_matmuls
// CHECK: bit.siblings {
// CHECK: }, {
// CHECK-NOT: func.func
func.func @products(%call: !bit.call, %x: memref<64xf32>, %y: memref<64xf32>) -> i32 {
  %c = arith.constant 1.0 : f32
  bit.siblings {
    linalg.fill ins(%c : f32) outs(%x : memref<64xf32>)
  }, {
    linalg.fill ins(%c : f32) outs(%y : memref<64xf32>)
  } {bit.layer = [1, 2]}
  bit.siblings {
    linalg.fill ins(%c : f32) outs(%y : memref<64xf32>)
  }, {
    linalg.fill ins(%c : f32) outs(%x : memref<64xf32>)
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}
