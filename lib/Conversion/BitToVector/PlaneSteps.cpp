// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace bit {

static Value addConstant(OpBuilder &builder, Location loc, Value value,
                         int64_t offset) {
  if (offset == 0)
    return value;
  return arith::AddIOp::create(
      builder, loc, value, arith::ConstantIndexOp::create(builder, loc, offset),
      arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw);
}

static Value mulConstant(OpBuilder &builder, Location loc, Value value,
                         int64_t factor) {
  return arith::MulIOp::create(
      builder, loc, value, arith::ConstantIndexOp::create(builder, loc, factor),
      arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw);
}

Value PlaneTile::broadcastStart(OpBuilder &builder, Location loc, int64_t token,
                                int64_t lanes) const {
  return vector::BroadcastOp::create(
      builder, loc, VectorType::get(lanes, builder.getI32Type()), start[token]);
}

PlaneStep::PlaneStep(OpBuilder &builder, Location loc, const PlaneTile &tile,
                     Value step, int64_t width)
    : builder(builder), loc(loc), tile(tile), width(width), number(step) {
  Value distance = mulConstant(builder, loc, step,
                               tile.blockGroups * PlaneLayout::bytesPerGroup);
  bytes = arith::AddIOp::create(builder, loc, tile.offset, distance,
                                arith::IntegerOverflowFlags::nsw |
                                    arith::IntegerOverflowFlags::nuw);
  firstK = mulConstant(builder, loc, step, tile.stepK);
  if (tile.firstK)
    firstK = arith::AddIOp::create(builder, loc, tile.firstK, firstK,
                                   arith::IntegerOverflowFlags::nsw |
                                       arith::IntegerOverflowFlags::nuw);
}

Value PlaneStep::loadWeights(int64_t group, int64_t first,
                             int64_t count) const {
  Value index = addConstant(builder, loc, bytes,
                            group * PlaneLayout::bytesPerGroup + first);
  return vector::LoadOp::create(builder, loc,
                                VectorType::get(count, builder.getI8Type()),
                                tile.packed, index);
}

void PlaneStep::prefetchWeights(int64_t group, int64_t steps) const {
  int64_t ahead = steps * tile.blockGroups + group;
  Value index = arith::AddIOp::create(
      builder, loc, bytes,
      arith::ConstantIndexOp::create(builder, loc,
                                     ahead * PlaneLayout::bytesPerGroup));
  memref::PrefetchOp::create(builder, loc, tile.packed, index,
                             /*isWrite=*/false, /*localityHint=*/2,
                             /*isDataCache=*/true);
}

Value PlaneStep::loadActivation(int64_t token, Value first,
                                int64_t index) const {
  Value k = arith::AddIOp::create(builder, loc, firstK, first,
                                  arith::IntegerOverflowFlags::nsw |
                                      arith::IntegerOverflowFlags::nuw);
  return memref::LoadOp::create(
      builder, loc, tile.x,
      ValueRange{addConstant(builder, loc, tile.token, token),
                 addConstant(builder, loc, k, index)});
}

Value PlaneStep::loadCodes(int64_t token, int64_t plane) const {
  auto type = VectorType::get(4, builder.getI8Type());
  int64_t there = std::min<int64_t>(4, width - 4 * plane);
  Value codes;
  if (there == 4) {
    codes = vector::LoadOp::create(
        builder, loc, type, tile.x,
        ValueRange{addConstant(builder, loc, tile.token, token),
                   addConstant(builder, loc, firstK, 4 * plane)});
  } else {
    codes = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    Value first = arith::ConstantIndexOp::create(builder, loc, 4 * plane);
    for (int64_t i = 0; i < there; ++i)
      codes = vector::InsertOp::create(
          builder, loc, loadActivation(token, first, i), codes, i);
  }
  auto wordType = VectorType::get(1, builder.getI32Type());
  Value word = vector::BitCastOp::create(builder, loc, wordType, codes);
  return vector::ExtractOp::create(builder, loc, word, 0);
}

Value PlaneStep::loadCodeRow(int64_t token, int64_t first,
                             int64_t count) const {
  int64_t end = std::min(first + count, width);
  auto type = VectorType::get(count, builder.getI8Type());
  auto load = [&](int64_t from, int64_t size) -> Value {
    return vector::LoadOp::create(
        builder, loc, VectorType::get(size, builder.getI8Type()), tile.x,
        ValueRange{addConstant(builder, loc, tile.token, token),
                   addConstant(builder, loc, firstK, from)});
  };
  if (end == first + count)
    return load(first, count);
  Value codes =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  for (int64_t from = first; from < end;) {
    auto size = static_cast<int64_t>(
        llvm::bit_floor(static_cast<uint64_t>(end - from)));
    codes = vector::InsertStridedSliceOp::create(
        builder, loc, load(from, size), codes, ArrayRef<int64_t>{from - first},
        ArrayRef<int64_t>{1});
    from += size;
  }
  return codes;
}

SmallVector<Value> buildPlaneStepLoop(OpBuilder &builder, Location loc,
                                      const PlaneTile &tile, Value lower,
                                      Value upper, ValueRange init,
                                      PlaneStepBody body) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ForOp::create(
      builder, loc, lower, upper, one, init,
      [&](OpBuilder &nested, Location loc, Value step, ValueRange carried) {
        PlaneStep current(nested, loc, tile, step, tile.stepK);
        scf::YieldOp::create(nested, loc, body(current, carried));
      });
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value> buildPlaneSteps(OpBuilder &builder, Location loc,
                                   const PlaneTile &tile, ValueRange init,
                                   PlaneStepBody body) {
  int64_t whole = tile.k / tile.stepK;
  SmallVector<Value> carried(init);
  if (whole != 0)
    carried = buildPlaneStepLoop(
        builder, loc, tile, arith::ConstantIndexOp::create(builder, loc, 0),
        arith::ConstantIndexOp::create(builder, loc, whole), init, body);
  if (int64_t rest = tile.k % tile.stepK) {
    PlaneStep last(builder, loc, tile,
                   arith::ConstantIndexOp::create(builder, loc, whole), rest);
    carried = body(last, carried);
  }
  return carried;
}

} // namespace bit
