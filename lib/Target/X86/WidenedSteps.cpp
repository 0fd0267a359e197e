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

SmallVector<Value> buildWidenedPasses(OpBuilder &builder, Location loc,
                                      const PlaneTile &tile, int64_t passes,
                                      int64_t passSums, SmallVector<Value> wide,
                                      int64_t period, PassBody body,
                                      FoldSums fold) {
  int64_t whole = tile.k / tile.stepK;
  int64_t rest = tile.k % tile.stepK;
  int64_t passWide = static_cast<int64_t>(wide.size()) / passes;
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  SmallVector<Value> narrow(passSums,
                            zeros(builder, loc, 16, builder.getI16Type()));
  // Steps [first, end), and what is left of K if `last` is set.
  auto buildPeriod = [&](Value first, Value end, bool isEmpty, int64_t last,
                         ValueRange carried) {
    SmallVector<Value> widened;
    for (int64_t pass = 0; pass < passes; ++pass) {
      auto step = [&](const PlaneStep &step, ValueRange carried) {
        return body(pass, step, carried);
      };
      SmallVector<Value> sums = narrow;
      if (!isEmpty)
        sums = buildPlaneStepLoop(builder, loc, tile, first, end, sums, step);
      if (last != 0)
        sums = step(PlaneStep(builder, loc, tile, end, last), sums);
      llvm::append_range(widened,
                         widen(builder, loc, fold(sums),
                               carried.slice(pass * passWide, passWide)));
    }
    return widened;
  };

  int64_t inPeriods = whole - whole % period;
  if (inPeriods != 0) {
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(inPeriods), index(period), wide,
        [&](OpBuilder &, Location, Value first, ValueRange carried) {
          Value end = arith::AddIOp::create(builder, loc, first, index(period));
          scf::YieldOp::create(
              builder, loc,
              buildPeriod(first, end, /*isEmpty=*/false, /*last=*/0, carried));
        });
    wide = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (inPeriods == whole && rest == 0)
    return wide;
  return buildPeriod(index(inPeriods), index(whole), inPeriods == whole, rest,
                     wide);
}

SmallVector<Value> buildWidenedSteps(OpBuilder &builder, Location loc,
                                     const PlaneTile &tile, int64_t sumCount,
                                     SmallVector<Value> wide, int64_t period,
                                     PlaneStepBody body, FoldSums fold) {
  return buildWidenedPasses(
      builder, loc, tile, /*passes=*/1, sumCount, std::move(wide), period,
      [&](int64_t, const PlaneStep &step, ValueRange carried) {
        return body(step, carried);
      },
      fold);
}

Value join(OpBuilder &builder, Location loc, Value low, Value high) {
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, 16));
  return vector::ShuffleOp::create(builder, loc, low, high, lanes);
}

} // namespace bit::x86
