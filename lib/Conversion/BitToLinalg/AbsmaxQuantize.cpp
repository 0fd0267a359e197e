// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;

namespace bit {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// `v`, an f32, rounded to the type that the quantizer computes in.
Value roundToType(ImplicitLocOpBuilder &b, QuantizerAttr quantizer, Value v) {
  if (!quantizer.computesInHalf())
    return v;
  v = arith::TruncFOp::create(b, quantizer.getComputeType(), v);
  return arith::ExtFOp::create(b, b.getF32Type(), v);
}

/// From the statistic `a` of one scale: s, d or a', whichever the values are
/// scaled by, and xs. Both are NaN where the quantizer says that xs is.
/// `least`, if it matters, is the smallest magnitude.
SmallVector<Value> buildScales(ImplicitLocOpBuilder &b, QuantizerAttr quantizer,
                               Value a, Value least) {
  auto round = [&](Value v) { return roundToType(b, quantizer, v); };
  Value eps = buildF32(b, quantizer.getEpsValue());
  Value q = buildF32(b, static_cast<float>(quantizer.getMaxCode()));
  Value one = buildF32(b, 1.0f);
  if (quantizer.getEpsMode() == EpsMode::Clamp)
    a = arith::MaximumFOp::create(b, a, eps);
  else if (quantizer.getEpsMode() == EpsMode::Add)
    a = round(arith::AddFOp::create(b, a, eps));

  Value d;
  if (quantizer.multipliesStep())
    d = arith::MulFOp::create(
        b, a,
        buildF32(
            b, roundTo(quantizer.getCompute(), 1.0f / quantizer.getMaxCode())));
  else
    d = arith::DivFOp::create(b, a, q);
  if (quantizer.hasStep())
    d = round(d);
  if (quantizer.getEpsMode() == EpsMode::ClampStep)
    d = arith::MaximumFOp::create(b, d, eps);
  else if (quantizer.getEpsMode() == EpsMode::AddStep)
    d = round(arith::AddFOp::create(b, d, eps));

  // Ordered comparisons: false for NaN.
  Value infinity = buildF32(b, inf), zero = buildF32(b, 0.0f);
  auto isBelow = [&](Value low, Value high) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, low, high);
  };
  Value valid = isBelow(a, infinity);
  auto require = [&](Value condition) {
    valid = arith::AndIOp::create(b, valid, condition);
  };
  // Values that none of is 0 may overflow into the clamp.
  Value areNonZero = least ? isBelow(zero, least) : Value();
  auto requireScale = [&](Value condition) {
    require(areNonZero ? arith::OrIOp::create(b, condition, areNonZero)
                       : condition);
  };
  if (quantizer.hasStep()) {
    requireScale(isBelow(zero, d));
    require(isBelow(d, infinity));
  } else if (!quantizer.hasFactor() && !quantizer.hasInverse()) {
    requireScale(isBelow(zero, a));
  }
  Value s = quantizer.hasStep() ? d : a;
  if (quantizer.hasFactor()) {
    if (quantizer.getScale() == ScaleForm::Div)
      s = arith::DivFOp::create(b, q, a);
    else if (quantizer.hasStep())
      s = arith::DivFOp::create(b, one, d);
    else
      s = arith::MulFOp::create(b, round(arith::DivFOp::create(b, one, a)), q);
    s = round(s);
    requireScale(isBelow(s, infinity));
  } else if (quantizer.hasInverse()) {
    s = round(arith::DivFOp::create(b, one, a));
    requireScale(isBelow(s, infinity));
  }

  Value xs = d;
  if (quantizer.hasFactor() && quantizer.getDequant() == DequantForm::Recip)
    xs = arith::DivFOp::create(b, one, s);
  else if (quantizer.getDequant() == DequantForm::None)
    xs = one;
  Value none = buildF32(b, nan);
  return {arith::SelectOp::create(b, valid, s, none),
          arith::SelectOp::create(b, valid, xs, none)};
}

/// The i8 code of `x`: 0 where the scale is NaN.
Value buildCode(ImplicitLocOpBuilder &b, QuantizerAttr quantizer, Value x,
                Value s) {
  auto round = [&](Value v) { return roundToType(b, quantizer, v); };
  Value v, q = buildF32(b, static_cast<float>(quantizer.getMaxCode()));
  if (quantizer.hasFactor()) {
    v = round(arith::MulFOp::create(b, x, s));
  } else {
    if (QuantizerAttr::multipliesFirst(quantizer.getScale()))
      x = round(arith::MulFOp::create(b, x, q));
    if (quantizer.hasInverse())
      v = round(arith::MulFOp::create(b, x, s));
    else
      v = round(arith::DivFOp::create(b, x, s));
    if (quantizer.getScale() == ScaleForm::DivMul ||
        quantizer.getScale() == ScaleForm::NormMul)
      v = round(arith::MulFOp::create(b, v, q));
  }
  Value half = buildF32(b, 0.5f);
  switch (quantizer.getRounding()) {
  case Rounding::HalfEven:
    v = math::RoundEvenOp::create(b, v);
    break;
  case Rounding::HalfUp:
    v = math::FloorOp::create(b, round(arith::AddFOp::create(b, v, half)));
    break;
  case Rounding::HalfDown:
    v = math::CeilOp::create(b, round(arith::SubFOp::create(b, v, half)));
    break;
  }
  v = arith::MaximumFOp::create(
      b, v, buildF32(b, static_cast<float>(quantizer.getClampLow())));
  v = arith::MinimumFOp::create(
      b, v, buildF32(b, static_cast<float>(quantizer.getClampHigh())));
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v, v);
  v = arith::SelectOp::create(b, isNaN, buildF32(b, 0.0f), v);
  return arith::FPToSIOp::create(b, b.getI8Type(), v);
}

/// How many values of `x` share a scale, as f32.
Value buildCount(ImplicitLocOpBuilder &b, Value x, ArrayRef<unsigned> dims) {
  Value count = arith::ConstantIndexOp::create(b, 1);
  for (unsigned dim : dims)
    count = arith::MulIOp::create(b, count, tensor::DimOp::create(b, x, dim));
  count = arith::IndexCastOp::create(b, b.getI64Type(), count);
  return arith::SIToFPOp::create(b, b.getF32Type(), count);
}

/// The smallest magnitude of the values that share a scale.
Value buildLeast(ImplicitLocOpBuilder &b, Value x, Value init,
                 ArrayRef<unsigned> scaleLoops, ArrayRef<unsigned> reduced) {
  unsigned rank = cast<ShapedType>(x.getType()).getRank();
  return buildGeneric(
      b, rank, {{x, loopRange(rank)}},
      {{buildFill(b, b.getF32FloatAttr(inf), init),
        llvm::to_vector(scaleLoops)}},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        Value abs = math::AbsFOp::create(b, v[0]);
        return {arith::MinimumFOp::create(b, v[1], abs)};
      },
      reduced)[0];
}

struct AbsmaxQuantizeToLinalg : OpRewritePattern<AbsmaxQuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AbsmaxQuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "is on buffers");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    QuantizerAttr quantizer = op.getQuantizer();
    unsigned rank = op.getX().getType().getRank();
    SmallVector<unsigned> all = loopRange(rank), leading = loopRange(rank - 1);
    SmallVector<unsigned> scaleLoops = leading, reduced = {rank - 1};
    if (quantizer.getGranularity() == ActivationGranularity::Tensor) {
      scaleLoops.clear();
      reduced = all;
    } else if (quantizer.getGranularity() == ActivationGranularity::Channel) {
      std::swap(scaleLoops, reduced);
    } else if (quantizer.getGranularity() == ActivationGranularity::Sample) {
      scaleLoops = {0};
      reduced = llvm::to_vector(llvm::seq<unsigned>(1, rank));
    }
    // Rows of a sample share a statistic, and have a scale each.
    bool isSample = quantizer.getGranularity() == ActivationGranularity::Sample;
    SmallVector<unsigned> statisticLoops = scaleLoops;
    Value init = op.getScaleInit();
    if (isSample) {
      scaleLoops = leading;
      init = tensor::EmptyOp::create(
          b, tensor::getMixedSizes(b, b.getLoc(), op.getX()).front(),
          b.getF32Type());
    }
    Value a = buildFill(b, b.getF32FloatAttr(0.0f), init);
    bool isMean = quantizer.getStatistic() == Statistic::AbsMean;
    a = buildGeneric(
        b, rank, {{op.getX(), all}}, {{a, statisticLoops}},
        [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value abs = math::AbsFOp::create(b, v[0]);
          if (isMean)
            return {arith::AddFOp::create(b, v[1], abs)};
          return {arith::MaximumFOp::create(b, v[1], abs)};
        },
        reduced)[0];
    Value count = isMean ? buildCount(b, op.getX(), reduced) : Value();

    SmallVector<unsigned> own = loopRange(scaleLoops.size());
    SmallVector<Operand> statistics = {{a, isSample ? statisticLoops : own}};
    if (quantizer.clampsOverflow())
      statistics.push_back(
          {buildLeast(b, op.getX(), op.getScaleInit(), scaleLoops,
                      isSample ? SmallVector<unsigned>{rank - 1} : reduced),
           own});
    SmallVector<Value> scales = buildGeneric(
        b, own.size(), statistics,
        {{op.getScaleInit(), own}, {op.getScaleInit(), own}},
        [&](ImplicitLocOpBuilder &b, ValueRange v) {
          Value a = v[0];
          if (count)
            a = roundToType(b, quantizer, arith::DivFOp::create(b, a, count));
          bool hasLeast = quantizer.clampsOverflow();
          return buildScales(b, quantizer, a, hasLeast ? v[1] : Value());
        });
    Value codes = buildGeneric(
        b, rank, {{op.getX(), all}, {scales[0], scaleLoops}},
        {{op.getCodesInit(), all}},
        [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          return {buildCode(b, quantizer, v[0], v[1])};
        })[0];

    Value sum = buildFill(b, b.getI32IntegerAttr(0), op.getSumInit());
    sum = buildGeneric(
        b, rank, {{codes, all}}, {{sum, leading}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value code = arith::ExtSIOp::create(b, b.getI32Type(), v[0]);
          return {arith::AddIOp::create(b, v[1], code)};
        },
        {rank - 1})[0];
    rewriter.replaceOp(op, {codes, scales[1], sum});
    return success();
  }
};

} // namespace

void populateAbsmaxQuantizePatterns(RewritePatternSet &patterns) {
  patterns.add<AbsmaxQuantizeToLinalg>(patterns.getContext());
}

} // namespace bit
