// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2 by vpmaddubsw on 256 bits: sums in i16 that are widened to i32
// before they could overflow.

#include "Intrinsics.h"
#include "Kernels.h"
#include "WidenedSteps.h"
#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

namespace {

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
  // In the loop over steps 8 registers of 16 hold sums.
  int64_t getTileGroups(bool, int64_t tokens) const override {
    return tokens == 1 ? 2 : 1;
  }

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

} // namespace

// Planes 0 and 2 go to one sum, 1 and 3, whose weights stay times 4, to
// another: one shift for four planes. 8 steps add up to 8,192 and 32,768.
SmallVector<Value> Avx2P2::buildOneToken(OpBuilder &builder, Location loc,
                                         const P2Tile &tile) const {
  auto step = [&](const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> codes;
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane)
      codes.push_back(
          broadcastCodes(builder, loc, step.loadCodes(0, plane), 32));
    for (int64_t half = 0; half < 2 * tile.groups; ++half) {
      Value weights = step.loadWeights(half / 2, half % 2 * 32, 32);
      for (auto [plane, x] : llvm::enumerate(codes)) {
        Value masked = shiftAndMask(builder, loc, weights, plane / 2 * 4,
                                    plane % 2 ? 12 : 3);
        Value &sum = sums[2 * half + plane % 2];
        sum = arith::AddIOp::create(builder, loc, sum,
                                    vpmaddubsw(builder, loc, masked, x));
      }
    }
    return sums;
  };
  // After 8 steps exact and at most half of what i16 holds.
  auto fold = [&](ValueRange sums) {
    auto type = VectorType::get(16, builder.getI16Type());
    Value two = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getI16IntegerAttr(2)));
    SmallVector<Value> folded;
    for (size_t i = 0; i < sums.size(); i += 2) {
      Value odd = arith::ShRSIOp::create(builder, loc, sums[i + 1], two);
      folded.push_back(arith::AddIOp::create(builder, loc, sums[i], odd));
    }
    return folded;
  };
  SmallVector<Value> init(2 * tile.groups,
                          tile.broadcastStart(builder, loc, 0, 8));
  auto wide = buildWidenedSteps(builder, loc, tile, 4 * tile.groups, init,
                                /*period=*/8, step, fold);
  SmallVector<Value> sums;
  for (int64_t g = 0; g < tile.groups; ++g)
    sums.push_back(join(builder, loc, wide[2 * g], wide[2 * g + 1]));
  return sums;
}

// Decodes each plane once for all tokens. 16 steps add up to 32,768. Left alone
// LLVM adds products of two planes first, for which 16 registers are too few.
SmallVector<Value> Avx2P2::buildTokens(OpBuilder &builder, Location loc,
                                       const P2Tile &tile) const {
  int64_t halves = 2 * tile.groups;
  auto step = [&](const P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> weights;
    for (int64_t half = 0; half < halves; ++half)
      weights.push_back(step.loadWeights(half / 2, half % 2 * 32, 32));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> decoded;
      for (Value bytes : weights)
        decoded.push_back(shiftAndMask(builder, loc, bytes, 2 * plane, 3));
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
  SmallVector<Value> init;
  for (int64_t t = 0; t < tile.tokens; ++t)
    init.append(halves, tile.broadcastStart(builder, loc, t, 8));
  auto wide = buildWidenedSteps(
      builder, loc, tile, tile.tokens * halves, init, /*period=*/16, step,
      [](ValueRange sums) { return llvm::to_vector_of<Value>(sums); });
  SmallVector<Value> sums;
  for (size_t i = 0; i < wide.size(); i += 2)
    sums.push_back(join(builder, loc, wide[i], wide[i + 1]));
  return sums;
}

std::unique_ptr<Kernel> createAvx2P2() { return std::make_unique<Avx2P2>(); }

} // namespace bit::x86
