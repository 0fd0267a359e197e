// RUN: bit-opt %s --bit-bind-runtime | FileCheck %s

// CHECK-LABEL: @in_place
// CHECK-SAME: (%[[CALL:.*]]: !bit.call) -> i32
func.func @in_place(%x: memref<?xf32> {onnx.name = "x"}, %n: memref<i64>) -> (memref<?xf32> {onnx.name = "y"}) {
  // CHECK: %[[X:.*]] = bit.input %[[CALL]][0] : memref<?xf32>
  // CHECK: bit.input %[[CALL]][1] : memref<i64>
  // CHECK: %[[Y:.*]] = bit.output %[[CALL]][0] (%{{.*}}) : memref<?xf32>
  // CHECK: memref.copy %[[X]], %[[Y]]
  // CHECK-NEXT: %[[OK:.*]] = arith.constant 0 : i32
  // CHECK-NEXT: return %[[OK]]
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?xf32>
  %y = memref.alloc(%m) : memref<?xf32>
  memref.copy %x, %y : memref<?xf32> to memref<?xf32>
  return %y : memref<?xf32>
}

// An input that is returned, and a value that is returned twice, are copied.
// CHECK-LABEL: @copied
func.func @copied(%x: memref<?x2xf32>) -> (memref<?x2xf32>, memref<3xf32>, memref<3xf32>) {
  // CHECK: %[[X:.*]] = bit.input
  // CHECK: %[[Y:.*]] = bit.output %{{.*}}[1] () : memref<3xf32>
  %y = memref.alloc() : memref<3xf32>
  // CHECK: %[[M:.*]] = memref.dim %[[X]]
  // CHECK: %[[OUT:.*]] = bit.output %{{.*}}[0] (%[[M]]) : memref<?x2xf32>
  // CHECK: memref.copy %[[X]], %[[OUT]]
  // CHECK: %[[TWICE:.*]] = bit.output %{{.*}}[2] () : memref<3xf32>
  // CHECK: memref.copy %[[Y]], %[[TWICE]]
  return %x, %y, %y : memref<?x2xf32>, memref<3xf32>, memref<3xf32>
}

// CHECK-LABEL: @private_stays
// CHECK-SAME: (%{{.*}}: memref<2xf32>)
func.func private @private_stays(%x: memref<2xf32>) {
  return
}

// A copy from another layout must not become a call of MLIR's own library.
// CHECK-LABEL: @strided
func.func @strided(%x: memref<4x6xf32>) -> memref<4x2xf32, strided<[6, 1], offset: 2>> {
  // CHECK: %[[V:.*]] = memref.subview
  // CHECK: %[[OUT:.*]] = bit.output %{{.*}}[0] () : memref<4x2xf32>
  // CHECK: linalg.copy ins(%[[V]] : memref<4x2xf32, strided<[6, 1], offset: 2>>) outs(%[[OUT]] : memref<4x2xf32>)
  %v = memref.subview %x[0, 2] [4, 2] [1, 1] : memref<4x6xf32> to memref<4x2xf32, strided<[6, 1], offset: 2>>
  return %v : memref<4x2xf32, strided<[6, 1], offset: 2>>
}
