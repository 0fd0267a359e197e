// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values under construction, so that an expansion reads like its formula and
// serves scalars and vectors, float and double, by the same text. Every
// operation is correctly rounded or on integers and carries no fast-math flag:
// its bits are the same on every target.

#ifndef BIT_CONVERSION_EXPANDMATH_EXPR_H
#define BIT_CONVERSION_EXPANDMATH_EXPR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/ArrayRef.h"

namespace bit::expand {

struct Bool {
  mlir::ImplicitLocOpBuilder *builder;
  mlir::Value value;
};

/// A signless integer of the width of the floats it is mixed with.
struct Int {
  mlir::ImplicitLocOpBuilder *builder;
  mlir::Value value;

  Int constant(int64_t c) const;
};

struct Float {
  mlir::ImplicitLocOpBuilder *builder;
  mlir::Value value;

  /// A constant of this value's type, rounded to it.
  Float constant(double c) const;
  Float infinity() const;
  /// The one NaN that expansions return: quiet, positive, no payload.
  Float nan() const;
  bool isDouble() const;
  /// Digits after the point: 23 or 52.
  int64_t mantissaBits() const;
  int64_t exponentBias() const;
};

Float operator+(Float a, Float b);
Float operator-(Float a, Float b);
Float operator*(Float a, Float b);
Float operator/(Float a, Float b);
Float operator-(Float a);
inline Float operator+(Float a, double c) { return a + a.constant(c); }
inline Float operator-(Float a, double c) { return a - a.constant(c); }
inline Float operator*(Float a, double c) { return a * a.constant(c); }
inline Float operator/(Float a, double c) { return a / a.constant(c); }
inline Float operator+(double c, Float a) { return a.constant(c) + a; }
inline Float operator-(double c, Float a) { return a.constant(c) - a; }
inline Float operator*(double c, Float a) { return a.constant(c) * a; }
inline Float operator/(double c, Float a) { return a.constant(c) / a; }

/// a * b + c, rounded once.
Float fma(Float a, Float b, Float c);
inline Float fma(Float a, double b, Float c) {
  return fma(a, a.constant(b), c);
}
inline Float fma(Float a, Float b, double c) {
  return fma(a, b, a.constant(c));
}
inline Float fma(Float a, double b, double c) {
  return fma(a, a.constant(b), a.constant(c));
}
Float abs(Float x);
Float sqrt(Float x);
Float floor(Float x);
Float trunc(Float x);
Float copySign(Float magnitude, Float sign);
Float toDouble(Float x);
Float toSingle(Float x);
/// c[0] + x * (c[1] + x * (...)), a chain of fma.
Float polynomial(Float x, llvm::ArrayRef<double> c);

/// Ordered comparisons: false for NaN.
Bool operator<(Float a, Float b);
Bool operator<=(Float a, Float b);
Bool operator>(Float a, Float b);
Bool operator>=(Float a, Float b);
Bool operator==(Float a, Float b);
inline Bool operator<(Float a, double c) { return a < a.constant(c); }
inline Bool operator<=(Float a, double c) { return a <= a.constant(c); }
inline Bool operator>(Float a, double c) { return a > a.constant(c); }
inline Bool operator>=(Float a, double c) { return a >= a.constant(c); }
inline Bool operator==(Float a, double c) { return a == a.constant(c); }
Bool isNan(Float x);
Bool isNan(Float x, Float y);
Bool isFinite(Float x);

Bool operator&(Bool a, Bool b);
Bool operator|(Bool a, Bool b);
Bool operator^(Bool a, Bool b);
Bool operator!(Bool a);

Int operator+(Int a, Int b);
Int operator-(Int a, Int b);
Int operator*(Int a, Int b);
Int operator&(Int a, Int b);
Int operator|(Int a, Int b);
Int operator^(Int a, Int b);
Int operator<<(Int a, Int b);
/// Shifts the sign in.
Int operator>>(Int a, Int b);
/// Shifts zeros in.
Int logicalShift(Int a, Int b);
inline Int operator+(Int a, int64_t c) { return a + a.constant(c); }
inline Int operator-(Int a, int64_t c) { return a - a.constant(c); }
inline Int operator&(Int a, int64_t c) { return a & a.constant(c); }
inline Int operator|(Int a, int64_t c) { return a | a.constant(c); }
inline Int operator<<(Int a, int64_t c) { return a << a.constant(c); }
inline Int operator>>(Int a, int64_t c) { return a >> a.constant(c); }
inline Int logicalShift(Int a, int64_t c) {
  return logicalShift(a, a.constant(c));
}
Bool notZero(Int a);
Int truncateTo32(Int a);

Float select(Bool condition, Float yes, Float no);
inline Float select(Bool condition, double yes, Float no) {
  return select(condition, no.constant(yes), no);
}
inline Float select(Bool condition, Float yes, double no) {
  return select(condition, yes, yes.constant(no));
}
Int select(Bool condition, Int yes, Int no);

/// The representation as an integer, and back.
Int bits(Float x);
Float fromBits(Int x);
/// An integer's value as a float of the same width; exact below the mantissa's
/// range.
Float toFloat(Int x);

/// x, but NaN where `from` is one. Payloads are dropped, so that targets which
/// treat them differently agree.
inline Float keepNan(Float from, Float x) {
  return select(isNan(from), x.nan(), x);
}
/// NaN passes.
Float clamp(Float x, double low, double high);

/// The integer nearest to an argument, ties to even.
struct Rounded {
  Float asFloat;
  Int asInt;
};
/// Rounds a * b, which has to be below 2^(mantissa bits - 2). Two additions
/// and no conversion: out-of-range conversions differ between targets, so NaN
/// and infinity need no guard here.
Rounded roundProduct(Float a, double b);

/// y * 2^k in two steps, so that neither a subnormal result is rounded twice
/// nor a large k overflows early.
Float scale(Float y, Int k);

/// A value and the rounding error that belongs to it.
struct DoubleFloat {
  Float high, low;
};
/// a + b exactly; the second wants |a| >= |b|.
DoubleFloat twoSum(Float a, Float b);
DoubleFloat fastTwoSum(Float a, Float b);
/// a * b exactly.
DoubleFloat twoProduct(Float a, Float b);

} // namespace bit::expand

#endif // BIT_CONVERSION_EXPANDMATH_EXPR_H
