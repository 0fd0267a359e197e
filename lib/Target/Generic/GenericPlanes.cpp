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
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace {

/// Decodes weight k of a step from words of 4 bytes a row.
class Decoder {
public:
  Decoder(OpBuilder &builder, Location loc, int64_t bits)
      : builder(builder), loc(loc), bits(bits),
        intType(VectorType::get(bit::PlaneLayout::rowsPerGroup,
                                builder.getI32Type())) {}

  /// w + 1, i32.
  Value decodeCode(Value words, int64_t k) {
    Value code = arith::AndIOp::create(
        builder, loc,
        arith::ShRUIOp::create(builder, loc, words, splat(getShift(k))),
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
        arith::ShLIOp::create(builder, loc, inverse, splat(31 - getShift(k)));
    Value value = arith::OrIOp::create(
        builder, loc, arith::AndIOp::create(builder, loc, moved, splat(sign)),
        splat(one));
    return arith::BitcastOp::create(builder, loc, floatType, value);
  }

private:
  /// Byte k % 4 of a row's 32 bits, plane k / 4 of that.
  int64_t getShift(int64_t k) const { return 8 * (k % 4) + bits * (k / 4); }

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

  auto step = [&](const bit::PlaneStep &step, ValueRange carried) {
    Decoder decoder(builder, loc, getBits());
    SmallVector<Value> sums(carried);
    SmallVector<Value> words;
    for (int64_t g = 0; g < tile.groups; ++g)
      words.push_back(vector::BitCastOp::create(builder, loc, intType,
                                                step.loadWeights(g)));
    for (int64_t k = 0; k < step.getWidth(); ++k) {
      SmallVector<Value> weights;
      for (Value word : words)
        weights.push_back(isFloat ? decoder.decodeFloat(word, k)
                                  : decoder.decodeCode(word, k));
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value x = step.loadActivation(t, k);
        if (!isFloat)
          x = arith::ExtSIOp::create(builder, loc, builder.getI32Type(), x);
        x = vector::BroadcastOp::create(builder, loc, sumType, x);
        for (int64_t g = 0; g < tile.groups; ++g) {
          Value &sum = sums[t * tile.groups + g];
          if (isFloat)
            sum = math::FmaOp::create(builder, loc, x, weights[g], sum);
          else
            sum = arith::AddIOp::create(
                builder, loc, sum,
                arith::MulIOp::create(builder, loc, x, weights[g]));
        }
      }
    }
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
                                    /*pixelVectors=*/1});
    addGenericCodes(dialect->getKernels());
  });
}
