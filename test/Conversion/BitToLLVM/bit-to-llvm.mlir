// RUN: bit-opt %s --convert-bit-to-llvm --split-input-file | FileCheck %s

// The message names the node; a null output ends the run.
// CHECK: llvm.mlir.global private constant @[[MESSAGE:bit.message.*]]("node 'n' (ai.onnx Gather, opset 13): expects an index below 4\00")
// CHECK-LABEL: llvm.func internal @checks
// CHECK-SAME: (%[[CALL:.*]]: !llvm.ptr, %[[OK:.*]]: i1) -> i32
// CHECK-SAME: passthrough = ["noinline"]
func.func @checks(%call: !bit.call, %ok: i1) -> i32 {
  // CHECK: llvm.cond_br %[[OK]], ^[[NEXT:.*]], ^[[FAILED:.*]]
  cf.assert %ok, "expects an index below 4" loc(fused<{domain = "ai.onnx", op = "Gather", opset = 13 : i64}>["n"("m.onnx":0:0)])
  // CHECK: ^[[NEXT]]:
  // CHECK: %[[DATA:.*]] = llvm.call %{{.*}}(%[[CALL]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> !llvm.ptr
  // CHECK: llvm.icmp "ne" %[[DATA]]
  // CHECK: llvm.cond_br
  %y = bit.output %call[0] () : memref<4xf32>
  // CHECK: ^[[FAILED]]:
  // CHECK: llvm.mlir.addressof @[[MESSAGE]]
  // CHECK: llvm.call %{{.*}}(%[[CALL]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
  %zero = arith.constant 0 : i32
  return %zero : i32
}

// -----

bit.weight @w at 128 = dense<1> : tensor<4xi8>

// The weight is an offset from the call's base; its bytes never get here.
// CHECK-LABEL: llvm.func internal @weight
func.func @weight(%call: !bit.call) -> i8 {
  // CHECK: %[[OFFSET:.*]] = llvm.mlir.constant(128
  // CHECK: %[[BASE:.*]] = llvm.load {{.*}} -> !llvm.ptr
  // CHECK: llvm.getelementptr %[[BASE]][%[[OFFSET]]]
  %c0 = arith.constant 0 : index
  %w = bit.get_weight @w : memref<4xi8>
  %v = memref.load %w[%c0] : memref<4xi8>
  return %v : i8
}

// -----

// CHECK-LABEL: llvm.func internal @num_threads
// CHECK-SAME: (%[[CALL:[^:]*]]: !llvm.ptr)
func.func @num_threads(%call: !bit.call) -> index {
  // CHECK: %[[PLACE:.*]] = llvm.getelementptr %[[CALL]][32]
  // CHECK: %[[N:.*]] = llvm.load %[[PLACE]] : !llvm.ptr -> i64
  // CHECK: llvm.return %[[N]]
  %threads = bit.num_threads %call
  return %threads : index
}

// -----

// A place that is an argument.
// CHECK-LABEL: llvm.func internal @weight_at
// CHECK-SAME: %{{[^,]*}}, %[[OFFSET:[^:]*]]: i64)
func.func @weight_at(%call: !bit.call, %offset: index) -> i8 {
  // CHECK: %[[BASE:.*]] = llvm.load {{.*}} -> !llvm.ptr
  // CHECK: llvm.getelementptr %[[BASE]][%[[OFFSET]]]
  %c0 = arith.constant 0 : index
  %w = bit.weight_at %call[%offset] : memref<4xi8>
  %v = memref.load %w[%c0] : memref<4xi8>
  return %v : i8
}

// -----

func.func private @rows(%data: !llvm.ptr, %lo: i64, %hi: i64) {
  return
}

// CHECK-LABEL: llvm.func internal @parallel
func.func @parallel(%call: !bit.call, %data: !llvm.ptr, %n: index) {
  // CHECK: %[[BODY:.*]] = llvm.mlir.addressof @rows
  // CHECK: llvm.call %{{.*}}(%{{.*}}, %[[BODY]], %{{.*}}, %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
  bit.parallel_for %call @rows(%data : !llvm.ptr) count %n
  return
}

// -----

// Memory of the last time is used again if it is large enough.
// CHECK-LABEL: llvm.func internal @reuse
// CHECK: %[[KEPT:.*]] = llvm.alloca %{{.*}} x !llvm.ptr
// CHECK: %[[BYTES:.*]] = llvm.alloca %{{.*}} x i64
// CHECK: llvm.store %{{.*}}, %[[BYTES]]
func.func @reuse(%call: !bit.call, %bytes: index, %n: index) -> i32 {
  // CHECK: %[[CAPACITY:.*]] = llvm.load %[[BYTES]]
  // CHECK: %[[FITS:.*]] = llvm.icmp "sle" %{{.*}}, %[[CAPACITY]]
  // CHECK: llvm.cond_br %[[FITS]], ^[[NEXT:.*]], ^[[GROW:.*]]
  // CHECK: ^[[GROW]]:
  // CHECK: llvm.intr.smax
  // CHECK: %[[DATA:.*]] = llvm.call
  // CHECK: llvm.icmp "ne" %[[DATA]]
  // CHECK: llvm.store %[[DATA]], %[[KEPT]]
  // CHECK: llvm.br ^[[NEXT]]
  // CHECK: ^[[NEXT]]:
  // CHECK: llvm.load %[[KEPT]]
  %t = bit.allocate %call[%bytes] (%n) reuse : memref<?xf32>
  %c0 = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  memref.store %v, %t[%c0] : memref<?xf32>
  %zero = arith.constant 0 : i32
  return %zero : i32
}
