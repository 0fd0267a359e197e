// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by sdot: a register of weights is 4 rows x 4 k of each
// plane, and a plane of it is multiplied by one word of 16 neighbouring codes.

#include "DotPlanes.h"
#include "Intrinsics.h"
#include "Kernels.h"
#include "QuadPlanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit::aarch64 {

namespace {

/// 16 codes, a register: 4 words.
constexpr int64_t rowCodes = 16, rowWords = 4;
/// 64 KB of weights, which the second cache keeps for all quads while the next
/// ones are fetched.
constexpr int64_t chunkSteps = 256;
/// Of many tokens: their codes, copied side by side, share the first cache with
/// the weights, which are read but once a tile.
constexpr int64_t copiedK = 1024;
/// Tokens whose codes are copied: each row would take a register for its
/// address, if K is long.
constexpr int64_t leastCopied = 8;

class DotPlanes final : public PlaneKernel {
public:
  explicit DotPlanes(int64_t bits) : PlaneKernel("aarch64.dotprod_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"neon", "dotprod"};
    return features;
  }

  // For all i8 codes 2,097,152 and, of P1, 16,777,215.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return QuadPlanes{getBits(), getBits() == 1 ? 1 : maxSums}.getMaxK(low,
                                                                       high);
  }

  int64_t getTileTokens(bool) const override { return 8; }
  bool hasRestTile(int64_t tokens) const override { return tokens <= 4; }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override {
    return buildDotTile(builder, loc, tile, getBits());
  }
};

/// What registers hold: 32 sums at most, but for weights, masks and codes.
struct Shape {
  int64_t quads, sums;

  static Shape get(int64_t bits, int64_t tokens) {
    if (bits == 1)
      return {tokens == 1 ? 8 : tokens <= 4 ? 4 : 2, 1};
    if (tokens <= 3)
      return {tokens == 1 ? 4 : 2, 3};
    return {2, tokens <= 4 ? 2 : 1};
  }
};

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PlaneTile &tile, int64_t bits)
      : builder(builder), loc(loc), tile(tile),
        shape(Shape::get(bits, tile.tokens)), planes{bits, shape.sums},
        isCopied(tile.tokens >= leastCopied) {}

  SmallVector<Value> emit();

private:
  int64_t getRows() const { return tile.stepK / rowCodes; }
  int64_t getSteps() const {
    return isCopied ? copiedK / tile.stepK : chunkSteps;
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  void copyStep(Value lower, Value number, int64_t width);
  void copyCodes(Value lower, int64_t whole, int64_t rest);
  Value loadCodes(const Turn &turn, const PlaneStep &step, int64_t token,
                  int64_t row);
  SmallVector<Value> multiply(const Turn &turn, const PlaneStep &step,
                              ValueRange carried);

  OpBuilder &builder;
  Location loc;
  const PlaneTile &tile;
  Shape shape;
  QuadPlanes planes;
  bool isCopied;
  Value copied; ///< [step][16 codes of a step][token][code]
};

} // namespace

void Emitter::copyStep(Value lower, Value number, int64_t width) {
  PlaneStep step(builder, loc, tile,
                 arith::AddIOp::create(builder, loc, lower, number), width);
  for (int64_t row = 0; row < getRows(); ++row)
    for (int64_t t = 0; t < tile.tokens; ++t)
      vector::StoreOp::create(
          builder, loc, step.loadCodeRow(t, row * rowCodes, rowCodes), copied,
          ValueRange{number, index(row), index(t), index(0)});
}

void Emitter::copyCodes(Value lower, int64_t whole, int64_t rest) {
  if (whole != 0) {
    auto loop =
        scf::ForOp::create(builder, loc, index(0), index(whole), index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    copyStep(lower, loop.getInductionVar(), tile.stepK);
  }
  if (rest != 0)
    copyStep(lower, index(whole), rest);
}

/// 16 codes of a token in a step.
Value Emitter::loadCodes(const Turn &turn, const PlaneStep &step, int64_t token,
                         int64_t row) {
  if (!isCopied)
    return step.loadCodeRow(token, row * rowCodes, rowCodes);
  Value number =
      arith::SubIOp::create(builder, loc, step.getNumber(), turn.lower);
  return vector::LoadOp::create(
      builder, loc, VectorType::get(rowCodes, builder.getI8Type()), copied,
      ValueRange{number, index(row), index(token), index(0)});
}

/// A step of a turn. Each plane is decoded once for all tokens. Of few tokens
/// the codes are kept, of many the planes.
SmallVector<Value> Emitter::multiply(const Turn &turn, const PlaneStep &step,
                                     ValueRange carried) {
  SmallVector<Value> sums(carried), weights;
  for (int64_t quad = 0; quad < turn.parts; ++quad)
    weights.push_back(turn.loadPart(step, quad));
  auto add = [&](int64_t quad, int64_t token, int64_t plane, Value decoded,
                 Value codes) {
    Value &sum = sums[(quad * tile.tokens + token) * planes.count +
                      planes.getSum(plane)];
    sum = sdot(builder, loc, sum, decoded,
               broadcastWord(builder, loc, codes, plane % rowWords));
  };
  auto decode = [&](int64_t quad, int64_t plane) {
    return planes.decode(builder, loc, weights[quad], plane);
  };
  for (int64_t row = 0; row * rowCodes < step.getWidth(); ++row) {
    int64_t first = row * rowWords;
    int64_t end =
        std::min(first + rowWords, static_cast<int64_t>(llvm::divideCeil(
                                       step.getWidth(), rowCodes / rowWords)));
    SmallVector<Value> codes, decoded;
    if (!isCopied) {
      for (int64_t t = 0; t < tile.tokens; ++t)
        codes.push_back(loadCodes(turn, step, t, row));
      for (int64_t quad = 0; quad < turn.parts; ++quad)
        for (int64_t plane = first; plane < end; ++plane) {
          Value bytes = decode(quad, plane);
          for (int64_t t = 0; t < tile.tokens; ++t)
            add(quad, t, plane, bytes, codes[t]);
        }
      continue;
    }
    for (int64_t quad = 0; quad < turn.parts; ++quad)
      for (int64_t plane = first; plane < end; ++plane)
        decoded.push_back(decode(quad, plane));
    for (int64_t t = 0; t < tile.tokens; ++t) {
      Value x = loadCodes(turn, step, t, row);
      for (int64_t quad = 0; quad < turn.parts; ++quad)
        for (int64_t plane = first; plane < end; ++plane)
          add(quad, t, plane, decoded[quad * (end - first) + plane - first], x);
    }
  }
  return sums;
}

SmallVector<Value> Emitter::emit() {
  int64_t tokens = tile.tokens, steps = getSteps();
  Turns turns{quadRows, shape.quads, steps, /*ahead=*/0, /*hidesGroups=*/true};
  auto all = static_cast<int64_t>(llvm::divideCeil(tile.k, tile.stepK));
  if (isCopied)
    copied = allocateForTurns(
        builder, loc, {std::min(steps, all), getRows(), tokens, rowCodes},
        builder.getI8Type());
  turns.ahead = std::min(tile.k / tile.stepK, steps) * tile.blockGroups *
                PlaneLayout::bytesPerGroup;
  SmallVector<Value> starts, init;
  for (int64_t t = 0; t < tokens; ++t) {
    starts.push_back(tile.broadcastStart(builder, loc, t, quadRows));
    planes.appendInit(builder, loc, starts.back(), init);
  }
  SmallVector<Value> sums = buildTurns(
      builder, loc, tile, turns, init,
      [&](const Turn &turn) {
        return turn.build(turn.loadSums(),
                          [&](const PlaneStep &step, ValueRange carried) {
                            return multiply(turn, step, carried);
                          });
      },
      [&](Value lower, int64_t whole, int64_t rest) {
        if (isCopied)
          copyCodes(lower, whole, rest);
      });
  SmallVector<Value> result;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g) {
      SmallVector<Value> quads;
      for (int64_t quad = g * quadsPerGroup; quad < (g + 1) * quadsPerGroup;
           ++quad)
        quads.push_back(
            planes.finish(builder, loc,
                          ArrayRef(sums).slice(
                              (quad * tokens + t) * planes.count, planes.count),
                          starts[t]));
      result.push_back(joinQuads(builder, loc, quads));
    }
  return result;
}

SmallVector<Value> buildDotTile(OpBuilder &builder, Location loc,
                                const PlaneTile &tile, int64_t bits) {
  return Emitter(builder, loc, tile, bits).emit();
}

std::unique_ptr<PlaneKernel> createDotPlanes(int64_t bits) {
  return std::make_unique<DotPlanes>(bits);
}

} // namespace bit::aarch64
