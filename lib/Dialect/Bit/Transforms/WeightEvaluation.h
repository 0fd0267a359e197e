// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates bit.quantize_weight: the floats are there for one weight at a time.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_WEIGHTEVALUATION_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_WEIGHTEVALUATION_H

#include "bit/Dialect/Bit/IR/BitOps.h"
#include <vector>

namespace bit {

/// Whether the floats of `op` are a constant or a constant subgraph.
bool isConstantWeight(QuantizeWeightOp op);

/// Whether `scale` is constant once the codes of `op` are evaluated: its
/// scales, times or divided by constants.
bool isScaleOf(mlir::Value scale, QuantizeWeightOp op);

/// Computes the codes of `op`, whose weight is constant. Its scales and their
/// multiples become constants, and `bit.layer` of the layers that multiply by
/// it says how large the error of the weights is. Fails after an error at `op`.
mlir::FailureOr<std::vector<int8_t>> evaluateCodes(QuantizeWeightOp op);

/// Erases `op`, whose results have no users, and what only it used.
void eraseWeight(QuantizeWeightOp op);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_WEIGHTEVALUATION_H
