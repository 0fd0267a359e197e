// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

namespace {
struct SinCos {
  Float sin, cos;
};
} // namespace

/// Of a double in [-pi/4, pi/4].
static SinCos evaluateDouble(DoubleFloat r) {
  Float x = r.high;
  Float z = x * x;
  Float half = z * 0.5;
  Float one = 1.0 - half;
  Float lost = (1.0 - one) - half;
  Float tail = fma(x * z, polynomial(z, coefficients::sinF64), r.low * one);
  Float s = x + tail;
  Float c = one + (lost + fma(z * z, polynomial(z, coefficients::cosF64),
                              -(x * r.low)));
  return {s, c};
}

static SinCos evaluateSingle(Float x) {
  Float z = x * x;
  Float s = fma(x * z, polynomial(z, coefficients::sinF32), x);
  Float lack = fma(-(z * z), polynomial(z, coefficients::cosF32), z * 0.5);
  Float c = 1.0 - lack;
  return {s, c};
}

/// sin of the angle that lies `ahead` quarter turns behind x.
static Float sinAhead(Float x, int64_t ahead) {
  bool single = !x.isDouble();
  Reduced r = reduceByHalfPi(single ? toDouble(x) : x, single);
  SinCos values =
      single ? evaluateSingle(toSingle(r.rest.high)) : evaluateDouble(r.rest);
  Int quarter = ahead ? r.quarter + ahead : r.quarter;
  if (single) // only the low digits count
    quarter = truncateTo32(quarter);
  Float y = select(notZero(quarter & 1), values.cos, values.sin);
  int64_t signShift = single ? 30 : 62;
  y = fromBits(bits(y) ^ ((quarter & 2) << signShift));
  return select(isFinite(x), y, x.nan());
}

Float sin(Float x) {
  // The reduction turns -0 into +0.
  return select(x == 0.0, x, sinAhead(x, 0));
}

Float cos(Float x) { return sinAhead(x, 1); }

Float tan(Float x, bool fromSingle) {
  Reduced r = reduceByHalfPi(x, fromSingle);
  auto [s, c] = evaluateDouble(r.rest);
  Bool odd = notZero(r.quarter & 1);
  Float y = select(odd, -c, s) / select(odd, s, c);
  y = select(x == 0.0, x, y);
  return select(isFinite(x), y, x.nan());
}

} // namespace bit::expand
