// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs of equal operations that repeat, in a list of operations.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_REPEATEDRUNS_H
#define BIT_DIALECT_BIT_TRANSFORMS_REPEATEDRUNS_H

#include "mlir/IR/Operation.h"

namespace bit {

/// `count` times `period` operations, from `start`.
struct RepeatedRun {
  size_t start = 0, period = 0, count = 0;

  /// How many operations are left out if one period stands for all.
  size_t getSaved() const { return count == 0 ? 0 : (count - 1) * period; }
};

/// Numbers `ops` so that equal operations have equal numbers: operands and
/// discardable attributes aside, their types and all else included. What
/// `isUnique` has a number of its own.
llvm::SmallVector<unsigned>
numberEqual(llvm::ArrayRef<mlir::Operation *> ops,
            llvm::function_ref<bool(mlir::Operation *)> isUnique);

/// Returns the run that saves most, of those the one with the shortest period.
RepeatedRun findLongestRun(llvm::ArrayRef<unsigned> numbers);

} // namespace bit

#endif // BIT_DIALECT_BIT_TRANSFORMS_REPEATEDRUNS_H
