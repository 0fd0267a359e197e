// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What operations on buffers share, before the arena is planned.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_BUFFERUSE_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_BUFFERUSE_H

#include "mlir/IR/Operation.h"

namespace bit {

/// Operations of others between two of a group, at most: a matter of time.
constexpr size_t mostPassed = 64;

/// What `value` is a view of; null where that may be a part of something else,
/// as what a branch or a loop has for a result.
mlir::Value getRoot(mlir::Value value);

/// The buffers that `op` is applied to and those that its regions name.
llvm::SmallVector<mlir::Value> getUsedBuffers(mlir::Operation *op);

/// Whether an operation that stands between those of a group can run before all
/// of them: an allocation, a request for an output's memory, or a computation
/// without memory.
bool isMovable(mlir::Operation *op);

/// Whether it is known what `op` reads and writes: getUsedBuffers, of which it
/// writes its inits only.
bool isPassable(mlir::Operation *op);

/// Whether two buffers may share memory. Distinct allocations share nothing
/// with anything, nor do weights, which nobody writes, nor a model's outputs,
/// of which the runtime refuses those that overlap inputs or each other; of
/// other buffers it is not said that they do not.
bool mayOverlap(mlir::Value a, mlir::Value b);

/// Whether one of two operations may write what the other one uses; `b` is
/// known to be passable.
bool conflict(mlir::Operation *a, mlir::Operation *b);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_BUFFERUSE_H
