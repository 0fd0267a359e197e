// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2 by vpdpbusd on 512 bits.

#include "Intrinsics.h"
#include "Kernels.h"
#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

class VnniP2 final : public P2Kernel {
public:
  StringRef getName() const override { return "x86.vnni_p2"; }

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx512f", "avx512bw", "avx512vl",
                                             "avx512vnni"};
    return features;
  }

  // One token sums the highest plane unshifted: each 16 k add 4 products of 128
  // by an activation. 524,288 for all i8 codes.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = int64_t(1) << 31;
    return std::min(limit / (32 * std::max<int64_t>(-low, 1)),
                    (limit - 1) / (32 * std::max<int64_t>(high, 1)));
  }

  // 16 sums and 4 loaded groups fit 32 registers; 6 tokens were measured to
  // spill.
  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  std::optional<SumTables> getTables() const override {
    return SumTables{/*lanes=*/32, /*leastRows=*/2048, /*leastK=*/256,
                     /*maxRows=*/4096};
  }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const P2Tile &tile) const override {
    return tile.tokens == 1 ? buildUnshifted(builder, loc, tile)
                            : buildShifted(builder, loc, tile);
  }

private:
  SmallVector<Value> buildUnshifted(OpBuilder &builder, Location loc,
                                    const P2Tile &tile) const;
  SmallVector<Value> buildShifted(OpBuilder &builder, Location loc,
                                  const P2Tile &tile) const;
};

/// Several tokens leave the CPU too much to do to wait for memory as well: 8 KB
/// ahead cover its latency. One token does so little with what it loads that
/// the CPU runs ahead by itself.
constexpr int64_t stepsAhead = 32;

Value zeroSum(OpBuilder &builder, Location loc) {
  auto type = VectorType::get(16, builder.getI32Type());
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

} // namespace

// Each plane is masked where it is and has a sum of its own, which is shifted
// once at the end: no shift in the loop, and 4 sums a group hide the latency.
// All masks of a group come before its products: in turn, a mask takes the unit
// that a product waits for (Zen 4: 18.9 cycles a step instead of 16.2).
SmallVector<Value> VnniP2::buildUnshifted(OpBuilder &builder, Location loc,
                                          const P2Tile &tile) const {
  auto step = [&](const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> codes;
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
      codes.push_back(
          broadcastCodes(builder, loc, step.loadCodes(0, plane), 64));
    for (int64_t g = 0; g < tile.groups; ++g) {
      Value weights = step.loadWeights(g);
      SmallVector<Value> masked;
      for (size_t plane = 0; plane < codes.size(); ++plane)
        masked.push_back(
            shiftAndMask(builder, loc, weights, 0, 3 << (2 * plane)));
      for (auto [plane, x] : llvm::enumerate(codes)) {
        Value &sum = sums[4 * g + plane];
        sum = vpdpbusd(builder, loc, sum, masked[plane], x);
      }
    }
    return sums;
  };
  SmallVector<Value> init(4 * tile.groups, zeroSum(builder, loc));
  Value start = tile.broadcastStart(builder, loc, 0, 16);
  for (int64_t g = 0; g < tile.groups; ++g)
    init[4 * g] = start;
  SmallVector<Value> planes = buildPlaneSteps(builder, loc, tile, init, step);

  SmallVector<Value> sums;
  for (int64_t g = 0; g < tile.groups; ++g)
    sums.push_back(addPlanes(builder, loc, ArrayRef(planes).slice(4 * g, 4)));
  return sums;
}

// Decodes each plane once for all tokens of the tile.
SmallVector<Value> VnniP2::buildShifted(OpBuilder &builder, Location loc,
                                        const P2Tile &tile) const {
  auto step = [&](const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t g = 0; g < tile.groups; ++g) {
      weights.push_back(step.loadWeights(g));
      step.prefetchWeights(g, stepsAhead);
    }
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(shiftAndMask(builder, loc, bytes, 2 * plane, 3));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x = broadcastCodes(builder, loc, step.loadCodes(t, plane), 64);
        for (int64_t g = 0; g < tile.groups; ++g) {
          Value &sum = sums[t * tile.groups + g];
          sum = vpdpbusd(builder, loc, sum, decoded[g], x);
        }
      }
    }
    return sums;
  };
  SmallVector<Value> init;
  for (int64_t t = 0; t < tile.tokens; ++t)
    init.append(tile.groups, tile.broadcastStart(builder, loc, t, 16));
  return buildPlaneSteps(builder, loc, tile, init, step);
}

std::unique_ptr<P2Kernel> createVnniP2() { return std::make_unique<VnniP2>(); }

} // namespace bit::x86
