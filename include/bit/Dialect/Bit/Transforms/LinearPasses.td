// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From layers to the steps that kernels compute.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_LINEARPASSES_TD
#define BIT_DIALECT_BIT_TRANSFORMS_LINEARPASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeLinear : Pass<"bit-decompose-linear"> {
  let summary = "split bit.linear into quantizer, product and rescale";
  let description = [{
    A `bit.linear` with a quantizer becomes `bit.absmax_quantize`,
    `bit.ternary_matmul` and `bit.rescale`; the last one keeps its discardable
    attributes, such as `bit.layer`. One without quantizer stays what it is.
    Both are brought to the form of kernels: f32 activations of rank 2, all
    leading dimensions of x being collapsed into one. Where the quantizer has one
    scale a sample, its codes and scales are, not x: it must know the samples.

    Layers that quantize one value alike then have equal `bit.absmax_quantize`
    ops, which CSE merges.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numDecomposed", "decomposed", "layers split into steps">,
    Statistic<"numDeclined", "declined",
              "layers left whole because their activations are float">
  ];
}

def QuantizeWeights : Pass<"bit-quantize-weights"> {
  let summary = "evaluate bit.quantize_weight of constants of any size";
  let description = [{
    The folder of `bit.quantize_weight` evaluates small constants only, since
    folders run many times and keep what they make in the context for good. This
    pass evaluates all of them, once; the codes become resources that are freed
    with the module. A weight that is not finite is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numQuantized", "quantized", "weights evaluated">,
    Statistic<"numDeclined", "declined", "weights that are not constant">
  ];
}

#endif // BIT_DIALECT_BIT_TRANSFORMS_LINEARPASSES_TD
