// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_ONNX_EVAL_PASSES
#define BIT_DIALECT_ONNX_EVAL_PASSES

include "mlir/Pass/PassBase.td"

def FoldConstants : Pass<"bit-fold-constants", "::mlir::ModuleOp"> {
  let summary = "replace constant subgraphs of onnx ops by their values";
  let description = [{
    Only the last values of a subgraph, those that something else reads, become
    constants: what lies before them is dead. A value that is larger than all
    the constants it comes from together, and than `max-bytes`, stays computed:
    folding never makes a model much larger.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "64 * 1024",
           "fold values of at most this many bytes whatever they come from">,
    ListOption<"leave", "leave", "std::string",
               "operations that evaluate their operands themselves, one at a "
               "time: what only they read is not folded">
  ];
  let dependentDialects = ["::bit::onnx::OnnxDialect"];
  let statistics = [
    Statistic<"numFolded", "folded", "values replaced by constants">,
    Statistic<"numDeclined", "declined", "constant values left to be computed">
  ];
}

#endif // BIT_DIALECT_ONNX_EVAL_PASSES
