// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of a tile that take turns, for kernels whose registers hold the sums of
// some of them only. Were each group's steps one loop, weights would be read in
// as many streams, at half of the memory's speed.

#ifndef BIT_CONVERSION_BITTOVECTOR_TURNS_H
#define BIT_CONVERSION_BITTOVECTOR_TURNS_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit {

/// How rows take turns. A part is the rows whose sums one register holds.
struct Turns {
  int64_t rows;  ///< of a part: a divisor of a group's 16
  int64_t parts; ///< that a turn has: a divisor of a group's, or a multiple
  int64_t steps; ///< after which the next rows are on
  int64_t ahead; ///< how many bytes weights are fetched ahead, or 0
  /// Whether LLVM may not know how many groups there are: it would unroll the
  /// loop over them, and spill.
  bool hidesGroups = false;

  int64_t getPartsOfGroup() const { return PlaneLayout::rowsPerGroup / rows; }
  int64_t getPartBytes() const {
    return PlaneLayout::bytesPerGroup / getPartsOfGroup();
  }
};

/// Some steps of some rows of a tile.
class Turn {
public:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  Turns turns;
  PlaneTile tile; ///< whose offset is that of the turn's first row
  int64_t parts;
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

  mlir::Value loadPart(const PlaneStep &step, int64_t part) const {
    return step.loadWeights(0, part * turns.getPartBytes(),
                            turns.getPartBytes());
  }

  /// Fetches what comes this many steps later in the order of memory, if the
  /// turn does: `build` calls it.
  void prefetch(const PlaneStep &step) const;
};

/// Builds what becomes of a turn's sums, turn.loadSums(): those of a part, then
/// those of the next.
using TurnBody =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const Turn &turn)>;

/// Builds what all turns of some steps share, before them: `whole` steps from
/// `lower` on and, unless it is 0, one of `rest` k.
using TurnPrologue =
    llvm::function_ref<void(mlir::Value lower, int64_t whole, int64_t rest)>;

/// Builds all steps of a tile, whose sums, vectors of a part's i32, start from
/// `init` for each part, and returns them. They are in memory between turns:
/// LLVM would keep some in registers and spill in the inner loops.
llvm::SmallVector<mlir::Value>
buildTurns(mlir::OpBuilder &builder, mlir::Location loc, const PlaneTile &tile,
           const Turns &turns, mlir::ValueRange init, TurnBody body,
           TurnPrologue prologue = nullptr);

/// Memory of the thread's stack for all turns, allocated where the function or
/// the parallel loop around begins: inside of a loop it would be allocated
/// again and again.
mlir::Value allocateForTurns(mlir::OpBuilder &builder, mlir::Location loc,
                             llvm::ArrayRef<int64_t> shape, mlir::Type type);

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_TURNS_H
