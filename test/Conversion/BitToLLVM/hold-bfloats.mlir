// RUN: bit-opt %s --bit-hold-bfloats | FileCheck %s

// A bf16 is only moved: LLVM would convert one that a block takes to f32 and back.
// CHECK-LABEL: llvm.func @choose
// CHECK-NOT: bf16
// CHECK: %[[C:.*]] = llvm.mlir.constant(16256 : i16) : i16
// CHECK: llvm.cond_br %{{.*}}, ^bb1, ^bb2(%[[C]] : i16)
// CHECK: %[[X:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i16
// CHECK: llvm.br ^bb2(%[[X]] : i16)
// CHECK: ^bb2(%[[Y:.*]]: i16):
// CHECK: llvm.store %[[Y]]
// CHECK: llvm.add %[[Y]], %[[Y]]{{.*}} : i16
// CHECK: llvm.mlir.constant(dense<[16256, -16384]> : vector<2xi16>) : vector<2xi16>
// CHECK-NOT: bf16
llvm.func @choose(%p: !llvm.ptr, %i: i64, %c: i1) -> vector<2xbf16> {
  %one = llvm.mlir.constant(1.0 : bf16) : bf16
  llvm.cond_br %c, ^bb1, ^bb2(%one : bf16)
^bb1:
  %q = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
  %x = llvm.load %q : !llvm.ptr -> bf16
  llvm.br ^bb2(%x : bf16)
^bb2(%y: bf16):
  llvm.store %y, %p : bf16, !llvm.ptr
  %bits = llvm.bitcast %y : bf16 to i16
  %sum = llvm.add %bits, %bits : i16
  %v = llvm.mlir.constant(dense<[1.0, -2.0]> : vector<2xbf16>) : vector<2xbf16>
  llvm.store %sum, %p : i16, !llvm.ptr
  llvm.return %v : vector<2xbf16>
}

// A weight's own type says how it is written; to the code it is bytes.
// CHECK: bit.weight @head panels 16 = dense<1.000000e+00> : tensor<2x1xbf16>
bit.weight @head panels 16 = dense<1.0> : tensor<2x1xbf16>
