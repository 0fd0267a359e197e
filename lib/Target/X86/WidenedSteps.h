// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums of i16 that are widened before they could overflow, as vpmaddubsw needs.

#ifndef BIT_LIB_TARGET_X86_WIDENEDSTEPS_H
#define BIT_LIB_TARGET_X86_WIDENEDSTEPS_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit::x86 {

mlir::Value zeros(mlir::OpBuilder &builder, mlir::Location loc, int64_t lanes,
                  mlir::Type type);

/// Makes of the i16 sums of a period those that are widened.
using FoldSums =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)>;

/// A step of one of several passes over the same steps.
using PassBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    int64_t pass, const PlaneStep &step, mlir::ValueRange carried)>;

/// All steps of a tile in passes that take turns every `period` steps, each
/// with `passSums` sums of i16, of which `fold` makes those that are added to
/// the pass's part of the i32 sums `wide`. Returns the i32 sums.
llvm::SmallVector<mlir::Value>
buildWidenedPasses(mlir::OpBuilder &builder, mlir::Location loc,
                   const PlaneTile &tile, int64_t passes, int64_t passSums,
                   llvm::SmallVector<mlir::Value> wide, int64_t period,
                   PassBody body, FoldSums fold);

/// All steps of a tile with so many i16 sums, of which `fold` makes one for
/// each of the i32 sums `wide`, to which it is added every `period` steps: one
/// pass.
llvm::SmallVector<mlir::Value>
buildWidenedSteps(mlir::OpBuilder &builder, mlir::Location loc,
                  const PlaneTile &tile, int64_t sumCount,
                  llvm::SmallVector<mlir::Value> wide, int64_t period,
                  PlaneStepBody body, FoldSums fold);

/// 16 rows from the 8 of the lower and the 8 of the upper bytes.
mlir::Value join(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value low,
                 mlir::Value high);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_WIDENEDSTEPS_H
