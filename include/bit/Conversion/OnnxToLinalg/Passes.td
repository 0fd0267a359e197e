// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_ONNXTOLINALG_PASSES_TD
#define BIT_CONVERSION_ONNXTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertOnnxToLinalg
    : Pass<"convert-onnx-to-linalg", "mlir::func::FuncOp"> {
  let summary = "lowers ONNX operations to linalg on tensors";
  let description = [{
    Every operation becomes `linalg.generic` and `tensor` operations whose
    sizes are traced to the function's arguments: two dims with one symbolic
    name are one SSA value, and shapes that a graph computes (Shape, Gather,
    Concat, Reshape) become index arithmetic. Where two dims may differ at run
    time, one of them being 1, the index is chosen at run time.

    What a model may get wrong only at run time is checked by `cf.assert`.
    Integers become signless. `f16` and `bf16` are computed in `f32` and rounded
    once per operation.

    An operation or a combination of types and attributes that has no lowering
    is an error; all of a function are reported before the pass fails.
  }];
  let dependentDialects = [
    "bit::BitDialect", "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::cf::ControlFlowDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect",
    "mlir::tensor::TensorDialect"
  ];
  let statistics = [
    Statistic<"numLowered", "lowered", "operations that were lowered">,
    Statistic<"numDeclined", "declined", "operations without lowering">
  ];
}

#endif // BIT_CONVERSION_ONNXTOLINALG_PASSES_TD
