// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Expr.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace bit::expand {

static Type withElement(Type like, Type element) {
  if (auto shaped = dyn_cast<ShapedType>(like))
    return shaped.clone(element);
  return element;
}

static Value makeConstant(ImplicitLocOpBuilder &b, Type type, TypedAttr value) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    value = DenseElementsAttr::get(shaped, Attribute(value));
  return arith::ConstantOp::create(b, value);
}

static const llvm::fltSemantics &semantics(Float x) {
  return cast<FloatType>(getElementTypeOrSelf(x.value)).getFloatSemantics();
}

static Float makeFloat(Float like, const APFloat &value) {
  Type type = like.value.getType();
  auto attr = FloatAttr::get(getElementTypeOrSelf(type), value);
  return {like.builder, makeConstant(*like.builder, type, attr)};
}

template <typename OpTy, typename T> static T binary(T a, T b) {
  return {a.builder, OpTy::create(*a.builder, a.value, b.value)};
}

template <typename OpTy> static Float unary(Float x) {
  return {x.builder, OpTy::create(*x.builder, x.value)};
}

Float Float::constant(double c) const {
  APFloat value(c);
  bool inexact;
  value.convert(semantics(*this), APFloat::rmNearestTiesToEven, &inexact);
  return makeFloat(*this, value);
}
Float Float::infinity() const {
  return makeFloat(*this, APFloat::getInf(semantics(*this)));
}
Float Float::nan() const {
  return makeFloat(*this, APFloat::getQNaN(semantics(*this)));
}
bool Float::isDouble() const { return getElementTypeOrSelf(value).isF64(); }
int64_t Float::mantissaBits() const { return isDouble() ? 52 : 23; }
int64_t Float::exponentBias() const { return isDouble() ? 1023 : 127; }

Float operator+(Float a, Float b) { return binary<arith::AddFOp>(a, b); }
Float operator-(Float a, Float b) { return binary<arith::SubFOp>(a, b); }
Float operator*(Float a, Float b) { return binary<arith::MulFOp>(a, b); }
Float operator/(Float a, Float b) { return binary<arith::DivFOp>(a, b); }
Float operator-(Float a) { return unary<arith::NegFOp>(a); }
Float fma(Float a, Float b, Float c) {
  return {a.builder,
          math::FmaOp::create(*a.builder, a.value, b.value, c.value)};
}
Float abs(Float x) { return unary<math::AbsFOp>(x); }
Float sqrt(Float x) { return unary<math::SqrtOp>(x); }
Float floor(Float x) { return unary<math::FloorOp>(x); }
Float trunc(Float x) { return unary<math::TruncOp>(x); }
Float copySign(Float magnitude, Float sign) {
  return binary<math::CopySignOp>(magnitude, sign);
}
Float toDouble(Float x) {
  Type type = withElement(x.value.getType(), x.builder->getF64Type());
  return {x.builder, arith::ExtFOp::create(*x.builder, type, x.value)};
}
Float toSingle(Float x) {
  Type type = withElement(x.value.getType(), x.builder->getF32Type());
  return {x.builder, arith::TruncFOp::create(*x.builder, type, x.value)};
}
Float polynomial(Float x, ArrayRef<double> c) {
  Float sum = x.constant(c.back());
  for (double next : llvm::reverse(c.drop_back()))
    sum = fma(sum, x, next);
  return sum;
}

static Bool compare(arith::CmpFPredicate predicate, Float a, Float b) {
  return {a.builder,
          arith::CmpFOp::create(*a.builder, predicate, a.value, b.value)};
}
Bool operator<(Float a, Float b) {
  return compare(arith::CmpFPredicate::OLT, a, b);
}
Bool operator<=(Float a, Float b) {
  return compare(arith::CmpFPredicate::OLE, a, b);
}
Bool operator>(Float a, Float b) {
  return compare(arith::CmpFPredicate::OGT, a, b);
}
Bool operator>=(Float a, Float b) {
  return compare(arith::CmpFPredicate::OGE, a, b);
}
Bool operator==(Float a, Float b) {
  return compare(arith::CmpFPredicate::OEQ, a, b);
}
Bool isNan(Float x) { return isNan(x, x); }
Bool isNan(Float x, Float y) {
  return compare(arith::CmpFPredicate::UNO, x, y);
}
Bool isFinite(Float x) { return abs(x) < x.infinity(); }

Bool operator&(Bool a, Bool b) { return binary<arith::AndIOp>(a, b); }
Bool operator|(Bool a, Bool b) { return binary<arith::OrIOp>(a, b); }
Bool operator^(Bool a, Bool b) { return binary<arith::XOrIOp>(a, b); }
Bool operator!(Bool a) {
  Bool yes = {a.builder, makeConstant(*a.builder, a.value.getType(),
                                      a.builder->getBoolAttr(true))};
  return a ^ yes;
}

Int Int::constant(int64_t c) const {
  Type type = value.getType();
  Type element = getElementTypeOrSelf(type);
  return {builder,
          makeConstant(*builder, type, builder->getIntegerAttr(element, c))};
}
Int operator+(Int a, Int b) { return binary<arith::AddIOp>(a, b); }
Int operator-(Int a, Int b) { return binary<arith::SubIOp>(a, b); }
Int operator*(Int a, Int b) { return binary<arith::MulIOp>(a, b); }
Int operator&(Int a, Int b) { return binary<arith::AndIOp>(a, b); }
Int operator|(Int a, Int b) { return binary<arith::OrIOp>(a, b); }
Int operator^(Int a, Int b) { return binary<arith::XOrIOp>(a, b); }
Int operator<<(Int a, Int b) { return binary<arith::ShLIOp>(a, b); }
Int operator>>(Int a, Int b) { return binary<arith::ShRSIOp>(a, b); }
Int logicalShift(Int a, Int b) { return binary<arith::ShRUIOp>(a, b); }
Bool notZero(Int a) {
  return {a.builder, arith::CmpIOp::create(*a.builder, arith::CmpIPredicate::ne,
                                           a.value, a.constant(0).value)};
}

Int truncateTo32(Int a) {
  Type type = withElement(a.value.getType(), a.builder->getI32Type());
  return {a.builder, arith::TruncIOp::create(*a.builder, type, a.value)};
}

static Value makeSelect(Bool condition, Value yes, Value no) {
  return arith::SelectOp::create(*condition.builder, condition.value, yes, no);
}
Float select(Bool condition, Float yes, Float no) {
  return {yes.builder, makeSelect(condition, yes.value, no.value)};
}
Int select(Bool condition, Int yes, Int no) {
  return {yes.builder, makeSelect(condition, yes.value, no.value)};
}

Int bits(Float x) {
  Type element = x.builder->getIntegerType(x.isDouble() ? 64 : 32);
  Type type = withElement(x.value.getType(), element);
  return {x.builder, arith::BitcastOp::create(*x.builder, type, x.value)};
}

static Type floatTypeOf(Int x) {
  bool wide = getElementTypeOrSelf(x.value).isInteger(64);
  Type element = wide ? Type(x.builder->getF64Type()) : x.builder->getF32Type();
  return withElement(x.value.getType(), element);
}
Float fromBits(Int x) {
  return {x.builder,
          arith::BitcastOp::create(*x.builder, floatTypeOf(x), x.value)};
}

/// 1.5 * 2^(mantissa bits): there the last digit of the mantissa is a one.
static Float roundingConstant(Float x) {
  return x.constant(1.5 * double(int64_t(1) << x.mantissaBits()));
}

Float toFloat(Int x) {
  Float anchor = roundingConstant(fromBits(x));
  return fromBits(x + bits(anchor)) - anchor;
}

Float clamp(Float x, double low, double high) {
  x = select(x < low, low, x);
  return select(x > high, high, x);
}

Rounded roundProduct(Float a, double b) {
  Float anchor = roundingConstant(a);
  Float shifted = fma(a, a.constant(b), anchor);
  return {shifted - anchor, bits(shifted) - bits(anchor)};
}

static Float powerOfTwo(Int k) {
  Float like = fromBits(k);
  return fromBits((k + like.exponentBias()) << like.mantissaBits());
}
Float scale(Float y, Int k) {
  Int half = k >> 1;
  return y * powerOfTwo(half) * powerOfTwo(k - half);
}

DoubleFloat twoSum(Float a, Float b) {
  Float sum = a + b;
  Float bPart = sum - a;
  return {sum, (a - (sum - bPart)) + (b - bPart)};
}
DoubleFloat fastTwoSum(Float a, Float b) {
  Float sum = a + b;
  return {sum, b - (sum - a)};
}
DoubleFloat twoProduct(Float a, Float b) {
  Float product = a * b;
  return {product, fma(a, b, -product)};
}

} // namespace bit::expand
