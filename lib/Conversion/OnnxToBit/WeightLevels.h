// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides by value whether a weight is ternary or binary.

#ifndef BIT_LIB_CONVERSION_ONNXTOBIT_WEIGHTLEVELS_H
#define BIT_LIB_CONVERSION_ONNXTOBIT_WEIGHTLEVELS_H

#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace bit {

/// A weight as codes times scales.
struct WeightLevels {
  int64_t n = 0, k = 0;
  onnx::HostTensor codes; ///< N x K of i8
  /// 1 for the tensor, N for channels, N x K / group for groups.
  std::vector<float> scales;
  int64_t group = 0; ///< elements that share a scale along K; 0: the whole row
  bool isBinary = false;
  /// |w - codes * scale| / |w|, both Euclidean.
  double error = 0;
};

/// Returns the levels of a matrix of N x K floats, or K x N if `isTransposed`,
/// or the reason why it has none.
llvm::Expected<WeightLevels> findWeightLevels(const onnx::HostTensor &weight,
                                              bool isTransposed);

/// The same without a tensor of floats, where that is possible.
llvm::Expected<WeightLevels> findWeightLevels(const onnx::Chain &weight,
                                              bool isTransposed);

/// The levels of N x K floats that can be read, if each row, or all of them,
/// has a single magnitude besides 0.
std::optional<WeightLevels> findExactLevels(const onnx::Chain &weight);

} // namespace bit

#endif // BIT_LIB_CONVERSION_ONNXTOBIT_WEIGHTLEVELS_H
