// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2 by vpmaddubsw on 256 bits: sums in i16 that are widened to i32
// before they could overflow.

#include "Chunks.h"
#include "Intrinsics.h"
#include "Kernels.h"
#include "WidenedSteps.h"
#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

namespace {

constexpr int64_t halfBytes = 32; ///< of a group: 8 rows
/// How far weights are fetched ahead.
constexpr int64_t prefetchBytes = 16384;

class Avx2P2 final : public P2Kernel {
public:
  StringRef getName() const override { return "x86.avx2_p2"; }

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx2"};
    return features;
  }

  // Each k adds a product of 2 by an activation.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = (int64_t(1) << 31) - 1;
    return limit / (2 * std::max<int64_t>({1, -low, high}));
  }

  std::optional<SumTables> getTables() const override {
    return SumTables{/*lanes=*/16, /*leastRows=*/256, /*leastK=*/16,
                     /*maxRows=*/2048};
  }
  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const P2Tile &tile) const override {
    return tile.tokens == 1 ? buildOneToken(builder, loc, tile)
                            : buildTokens(builder, loc, tile);
  }

private:
  SmallVector<Value> buildOneToken(OpBuilder &builder, Location loc,
                                   const P2Tile &tile) const;
  SmallVector<Value> buildTokens(OpBuilder &builder, Location loc,
                                 const P2Tile &tile) const;
};

/// Adds sums of i16, each pair of lanes, to sums of i32.
Value widen(OpBuilder &builder, Location loc, Value narrow, Value wide) {
  auto type = cast<VectorType>(narrow.getType());
  Value one = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, builder.getI16IntegerAttr(1)));
  return arith::AddIOp::create(builder, loc, wide,
                               vpmaddwd(builder, loc, narrow, one));
}

/// The bytes of 8 rows.
Value loadHalf(const P2Step &step, int64_t half) {
  return step.loadWeights(half / 2, half % 2 * halfBytes, halfBytes);
}

} // namespace

// Planes 0 and 2 go to one sum, 1 and 3, whose weights stay times 4, to
// another: one shift for four planes. 8 steps add up to 8,192 and 32,768.
SmallVector<Value> Avx2P2::buildOneToken(OpBuilder &builder, Location loc,
                                         const P2Tile &tile) const {
  auto step = [&](int64_t firstHalf, int64_t halves, const P2Step &step,
                  ValueRange carried) {
    SmallVector<Value> sums(carried), codes;
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
      codes.push_back(
          broadcastCodes(builder, loc, step.loadCodes(0, plane), halfBytes));
    for (int64_t half = 0; half < halves; ++half) {
      Value weights = loadHalf(step, firstHalf + half);
      for (auto [plane, x] : llvm::enumerate(codes)) {
        Value masked = shiftAndMask(builder, loc, weights, plane / 2 * 4,
                                    plane % 2 ? 12 : 3);
        Value &sum = sums[2 * half + plane % 2];
        sum = arith::AddIOp::create(builder, loc, sum,
                                    vpmaddubsw(builder, loc, masked, x));
        sum = pin(builder, loc, sum);
      }
    }
    return sums;
  };
  auto type = VectorType::get(16, builder.getI16Type());
  Value two = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, builder.getI16IntegerAttr(2)));
  int64_t halves = 2 * tile.groups;
  SmallVector<Value> wide = buildChunks(
      builder, loc, tile, /*steps=*/8,
      SmallVector<Value>(halves, tile.broadcastStart(builder, loc, 0, 8)),
      [&](const StepRange &range, ValueRange carried) {
        SmallVector<Value> wide;
        // 8 registers of 16 hold sums.
        for (int64_t first = 0; first < halves; first += 4) {
          int64_t count = std::min<int64_t>(4, halves - first);
          SmallVector<Value> sums = range.build(
              SmallVector<Value>(2 * count,
                                 zeros(builder, loc, 16, builder.getI16Type())),
              [&](const P2Step &current, ValueRange carried) {
                return step(first, count, current, carried);
              });
          for (int64_t half = 0; half < count; ++half) {
            // Exact, and at most half of what i16 holds.
            Value odd =
                arith::ShRSIOp::create(builder, loc, sums[2 * half + 1], two);
            Value sum =
                arith::AddIOp::create(builder, loc, sums[2 * half], odd);
            wide.push_back(widen(builder, loc, sum, carried[first + half]));
          }
        }
        return wide;
      });
  SmallVector<Value> sums;
  for (int64_t g = 0; g < tile.groups; ++g)
    sums.push_back(join(builder, loc, wide[2 * g], wide[2 * g + 1]));
  return sums;
}

// Decodes each plane once for all tokens. 16 steps add up to 32,768. Left alone
// LLVM adds products of two planes first, for which 16 registers are too few.
SmallVector<Value> Avx2P2::buildTokens(OpBuilder &builder, Location loc,
                                       const P2Tile &tile) const {
  auto step = [&](int64_t group, const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    Value weights[] = {loadHalf(step, 2 * group),
                       loadHalf(step, 2 * group + 1)};
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(shiftAndMask(builder, loc, bytes, 2 * plane, 3));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x =
            broadcastCodes(builder, loc, step.loadCodes(t, plane), halfBytes);
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
  int64_t groupSums = 2 * tile.tokens;
  SmallVector<Value> init;
  for (int64_t g = 0; g < tile.groups; ++g)
    for (int64_t t = 0; t < tile.tokens; ++t)
      init.append(2, tile.broadcastStart(builder, loc, t, 8));
  Value zero = zeros(builder, loc, 16, builder.getI16Type());
  SmallVector<Value> wide = buildChunks(
      builder, loc, tile, /*steps=*/16, init,
      [&](const StepRange &range, ValueRange carried) {
        SmallVector<Value> wide;
        for (int64_t g = 0; g < tile.groups; ++g) {
          SmallVector<Value> sums =
              range.build(SmallVector<Value>(groupSums, zero),
                          [&](const P2Step &current, ValueRange carried) {
                            range.prefetch(current, g, prefetchBytes);
                            return step(g, current, carried);
                          });
          for (auto [i, sum] : llvm::enumerate(sums))
            wide.push_back(
                widen(builder, loc, sum, carried[g * groupSums + i]));
        }
        return wide;
      });
  SmallVector<Value> sums;
  for (int64_t t = 0; t < tile.tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g) {
      int64_t first = g * groupSums + 2 * t;
      sums.push_back(join(builder, loc, wide[first], wide[first + 1]));
    }
  return sums;
}

std::unique_ptr<P2Kernel> createAvx2P2() { return std::make_unique<Avx2P2>(); }

} // namespace bit::x86
