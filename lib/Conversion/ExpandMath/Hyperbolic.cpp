// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

static Float tanhSingle(Float x) {
  Float a = abs(x);
  Float z = x * x;
  Float small = fma(z * a, polynomial(z, coefficients::tanhF32), a);
  // 1 - 2 / (e^(2a) + 1); at 10 the quotient is below half a digit.
  Float e = exp(select(a > 10.0, 10.0, a) * 2.0);
  Float large = 1.0 - 2.0 / (e + 1.0);
  Float y = select(a < 0.625, small, large);
  return keepNan(x, copySign(y, x));
}

Float tanh(Float x) {
  if (!x.isDouble())
    return tanhSingle(x);
  Float a = abs(x);
  // t / (t + 2) of t = e^(2a) - 1, and 1 - 2 / (t + 2) where that is better.
  Float t = expm1(select(a > 20.0, 20.0, a) * 2.0);
  Bool small = a < 0.6;
  Float quotient = select(small, t, -2.0) / (t + 2.0);
  Float y = select(small, quotient, 1.0 + quotient);
  return keepNan(x, copySign(y, x));
}

Float sinh(Float x) {
  Float a = abs(x);
  Float t = expm1(clamp(a, 0.0, 40.0));
  Float y = 0.5 * (t + t / (t + 1.0));
  y = select(a > 40.0, expTimesPowerOfTwo(a, -1), y);
  return keepNan(x, copySign(y, x));
}

Float cosh(Float x) {
  Float half = expTimesPowerOfTwo(abs(x), -1);
  return keepNan(x, half + 0.25 / half);
}

/// log(2 a), for a so large that a + 1 == a.
static Float logOfTwice(Float a) { return log(a) + 0.6931471805599453; }

Float asinh(Float x) {
  Float a = abs(x);
  Float large = logOfTwice(a);
  Float b = clamp(a, 0.0, 0x1p30);
  Float square = b * b;
  Float y = log1p(b + square / (1.0 + sqrt(square + 1.0)));
  return keepNan(x, copySign(select(a > 0x1p28, large, y), x));
}

Float acosh(Float x) {
  Float large = logOfTwice(x);
  Float t = clamp(x, 1.0, 0x1p30) - 1.0;
  Float y = log1p(t + sqrt(fma(t, t, t * 2.0)));
  y = select(x > 0x1p28, large, y);
  return select((x < 1.0) | isNan(x), x.nan(), y);
}

Float atanh(Float x) {
  Float a = abs(x);
  Float y = 0.5 * log1p(2.0 * a / (1.0 - a));
  y = copySign(y, x);
  return select((a > 1.0) | isNan(x), x.nan(), y);
}

} // namespace bit::expand
