// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_BITTOLINALG_PASSES_TD
#define BIT_CONVERSION_BITTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertBitToLinalg : Pass<"convert-bit-to-linalg"> {
  let summary = "lower bit ops on tensors to linalg, plainly";
  let description = [{
    The reference lowering: what each op's description says, line by line, in
    `linalg.generic` with `arith` and `math`. Every kernel is tested against it.
    `bit.linear` is decomposed first. Reductions whose order the description
    fixes are in the middle of the iterators, so that only the outputs lie in
    lanes.

    `bit.packed_matmul` is left alone: its weights are bytes that only a kernel
    can read. So is `bit.quantize_weight`, which is evaluated at compile time.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
  let options = [
    Option<"lowerQuantizers", "lower-quantizers", "bool", /*default=*/"true",
           "lower bit.absmax_quantize too; off: it is left to kernels">,
    Option<"lowerAttention", "lower-attention", "bool", /*default=*/"true",
           "lower every bit.attention; off: those that a kernel computes are "
           "left to it">
  ];
  let statistics = [
    Statistic<"numLowered", "lowered", "ops lowered to linalg">,
    Statistic<"numDeclined", "declined", "ops on packed weights or on buffers">
  ];
}

#endif // BIT_CONVERSION_BITTOLINALG_PASSES_TD
