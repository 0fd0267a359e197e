// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 without a dot product: smull and smlal into i16, which are
// widened to i32 before they could overflow.

#include "Intrinsics.h"
#include "Kernels.h"
#include "QuadPlanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::aarch64 {

namespace {

/// A step adds 4 codes times 2 or 8 times 1 to a sum of i16, at most 1,024 in
/// magnitude: 32 steps reach -32,768, 32,512 and nothing beyond.
constexpr int64_t narrowSteps = 32;
/// How far weights are fetched ahead.
constexpr int64_t prefetchBytes = 16384;

class NeonPlanes final : public PlaneKernel {
public:
  explicit NeonPlanes(int64_t bits) : PlaneKernel("aarch64.neon_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"neon"};
    return features;
  }

  // Sums of i32 may wrap: only the result must fit.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return QuadPlanes{getBits(), 1}.getMaxK(low, high);
  }

  std::optional<SumTables> getTables() const override {
    if (getBits() == 1)
      return std::nullopt;
    return SumTables{/*lanes=*/16, /*leastRows=*/256, /*leastK=*/16,
                     /*maxRows=*/2048};
  }
  // Multiplications are the limit for one token already, and eight masks leave
  // P1 no registers for more.
  int64_t getTileTokens(bool) const override { return getBits() == 1 ? 1 : 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override;
};

} // namespace

SmallVector<Value> NeonPlanes::buildTile(OpBuilder &builder, Location loc,
                                         const PlaneTile &tile) const {
  const int64_t tokens = tile.tokens, bits = getBits();
  QuadPlanes planes{bits, 1};
  int64_t quads = tokens == 1 ? 4 : bits == 1 ? 1 : tokens == 2 ? 4 : 2;
  Turns turns{quadRows, quads, narrowSteps, prefetchBytes,
              /*hidesGroups=*/true};
  Value zero = splat(builder, loc, VectorType::get(8, builder.getI16Type()), 0);
  auto step = [&](const Turn &turn, const PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried), weights;
    for (int64_t quad = 0; quad < turn.parts; ++quad)
      weights.push_back(turn.loadPart(step, quad));
    for (int64_t plane = 0; 4 * plane < step.getWidth(); ++plane) {
      SmallVector<Value> codes;
      for (int64_t t = 0; t < tokens; ++t) {
        Value words = vector::BroadcastOp::create(
            builder, loc, VectorType::get(4, builder.getI32Type()),
            step.loadCodes(t, plane));
        // LLVM would know that both halves are the same, take the lower one,
        // and move the upper half of the weights.
        codes.push_back(
            pin(builder, loc,
                vector::BitCastOp::create(
                    builder, loc,
                    VectorType::get(quadBytes, builder.getI8Type()), words)));
      }
      for (int64_t quad = 0; quad < turn.parts; ++quad) {
        Value decoded = planes.decode(builder, loc, weights[quad], plane);
        for (int64_t t = 0; t < tokens; ++t)
          for (bool upper : {false, true}) {
            Value &sum = sums[(quad * tokens + t) * 2 + upper];
            Value product = smull(builder, loc, decoded, codes[t], upper);
            // Planes of P1 are negative.
            if (bits == 1)
              sum = arith::SubIOp::create(builder, loc, sum, product);
            else
              sum = arith::AddIOp::create(builder, loc, sum, product);
          }
      }
    }
    return sums;
  };
  auto multiply = [&](const Turn &turn) {
    SmallVector<Value> narrow =
        turn.build(SmallVector<Value>(turn.count * 2, zero),
                   [&](const PlaneStep &current, ValueRange carried) {
                     return step(turn, current, carried);
                   });
    SmallVector<Value> sums;
    for (auto [i, before] : llvm::enumerate(turn.loadSums())) {
      Value sum = addQuads(builder, loc, narrow[2 * i], narrow[2 * i + 1]);
      // A bit b is the weight 2 b - 1, so bits count twice.
      if (bits == 1)
        sum = arith::ShLIOp::create(builder, loc, sum,
                                    splat(builder, loc, sum.getType(), 1));
      sums.push_back(arith::AddIOp::create(builder, loc, before, sum));
    }
    return sums;
  };
  SmallVector<Value> init;
  for (int64_t t = 0; t < tokens; ++t)
    init.push_back(tile.broadcastStart(builder, loc, t, quadRows));
  SmallVector<Value> sums =
      buildTurns(builder, loc, tile, turns, init, multiply);
  SmallVector<Value> result;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g) {
      SmallVector<Value> quads;
      for (int64_t quad = g * quadsPerGroup; quad < (g + 1) * quadsPerGroup;
           ++quad)
        quads.push_back(sums[quad * tokens + t]);
      result.push_back(joinQuads(builder, loc, quads));
    }
  return result;
}

std::unique_ptr<PlaneKernel> createNeonPlanes(int64_t bits) {
  return std::make_unique<NeonPlanes>(bits);
}

} // namespace bit::aarch64
