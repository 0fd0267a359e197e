// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by smmla, which multiplies 2 rows x 8 k by 2 tokens x 8 k.
// A register of weights has 4 rows x 4 k: one zip of the same rows in two steps
// makes two registers of 2 rows x 8 k, before planes are masked. Codes come in
// the same order: copied so for each pair of steps, once for 64 rows.

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
/// The copied codes of a tile share the first cache with its weights.
constexpr int64_t copiedK = 1024;

class MatrixPlanes final : public PlaneKernel {
public:
  explicit MatrixPlanes(int64_t bits) : PlaneKernel("aarch64.i8mm_p", bits) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"neon", "dotprod", "i8mm"};
    return features;
  }

  // As aarch64.dotprod_p*.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return QuadPlanes{getBits(), getBits() == 1 ? 1 : maxSums}.getMaxK(low,
                                                                       high);
  }

  int64_t getTileTokens(bool) const override { return 16; }
  // Pairs of tokens; one alone by sdot.
  bool hasRestTile(int64_t tokens) const override {
    return llvm::isPowerOf2_64(tokens);
  }
  int64_t getTileGroups(bool, int64_t) const override { return 4; }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const PlaneTile &tile) const override;
};

/// The sums of two rows and two tokens are a register.
struct Shape {
  int64_t quads, sums;

  static Shape get(int64_t bits, int64_t tokens) {
    if (bits == 1)
      return {tokens <= 4 ? 4 : tokens <= 8 ? 2 : 1, 1};
    if (tokens <= 4)
      return {4 / tokens, 3};
    return {tokens <= 8 ? 2 : 1, 1};
  }
};

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const PlaneTile &tile, int64_t bits)
      : builder(builder), loc(loc), tile(tile), pairs(tile.tokens / 2),
        shape(Shape::get(bits, tile.tokens)), planes{bits, shape.sums} {}

  SmallVector<Value> emit();

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b,
                                 arith::IntegerOverflowFlags::nsw |
                                     arith::IntegerOverflowFlags::nuw);
  }
  Value getStep(Value lower, Value pair, int64_t second) {
    Value first = arith::MulIOp::create(builder, loc, pair, index(2));
    return add(add(lower, first), index(second));
  }
  void copyPair(Value lower, Value pair, ArrayRef<int64_t> widths);
  void copyCodes(Value lower, int64_t whole, int64_t rest);
  SmallVector<Value> multiply(const Turn &turn, Value pair, bool isWhole,
                              ValueRange carried);
  SmallVector<Value> multiplyAll(const Turn &turn);

  OpBuilder &builder;
  Location loc;
  const PlaneTile &tile;
  int64_t pairs; ///< of tokens
  Shape shape;
  QuadPlanes planes;
  Value copied; ///< [pair of steps][plane][pair of tokens][16]
};

} // namespace

/// The codes of two steps, the second of which may have none: for each plane
/// and two tokens the word of each step of the one, then those of the other.
void Emitter::copyPair(Value lower, Value pair, ArrayRef<int64_t> widths) {
  SmallVector<PlaneStep> steps;
  for (auto [i, width] : llvm::enumerate(widths))
    steps.emplace_back(builder, loc, tile, getStep(lower, pair, i), width);
  auto load = [&](int64_t step, int64_t token, int64_t row) -> Value {
    if (step < static_cast<int64_t>(steps.size()))
      return steps[step].loadCodeRow(token, row * rowCodes, rowCodes);
    return splat(builder, loc, VectorType::get(rowCodes, builder.getI8Type()),
                 0);
  };
  for (int64_t row = 0; row < tile.stepK / rowCodes; ++row)
    for (int64_t t = 0; t < pairs; ++t) {
      SmallVector<Value> low, high;
      for (int64_t token : {2 * t, 2 * t + 1}) {
        Value first = load(0, token, row), second = load(1, token, row);
        low.push_back(shuffleWords(builder, loc, first, second, {0, 4, 1, 5}));
        high.push_back(shuffleWords(builder, loc, first, second, {2, 6, 3, 7}));
      }
      for (int64_t word = 0; word < rowWords; ++word) {
        ArrayRef<Value> of = word < 2 ? low : high;
        Value codes =
            word % 2 == 0
                ? shuffleWords(builder, loc, of[0], of[1], {0, 1, 4, 5})
                : shuffleWords(builder, loc, of[0], of[1], {2, 3, 6, 7});
        vector::StoreOp::create(
            builder, loc, codes, copied,
            ValueRange{pair, index(row * rowWords + word), index(t), index(0)});
      }
    }
}

void Emitter::copyCodes(Value lower, int64_t whole, int64_t rest) {
  int64_t wholePairs = whole / 2;
  if (wholePairs != 0) {
    auto loop =
        scf::ForOp::create(builder, loc, index(0), index(wholePairs), index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    copyPair(lower, loop.getInductionVar(), {tile.stepK, tile.stepK});
  }
  SmallVector<int64_t> widths;
  if (whole % 2 != 0)
    widths.push_back(tile.stepK);
  if (rest != 0)
    widths.push_back(rest);
  if (!widths.empty())
    copyPair(lower, index(wholePairs), widths);
}

/// Two steps of a turn, or one where the second is not there.
SmallVector<Value> Emitter::multiply(const Turn &turn, Value pair,
                                     bool hasSecond, ValueRange carried) {
  SmallVector<Value> sums(carried);
  PlaneStep first(builder, loc, turn.tile, getStep(turn.lower, pair, 0),
                  tile.stepK);
  PlaneStep second(builder, loc, turn.tile,
                   getStep(turn.lower, pair, hasSecond), tile.stepK);
  turn.prefetch(first);
  if (hasSecond)
    turn.prefetch(second);
  SmallVector<Value> weights;
  for (int64_t quad = 0; quad < turn.parts; ++quad) {
    Value a = turn.loadPart(first, quad);
    // Any weights will do where codes are 0.
    Value b = hasSecond ? turn.loadPart(second, quad) : a;
    weights.push_back(shuffleWords(builder, loc, a, b, {0, 4, 1, 5}));
    weights.push_back(shuffleWords(builder, loc, a, b, {2, 6, 3, 7}));
  }
  auto type = VectorType::get(rowCodes, builder.getI8Type());
  for (int64_t plane = 0; plane < planes.getNumPlanes(); ++plane) {
    SmallVector<Value> codes;
    for (int64_t t = 0; t < pairs; ++t)
      codes.push_back(vector::LoadOp::create(
          builder, loc, type, copied,
          ValueRange{pair, index(plane), index(t), index(0)}));
    for (auto [half, bytes] : llvm::enumerate(weights)) {
      Value decoded = planes.decode(builder, loc, bytes, plane);
      for (int64_t t = 0; t < pairs; ++t) {
        Value &sum =
            sums[((half / 2 * pairs + t) * 2 + half % 2) * planes.count +
                 planes.getSum(plane)];
        sum = smmla(builder, loc, sum, codes[t], decoded);
      }
    }
  }
  return sums;
}

SmallVector<Value> Emitter::multiplyAll(const Turn &turn) {
  // A step that is not whole is like others: codes past its end are 0.
  int64_t steps = turn.whole + (turn.rest != 0);
  SmallVector<Value> sums = turn.loadSums();
  if (steps >= 2) {
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(steps / 2), index(1), sums,
        [&](OpBuilder &, Location, Value pair, ValueRange carried) {
          scf::YieldOp::create(
              builder, loc, multiply(turn, pair, /*hasSecond=*/true, carried));
        });
    sums = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (steps % 2 != 0)
    sums = multiply(turn, index(steps / 2), /*hasSecond=*/false, sums);
  return sums;
}

SmallVector<Value> Emitter::emit() {
  int64_t steps = copiedK / tile.stepK;
  Turns turns{quadRows, shape.quads, steps, /*ahead=*/0, /*hidesGroups=*/true};
  turns.ahead = std::min(tile.k / tile.stepK, steps) * tile.blockGroups *
                PlaneLayout::bytesPerGroup;
  auto most = std::min(
      steps, static_cast<int64_t>(llvm::divideCeil(tile.k, tile.stepK)));
  copied = allocateForTurns(builder, loc,
                            {static_cast<int64_t>(llvm::divideCeil(most, 2)),
                             planes.getNumPlanes(), pairs, rowCodes},
                            builder.getI8Type());
  // Of two tokens and two rows, then of the next two rows.
  SmallVector<Value> starts, init;
  for (int64_t t = 0; t < pairs; ++t) {
    Value start = vector::ShuffleOp::create(
        builder, loc, tile.broadcastStart(builder, loc, 2 * t, quadRows),
        tile.broadcastStart(builder, loc, 2 * t + 1, quadRows),
        ArrayRef<int64_t>{0, 1, 4, 5});
    starts.push_back(start);
    for (int64_t half = 0; half < 2; ++half)
      planes.appendInit(builder, loc, start, init);
  }
  SmallVector<Value> sums = buildTurns(
      builder, loc, tile, turns, init,
      [&](const Turn &turn) { return multiplyAll(turn); },
      [&](Value lower, int64_t whole, int64_t rest) {
        copyCodes(lower, whole, rest);
      });
  auto finish = [&](int64_t quad, int64_t t, int64_t half) {
    int64_t place = (quad * pairs + t) * 2 + half;
    return planes.finish(
        builder, loc, ArrayRef(sums).slice(place * planes.count, planes.count),
        starts[t]);
  };
  SmallVector<Value> result;
  for (int64_t t = 0; t < pairs; ++t) {
    SmallVector<Value> odd;
    for (int64_t g = 0; g < tile.groups; ++g) {
      SmallVector<Value> quads[2];
      for (int64_t quad = g * quadsPerGroup; quad < (g + 1) * quadsPerGroup;
           ++quad) {
        Value lower = finish(quad, t, 0), upper = finish(quad, t, 1);
        quads[0].push_back(
            shuffleWords(builder, loc, lower, upper, {0, 1, 4, 5}));
        quads[1].push_back(
            shuffleWords(builder, loc, lower, upper, {2, 3, 6, 7}));
      }
      result.push_back(joinQuads(builder, loc, quads[0]));
      odd.push_back(joinQuads(builder, loc, quads[1]));
    }
    llvm::append_range(result, odd);
  }
  return result;
}

SmallVector<Value> MatrixPlanes::buildTile(OpBuilder &builder, Location loc,
                                           const PlaneTile &tile) const {
  // Of a given tile, `tile = [rows, tokens, k]`, tokens may be odd.
  if (tile.tokens % 2 != 0)
    return buildDotTile(builder, loc, tile, getBits());
  return Emitter(builder, loc, tile, getBits()).emit();
}

std::unique_ptr<PlaneKernel> createMatrixPlanes(int64_t bits) {
  return std::make_unique<MatrixPlanes>(bits);
}

} // namespace bit::aarch64
