// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P1 by vpmaddubsw on 256 bits: sums in i16 that are widened to i32
// before they could overflow.

#include "Intrinsics.h"
#include "Kernels.h"
#include "WidenedSteps.h"
#include "bit/Conversion/BitToVector/P1Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

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
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override;

private:
  SmallVector<Value> buildOneToken(OpBuilder &builder, Location loc,
                                   const PlaneTile &tile,
                                   SmallVector<Value> wide) const;
  SmallVector<Value> buildTokens(OpBuilder &builder, Location loc,
                                 const PlaneTile &tile,
                                 SmallVector<Value> wide) const;
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

/// Bits `place` of bytes, in a register: left alone LLVM reads it in the loop.
Value buildMask(OpBuilder &builder, Location loc, int64_t place) {
  auto type = VectorType::get(32, builder.getI8Type());
  Value mask = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          type, IntegerAttr::get(type.getElementType(), 1 << place)));
  return pin(builder, loc, mask);
}

/// Bytes shifted right by `amount` bits and masked.
Value decode(OpBuilder &builder, Location loc, Value bytes, int64_t amount,
             Value mask) {
  auto type = VectorType::get(8, builder.getI32Type());
  if (amount != 0) {
    Value words = vector::BitCastOp::create(builder, loc, type, bytes);
    Value by = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getI32IntegerAttr(amount)));
    words = arith::ShRUIOp::create(builder, loc, words, by);
    bytes = vector::BitCastOp::create(builder, loc, bytes.getType(), words);
  }
  return arith::AndIOp::create(builder, loc, bytes, mask);
}

/// The halves of a group of a step.
SmallVector<Value> loadHalves(const PlaneStep &step, int64_t group) {
  // What this pass reads next time comes from memory meanwhile.
  step.prefetchWeights(group, period);
  return {step.loadWeights(group, 0, 32), step.loadWeights(group, 32, 32)};
}

} // namespace

// Registers hold the sums of one group, so groups take turns: were each a loop
// over all of K, weights would be read in four streams, which memory does at
// half of its speed.
SmallVector<Value> Avx2P1::buildTile(OpBuilder &builder, Location loc,
                                     const PlaneTile &tile) const {
  SmallVector<Value> wide(2 * tile.groups * tile.tokens,
                          zeros(builder, loc, 8, builder.getI32Type()));
  wide = tile.tokens == 1 ? buildOneToken(builder, loc, tile, std::move(wide))
                          : buildTokens(builder, loc, tile, std::move(wide));
  // The sums of 2 b * x are wanted.
  SmallVector<Value> sums;
  for (int64_t t = 0; t < tile.tokens; ++t) {
    Value start = tile.broadcastStart(builder, loc, t, 16);
    for (int64_t g = 0; g < tile.groups; ++g) {
      int64_t first = 2 * (g * tile.tokens + t);
      Value sum = join(builder, loc, wide[first], wide[first + 1]);
      sums.push_back(arith::AddIOp::create(builder, loc, start,
                                           shift(builder, loc, sum, 1)));
    }
  }
  return sums;
}

// Planes 0, 3, 6 go to a sum of weight 1, planes 1, 4, 7 to one of weight 2,
// planes 2 and 5 to one of weight 4: two shifts for 8 planes.
SmallVector<Value> Avx2P1::buildOneToken(OpBuilder &builder, Location loc,
                                         const PlaneTile &tile,
                                         SmallVector<Value> wide) const {
  SmallVector<Value> masks;
  for (int64_t place = 0; place < planeSums; ++place)
    masks.push_back(buildMask(builder, loc, place));
  auto step = [&](int64_t group, const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights = loadHalves(step, group);
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      Value x = broadcastCodes(builder, loc, step.loadCodes(0, plane), 32);
      int64_t place = plane % planeSums;
      for (auto [half, bytes] : llvm::enumerate(weights)) {
        Value masked = decode(builder, loc, bytes, plane - place, masks[place]);
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
  return buildWidenedPasses(builder, loc, tile, tile.groups, 2 * planeSums,
                            std::move(wide), period, step, fold);
}

// Decodes each plane once for all tokens.
SmallVector<Value> Avx2P1::buildTokens(OpBuilder &builder, Location loc,
                                       const PlaneTile &tile,
                                       SmallVector<Value> wide) const {
  Value mask = buildMask(builder, loc, 0);
  auto step = [&](int64_t group, const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights = loadHalves(step, group);
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(decode(builder, loc, bytes, plane, mask));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x = broadcastCodes(builder, loc, step.loadCodes(t, plane), 32);
        for (int64_t half = 0; half < 2; ++half) {
          Value &sum = sums[2 * t + half];
          sum = arith::AddIOp::create(
              builder, loc, sum, vpmaddubsw(builder, loc, decoded[half], x));
          sum = pin(builder, loc, sum);
        }
      }
    }
    return sums;
  };
  return buildWidenedPasses(
      builder, loc, tile, tile.groups, 2 * tile.tokens, std::move(wide), period,
      step, [](ValueRange sums) { return llvm::to_vector_of<Value>(sums); });
}

std::unique_ptr<Kernel> createAvx2P1() { return std::make_unique<Avx2P1>(); }

} // namespace bit::x86
