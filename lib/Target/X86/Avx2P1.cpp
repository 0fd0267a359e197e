// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P1 by vpmaddubsw on 256 bits: sums in i16 that are widened to i32
// before they could overflow.

#include "Intrinsics.h"
#include "Kernels.h"
#include "WidenedSteps.h"
#include "bit/Conversion/BitToVector/P1Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

/// Planes p, p + 3 and p + 6 share a sum of one token.
constexpr int64_t planeSums = 3;
/// The steps of 32 k that add up to 32,768: each of 8 planes adds 2 * 128 to
/// the sum of all, planes 2 and 5 add 2 * 4 * 128 to theirs.
constexpr int64_t period = 16;

class Avx2P1 final : public P1Kernel {
public:
  StringRef getName() const override { return "x86.avx2_p1"; }

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx2"};
    return features;
  }

  // Each k adds an activation or nothing.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = (int64_t(1) << 31) - 1;
    return limit / std::max<int64_t>({1, -low, high});
  }

  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 1; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override {
    return tile.tokens == 1 ? buildOneToken(builder, loc, tile)
                            : buildTokens(builder, loc, tile);
  }

private:
  SmallVector<Value> buildOneToken(OpBuilder &builder, Location loc,
                                   const PlaneTile &tile) const;
  SmallVector<Value> buildTokens(OpBuilder &builder, Location loc,
                                 const PlaneTile &tile) const;
};

Value shift(OpBuilder &builder, Location loc, Value value, int64_t amount) {
  auto type = cast<VectorType>(value.getType());
  auto element = IntegerAttr::get(type.getElementType(), std::abs(amount));
  Value by = arith::ConstantOp::create(builder, loc,
                                       DenseElementsAttr::get(type, element));
  if (amount < 0)
    return arith::ShRSIOp::create(builder, loc, value, by);
  return arith::ShLIOp::create(builder, loc, value, by);
}

/// The tile's sums of 16 rows, of 2 b * x, from those of b * x of 8.
SmallVector<Value> finish(OpBuilder &builder, Location loc,
                          const PlaneTile &tile, ArrayRef<Value> halves) {
  SmallVector<Value> sums;
  for (size_t i = 0; i < halves.size(); i += 2) {
    Value sum = join(builder, loc, halves[i], halves[i + 1]);
    Value start = tile.broadcastStart(builder, loc, i / 2 / tile.groups, 16);
    sums.push_back(arith::AddIOp::create(builder, loc, start,
                                         shift(builder, loc, sum, 1)));
  }
  return sums;
}

} // namespace

// Planes 0, 3, 6 go to a sum of weight 1, planes 1, 4, 7 to one of weight 2,
// planes 2 and 5 to one of weight 4: two shifts for 8 planes.
SmallVector<Value> Avx2P1::buildOneToken(OpBuilder &builder, Location loc,
                                         const PlaneTile &tile) const {
  int64_t halves = 2 * tile.groups;
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t half = 0; half < halves; ++half)
      weights.push_back(step.loadWeights(half / 2, half % 2 * 32, 32));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      Value x = broadcastCodes(builder, loc, step.loadCodes(0, plane), 32);
      int64_t place = plane % planeSums;
      for (auto [half, bytes] : llvm::enumerate(weights)) {
        Value masked =
            shiftAndMask(builder, loc, bytes, plane - place, 1 << place);
        Value &sum = sums[planeSums * half + place];
        sum = arith::AddIOp::create(builder, loc, sum,
                                    vpmaddubsw(builder, loc, masked, x));
        sum = pin(builder, loc, sum);
      }
    }
    return sums;
  };
  // Exact, and what all planes add in a period fits i16.
  auto fold = [&](ValueRange sums) {
    SmallVector<Value> folded;
    for (size_t i = 0; i < sums.size(); i += planeSums) {
      Value sum = sums[i];
      for (int64_t place = 1; place < planeSums; ++place)
        sum = arith::AddIOp::create(
            builder, loc, sum, shift(builder, loc, sums[i + place], -place));
      folded.push_back(sum);
    }
    return folded;
  };
  SmallVector<Value> init(halves, zeros(builder, loc, 8, builder.getI32Type()));
  auto wide = buildWidenedSteps(builder, loc, tile, planeSums * halves, init,
                                period, step, fold);
  return finish(builder, loc, tile, wide);
}

// Decodes each plane once for all tokens.
SmallVector<Value> Avx2P1::buildTokens(OpBuilder &builder, Location loc,
                                       const PlaneTile &tile) const {
  int64_t halves = 2 * tile.groups;
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t half = 0; half < halves; ++half)
      weights.push_back(step.loadWeights(half / 2, half % 2 * 32, 32));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(shiftAndMask(builder, loc, bytes, plane, 1));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x = broadcastCodes(builder, loc, step.loadCodes(t, plane), 32);
        for (int64_t half = 0; half < halves; ++half) {
          Value &sum = sums[t * halves + half];
          sum = arith::AddIOp::create(
              builder, loc, sum, vpmaddubsw(builder, loc, decoded[half], x));
          sum = pin(builder, loc, sum);
        }
      }
    }
    return sums;
  };
  SmallVector<Value> init(tile.tokens * halves,
                          zeros(builder, loc, 8, builder.getI32Type()));
  auto wide = buildWidenedSteps(
      builder, loc, tile, tile.tokens * halves, init, period, step,
      [](ValueRange sums) { return llvm::to_vector_of<Value>(sums); });
  return finish(builder, loc, tile, wide);
}

std::unique_ptr<Kernel> createAvx2P1() { return std::make_unique<Avx2P1>(); }

} // namespace bit::x86
