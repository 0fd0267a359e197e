// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_EXPANDMATH_PASSES_TD
#define BIT_CONVERSION_EXPANDMATH_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"bit-expand-math"> {
  let summary = "writes math functions as arithmetic, the same on every target";
  let description = [{
    Replaces `math` operations on scalars and vectors that a target would call
    libm for by `arith`, `math.fma` and the few `math` operations that are one
    instruction everywhere (sqrt, floor, ceil, trunc, roundeven, absf,
    copysign). Each operation used is correctly rounded or on integers and has
    no fast-math flag, so a result has the same bits on every target and in
    every vector shape. docs/math-accuracy.md lists the error of each function.

    `f16` and `bf16` are computed in `f32` and rounded once at the end. NaN
    results are `0x7FC00000` (`0x7FF8000000000000` in `f64`), whatever NaN came
    in. `math.sin`, `math.cos` and `math.tan` keep a branch (`scf.if`) for
    arguments too large for the fast argument reduction.

    An operation of another element type, or on tensors, is an error.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::math::MathDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
  let statistics = [
    Statistic<"numExpanded", "expanded", "operations replaced">,
    Statistic<"numDeclined", "declined",
              "operations of a type that has no expansion">
  ];
}

#endif // BIT_CONVERSION_EXPANDMATH_PASSES_TD
