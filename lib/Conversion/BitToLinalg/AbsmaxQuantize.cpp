// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace bit {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// From the absolute maximum `a` of one scale: s, or d for scale = inverse, and
/// xs. Both are NaN where the quantizer says that xs is.
SmallVector<Value> buildScales(ImplicitLocOpBuilder &b, QuantizerAttr quantizer,
                               Value a) {
  Value eps = buildF32(b, quantizer.getEpsValue());
  Value q = buildF32(b, static_cast<float>(quantizer.getMaxCode()));
  Value one = buildF32(b, 1.0f);
  if (quantizer.getEpsMode() == EpsMode::Clamp)
    a = arith::MaximumFOp::create(b, a, eps);
  else if (quantizer.getEpsMode() == EpsMode::Add)
    a = arith::AddFOp::create(b, a, eps);

  // Ordered comparisons: false for NaN.
  Value infinity = buildF32(b, inf), zero = buildF32(b, 0.0f);
  Value valid =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, a, infinity);
  Value s, stepIsValid;
  if (quantizer.getScale() == ScaleForm::Inverse) {
    s = arith::DivFOp::create(b, a, q);
    stepIsValid = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, s, zero);
  } else {
    s = quantizer.getScale() == ScaleForm::Div
            ? arith::DivFOp::create(b, q, a).getResult()
            : arith::MulFOp::create(b, arith::DivFOp::create(b, one, a), q)
                  .getResult();
    stepIsValid =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, s, infinity);
  }
  valid = arith::AndIOp::create(b, valid, stepIsValid);

  Value xs = s;
  if (quantizer.getDequant() == DequantForm::Direct)
    xs = arith::DivFOp::create(b, a, q);
  else if (quantizer.getScale() != ScaleForm::Inverse)
    xs = arith::DivFOp::create(b, one, s);
  Value none = buildF32(b, nan);
  return {arith::SelectOp::create(b, valid, s, none),
          arith::SelectOp::create(b, valid, xs, none)};
}

/// The i8 code of `x`: 0 where the scale is NaN.
Value buildCode(ImplicitLocOpBuilder &b, QuantizerAttr quantizer, Value x,
                Value s) {
  Value v = quantizer.getScale() == ScaleForm::Inverse
                ? arith::DivFOp::create(b, x, s).getResult()
                : arith::MulFOp::create(b, x, s).getResult();
  if (quantizer.getRounding() == Rounding::HalfEven)
    v = math::RoundEvenOp::create(b, v);
  else
    v = math::FloorOp::create(b,
                              arith::AddFOp::create(b, v, buildF32(b, 0.5f)));
  v = arith::MaximumFOp::create(
      b, v, buildF32(b, static_cast<float>(quantizer.getClampLow())));
  v = arith::MinimumFOp::create(
      b, v, buildF32(b, static_cast<float>(quantizer.getClampHigh())));
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v, v);
  v = arith::SelectOp::create(b, isNaN, buildF32(b, 0.0f), v);
  return arith::FPToSIOp::create(b, b.getI8Type(), v);
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
    }

    Value a = buildFill(b, b.getF32FloatAttr(0.0f), op.getScaleInit());
    a = buildGeneric(
        b, rank, {{op.getX(), all}}, {{a, scaleLoops}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value abs = math::AbsFOp::create(b, v[0]);
          return {arith::MaximumFOp::create(b, v[1], abs)};
        },
        reduced)[0];

    SmallVector<unsigned> own = loopRange(scaleLoops.size());
    SmallVector<Value> scales =
        buildGeneric(b, own.size(), {{a, own}},
                     {{op.getScaleInit(), own}, {op.getScaleInit(), own}},
                     [&](ImplicitLocOpBuilder &b, ValueRange v) {
                       return buildScales(b, quantizer, v[0]);
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
