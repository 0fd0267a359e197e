// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the BitLinear layers of a model: docs/recognition.md.

#ifndef BIT_CONVERSION_ONNXTOBIT_PASSES_H
#define BIT_CONVERSION_ONNXTOBIT_PASSES_H

#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/CommandLine.h"

namespace bit {

/// The words of the options that name a scheme and a granularity.
inline auto getWeightSchemeValues() {
  using llvm::cl::OptionEnumValue;
  return llvm::cl::values(clEnumValN(WeightScheme::Absmean, "absmean", ""),
                          clEnumValN(WeightScheme::Absmedian, "absmedian", ""),
                          clEnumValN(WeightScheme::Twn, "twn", ""),
                          clEnumValN(WeightScheme::Sign, "sign", ""),
                          clEnumValN(WeightScheme::Fit, "fit", ""));
}
inline auto getWeightGranularityValues() {
  using llvm::cl::OptionEnumValue;
  return llvm::cl::values(clEnumValN(WeightGranularity::Tensor, "tensor", ""),
                          clEnumValN(WeightGranularity::Channel, "channel", ""),
                          clEnumValN(WeightGranularity::Group, "group", ""));
}

#define GEN_PASS_DECL
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

/// How often a pattern set did its work; the passes' statistics.
struct RecognitionCounts {
  int64_t recognized = 0, declined = 0;
};

/// Turns all products by ternary or binary constants below `root` into
/// bit.linear, and marks the other matmul-like nodes with the reason.
RecognitionCounts recognizeWeights(mlir::Operation *root);

/// `counts` has to outlive the patterns.
void populateRecognizeActivationsPatterns(mlir::RewritePatternSet &patterns,
                                          RecognitionCounts &counts);
void populateRecognizeEpiloguesPatterns(mlir::RewritePatternSet &patterns,
                                        RecognitionCounts &counts);

#define GEN_PASS_REGISTRATION
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

} // namespace bit

#endif // BIT_CONVERSION_ONNXTOBIT_PASSES_H
