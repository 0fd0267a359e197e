// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

namespace bit::expand {

Float canonicalSqrt(Float x) {
  // Not x < 0: LLVM's code generator takes "x < 0 ? NaN : sqrt(x)" for sqrt(x),
  // whose NaN is negative on x86 and positive on AArch64.
  double leastNegative = x.isDouble() ? -0x1p-1074 : -0x1p-149;
  return select((x <= leastNegative) | isNan(x), x.nan(), sqrt(x));
}

Float rsqrt(Float x) {
  return select((x < 0.0) | isNan(x), x.nan(), 1.0 / sqrt(x));
}

Float cbrt(Float x) {
  Float a = abs(x);
  Float y = exp(log(a) * (1.0 / 3.0));
  // One step of Newton's method for y^3 = a takes the error of exp and log off.
  y = y - (y - a / (y * y)) * (1.0 / 3.0);
  y = select((a == 0.0) | (a == a.infinity()), a, y);
  return keepNan(x, copySign(y, x));
}

Float pow(Float x, Float y, bool accurate) {
  Float a = abs(x);
  Float magnitude = exp(y * log(a));
  if (accurate) {
    // The exponent to more digits, where it is finite: at 709, one error in the
    // last of 53 would be 2^9 in the result.
    DoubleFloat l = logAsSum(a);
    DoubleFloat product = twoProduct(y, l.high);
    product.low = fma(y, l.low, product.low);
    Bool ordinary = isFinite(product.high) & isFinite(a) & (a > 0.0);
    magnitude = select(ordinary, expOfSum(product), magnitude);
  }
  magnitude = select((a == 1.0) | (y == 0.0), 1.0, magnitude);

  Bool yIsInteger = floor(y) == y;
  Float half = y * 0.5;
  Bool yIsOdd = yIsInteger & !(floor(half) == half) & isFinite(y);
  Float signedOne = select(yIsOdd, copySign(x.constant(1.0), x), 1.0);
  Float result = copySign(magnitude, signedOne);

  Bool undefined = (x < 0.0) & isFinite(x) & !yIsInteger & !isNan(y);
  // C99, F.9.4.4: 1^y and x^0 are 1 even if the other is NaN.
  Bool isOne = (x == 1.0) | (y == 0.0);
  result = select(undefined | (isNan(x, y) & !isOne), x.nan(), result);
  return result;
}

Int integerPow(Int x, Int n, int64_t width) {
  Int one = x.constant(1), square = x;
  Int y = one;
  for (int64_t digit = 0; digit + 1 < width; ++digit) {
    y = select(notZero(n & (int64_t(1) << digit)), y * square, y);
    square = square * square;
  }
  // To a negative power only 1 and -1 give an integer other than 0.
  Bool isOne = !notZero(x - 1), isMinusOne = !notZero(x + 1);
  Int negative = select(isOne, one, x.constant(0));
  Int alternating = select(notZero(n & 1), x.constant(-1), one);
  negative = select(isMinusOne, alternating, negative);
  return select(notZero(n >> (width - 1)), negative, y);
}

} // namespace bit::expand
