// RUN: bit-opt %s --bit-outline-kernels | FileCheck %s

// Those in branches and loops, too.
// CHECK-LABEL: @control_flow
func.func @control_flow(%call: !bit.call, %x: memref<64xf32>, %c: i1) -> i32 {
  %v = arith.constant 3.0 : f32
  scf.while : () -> () {
    scf.condition(%c)
  } do {
    // CHECK: scf.if
    // CHECK-NEXT: call @[[SHARED:fill.*]](
    // CHECK-NEXT: } else {
    // CHECK-NEXT: call @[[SHARED]](
    scf.if %c {
      linalg.fill ins(%v : f32) outs(%x : memref<64xf32>)
    } else {
      linalg.fill ins(%v : f32) outs(%x : memref<64xf32>)
    }
    scf.yield
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}
