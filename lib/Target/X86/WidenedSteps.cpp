// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WidenedSteps.h"
#include "Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

Value zeros(OpBuilder &builder, Location loc, int64_t lanes, Type type) {
  return arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(VectorType::get(lanes, type)));
}

/// Adds the i16 sums, each pair of lanes, to the i32 sums.
static SmallVector<Value> widen(OpBuilder &builder, Location loc,
                                ValueRange narrow, ValueRange wide) {
  auto type = VectorType::get(16, builder.getI16Type());
  Value one = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, builder.getI16IntegerAttr(1)));
  SmallVector<Value> sums;
  for (auto [low, sum] : llvm::zip_equal(narrow, wide))
    sums.push_back(arith::AddIOp::create(builder, loc, sum,
                                         vpmaddwd(builder, loc, low, one)));
  return sums;
}

SmallVector<Value> buildWidenedSteps(OpBuilder &builder, Location loc,
                                     const PlaneTile &tile, int64_t sumCount,
                                     SmallVector<Value> wide, int64_t period,
                                     PlaneStepBody body, FoldSums fold) {
  int64_t whole = tile.k / tile.stepK;
  int64_t rest = tile.k % tile.stepK;
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  SmallVector<Value> narrow(sumCount,
                            zeros(builder, loc, 16, builder.getI16Type()));

  int64_t inPeriods = whole - whole % period;
  if (inPeriods != 0) {
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(inPeriods), index(period), wide,
        [&](OpBuilder &, Location, Value first, ValueRange carried) {
          Value end = arith::AddIOp::create(builder, loc, first, index(period));
          auto sums =
              buildPlaneStepLoop(builder, loc, tile, first, end, narrow, body);
          scf::YieldOp::create(builder, loc,
                               widen(builder, loc, fold(sums), carried));
        });
    wide = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (inPeriods == whole && rest == 0)
    return wide;
  SmallVector<Value> sums = narrow;
  if (inPeriods != whole)
    sums = buildPlaneStepLoop(builder, loc, tile, index(inPeriods),
                              index(whole), sums, body);
  if (rest != 0)
    sums = body(PlaneStep(builder, loc, tile, index(whole), rest), sums);
  return widen(builder, loc, fold(sums), wide);
}

Value join(OpBuilder &builder, Location loc, Value low, Value high) {
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, 16));
  return vector::ShuffleOp::create(builder, loc, low, high, lanes);
}

} // namespace bit::x86
