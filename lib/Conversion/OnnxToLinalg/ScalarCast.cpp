// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScalarBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

Value bit::onnx::toCompute(OpBuilder &builder, Location loc, Value stored,
                           Type onnxType) {
  Type type = getComputeType(onnxType);
  if (stored.getType() == type)
    return stored;
  return builder.createOrFold<arith::ExtFOp>(loc, type, stored);
}

Value bit::onnx::toStorage(OpBuilder &builder, Location loc, Value computed,
                           Type onnxType) {
  Type type = getStorageType(onnxType);
  if (computed.getType() == type)
    return computed;
  return builder.createOrFold<arith::TruncFOp>(loc, type, computed);
}

/// f64 to f32 by "round to odd": a further rounding to f16 or bf16 then gives
/// what one rounding would. (A direct conversion is a libcall on x86-64.)
static Value truncateToOdd(OpBuilder &builder, Location loc, Value value) {
  ScalarBuilder wide(builder, loc, builder.getF64Type());
  ScalarBuilder bits(builder, loc, builder.getI32Type());
  Value rounded = wide.make<arith::TruncFOp>(builder.getF32Type(), value);
  Value back = wide.make<arith::ExtFOp>(builder.getF64Type(), rounded);
  Value away = wide.less(wide.abs(value), wide.abs(back));
  Value inexact =
      wide.make<arith::CmpFOp>(arith::CmpFPredicate::ONE, value, back);
  Value raw = bits.make<arith::BitcastOp>(builder.getI32Type(), rounded);
  Value towardZero = bits.select(away, bits.sub(raw, bits.number(1)), raw);
  Value odd = bits.make<arith::OrIOp>(towardZero, bits.number(1));
  Value result = bits.select(inexact, odd, raw);
  return bits.make<arith::BitcastOp>(builder.getF32Type(), result);
}

static Value floatToFloat(OpBuilder &builder, Location loc, Value value,
                          Type to) {
  Type target = getComputeType(to);
  if (value.getType() == target && target == getStorageType(to))
    return value;
  if (value.getType().isF64() && target != getStorageType(to))
    return truncateToOdd(builder, loc, value);
  if (value.getType() == target)
    return value;
  if (target.isF64())
    return builder.createOrFold<arith::ExtFOp>(loc, target, value);
  return builder.createOrFold<arith::TruncFOp>(loc, target, value);
}

static Value floatToInteger(OpBuilder &builder, Location loc, Value value,
                            Type to) {
  ScalarBuilder source(builder, loc, value.getType());
  ScalarBuilder target(builder, loc, to);
  unsigned width = to.getIntOrFloatBitWidth();
  if (width == 1)
    return source.make<arith::CmpFOp>(arith::CmpFPredicate::UNE, value,
                                      source.number(0));
  // The bounds are powers of two, so exact in every float type; the one above
  // is the first value out of range.
  const bool isUnsigned = to.isUnsignedInteger();
  Value above = source.number(std::ldexp(1.0, isUnsigned ? width : width - 1));
  Value below = source.number(isUnsigned ? 0 : -std::ldexp(1.0, width - 1));
  Value tooHigh = source.lessOrEqual(above, value);
  Value tooLow = source.less(value, below);
  Value unsafe = source.make<arith::OrIOp>(
      source.make<arith::OrIOp>(tooHigh, tooLow), source.isNaN(value));
  Value safe = source.select(unsafe, source.number(0), value);
  Value converted = isUnsigned
                        ? source.make<arith::FPToUIOp>(target.getType(), safe)
                        : source.make<arith::FPToSIOp>(target.getType(), safe);
  converted = target.select(tooHigh, target.highest(), converted);
  return target.select(tooLow, target.lowest(), converted);
}

static Value integerToFloat(OpBuilder &builder, Location loc, Value value,
                            Type from, Type to) {
  ScalarBuilder source(builder, loc, from);
  // f32 holds any f16 and its neighbours exactly, but not bf16's wide integers.
  const bool viaDouble = to.isBF16() && from.getIntOrFloatBitWidth() > 16;
  Type target = viaDouble ? builder.getF64Type() : getComputeType(to);
  Value converted = source.isUnsigned()
                        ? source.make<arith::UIToFPOp>(target, value)
                        : source.make<arith::SIToFPOp>(target, value);
  return viaDouble ? truncateToOdd(builder, loc, converted) : converted;
}

static Value integerToInteger(OpBuilder &builder, Location loc, Value value,
                              Type from, Type to) {
  ScalarBuilder source(builder, loc, from);
  Type target = getStorageType(to);
  unsigned width = target.getIntOrFloatBitWidth();
  unsigned sourceWidth = value.getType().getIntOrFloatBitWidth();
  if (width == sourceWidth)
    return value;
  if (width == 1)
    return source.make<arith::CmpIOp>(arith::CmpIPredicate::ne, value,
                                      source.number(0));
  if (width < sourceWidth)
    return source.make<arith::TruncIOp>(target, value);
  return source.isUnsigned() ? source.make<arith::ExtUIOp>(target, value)
                             : source.make<arith::ExtSIOp>(target, value);
}

Value bit::onnx::castScalar(OpBuilder &builder, Location loc, Value computed,
                            Type from, Type to) {
  const bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (fromFloat && toFloat)
    return floatToFloat(builder, loc, computed, to);
  if (fromFloat)
    return floatToInteger(builder, loc, computed, to);
  if (toFloat)
    return integerToFloat(builder, loc, computed, from, to);
  return integerToInteger(builder, loc, computed, from, to);
}

Type bit::onnx::getInterpolationType(Type onnxType) {
  if (isa<FloatType>(onnxType))
    return getComputeType(onnxType);
  MLIRContext *context = onnxType.getContext();
  if (onnxType.getIntOrFloatBitWidth() > 16)
    return Float64Type::get(context);
  return Float32Type::get(context);
}

Value bit::onnx::roundScalar(OpBuilder &builder, Location loc, Value computed,
                             Type to) {
  Type from = computed.getType();
  if (isa<FloatType>(to))
    return castScalar(builder, loc, computed, from, to);
  ScalarBuilder s(builder, loc, from);
  if (to.isInteger(1))
    return s.less(s.number(0.5), computed);
  return castScalar(builder, loc, s.make<math::RoundEvenOp>(computed), from,
                    to);
}
