// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What bit.quantize_weight computes, on host memory.

#ifndef BIT_DIALECT_BIT_IR_WEIGHTQUANTIZER_H
#define BIT_DIALECT_BIT_IR_WEIGHTQUANTIZER_H

#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstddef>
#include <optional>

namespace bit {

/// Writes the codes of `weights`, which share one scale, and returns that
/// scale. All weights have to be finite; see findNonFinite. Works on all
/// threads of `context` unless it is null; the result does not depend on it.
float quantizeWeights(WeightScheme scheme, float eps,
                      llvm::ArrayRef<float> weights,
                      llvm::MutableArrayRef<int8_t> codes,
                      mlir::MLIRContext *context = nullptr);

/// Returns |w - codes * scale| / |w|, both Euclidean, over weights of which
/// each run of `weights.size() / scales.size()` shares a scale; 0 where all are
/// 0.
double getWeightError(llvm::ArrayRef<float> weights,
                      llvm::ArrayRef<int8_t> codes,
                      llvm::ArrayRef<float> scales,
                      mlir::MLIRContext *context = nullptr);

/// The index of the first weight that has no code.
std::optional<size_t> findNonFinite(llvm::ArrayRef<float> weights);

} // namespace bit

#endif // BIT_DIALECT_BIT_IR_WEIGHTQUANTIZER_H
