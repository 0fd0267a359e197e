// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by vpdpbusd on 256 bits, for 16 registers.

#include "Intrinsics.h"
#include "Kernels.h"
#include "PlaneSums.h"
#include "bit/Conversion/BitToVector/Turns.h"

using namespace mlir;

namespace bit::x86 {

namespace {

/// 64 KB of weights, which the second cache keeps for all groups while the next
/// ones are fetched.
constexpr int64_t chunkSteps = 256;

/// Halves that are masked before they are multiplied.
constexpr int64_t pair = 2;
/// The most sums of a token and 8 rows.
constexpr int64_t maxSums = 4;

class AvxVnniPlanes final : public PlaneKernel {
public:
  explicit AvxVnniPlanes(int64_t bits) : PlaneKernel("x86.avxvnni_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx2", "avxvnni"};
    return features;
  }

  // The same instruction with another encoding.
  ArrayRef<StringRef> getOtherFeatures() const override {
    static constexpr StringRef features[] = {"avx2", "avx512f", "avx512vl",
                                             "avx512vnni"};
    return features;
  }

  // As x86.vnni_p*: some tiles have as many sums.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return PlaneSums{getBits(), maxSums}.getMaxK(low, high);
  }

  int64_t getTileTokens(bool) const override { return 6; }
  // 4 = 3 + 1 and 5 = 3 + 2 take as long as tiles of their own.
  bool hasRestTile(int64_t tokens) const override { return tokens <= 3; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override;
};

} // namespace

// Planes are masked once for all tokens. Where a token has several sums, some
// are not shifted, and products depend less on each other. 16 registers hold at
// most 12 sums, a half's weights and one plane of them, and codes.
SmallVector<Value> AvxVnniPlanes::buildTile(OpBuilder &builder, Location loc,
                                            const PlaneTile &tile) const {
  int64_t tokens = tile.tokens;
  PlaneSums planes{getBits(), /*count=*/2};
  if (tokens == 2 || tokens == 3)
    planes.count = maxSums;
  else if (tokens > 6)
    planes.count = 1;
  Turns turns;
  turns.rows = halfRows;
  turns.parts = tokens == 1 ? 4 : 1;
  turns.steps = chunkSteps;
  turns.ahead = std::min(tile.k / tile.stepK, chunkSteps) * tile.blockGroups *
                PlaneLayout::bytesPerGroup;
  SmallVector<Value> starts, init;
  for (int64_t t = 0; t < tokens; ++t) {
    starts.push_back(tile.broadcastStart(builder, loc, t, 8));
    planes.appendInit(builder, loc, starts.back(), init);
  }
  auto multiply = [&](const Turn &turn) {
    auto step = [&](const PlaneStep &step, ValueRange carried) {
      SmallVector<Value> sums(carried), weights;
      for (int64_t half = 0; half < turn.parts; ++half)
        weights.push_back(turn.loadPart(step, half));
      for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
        for (int64_t half = 0; half < turn.parts; half += pair) {
          SmallVector<Value> masked;
          for (int64_t i = half; i < std::min(half + pair, turn.parts); ++i)
            masked.push_back(planes.decode(builder, loc, weights[i], plane));
          for (int64_t t = 0; t < tokens; ++t) {
            Value x = broadcastCodes(builder, loc, step.loadCodes(t, plane),
                                     halfBytes);
            for (auto [i, bytes] : llvm::enumerate(masked)) {
              Value &sum = sums[((half + i) * tokens + t) * planes.count +
                                planes.getSum(plane)];
              sum = vpdpbusd(builder, loc, sum, bytes, x);
            }
          }
        }
      return sums;
    };
    return turn.build(turn.loadSums(), step);
  };
  SmallVector<Value> sums =
      buildTurns(builder, loc, tile, turns, init, multiply);

  auto finish = [&](int64_t half, int64_t t) {
    return planes.finish(
        builder, loc,
        ArrayRef(sums).slice((half * tokens + t) * planes.count, planes.count),
        starts[t]);
  };
  SmallVector<Value> result;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g)
      result.push_back(
          join(builder, loc, finish(2 * g, t), finish(2 * g + 1, t)));
  return result;
}

std::unique_ptr<PlaneKernel> createAvxVnniPlanes(int64_t bits) {
  return std::make_unique<AvxVnniPlanes>(bits);
}

} // namespace bit::x86
