// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps in chunks, for kernels whose registers hold the sums of some of a
// block's groups only. Were each group's steps one loop, weights would be read
// in as many streams, at half of the memory's speed.

#ifndef BIT_LIB_TARGET_X86_CHUNKS_H
#define BIT_LIB_TARGET_X86_CHUNKS_H

#include "bit/Conversion/BitToVector/P2Kernel.h"

namespace bit::x86 {

/// Some steps that follow each other.
struct StepRange {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  const P2Tile &tile;
  mlir::Value lower, upper; ///< the whole steps
  int64_t whole;            ///< how many these are
  int64_t rest;             ///< how many k one more step has at `upper`, or 0

  /// Builds these steps with `body`.
  llvm::SmallVector<mlir::Value> build(mlir::ValueRange init,
                                       PlaneStepBody body) const;

  /// Fetches a cache line of those that are read `bytes` later. All groups'
  /// passes over the range together fetch as many lines as it has, in their
  /// order in memory.
  void prefetch(const P2Step &step, int64_t group, int64_t bytes) const;
};

using ChunkBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    const StepRange &range, mlir::ValueRange carried)>;

/// Builds a loop over chunks of so many steps of a tile, and what is left after
/// it. `body` builds one.
llvm::SmallVector<mlir::Value>
buildChunks(mlir::OpBuilder &builder, mlir::Location loc, const P2Tile &tile,
            int64_t steps, mlir::ValueRange init, ChunkBody body);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_CHUNKS_H
