// The pass driver takes mlir-opt's flags on MLIR input.
// RUN: bit-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @fold
// CHECK-NEXT: %[[C:.*]] = arith.constant 5 : i32
// CHECK-NEXT: return %[[C]]
func.func @fold() -> i32 {
  %a = arith.constant 2 : i32
  %b = arith.constant 3 : i32
  %c = arith.addi %a, %b : i32
  return %c : i32
}
