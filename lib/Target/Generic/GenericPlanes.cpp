// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2 by plain vector ops, for every target and for float
// activations: the oracle of the other kernels.

#include "GenericCodes.h"
#include "bit/Conversion/BitToVector/T5Kernel.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Target/Generic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace {

/// Decodes weight k = 0..3 of the lowest plane of words of 4 bytes a row.
class Decoder {
public:
  Decoder(OpBuilder &builder, Location loc, int64_t bits)
      : builder(builder), loc(loc), bits(bits),
        intType(VectorType::get(bit::PlaneLayout::rowsPerGroup,
                                builder.getI32Type())) {}

  /// w + 1, i32.
  Value decodeCode(Value words, int64_t k) {
    Value code = arith::AndIOp::create(
        builder, loc, arith::ShRUIOp::create(builder, loc, words, splat(8 * k)),
        splat((1 << bits) - 1));
    if (bits == 1)
      code = arith::ShLIOp::create(builder, loc, code, splat(1));
    return code;
  }

  /// w, f32.
  Value decodeFloat(Value words, int64_t k) {
    auto floatType = intType.clone(builder.getF32Type());
    if (bits != 1)
      return arith::SIToFPOp::create(
          builder, loc, floatType,
          arith::SubIOp::create(builder, loc, decodeCode(words, k), splat(1)));
    // 1 with the sign that the bit does not have.
    constexpr int64_t sign = 0x80000000, one = 0x3F800000;
    Value inverse = arith::XOrIOp::create(builder, loc, words, splat(-1));
    Value moved =
        arith::ShLIOp::create(builder, loc, inverse, splat(31 - 8 * k));
    Value value = arith::OrIOp::create(
        builder, loc, arith::AndIOp::create(builder, loc, moved, splat(sign)),
        splat(one));
    return arith::BitcastOp::create(builder, loc, floatType, value);
  }

  /// The words whose lowest plane is the next one.
  Value shift(Value words) {
    return arith::ShRUIOp::create(builder, loc, words, splat(bits));
  }

private:
  Value splat(int64_t value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            intType, builder.getI32IntegerAttr(static_cast<int32_t>(value))));
  }

  OpBuilder &builder;
  Location loc;
  int64_t bits;
  VectorType intType;
};

class GenericPlanes final : public bit::PlaneKernel {
public:
  explicit GenericPlanes(int64_t bits) : PlaneKernel("generic.p", bits) {}

  ArrayRef<StringRef> getFeatures() const override { return {}; }
  bool supportsFloat() const override { return true; }
  int64_t getTileTokens(bool) const override { return 4; }
  // 16 lanes are two registers of 256 bits and four of 128.
  int64_t getTileGroups(bool, int64_t) const override { return 1; }

  // (w + 1) * x is at most 2 * 128; only the sum of w * x must fit, because the
  // correction wraps back.
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return std::numeric_limits<int32_t>::max() /
           std::max<int64_t>({1, -low, high});
  }

  SmallVector<Value> buildTile(OpBuilder &builder, Location loc,
                               const bit::PlaneTile &tile) const override;
};

} // namespace

SmallVector<Value> GenericPlanes::buildTile(OpBuilder &builder, Location loc,
                                            const bit::PlaneTile &tile) const {
  bool isFloat = cast<MemRefType>(tile.x.getType()).getElementType().isF32();
  auto intType =
      VectorType::get(bit::PlaneLayout::rowsPerGroup, builder.getI32Type());
  auto floatType = intType.clone(builder.getF32Type());
  auto sumType = isFloat ? floatType : intType;

  Decoder decoder(builder, loc, getBits());
  int64_t groups = tile.groups;
  // Adds `count` k from `first` on, which the lowest planes of `words` have.
  auto multiply = [&](const bit::PlaneStep &step, ValueRange words, Value first,
                      int64_t count, SmallVector<Value> &sums) {
    for (int64_t k = 0; k < count; ++k) {
      SmallVector<Value> weights;
      for (Value word : words)
        weights.push_back(isFloat ? decoder.decodeFloat(word, k)
                                  : decoder.decodeCode(word, k));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x = step.loadActivation(t, first, k);
        if (!isFloat)
          x = arith::ExtSIOp::create(builder, loc, builder.getI32Type(), x);
        x = vector::BroadcastOp::create(builder, loc, sumType, x);
        for (int64_t g = 0; g < groups; ++g) {
          Value &sum = sums[t * groups + g];
          if (isFloat)
            sum = math::FmaOp::create(builder, loc, x, weights[g], sum);
          else
            sum = arith::AddIOp::create(
                builder, loc, sum,
                arith::MulIOp::create(builder, loc, x, weights[g]));
        }
      }
    }
  };
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  // Planes are a loop: all of them at once take several times as long to
  // compile and are no faster.
  auto step = [&](const bit::PlaneStep &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> words;
    for (int64_t g = 0; g < groups; ++g)
      words.push_back(vector::BitCastOp::create(builder, loc, intType,
                                                step.loadWeights(g)));
    int64_t rest = step.getWidth() % 4, whole = step.getWidth() - rest;
    if (whole != 0) {
      SmallVector<Value> init = sums;
      llvm::append_range(init, words);
      auto loop = scf::ForOp::create(
          builder, loc, index(0), index(whole), index(4), init,
          [&](OpBuilder &, Location, Value first, ValueRange carried) {
            SmallVector<Value> next(carried.drop_back(groups));
            multiply(step, carried.take_back(groups), first, 4, next);
            for (Value word : carried.take_back(groups))
              next.push_back(decoder.shift(word));
            scf::YieldOp::create(builder, loc, next);
          });
      ResultRange results = loop.getResults();
      sums = llvm::to_vector_of<Value>(results.drop_back(groups));
      words = llvm::to_vector_of<Value>(results.take_back(groups));
    }
    if (rest != 0)
      multiply(step, words, index(whole), rest, sums);
    return sums;
  };
  SmallVector<Value> init;
  for (int64_t t = 0; t < tile.tokens; ++t) {
    Value start = isFloat ? arith::ConstantOp::create(
                                builder, loc, builder.getZeroAttr(floatType))
                                .getResult()
                          : tile.broadcastStart(builder, loc, t,
                                                bit::PlaneLayout::rowsPerGroup);
    init.append(tile.groups, start);
  }
  return buildPlaneSteps(builder, loc, tile, init, step);
}

void bit::registerGenericKernels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, BitDialect *dialect) {
    dialect->getKernels().add(std::make_unique<GenericPlanes>(2));
    dialect->getKernels().add(std::make_unique<T5Kernel>(
        "generic.t5", std::make_unique<GenericPlanes>(2), /*bytes=*/32));
    dialect->getKernels().add(std::make_unique<GenericPlanes>(1));
    // Two registers of 256 bits or four of 128 for each of 4 rows.
    dialect->getKernels().addPanel({"generic.panel", /*features=*/{},
                                    /*lanes=*/16, /*rows=*/4,
                                    /*vectors=*/1, /*pixels=*/4,
                                    /*pixelVectors=*/1,
                                    /*wholePixels=*/8, /*steps=*/1,
                                    /*unrollsDynamicTaps=*/false});
    addGenericCodes(dialect->getKernels());
  });
}
