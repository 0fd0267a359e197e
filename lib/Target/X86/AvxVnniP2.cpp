// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2 by vpdpbusd on 256 bits, for 16 registers.

#include "Chunks.h"
#include "Intrinsics.h"
#include "Kernels.h"
#include "WidenedSteps.h"
#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

constexpr int64_t halfBytes = 32; ///< of a group: 8 rows
/// 64 KB of weights, which the second cache keeps for all groups while the next
/// ones are fetched.
constexpr int64_t chunkSteps = 256;

class AvxVnniP2 final : public P2Kernel {
public:
  StringRef getName() const override { return "x86.avxvnni_p2"; }

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

  // As x86.vnni_p2: one token sums the highest plane unshifted.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = int64_t(1) << 31;
    return std::min(limit / (32 * std::max<int64_t>(-low, 1)),
                    (limit - 1) / (32 * std::max<int64_t>(high, 1)));
  }

  int64_t getTileTokens(bool) const override { return 6; }
  // 4 = 3 + 1 and 5 = 3 + 2 take as long as tiles of their own.
  bool hasRestTile(int64_t tokens) const override { return tokens <= 3; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const P2Tile &tile) const override;
};

/// What 16 registers hold of a tile: at most 12 sums, a half's weights and one
/// plane of them, four codes.
struct Registers {
  /// How many sums planes have: plane p is in sum p % count, where it has the
  /// weight 4^(p % count). More make dependent products fewer and spare shifts.
  int64_t sums;
  /// How many of a group's halves are multiplied at once.
  int64_t halves;

  explicit Registers(int64_t tokens)
      : sums(tokens == 2 || tokens == 3 ? 4 : (tokens <= 6 ? 2 : 1)),
        halves(tokens == 1 ? 4 : 1) {}
};

} // namespace

// 16 registers hold the sums of a group or of half of one, so groups take
// turns. Meanwhile all of what comes after them is fetched: without that
// weights are read in four streams, at a third of the memory's speed.
SmallVector<Value> AvxVnniP2::buildTile(OpBuilder &builder, Location loc,
                                        const P2Tile &tile) const {
  Registers registers(tile.tokens);
  int64_t passSums = registers.halves * tile.tokens * registers.sums;
  int64_t passes = llvm::divideCeil(2 * tile.groups, registers.halves);
  Value zero = arith::ConstantOp::create(
      builder, loc,
      builder.getZeroAttr(VectorType::get(8, builder.getI32Type())));
  SmallVector<Value> init;
  for (int64_t half = 0; half < 2 * tile.groups; ++half)
    for (int64_t t = 0; t < tile.tokens; ++t) {
      init.push_back(tile.broadcastStart(builder, loc, t, 8));
      init.append(registers.sums - 1, zero);
    }
  auto pass = [&](int64_t first, const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried), weights;
    for (int64_t half = first;
         half < std::min(first + registers.halves, 2 * tile.groups); ++half)
      weights.push_back(
          step.loadWeights(half / 2, half % 2 * halfBytes, halfBytes));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      int64_t sum = plane % registers.sums;
      for (auto [half, bytes] : llvm::enumerate(weights)) {
        Value masked = shiftAndMask(builder, loc, bytes, 2 * (plane - sum),
                                    3 << (2 * sum));
        for (int64_t t = 0; t < tile.tokens; ++t) {
          Value &to = sums[(half * tile.tokens + t) * registers.sums + sum];
          Value x =
              broadcastCodes(builder, loc, step.loadCodes(t, plane), halfBytes);
          to = vpdpbusd(builder, loc, to, masked, x);
        }
      }
    }
    return sums;
  };
  int64_t steps = std::min(tile.k / tile.stepK, chunkSteps);
  int64_t ahead = steps * tile.blockGroups * PlaneLayout::bytesPerGroup;
  auto chunk = [&](const StepRange &range, ValueRange carried) {
    SmallVector<Value> sums;
    for (int64_t i = 0; i < passes; ++i) {
      int64_t first = i * registers.halves;
      auto step = [&](const P2Step &step, ValueRange carried) {
        for (int64_t half = first + first % 2;
             half < first + registers.halves && half < 2 * tile.groups;
             half += 2)
          range.prefetch(step, half / 2, ahead);
        return pass(first, step, carried);
      };
      llvm::append_range(
          sums,
          range.build(carried.drop_front(i * passSums).take_front(passSums),
                      step));
    }
    return sums;
  };
  SmallVector<Value> sums =
      buildChunks(builder, loc, tile, chunkSteps, init, chunk);

  SmallVector<Value> result(tile.tokens * tile.groups);
  auto getHalf = [&](int64_t half, int64_t t) {
    int64_t first = (half * tile.tokens + t) * registers.sums;
    return addPlanes(builder, loc, ArrayRef(sums).slice(first, registers.sums));
  };
  for (int64_t g = 0; g < tile.groups; ++g)
    for (int64_t t = 0; t < tile.tokens; ++t)
      result[t * tile.groups + g] =
          join(builder, loc, getHalf(2 * g, t), getHalf(2 * g + 1, t));
  return result;
}

std::unique_ptr<P2Kernel> createAvxVnniP2() {
  return std::make_unique<AvxVnniP2>();
}

} // namespace bit::x86
