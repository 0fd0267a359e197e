// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScalarBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

Type bit::onnx::getStorageType(Type onnxType) {
  if (auto integer = dyn_cast<IntegerType>(onnxType))
    return IntegerType::get(integer.getContext(), integer.getWidth());
  return onnxType;
}

Type bit::onnx::getComputeType(Type onnxType) {
  if (onnxType.isF16() || onnxType.isBF16())
    return Float32Type::get(onnxType.getContext());
  return getStorageType(onnxType);
}

bool bit::onnx::isComputable(Type onnxType) {
  if (auto integer = dyn_cast<IntegerType>(onnxType)) {
    unsigned width = integer.getWidth();
    return width == 1 || width == 8 || width == 16 || width == 32 ||
           width == 64;
  }
  return onnxType.isF16() || onnxType.isBF16() || onnxType.isF32() ||
         onnxType.isF64();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value ScalarBuilder::number(double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(builder, loc,
                                     FloatAttr::get(floatType, value));
  unsigned width = type.getIntOrFloatBitWidth();
  return integer(APInt(64, static_cast<uint64_t>(static_cast<int64_t>(value)))
                     .sextOrTrunc(width));
}

Value ScalarBuilder::integer(APInt value) {
  return arith::ConstantOp::create(builder, loc, IntegerAttr::get(type, value));
}

Value ScalarBuilder::lowest() {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        builder, loc,
        FloatAttr::get(floatType,
                       APFloat::getInf(floatType.getFloatSemantics(), true)));
  unsigned width = type.getIntOrFloatBitWidth();
  return integer(isUnsigned() ? APInt::getZero(width)
                              : APInt::getSignedMinValue(width));
}

Value ScalarBuilder::highest() {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        builder, loc,
        FloatAttr::get(floatType,
                       APFloat::getInf(floatType.getFloatSemantics())));
  unsigned width = type.getIntOrFloatBitWidth();
  return integer(isUnsigned() ? APInt::getMaxValue(width)
                              : APInt::getSignedMaxValue(width));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value ScalarBuilder::add(Value a, Value b) {
  return isFloat() ? make<arith::AddFOp>(a, b) : make<arith::AddIOp>(a, b);
}

Value ScalarBuilder::sub(Value a, Value b) {
  return isFloat() ? make<arith::SubFOp>(a, b) : make<arith::SubIOp>(a, b);
}

Value ScalarBuilder::mul(Value a, Value b) {
  return isFloat() ? make<arith::MulFOp>(a, b) : make<arith::MulIOp>(a, b);
}

Value ScalarBuilder::fma(Value a, Value b, Value c) {
  return isFloat() ? make<math::FmaOp>(a, b, c) : add(mul(a, b), c);
}

std::pair<Value, Value> ScalarBuilder::safeDivisor(Value b) {
  Value zero = number(0), one = number(1);
  Value isZero = make<arith::CmpIOp>(CmpIPredicate::eq, b, zero);
  return {make<arith::SelectOp>(isZero, one, b), isZero};
}

Value ScalarBuilder::div(Value a, Value b) {
  if (isFloat())
    return make<arith::DivFOp>(a, b);
  auto [divisor, isZero] = safeDivisor(b);
  if (isUnsigned())
    return select(isZero, number(0), make<arith::DivUIOp>(a, divisor));
  // a / -1 is -a, which wraps where the division would trap.
  Value isMinusOne = make<arith::CmpIOp>(CmpIPredicate::eq, b, number(-1));
  divisor = select(isMinusOne, number(1), divisor);
  Value quotient = make<arith::DivSIOp>(a, divisor);
  quotient = select(isMinusOne, neg(a), quotient);
  return select(isZero, number(0), quotient);
}

Value ScalarBuilder::truncMod(Value a, Value b) {
  if (isFloat())
    return floatRemainder(*this, a, b);
  auto [divisor, isZero] = safeDivisor(b);
  if (isUnsigned())
    return select(isZero, number(0), make<arith::RemUIOp>(a, divisor));
  Value isMinusOne = make<arith::CmpIOp>(CmpIPredicate::eq, b, number(-1));
  divisor = select(isMinusOne, number(1), divisor);
  return select(isZero, number(0), make<arith::RemSIOp>(a, divisor));
}

Value ScalarBuilder::floorMod(Value a, Value b) {
  Value remainder = truncMod(a, b);
  if (!isFloat() && isUnsigned())
    return remainder;
  Value zero = number(0);
  Value differs = make<arith::XOrIOp>(less(remainder, zero), less(b, zero));
  Value inexact = make<arith::XOrIOp>(
      equal(remainder, zero),
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true)));
  Value wrong = make<arith::AndIOp>(differs, inexact);
  return select(wrong, add(remainder, b), remainder);
}

Value ScalarBuilder::min(Value a, Value b) {
  if (isFloat())
    return make<arith::MinimumFOp>(a, b);
  return isUnsigned() ? make<arith::MinUIOp>(a, b) : make<arith::MinSIOp>(a, b);
}

Value ScalarBuilder::max(Value a, Value b) {
  if (isFloat())
    return make<arith::MaximumFOp>(a, b);
  return isUnsigned() ? make<arith::MaxUIOp>(a, b) : make<arith::MaxSIOp>(a, b);
}

Value ScalarBuilder::neg(Value a) {
  return isFloat() ? make<arith::NegFOp>(a) : sub(number(0), a);
}

Value ScalarBuilder::abs(Value a) {
  if (isFloat())
    return make<math::AbsFOp>(a);
  return isUnsigned() ? a : make<arith::MaxSIOp>(a, neg(a));
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

Value ScalarBuilder::less(Value a, Value b) {
  if (isFloat())
    return make<arith::CmpFOp>(CmpFPredicate::OLT, a, b);
  return make<arith::CmpIOp>(
      isUnsigned() ? CmpIPredicate::ult : CmpIPredicate::slt, a, b);
}

Value ScalarBuilder::lessOrEqual(Value a, Value b) {
  if (isFloat())
    return make<arith::CmpFOp>(CmpFPredicate::OLE, a, b);
  return make<arith::CmpIOp>(
      isUnsigned() ? CmpIPredicate::ule : CmpIPredicate::sle, a, b);
}

Value ScalarBuilder::equal(Value a, Value b) {
  if (isFloat())
    return make<arith::CmpFOp>(CmpFPredicate::OEQ, a, b);
  return make<arith::CmpIOp>(CmpIPredicate::eq, a, b);
}

Value ScalarBuilder::isNaN(Value a) {
  return make<arith::CmpFOp>(CmpFPredicate::UNO, a, a);
}

Value ScalarBuilder::select(Value condition, Value a, Value b) {
  return make<arith::SelectOp>(condition, a, b);
}
