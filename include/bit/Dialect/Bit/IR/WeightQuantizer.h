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
/// scale. All weights have to be finite; see findNonFinite.
float quantizeWeights(WeightScheme scheme, float eps,
                      llvm::ArrayRef<float> weights,
                      llvm::MutableArrayRef<int8_t> codes);

/// The index of the first weight that has no code.
std::optional<size_t> findNonFinite(llvm::ArrayRef<float> weights);

} // namespace bit

#endif // BIT_DIALECT_BIT_IR_WEIGHTQUANTIZER_H
