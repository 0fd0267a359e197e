// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P1 by vpdpbusd on 512 bits.

#include "Intrinsics.h"
#include "Kernels.h"
#include "bit/Conversion/BitToVector/P1Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

namespace {

/// Planes p and p + 4 share a sum of one token.
constexpr int64_t planeSums = 4;

class VnniP1 final : public P1Kernel {
public:
  StringRef getName() const override { return "x86.vnni_p1"; }

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx512f", "avx512bw", "avx512vl",
                                             "avx512vnni"};
    return features;
  }

  // Planes 3 and 7 of one token have weights times 8: each 16 k add 4 products
  // of 8 by an activation. 8,388,608 for all i8 codes.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    constexpr int64_t limit = int64_t(1) << 31;
    return std::min(limit / (2 * std::max<int64_t>(-low, 1)),
                    (limit - 1) / (2 * std::max<int64_t>(high, 1)));
  }

  // 16 sums: of 4 groups x 4, planes of one token or tokens.
  int64_t getTileTokens(bool) const override { return 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

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

Value splat(OpBuilder &builder, Location loc, int64_t value) {
  auto type = VectorType::get(16, builder.getI32Type());
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          type, builder.getI32IntegerAttr(static_cast<int32_t>(value))));
}

Value shiftLeftByOne(OpBuilder &builder, Location loc, Value sum) {
  return arith::ShLIOp::create(builder, loc, sum, splat(builder, loc, 1));
}

} // namespace

// Planes are masked where they are, four before and four after a shift: planes
// p and p + 4 have a sum of their own, which is shifted once at the end. Eight
// sums a group need no shift in the loop, but leave registers for two groups
// only; two passes over a block are no sequential stream.
SmallVector<Value> VnniP1::buildOneToken(OpBuilder &builder, Location loc,
                                         const PlaneTile &tile) const {
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> codes;
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
      codes.push_back(
          broadcastCodes(builder, loc, step.loadCodes(0, plane), 64));
    for (int64_t g = 0; g < tile.groups; ++g) {
      Value weights = step.loadWeights(g);
      for (auto [plane, x] : llvm::enumerate(codes)) {
        int64_t place = plane % planeSums;
        Value masked =
            shiftAndMask(builder, loc, weights, plane - place, 1 << place);
        Value &sum = sums[planeSums * g + place];
        sum = vpdpbusd(builder, loc, sum, masked, x);
      }
    }
    return sums;
  };
  // The sum of 2 b * x is wanted: that of weight 2 has it as it is.
  SmallVector<Value> init(planeSums * tile.groups, splat(builder, loc, 0));
  Value start = tile.broadcastStart(builder, loc, 0, 16);
  for (int64_t g = 0; g < tile.groups; ++g)
    init[planeSums * g + 1] = start;
  SmallVector<Value> ofPlanes = buildPlaneSteps(builder, loc, tile, init, step);

  SmallVector<Value> sums;
  for (int64_t g = 0; g < tile.groups; ++g) {
    ArrayRef<Value> part = ArrayRef(ofPlanes).slice(planeSums * g, planeSums);
    Value sum = arith::AddIOp::create(builder, loc, part[1],
                                      shiftLeftByOne(builder, loc, part[0]));
    for (int64_t place = 2; place < planeSums; ++place) {
      // Exact: every product of these planes is a multiple of 2^place.
      Value shifted = arith::ShRSIOp::create(builder, loc, part[place],
                                             splat(builder, loc, place - 1));
      sum = arith::AddIOp::create(builder, loc, sum, shifted);
    }
    sums.push_back(sum);
  }
  return sums;
}

// Decodes each plane once for all tokens of the tile.
SmallVector<Value> VnniP1::buildTokens(OpBuilder &builder, Location loc,
                                       const PlaneTile &tile) const {
  auto step = [&](const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t g = 0; g < tile.groups; ++g)
      weights.push_back(step.loadWeights(g));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(shiftAndMask(builder, loc, bytes, plane, 1));
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
  SmallVector<Value> init(tile.tokens * tile.groups, splat(builder, loc, 0));
  SmallVector<Value> sums = buildPlaneSteps(builder, loc, tile, init, step);
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = arith::AddIOp::create(
        builder, loc, tile.broadcastStart(builder, loc, i / tile.groups, 16),
        shiftLeftByOne(builder, loc, sum));
  return sums;
}

std::unique_ptr<Kernel> createVnniP1() { return std::make_unique<VnniP1>(); }

} // namespace bit::x86
