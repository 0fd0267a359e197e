// RUN: bit-opt %s --bit-carry-buffers | FileCheck %s

func.func private @use(memref<8xf32>, memref<8xf32>)

// What the body computed is copied to memory of the loop's own, and the copies
// that bufferization made before are gone.
// CHECK-LABEL: @carried
func.func @carried(%x: memref<8xf32>, %go: i1) -> memref<8xf32> {
  // CHECK: scf.while (%[[X:.*]] = %arg0)
  // CHECK-NEXT: scf.condition(%{{.*}}) %[[X]]
  %0 = scf.while (%a = %x) : (memref<8xf32>) -> memref<8xf32> {
    %copy = memref.alloc() {alignment = 64 : i64} : memref<8xf32>
    linalg.copy ins(%a : memref<8xf32>) outs(%copy : memref<8xf32>)
    scf.condition(%go) %copy : memref<8xf32>
  } do {
  // CHECK: ^bb0(%[[A:.*]]: memref<8xf32>):
  ^bb0(%a: memref<8xf32>):
    // CHECK: %[[NEW:.*]] = memref.alloc
    // CHECK: call @use(%[[A]], %[[NEW]])
    // CHECK-NEXT: %[[KEPT:.*]] = memref.alloc
    // CHECK-NEXT: memref.copy %[[NEW]], %[[KEPT]]
    // CHECK-NEXT: scf.yield %[[KEPT]]
    %b = memref.alloc() {alignment = 64 : i64} : memref<8xf32>
    func.call @use(%a, %b) : (memref<8xf32>, memref<8xf32>) -> ()
    scf.yield %b : memref<8xf32>
  }
  return %0 : memref<8xf32>
}

// Changed in place: nothing to copy.
// CHECK-LABEL: @in_place
func.func @in_place(%x: memref<8xf32>, %go: i1) {
  // CHECK-NOT: memref.alloc
  // CHECK: return
  %0 = scf.while (%a = %x) : (memref<8xf32>) -> memref<8xf32> {
    scf.condition(%go) %a : memref<8xf32>
  } do {
  ^bb0(%a: memref<8xf32>):
    func.call @use(%a, %a) : (memref<8xf32>, memref<8xf32>) -> ()
    scf.yield %a : memref<8xf32>
  }
  return
}

// Both are saved before one of them is overwritten.
// CHECK-LABEL: @swap
func.func @swap(%x: memref<8xf32>, %y: memref<?xf32>, %go: i1) {
  %cast = memref.cast %x : memref<8xf32> to memref<?xf32>
  %0:2 = scf.while (%a = %cast, %b = %y) : (memref<?xf32>, memref<?xf32>) -> (memref<?xf32>, memref<?xf32>) {
    scf.condition(%go) %a, %b : memref<?xf32>, memref<?xf32>
  } do {
  // CHECK: ^bb0(%[[A:.*]]: memref<?xf32>, %[[B:.*]]: memref<?xf32>):
  ^bb0(%a: memref<?xf32>, %b: memref<?xf32>):
    // CHECK: %[[N:.*]] = memref.dim %[[B]]
    // CHECK: %[[B1:.*]] = memref.alloc(%[[N]])
    // CHECK: memref.copy %[[B]], %[[B1]]
    // CHECK: %[[A1:.*]] = memref.alloc
    // CHECK: memref.copy %[[A]], %[[A1]]
    // CHECK: %[[B2:.*]] = memref.alloc
    // CHECK: memref.copy %[[B1]], %[[B2]]
    // CHECK: %[[A2:.*]] = memref.alloc
    // CHECK: memref.copy %[[A1]], %[[A2]]
    // CHECK: scf.yield %[[B2]], %[[A2]]
    scf.yield %b, %a : memref<?xf32>, memref<?xf32>
  }
  return
}
