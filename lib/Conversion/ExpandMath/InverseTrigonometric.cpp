// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

static constexpr double halfPi = 0x1.921fb54442d18p+0;
static constexpr double halfPiLow = 0x1.1a62633145c07p-54;
static constexpr double tanOfEighthPi = 0.41421356237309503;

namespace {
/// base * pi/4 + u + tail; the base is 0, 1 or 2.
struct Angle {
  Float base, u, tail;
};
} // namespace

static Angle atanPositive(Float a) {
  Bool large = a > 1.0 / tanOfEighthPi;
  Bool middle = a > tanOfEighthPi;
  Float numerator = select(middle, a - 1.0, a);
  Float denominator = select(middle, a + 1.0, a.constant(1.0));
  Float base = select(middle, 1.0, a.constant(0.0));
  Float u = select(large, -1.0, numerator) / select(large, a, denominator);
  Float z = u * u;
  return {select(large, 2.0, base), u,
          u * z * polynomial(z, coefficients::atanF64)};
}

static Float add(Angle angle) {
  Float low = fma(angle.base, halfPiLow / 2, angle.tail);
  return fma(angle.base, halfPi / 2, angle.u + low);
}

Float atan(Float x) {
  return keepNan(x, copySign(add(atanPositive(abs(x))), x));
}

Float atan2(Float y, Float x) {
  Float a = abs(x), b = abs(y);
  Bool steep = b > a;
  Float small = select(steep, a, b), large = select(steep, b, a);
  Float quotient = select(small == large, 1.0, small / large);
  Angle angle = atanPositive(select(large == 0.0, 0.0, quotient));
  // Mirrored at the diagonal if steep, then at the second axis if x is behind.
  Float one = x.constant(1.0);
  Bool behind = copySign(one, x) < 0.0;
  Float sign = select(steep ^ behind, -1.0, one);
  Float base = select(steep, 2.0, select(behind, 4.0, x.constant(0.0)));
  angle = {fma(angle.base, sign, base), angle.u * sign, angle.tail * sign};
  return select(isNan(x, y), x.nan(), copySign(add(angle), y));
}

namespace {
/// asin(sqrt(z)) = high + low for 0 <= z <= 1/4.
struct HalfAngle {
  Float high, low;
};
} // namespace

/// asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)).
static HalfAngle asinOfRoot(Float a) {
  Float z = (1.0 - a) * 0.5;
  Float s = sqrt(z);
  Float lost = select(s == 0.0, 0.0, fma(-s, s, z) / (s * 2.0));
  return {s, fma(s * z, polynomial(z, coefficients::asinF64), lost)};
}

static Float asinTail(Float x) {
  Float z = x * x;
  return x * z * polynomial(z, coefficients::asinF64);
}

Float asin(Float x) {
  Float a = abs(x);
  HalfAngle half = asinOfRoot(a);
  Float large = (halfPi - half.high * 2.0) - (half.low * 2.0 - halfPiLow);
  Float y = copySign(select(a <= 0.5, a + asinTail(a), large), x);
  return select((a > 1.0) | isNan(x), x.nan(), y);
}

Float acos(Float x) {
  Float a = abs(x);
  HalfAngle half = asinOfRoot(a);
  Float ahead = half.high * 2.0 + half.low * 2.0;
  Float behind =
      2.0 * halfPi - (half.high * 2.0 + (half.low * 2.0 - 2.0 * halfPiLow));
  Float y = select(x > 0.0, ahead, behind);
  y = select(a <= 0.5, halfPi - (x + (asinTail(x) - halfPiLow)), y);
  return select((a > 1.0) | isNan(x), x.nan(), y);
}

} // namespace bit::expand
