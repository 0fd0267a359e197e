// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// e^x = 2^k e^r with |r| <= ln(2) / 2.

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

static constexpr double log2OfE = 1.4426950408889634;
static constexpr double ln2 = 0.6931471805599453;
static constexpr double ln2Low = 2.3190468138462996e-17;

/// e^r - 1, relative to which it is accurate.
static Float expm1Reduced(Float r) {
  Float p = r.isDouble() ? polynomial(r, coefficients::expF64)
                         : polynomial(r, coefficients::expF32);
  return fma(r * r, p, r);
}

/// a - n ln(2). The first difference is exact, because its last digit is not
/// below ln(2)'s and its value is below 1/2.
static Float subtractLn2(Float a, Float n) {
  if (a.isDouble())
    return fma(n, -ln2Low, fma(n, -ln2, a));
  double high = double(float(ln2));
  return fma(n, -(ln2 - high), fma(n, -high, a));
}

// Beyond these bounds the result is 0 or infinity.
static Float clampExponent(Float x) {
  return x.isDouble() ? clamp(x, -746.0, 710.5) : clamp(x, -104.0, 89.0);
}

Float expTimesPowerOfTwo(Float x, int64_t shift) {
  Float a = clampExponent(x);
  Rounded n = roundProduct(a, log2OfE);
  Float y = expm1Reduced(subtractLn2(a, n.asFloat)) + 1.0;
  return keepNan(x, scale(y, shift ? n.asInt + shift : n.asInt));
}

Float exp(Float x) { return expTimesPowerOfTwo(x, 0); }

Float expOfSum(DoubleFloat x) {
  Float a = clampExponent(x.high);
  Rounded n = roundProduct(a, log2OfE);
  Float r = subtractLn2(a, n.asFloat);
  // Where the clamp cut, the low part belongs to a value that is not used.
  r = r + select(a == x.high, x.low, 0.0);
  return keepNan(x.high, scale(expm1Reduced(r) + 1.0, n.asInt));
}

Float exp2(Float x) {
  Float a = x.isDouble() ? clamp(x, -1080.0, 1025.0) : clamp(x, -152.0, 129.0);
  Rounded n = roundProduct(a, 1.0);
  Float r = (a - n.asFloat) * ln2;
  return keepNan(x, scale(expm1Reduced(r) + 1.0, n.asInt));
}

Float expm1(Float x) {
  // Below the first bound the result is -1; above the second, 1 is lost and
  // 2^k - 1 has too many digits.
  double middle = x.isDouble() ? 38.0 : 17.0;
  Float a = clamp(x, -middle, middle);
  Rounded n = roundProduct(a, log2OfE);
  Float p = expm1Reduced(subtractLn2(a, n.asFloat));
  Float power = scale(x.constant(1.0), n.asInt);
  Float y = fma(p, power, power - 1.0);
  y = select(x > middle, exp(x), y);
  // fma would turn -0 into +0.
  return keepNan(x, select(x == 0.0, x, y));
}

} // namespace bit::expand
