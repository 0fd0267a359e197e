// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by vpdpbusd on 512 bits.

#include "Intrinsics.h"
#include "Kernels.h"
#include "PlaneSums.h"
#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

/// The sums of a group and one token. Each of the four planes of P2 is masked
/// where it is, those of P1 before and after one shift: eight sums would need
/// none, but leave registers for two groups only, and two passes over a block
/// are no sequential stream.
constexpr int64_t planeSums = 4;

/// Several tokens leave the CPU too much to do to wait for memory as well: 8 KB
/// ahead cover its latency. One token does so little with what it loads that
/// the CPU runs ahead by itself.
constexpr int64_t stepsAhead = 32;

class VnniPlanes final : public PlaneKernel {
public:
  explicit VnniPlanes(int64_t bits) : PlaneKernel("x86.vnni_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx512f", "avx512bw", "avx512vl",
                                             "avx512vnni"};
    return features;
  }

  // For all i8 codes 524,288 and, of P1, 8,388,608.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return PlaneSums{getBits(), planeSums}.getMaxK(low, high);
  }

  // 16 sums and 4 loaded groups fit 32 registers; 6 tokens were measured to
  // spill.
  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  std::optional<SumTables> getTables() const override {
    if (getBits() == 1)
      return std::nullopt;
    return SumTables{/*lanes=*/32, /*leastRows=*/2048, /*leastK=*/256,
                     /*maxRows=*/4096};
  }

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

} // namespace

// Planes are not shifted but their sums, once at the end; and 4 sums a group
// hide the latency. Masks of four planes come before their products: in turn, a
// mask takes the unit that a product waits for (Zen 4: 18.9 cycles a step of P2
// instead of 16.2).
SmallVector<Value> VnniPlanes::buildOneToken(OpBuilder &builder, Location loc,
                                             const PlaneTile &tile) const {
  PlaneSums planes{getBits(), planeSums};
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> codes;
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
      codes.push_back(
          broadcastCodes(builder, loc, step.loadCodes(0, plane), 64));
    for (int64_t g = 0; g < tile.groups; ++g) {
      Value weights = step.loadWeights(g);
      SmallVector<Value> masked;
      for (auto [plane, x] : llvm::enumerate(codes))
        masked.push_back(planes.decode(builder, loc, weights, plane));
      for (auto [plane, x] : llvm::enumerate(codes)) {
        Value &sum = sums[planeSums * g + planes.getSum(plane)];
        sum = vpdpbusd(builder, loc, sum, masked[plane], x);
      }
    }
    return sums;
  };
  Value start = tile.broadcastStart(builder, loc, 0, 16);
  SmallVector<Value> init;
  for (int64_t g = 0; g < tile.groups; ++g)
    planes.appendInit(builder, loc, start, init);
  SmallVector<Value> ofPlanes = buildPlaneSteps(builder, loc, tile, init, step);

  SmallVector<Value> sums;
  for (int64_t g = 0; g < tile.groups; ++g)
    sums.push_back(planes.finish(
        builder, loc, ArrayRef(ofPlanes).slice(planeSums * g, planeSums),
        start));
  return sums;
}

// Decodes each plane once for all tokens of the tile.
SmallVector<Value> VnniPlanes::buildTokens(OpBuilder &builder, Location loc,
                                           const PlaneTile &tile) const {
  PlaneSums planes{getBits(), 1};
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t g = 0; g < tile.groups; ++g) {
      weights.push_back(step.loadWeights(g));
      step.prefetchWeights(g, stepsAhead);
    }
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value &bytes : weights)
        decoded.push_back(planes.decode(builder, loc, bytes, plane));
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
  SmallVector<Value> starts, init;
  for (int64_t t = 0; t < tile.tokens; ++t) {
    starts.push_back(tile.broadcastStart(builder, loc, t, 16));
    for (int64_t g = 0; g < tile.groups; ++g)
      planes.appendInit(builder, loc, starts.back(), init);
  }
  SmallVector<Value> sums = buildPlaneSteps(builder, loc, tile, init, step);
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = planes.finish(builder, loc, sum, starts[i / tile.groups]);
  return sums;
}

std::unique_ptr<PlaneKernel> createVnniPlanes(int64_t bits) {
  return std::make_unique<VnniPlanes>(bits);
}

} // namespace bit::x86
