// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Chunks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace bit::x86 {

SmallVector<Value> StepRange::build(ValueRange init, PlaneStepBody body) const {
  SmallVector<Value> sums(init);
  if (whole != 0)
    sums = buildPlaneStepLoop(builder, loc, tile, lower, upper, sums, body);
  if (rest != 0)
    sums = body(P2Step(builder, loc, tile, upper, rest), sums);
  return sums;
}

void StepRange::prefetch(const P2Step &step, int64_t group,
                         int64_t bytes) const {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  constexpr int64_t line = PlaneLayout::bytesPerGroup;
  // The range begins `lower` steps of all groups after the tile; before `step`
  // it has one line each.
  Value before = arith::MulIOp::create(builder, loc, lower,
                                       index((tile.blockGroups - 1) * line));
  Value here =
      arith::MulIOp::create(builder, loc, step.getNumber(), index(line));
  Value offset =
      arith::AddIOp::create(builder, loc, tile.offset,
                            arith::AddIOp::create(builder, loc, before, here));
  offset = arith::AddIOp::create(builder, loc, offset,
                                 index(bytes + group * whole * line));
  memref::PrefetchOp::create(builder, loc, tile.packed, offset,
                             /*isWrite=*/false, /*localityHint=*/2,
                             /*isDataCache=*/true);
}

SmallVector<Value> buildChunks(OpBuilder &builder, Location loc,
                               const P2Tile &tile, int64_t steps,
                               ValueRange init, ChunkBody body) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  int64_t whole = tile.k / tile.stepK, rest = tile.k % tile.stepK;
  int64_t inChunks = whole - whole % steps;
  SmallVector<Value> sums(init);
  if (inChunks == steps) {
    sums = body({builder, loc, tile, index(0), index(steps), steps, 0}, sums);
  } else if (inChunks != 0) {
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(inChunks), index(steps), sums,
        [&](OpBuilder &, Location, Value first, ValueRange carried) {
          Value end = arith::AddIOp::create(builder, loc, first, index(steps));
          scf::YieldOp::create(
              builder, loc,
              body({builder, loc, tile, first, end, steps, 0}, carried));
        });
    sums = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (inChunks != whole || rest != 0)
    sums = body({builder, loc, tile, index(inChunks), index(whole),
                 whole - inChunks, rest},
                sums);
  return sums;
}

} // namespace bit::x86
