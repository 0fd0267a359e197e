// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2 by plain vector ops, for every target and for float activations:
// the oracle of the other P2 kernels.

#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Layout/P2.h"
#include "bit/Target/Generic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace {

class GenericP2 final : public bit::P2Kernel {
public:
  StringRef getName() const override { return "generic.p2"; }
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
                               const bit::P2Tile &tile) const override;
};

} // namespace

SmallVector<Value> GenericP2::buildTile(OpBuilder &builder, Location loc,
                                        const bit::P2Tile &tile) const {
  bool isFloat = cast<MemRefType>(tile.x.getType()).getElementType().isF32();
  auto intType =
      VectorType::get(bit::P2Layout::rowsPerGroup, builder.getI32Type());
  auto floatType = intType.clone(builder.getF32Type());
  auto sumType = isFloat ? floatType : intType;
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(intType, builder.getI32IntegerAttr(value)));
  };

  auto step = [&](const bit::P2Step &step, ValueRange carried) {
    SmallVector<Value> sums(carried);
    SmallVector<Value> words;
    for (int64_t g = 0; g < tile.groups; ++g)
      words.push_back(vector::BitCastOp::create(builder, loc, intType,
                                                step.loadWeights(g)));
    for (int64_t k = 0; k < step.getWidth(); ++k) {
      // Byte k % 4 of a row's 32 bits, plane k / 4 of that.
      Value shift = splat(8 * (k % 4) + 2 * (k / 4));
      SmallVector<Value> weights;
      for (Value word : words) {
        Value code = arith::AndIOp::create(
            builder, loc, arith::ShRUIOp::create(builder, loc, word, shift),
            splat(3));
        if (isFloat)
          code = arith::SIToFPOp::create(
              builder, loc, floatType,
              arith::SubIOp::create(builder, loc, code, splat(1)));
        weights.push_back(code);
      }
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
    Value start =
        isFloat
            ? arith::ConstantOp::create(builder, loc,
                                        builder.getZeroAttr(floatType))
                  .getResult()
            : tile.broadcastStart(builder, loc, t, bit::P2Layout::rowsPerGroup);
    init.append(tile.groups, start);
  }
  return buildPlaneSteps(builder, loc, tile, init, step);
}

void bit::registerGenericKernels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, BitDialect *dialect) {
    dialect->getKernels().add(std::make_unique<GenericP2>());
    // Two registers of 256 bits or four of 128 for each of 4 rows.
    dialect->getKernels().addPanel({"generic.panel", /*features=*/{},
                                    /*lanes=*/16, /*rows=*/4,
                                    /*vectors=*/1, /*pixels=*/4,
                                    /*pixelVectors=*/1});
  });
}
