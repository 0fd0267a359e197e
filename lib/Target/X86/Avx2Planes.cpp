// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by vpmaddubsw on 256 bits: sums in i16 that are widened to
// i32 before they could overflow.

#include "Intrinsics.h"
#include "Kernels.h"
#include "PlaneSums.h"
#include "bit/Conversion/BitToVector/Turns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

/// How far weights are fetched ahead.
constexpr int64_t prefetchBytes = 16384;

class Avx2Planes final : public PlaneKernel {
public:
  explicit Avx2Planes(int64_t bits) : PlaneKernel("x86.avx2_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx2"};
    return features;
  }

  // Each k adds a product of an activation by at most 1 or 2.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = (int64_t(1) << 31) - 1;
    return limit / (getBits() * std::max<int64_t>({1, -low, high}));
  }

  std::optional<SumTables> getTables() const override {
    if (getBits() == 1)
      return std::nullopt;
    return SumTables{/*lanes=*/16, /*leastRows=*/256, /*leastK=*/16,
                     /*maxRows=*/2048};
  }
  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override;
};

/// Adds the product of weights by codes to a sum of i16. Left alone LLVM adds
/// products of two planes first, for which 16 registers are too few.
void addProduct(OpBuilder &builder, Location loc, Value &sum, Value weights,
                Value x) {
  sum = arith::AddIOp::create(builder, loc, sum,
                              vpmaddubsw(builder, loc, weights, x));
  sum = pin(builder, loc, sum);
}

} // namespace

// Planes are masked once for all tokens. One token has several sums: 0 and 2 of
// P2 share one, 1 and 3, whose weights stay times 4, another, which takes one
// shift for four planes. P1 has three of planes 0, 3, 6 and so on: two shifts
// for eight.
SmallVector<Value> Avx2Planes::buildTile(OpBuilder &builder, Location loc,
                                         const PlaneTile &tile) const {
  const int64_t tokens = tile.tokens, bits = getBits();
  PlaneSums planes{bits, tokens != 1 ? 1 : (bits == 1 ? 3 : 2)};
  // 16 steps of 16 k by codes of at most 2, or of 32 k by bits, add up to
  // 32,768; 8 steps of the planes that stay times 4 do, too.
  Turns turns{halfRows, /*parts=*/2, /*steps=*/16, prefetchBytes};
  if (tokens == 1 && bits == 2)
    turns = {halfRows, /*parts=*/4, /*steps=*/8, /*ahead=*/0};
  auto words = VectorType::get(16, builder.getI16Type());
  Value zero = splat(builder, loc, words, 0);
  // A bit b is the weight 2 b - 1, so the sums of bits count twice.
  Value factor = splat(builder, loc, words, 2 / bits);
  auto multiply = [&](const Turn &turn) {
    auto step = [&](const PlaneStep &step, ValueRange carried) {
      SmallVector<Value> sums(carried), weights;
      for (int64_t half = 0; half < turn.parts; ++half)
        weights.push_back(turn.loadPart(step, half));
      for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
        // Decoded where they are first multiplied: all at once would take as
        // many registers.
        SmallVector<Value> decoded(turn.parts);
        for (int64_t t = 0; t < tokens; ++t) {
          Value x =
              broadcastCodes(builder, loc, step.loadCodes(t, plane), halfBytes);
          for (int64_t half = 0; half < turn.parts; ++half) {
            if (t == 0)
              decoded[half] = planes.decode(builder, loc, weights[half], plane);
            addProduct(
                builder, loc,
                sums[(half * tokens + t) * planes.count + planes.getSum(plane)],
                decoded[half], x);
          }
        }
      }
      return sums;
    };
    SmallVector<Value> narrow =
        turn.build(SmallVector<Value>(turn.count * planes.count, zero), step);
    SmallVector<Value> sums;
    for (auto [i, before] : llvm::enumerate(turn.loadSums())) {
      // Exact, and what all planes add fits i16.
      Value sum = narrow[i * planes.count];
      for (int64_t place = 1; place < planes.count; ++place)
        sum = arith::AddIOp::create(builder, loc, sum,
                                    shift(builder, loc,
                                          narrow[i * planes.count + place],
                                          bits * place));
      sums.push_back(arith::AddIOp::create(
          builder, loc, before, vpmaddwd(builder, loc, sum, factor)));
    }
    return sums;
  };
  SmallVector<Value> init;
  for (int64_t t = 0; t < tokens; ++t)
    init.push_back(tile.broadcastStart(builder, loc, t, 8));
  SmallVector<Value> sums =
      buildTurns(builder, loc, tile, turns, init, multiply);
  SmallVector<Value> result;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g)
      result.push_back(join(builder, loc, sums[2 * g * tokens + t],
                            sums[(2 * g + 1) * tokens + t]));
  return result;
}

std::unique_ptr<PlaneKernel> createAvx2Planes(int64_t bits) {
  return std::make_unique<Avx2Planes>(bits);
}

} // namespace bit::x86
