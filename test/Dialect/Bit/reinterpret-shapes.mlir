// RUN: bit-opt %s --bit-reinterpret-shapes | FileCheck %s
// RUN: bit-opt %s --bit-reinterpret-shapes --expand-strided-metadata

// CHECK-LABEL: func @two_dynamic
// CHECK: %[[STRIDE:.+]] = arith.muli
// CHECK: memref.reinterpret_cast %arg0 to offset: [0], sizes: [%arg1, %arg2, 4], strides: [%[[STRIDE]], 4, 1] : memref<?x4xf32> to memref<?x?x4xf32>
func.func @two_dynamic(%x: memref<?x4xf32>, %a: index, %b: index) -> memref<?x?x4xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%a, %b, 4] : memref<?x4xf32> into memref<?x?x4xf32>
  return %y : memref<?x?x4xf32>
}

// CHECK-LABEL: func @gaps
// CHECK: memref.expand_shape
func.func @gaps(%x: memref<8xf32, strided<[2]>>) -> memref<2x4xf32, strided<[8, 2]>> {
  %y = memref.expand_shape %x [[0, 1]] output_shape [2, 4] : memref<8xf32, strided<[2]>> into memref<2x4xf32, strided<[8, 2]>>
  return %y : memref<2x4xf32, strided<[8, 2]>>
}
