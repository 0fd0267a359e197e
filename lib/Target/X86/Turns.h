// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of a tile that take turns, for kernels whose 16 registers hold the sums
// of some of them only. Were each group's steps one loop, weights would be read
// in as many streams, at half of the memory's speed.

#ifndef BIT_LIB_TARGET_X86_TURNS_H
#define BIT_LIB_TARGET_X86_TURNS_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit::x86 {

/// The bytes of 8 rows, half of a group, in a step: a register.
constexpr int64_t halfBytes = PlaneLayout::bytesPerGroup / 2;

/// How rows take turns.
struct Turns {
  int64_t halves; ///< of groups that a turn has: 1 or an even number
  int64_t steps;  ///< after which the next rows are on
  int64_t ahead;  ///< how many bytes weights are fetched ahead, or 0
};

/// Some steps of some rows of a tile.
class Turn {
public:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  PlaneTile tile; ///< whose offset is that of the turn's first row
  int64_t halves;
  mlir::Value lower, upper; ///< the whole steps
  int64_t whole;            ///< how many these are
  int64_t rest;             ///< how many k one more step has at `upper`, or 0
  mlir::Value fetched;      ///< the bytes to prefetch, less the first step's
                            ///< place; null for none
  mlir::Value sums, first;  ///< memory of i32, and where the turn's sums begin
  int64_t count;            ///< of sums

  /// Builds these steps with `body`.
  llvm::SmallVector<mlir::Value> build(mlir::ValueRange init,
                                       PlaneStepBody body) const;

  /// The sums so far, at the builder's insertion point.
  llvm::SmallVector<mlir::Value> loadSums() const;

  mlir::Value loadHalf(const PlaneStep &step, int64_t half) const {
    return step.loadWeights(0, half * halfBytes, halfBytes);
  }

private:
  void prefetch(const PlaneStep &step) const;
};

/// Builds what becomes of a turn's sums, turn.loadSums(): those of 8 rows, then
/// those of the next 8.
using TurnBody =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const Turn &turn)>;

/// Builds all steps of a tile, whose sums of 8 x i32 start from `init` for each
/// 8 rows, and returns them. They are in memory between turns: LLVM would keep
/// some in registers and spill in the inner loops.
llvm::SmallVector<mlir::Value>
buildTurns(mlir::OpBuilder &builder, mlir::Location loc, const PlaneTile &tile,
           const Turns &turns, mlir::ValueRange init, TurnBody body);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_TURNS_H
