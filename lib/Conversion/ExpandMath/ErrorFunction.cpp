// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Coefficients.h"
#include "Functions.h"

namespace bit::expand {

static Float erfSingle(Float x) {
  Float a = abs(x);
  Float z = x * x;
  Float small = fma(a, polynomial(z, coefficients::erfF32), a);
  // Above 3.95 the result is 1.
  Float t = select(a > 3.95, 3.95, a);
  Float large = 1.0 - exp(-polynomial(t, coefficients::erfTailF32));
  Float y = select(a < 0.92, small, large);
  return keepNan(x, copySign(y, x));
}

/// erfc(a), 0.9 <= a, by the polynomial in (a - 2) / (a + 2) of M. Shepherd and
/// J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in
/// 0 <= x < infinity", Math. Comp. 36 (1981).
static Float erfcTail(Float a) {
  Float t = clamp(a, 0.9, 28.0);
  DoubleFloat square = twoProduct(t, t);
  Float e = expOfSum({-square.high, -square.low});
  Float p = polynomial((t - 2.0) / (t + 2.0), coefficients::erfcxF64);
  return e * (p / fma(t, 2.0, 1.0));
}

static Float erfSmall(Float a) {
  return fma(a, polynomial(a * a, coefficients::erfF64), a);
}

Float erf(Float x) {
  if (!x.isDouble())
    return erfSingle(x);
  Float a = abs(x);
  Float y = select(a < 1.0, erfSmall(a), 1.0 - erfcTail(a));
  return keepNan(x, copySign(y, x));
}

Float erfc(Float x) {
  Float a = abs(x);
  Float tail = erfcTail(a);
  tail = select(x < 0.0, 2.0 - tail, tail);
  Float y = select(a < 1.0, 1.0 - copySign(erfSmall(a), x), tail);
  return keepNan(x, y);
}

} // namespace bit::expand
