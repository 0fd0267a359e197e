// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// log x = k ln(2) + log(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

static constexpr double ln2 = 0.6931471805599453;
static constexpr double ln2Low = 2.3190468138462996e-17;

namespace {
struct Split {
  Float f, k;
};
} // namespace

/// Of a positive finite x; anything else gives some number.
static Split split(Float x) {
  int64_t digits = x.mantissaBits();
  double smallestNormal = x.isDouble() ? 0x1p-1022 : 0x1p-126;
  Bool subnormal = x < smallestNormal;
  double lift = double(int64_t(1) << (digits + 1));
  Float a = select(subnormal, x * lift, x);
  Int i = bits(a);
  Int k = (i - bits(x.constant(0.70710678118654752))) >> digits;
  Float m = fromBits(i - (k << digits));
  Int unlift = select(subnormal, k.constant(digits + 1), k.constant(0));
  return {m - 1.0, toFloat(k - unlift)};
}

/// The results that the formula does not give, NaN among them.
static Float finish(Float x, Float y) {
  y = select(x == x.infinity(), x, y);
  y = select(x == 0.0, -x.infinity(), y);
  return select((x < 0.0) | isNan(x), x.nan(), y);
}

static Float logSingle(Float x) {
  auto [f, k] = split(x);
  Float z = f * f;
  Float tail = f * z * polynomial(f, coefficients::logF32);
  double high = double(float(ln2));
  tail = fma(k, ln2 - high, tail);
  Float y = f + fma(z, -0.5, tail);
  return finish(x, fma(k, high, y));
}

/// log(1 + f) + add of double, by s = f / (2 + f) and log(1 + f) = 2 atanh(s),
/// in the form f - (f^2/2 - s (f^2/2 + R)) that keeps f's digits.
static Float logOfOnePlus(Float f, Float *add = nullptr) {
  Float s = f / (f + 2.0);
  Float z = s * s;
  Float half = f * f * 0.5;
  Float r = z * polynomial(z, coefficients::logF64);
  Float product = s * (half + r);
  return f - (half - (add ? product + *add : product));
}

Float log(Float x) {
  if (!x.isDouble())
    return logSingle(x);
  auto [f, k] = split(x);
  Float low = k * ln2Low;
  return finish(x, fma(k, ln2, logOfOnePlus(f, &low)));
}

Float log2(Float x) {
  auto [f, k] = split(x);
  Float t = logOfOnePlus(f);
  Float low = fma(t, 2.0355273740931033e-17, k);
  return finish(x, fma(t, 1.4426950408889634, low));
}

Float log10(Float x) {
  auto [f, k] = split(x);
  Float t = logOfOnePlus(f);
  Float low = fma(k, -2.8037281277851704e-18, t * 1.098319650216765e-17);
  low = fma(t, 0.4342944819032518, low);
  return finish(x, fma(k, 0.30102999566398120, low));
}

Float log1p(Float x) {
  Float u = x + 1.0;
  // What the addition rounded off, as far as log sees it.
  Float lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0));
  lost = lost / u;
  Bool plain = (u > 0.0) & isFinite(x);
  Float y = select(plain, log(u) + lost, log(u));
  // Where u == 1, log(u) is 0 and -0 has to stay.
  return select(x == 0.0, x, y);
}

DoubleFloat logAsSum(Float x) {
  auto [f, k] = split(x);
  // s = f / (2 + f) and its error.
  DoubleFloat denominator = fastTwoSum(f.constant(2.0), f);
  Float s = f / denominator.high;
  Float sLow = fma(-s, denominator.high, f);
  sLow = fma(-s, denominator.low, sLow) / denominator.high;
  // 2 s + 2/3 s^3 exactly enough, the rest by the polynomial.
  DoubleFloat z = twoProduct(s, s);
  z.low = fma(s * 2.0, sLow, z.low);
  DoubleFloat cube = twoProduct(s, z.high);
  cube.low = cube.low + fma(s, z.low, sLow * z.high);
  DoubleFloat third = twoProduct(cube.high, cube.high.constant(2.0 / 3.0));
  third.low = third.low +
              fma(cube.high, 3.7007434154171883e-17, cube.low * (2.0 / 3.0));
  Float tail =
      cube.high * z.high * polynomial(z.high, coefficients::logTailF64);
  DoubleFloat sum = fastTwoSum(s * 2.0, third.high);
  Float low = sum.low + (fma(sLow, 2.0, third.low) + tail);
  // k ln(2), whose parts are exact in the same way.
  DoubleFloat scaled = twoProduct(k, k.constant(ln2));
  DoubleFloat total = twoSum(scaled.high, sum.high);
  low = low + (total.low + fma(k, ln2Low, scaled.low));
  return fastTwoSum(total.high, low);
}

} // namespace bit::expand
