// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The statistic of values that share a scale, and the scale.

#include "AbsmaxEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace bit {

Value AbsmaxEmitter::round(Value v) {
  if (!quantizer.computesInHalf())
    return v;
  Type half = quantizer.getComputeType();
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    half = vector.clone(half);
  Value rounded = arith::TruncFOp::create(builder, loc, half, v);
  return arith::ExtFOp::create(builder, loc, v.getType(), rounded);
}

/// |x| as an integer: it has the order of the floats, with NaN above all, so
/// its maximum needs no care for NaN.
Value AbsmaxEmitter::magnitude(Value x) {
  auto type = VectorType::get(lanes, builder.getI32Type());
  Value bits = arith::BitcastOp::create(builder, loc, type, x);
  Value mask = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, builder.getI32IntegerAttr(
                                       std::numeric_limits<int32_t>::max())));
  return arith::AndIOp::create(builder, loc, bits, mask);
}

/// `carried` and the magnitudes of as many values.
Value AbsmaxEmitter::addPartial(Value carried, Value x) {
  if (isMean())
    return arith::AddFOp::create(builder, loc, carried,
                                 math::AbsFOp::create(builder, loc, x));
  return arith::MaxSIOp::create(builder, loc, carried, magnitude(x));
}

/// The partial results of a row, from `initial`.
Value AbsmaxEmitter::emitPartials(ValueRange row, Value initial) {
  int64_t width = getPartialWidth();
  return forEachVector(width, initial, [&](Value k, Value mask, Value carried) {
    return addPartial(carried, loadVector(row, k, mask, width));
  });
}

/// The smaller of `carried` and 16 magnitudes; those masked do not count.
Value AbsmaxEmitter::addLeast(Value carried, Value x, Value mask) {
  Value least = arith::MinSIOp::create(builder, loc, carried, magnitude(x));
  return mask ? arith::SelectOp::create(builder, loc, mask, least, carried)
                    .getResult()
              : least;
}

/// The smallest magnitudes of a row, from `initial`.
Value AbsmaxEmitter::emitLeast(ValueRange row, Value initial) {
  return forEachVector(lanes, initial, [&](Value k, Value mask, Value carried) {
    return addLeast(carried, loadVector(row, k, mask), mask);
  });
}

/// The statistic of all partial results, a sum in the order of
/// docs/numerics.md; not yet divided.
Value AbsmaxEmitter::finish(Value partials) {
  if (!isMean()) {
    Value most = vector::ReductionOp::create(
        builder, loc, vector::CombiningKind::MAXSI, partials);
    return arith::BitcastOp::create(builder, loc, builder.getF32Type(), most);
  }
  for (int64_t half = sumLanes / 2; half > 0; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          builder, loc, partials, ArrayRef<int64_t>{offset},
          ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    partials = arith::AddFOp::create(builder, loc, part(0), part(half));
  }
  Value sum = vector::ExtractOp::create(builder, loc, partials, 0);
  return arith::AddFOp::create(builder, loc, constant(sum.getType(), 0.0f),
                               sum);
}

/// The mean from the sum over `dims`.
Value AbsmaxEmitter::divideByCount(Value sum, ArrayRef<int64_t> dims) {
  if (!isMean())
    return sum;
  Value count = index(1);
  for (int64_t dim : dims)
    count = arith::MulIOp::create(
        builder, loc, count,
        memref::DimOp::create(builder, loc, op.getX(), dim));
  count = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), count);
  count = arith::SIToFPOp::create(builder, loc, builder.getF32Type(), count);
  if (isa<VectorType>(sum.getType()))
    count = broadcast(count);
  return round(arith::DivFOp::create(builder, loc, sum, count));
}

QuantizerScale AbsmaxEmitter::emitScale(Value a) {
  Type type = a.getType();
  auto isBelow = [&](Value low, Value high) -> Value {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, low,
                                 high);
  };
  Value eps = constant(type, quantizer.getEpsValue());
  if (quantizer.getEpsMode() == EpsMode::Clamp)
    a = arith::MaximumFOp::create(builder, loc, a, eps);
  else if (quantizer.getEpsMode() == EpsMode::Add)
    a = round(arith::AddFOp::create(builder, loc, a, eps));

  float maxCode = static_cast<float>(quantizer.getMaxCode());
  Value q = constant(type, maxCode), one = constant(type, 1.0f);
  auto emitStep = [&]() -> Value {
    Value d;
    if (quantizer.multipliesStep())
      d = arith::MulFOp::create(
          builder, loc, a,
          constant(type, roundTo(quantizer.getCompute(), 1.0f / maxCode)));
    else
      d = arith::DivFOp::create(builder, loc, a, q);
    if (quantizer.hasStep())
      d = round(d);
    if (quantizer.getEpsMode() == EpsMode::ClampStep)
      d = arith::MaximumFOp::create(builder, loc, d, eps);
    else if (quantizer.getEpsMode() == EpsMode::AddStep)
      d = round(arith::AddFOp::create(builder, loc, d, eps));
    return d;
  };

  Value infinity = constant(type, std::numeric_limits<float>::infinity());
  QuantizerScale scale;
  scale.valid = scale.tooSmall = isBelow(a, infinity);
  auto require = [&](Value condition, bool isAlways = false) {
    scale.valid = arith::AndIOp::create(builder, loc, scale.valid, condition);
    if (isAlways)
      scale.tooSmall =
          arith::AndIOp::create(builder, loc, scale.tooSmall, condition);
  };
  switch (quantizer.getScale()) {
  case ScaleForm::RecipMul:
    scale.factor = round(arith::MulFOp::create(
        builder, loc, round(arith::DivFOp::create(builder, loc, one, a)), q));
    break;
  case ScaleForm::Div:
    scale.factor = round(arith::DivFOp::create(builder, loc, q, a));
    break;
  case ScaleForm::DivMul:
  case ScaleForm::MulDiv:
    scale.factor = a;
    require(isBelow(zero(type), a));
    break;
  case ScaleForm::NormMul:
  case ScaleForm::MulNorm:
    scale.factor = round(arith::DivFOp::create(builder, loc, one, a));
    require(isBelow(scale.factor, infinity));
    break;
  case ScaleForm::Inverse:
  case ScaleForm::InverseMul:
  case ScaleForm::RecipStep:
  case ScaleForm::RecipStepMul:
    scale.factor = scale.xs = emitStep();
    require(isBelow(zero(type), scale.xs));
    require(isBelow(scale.xs, infinity), /*isAlways=*/true);
    if (quantizer.hasFactor())
      scale.factor = round(arith::DivFOp::create(builder, loc, one, scale.xs));
    break;
  }
  if (quantizer.hasFactor()) {
    require(isBelow(scale.factor, infinity));
    if (quantizer.getDequant() == DequantForm::Recip)
      scale.xs = arith::DivFOp::create(builder, loc, one, scale.factor);
  }
  if (quantizer.getDequant() == DequantForm::None)
    scale.xs = one;
  else if (!scale.xs)
    scale.xs = emitStep();
  return scale;
}

/// Says what becomes of values too small for a finite scale. `emitLeast` emits
/// their smallest magnitude, as an integer, where it is needed.
void AbsmaxEmitter::finishScale(QuantizerScale &scale,
                                function_ref<Value()> emitLeast) {
  auto areNonZero = [&]() -> Value {
    Value least = emitLeast();
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, least,
                                 zero(least.getType()));
  };
  Type type = scale.xs.getType();
  if (!quantizer.clampsOverflow()) {
  } else if (isa<VectorType>(type)) {
    Value alsoValid =
        arith::AndIOp::create(builder, loc, scale.tooSmall, areNonZero());
    scale.valid = arith::OrIOp::create(builder, loc, scale.valid, alsoValid);
  } else {
    // Almost never: the values are not read a third time for it.
    Value isRare = arith::AndIOp::create(
        builder, loc, scale.tooSmall,
        arith::XOrIOp::create(
            builder, loc, scale.valid,
            arith::ConstantIntOp::create(builder, loc, 1, 1)));
    auto branch = scf::IfOp::create(
        builder, loc, isRare,
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, loc, areNonZero());
        },
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, loc, scale.valid);
        });
    scale.valid = branch.getResult(0);
  }
  Value nan = constant(type, std::numeric_limits<float>::quiet_NaN());
  scale.xs = arith::SelectOp::create(builder, loc, scale.valid, scale.xs, nan);
}

} // namespace bit
