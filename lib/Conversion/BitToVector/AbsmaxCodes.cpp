// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From values and their scale to codes and their sum.

#include "AbsmaxEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace bit {

/// There is no NaN here: it would be in the statistic. So NaN may go either way
/// in a comparison and a select, which is one instruction of some targets, a
/// maximum one of others.
Value AbsmaxEmitter::emitClamp(Value v) {
  if (getRegisterFile(op).hasMaximum) {
    v = arith::MaximumFOp::create(
        builder, loc, v,
        constant(vectorType, static_cast<float>(quantizer.getClampLow())));
    return arith::MinimumFOp::create(
        builder, loc, v,
        constant(vectorType, static_cast<float>(quantizer.getClampHigh())));
  }
  auto bound = [&](arith::CmpFPredicate inside, int64_t limit) {
    Value bound = constant(vectorType, static_cast<float>(limit));
    Value is = arith::CmpFOp::create(builder, loc, inside, v, bound);
    v = arith::SelectOp::create(builder, loc, is, v, bound);
  };
  bound(arith::CmpFPredicate::OGT, quantizer.getClampLow());
  bound(arith::CmpFPredicate::OLT, quantizer.getClampHigh());
  return v;
}

/// LLVM narrows a rounding of widened f16 to f16, which takes ten times as
/// long: no processor has it.
Value AbsmaxEmitter::emitFloor(Value v) {
  if (quantizer.getCompute() != ComputeType::F16)
    return math::FloorOp::create(builder, loc, v);
  // This rounds to even what f16 holds, infinity too.
  Value big = constant(vectorType, 0x1.8p23f);
  Value nearest = arith::AddFOp::create(builder, loc, v, big);
  nearest = arith::SubFOp::create(builder, loc, nearest, big);
  Value below =
      arith::SubFOp::create(builder, loc, nearest, constant(vectorType, 1.0f));
  Value isAbove = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT,
                                        nearest, v);
  return arith::SelectOp::create(builder, loc, isAbove, below, nearest);
}

/// 16 values times their scale, neither clamped nor rounded to even yet; the
/// other roundings have been done.
Value AbsmaxEmitter::emitScaled(Value x, Value factor) {
  Value v, q = constant(vectorType, static_cast<float>(quantizer.getMaxCode()));
  if (quantizer.hasFactor()) {
    v = round(arith::MulFOp::create(builder, loc, x, factor));
  } else {
    if (QuantizerAttr::multipliesFirst(quantizer.getScale()))
      x = round(arith::MulFOp::create(builder, loc, x, q));
    if (quantizer.hasInverse())
      v = round(arith::MulFOp::create(builder, loc, x, factor));
    else
      v = round(arith::DivFOp::create(builder, loc, x, factor));
    if (quantizer.getScale() == ScaleForm::DivMul ||
        quantizer.getScale() == ScaleForm::NormMul)
      v = round(arith::MulFOp::create(builder, loc, v, q));
  }
  Value half = constant(vectorType, 0.5f);
  switch (quantizer.getRounding()) {
  case Rounding::HalfEven:
    return v;
  case Rounding::HalfUp:
    v = round(arith::AddFOp::create(builder, loc, v, half));
    return emitFloor(v);
  case Rounding::HalfDown:
    v = round(arith::SubFOp::create(builder, loc, v, half));
    if (quantizer.getCompute() != ComputeType::F16)
      return math::CeilOp::create(builder, loc, v);
    v = emitFloor(arith::NegFOp::create(builder, loc, v));
    return arith::NegFOp::create(builder, loc, v);
  }
  llvm_unreachable("all roundings are handled");
}

/// The codes of 16 values as i32, `getCodeBias()` above what they are; those of
/// masked values, which are 0, are 0. `valid` and `mask` are null where they
/// hold for all lanes.
Value AbsmaxEmitter::emitBiasedCodes(Value x, Value factor, Value valid,
                                     Value mask) {
  Value v = emitScaled(x, factor);
  // |v| is at most Q and three roundings, which is Q when rounded to an
  // integer; a mean, a subnormal d, an overflow of x * Q and roundings to
  // halves have no such bound.
  int64_t q = quantizer.getMaxCode();
  bool isBounded = !isMean() && !quantizer.clampsOverflow() &&
                   !quantizer.computesInHalf() &&
                   (quantizer.getScale() == ScaleForm::RecipMul ||
                    quantizer.getScale() == ScaleForm::Div ||
                    quantizer.getScale() == ScaleForm::DivMul);
  bool inRange = isBounded && quantizer.getClampLow() <= -q &&
                 quantizer.getClampHigh() >= q;
  if (!inRange)
    v = emitClamp(v);
  // 0 times an infinite scale is NaN.
  if (mask && quantizer.clampsOverflow())
    valid = valid ? arith::AndIOp::create(builder, loc, valid, mask) : mask;
  if (valid)
    v = arith::SelectOp::create(builder, loc, valid, v, zero(vectorType));
  auto i32Type = VectorType::get(lanes, builder.getI32Type());
  if (getCodeBias() == 0)
    return arith::FPToSIOp::create(builder, loc, i32Type, v);
  // One addition rounds to even, and the code is in the low bits of its result.
  Value big = constant(vectorType, llvm::bit_cast<float>(getCodeBias()));
  v = arith::AddFOp::create(builder, loc, v, big);
  return arith::BitcastOp::create(builder, loc, i32Type, v);
}

Value AbsmaxEmitter::emitCodes(Value x, Value factor, Value valid, Value mask) {
  Value biased = emitBiasedCodes(x, factor, valid, mask);
  Value bias = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(cast<VectorType>(biased.getType()),
                             getCodeBias()));
  return arith::SubIOp::create(builder, loc, biased, bias);
}

/// The sum of a row's codes from that of as many biased ones as fill vectors,
/// both modulo 2^32.
Value AbsmaxEmitter::removeBias(Value sum) {
  Value size = memref::DimOp::create(builder, loc, op.getX(), rank - 1);
  Value vectors = arith::DivUIOp::create(
      builder, loc, arith::AddIOp::create(builder, loc, size, index(lanes - 1)),
      index(lanes));
  vectors =
      arith::IndexCastOp::create(builder, loc, builder.getI32Type(), vectors);
  Value bias = arith::ConstantIntOp::create(
      builder, loc, builder.getI32Type(),
      static_cast<int32_t>(static_cast<uint32_t>(getCodeBias()) * lanes));
  bias = arith::MulIOp::create(builder, loc, vectors, bias);
  return arith::SubIOp::create(builder, loc, sum, bias);
}

/// The codes and the sum of a row that has one scale.
void AbsmaxEmitter::emitRow(ValueRange row, const QuantizerScale &scale) {
  auto i32Type = VectorType::get(lanes, builder.getI32Type());
  auto i8Type = VectorType::get(lanes, builder.getI8Type());
  auto branch = scf::IfOp::create(
      builder, loc, scale.valid,
      [&](OpBuilder &, Location) {
        Value factor = broadcast(scale.factor);
        Value sums = forEachVector(
            lanes, zero(i32Type),
            [&](Value k, Value mask, Value carried) -> Value {
              Value codes = emitBiasedCodes(loadVector(row, k, mask), factor,
                                            Value(), mask);
              Value bytes =
                  arith::TruncIOp::create(builder, loc, i8Type, codes);
              storeVector(bytes, op.getCodesInit(), row, k, mask);
              return arith::AddIOp::create(builder, loc, carried, codes);
            });
        Value sum = vector::ReductionOp::create(
            builder, loc, vector::CombiningKind::ADD, sums);
        scf::YieldOp::create(builder, loc, removeBias(sum));
      },
      [&](OpBuilder &, Location) {
        Value none = zero(builder.getI32Type());
        forEachVector(lanes, none, [&](Value k, Value mask, Value carried) {
          storeVector(zero(i8Type), op.getCodesInit(), row, k, mask);
          return carried;
        });
        scf::YieldOp::create(builder, loc, none);
      });
  memref::StoreOp::create(builder, loc, branch.getResult(0), op.getSumInit(),
                          row);
}

} // namespace bit
