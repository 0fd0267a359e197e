// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops whose iterations threads share, in pieces worth waking a thread for.

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_PARALLELRANGE_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_PARALLELRANGE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace bit {

/// Emits a loop over 0..`count` that threads may share: `scf.forall` over
/// pieces, `scf.for` within one. A piece is as many iterations as together do
/// `pieceWork` units of work, `itemWork` (at least 0) being what one does;
/// both are a matter of speed only. Leaves the builder in the body and returns
/// its index.
mlir::Value emitParallelRange(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value count, mlir::Value itemWork,
                              int64_t pieceWork);

/// Returns how many threads may share a loop of `function`: 1 where it has no
/// call to ask.
mlir::Value emitNumThreads(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::func::FuncOp function);

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_PARALLELRANGE_H
