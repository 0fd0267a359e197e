// RUN: bit-opt %s --bit-clone-levels=levels=fast:+avx2+fma,slow:+sse3 | FileCheck %s
// RUN: bit-opt %s --bit-clone-levels=levels=fast:+avx2+fma:slow,slow:+avx2 | FileCheck %s --check-prefix=BASE
// RUN: bit-opt %s --bit-clone-levels | FileCheck %s --check-prefix=NONE

// CHECK: func.func @main_graph.fast() attributes {passthrough = {{\[\[}}"target-features", "+avx2,+fma"]]}
// CHECK-NEXT: call @kernel.fast()
// CHECK: func.func private @kernel.fast()
// CHECK: func.func @main_graph.slow() attributes {passthrough = {{\[\[}}"target-features", "+sse3"]]}
// CHECK-NEXT: call @kernel.slow()
// CHECK-NOT: func.func @main_graph()

// NONE: func.func @main_graph()
func.func @main_graph() {
  call @kernel() : () -> ()
  return
}

func.func private @kernel() {
  return
}

// A level with a base has its own copies of what depends on packed weights, and of what others call.
// BASE: func.func @main_graph.fast()
// BASE-NEXT: call @kernel.slow()
// BASE-NOT: @kernel.fast
// BASE: func.func @product.fast(
// BASE-NEXT: call @packed.fast
// BASE-NEXT: call @kernel.slow
// BASE: func.func private @packed.fast(
// BASE: func.func private @codes.fast(
// BASE: func.func @main_graph.slow()
// BASE: func.func private @kernel.slow()
// BASE: func.func @product.slow(
// BASE-NEXT: call @packed.slow
func.func @product(%x: memref<1x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x8xf32>) {
  call @packed(%x, %p, %ws, %xs, %sum, %y) : (memref<1x16xi8>, memref<64xi8>, memref<1xf32>, memref<1xf32>, memref<1xi32>, memref<1x8xf32>) -> ()
  call @kernel() : () -> ()
  return
}

func.func private @packed(%x: memref<1x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<1xf32>, %sum: memref<1xi32>, %y: memref<1x8xf32>) {
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1xi32>) outs(%y : memref<1x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// BASE: func.func private @codes.slow(
func.func private @codes(%x: memref<1x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<1x8xi32>) {
  bit.code_matmul ins(%x, %p : memref<1x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<1x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}
