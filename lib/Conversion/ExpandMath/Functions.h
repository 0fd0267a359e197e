// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions, for float and double unless their comment says double.
// Methods: W. J. Cody and W. Waite, "Software Manual for the Elementary
// Functions" (1980); J.-M. Muller, "Elementary Functions" (2016).

#ifndef BIT_CONVERSION_EXPANDMATH_FUNCTIONS_H
#define BIT_CONVERSION_EXPANDMATH_FUNCTIONS_H

#include "Expr.h"

namespace bit::expand {

// Exp.cpp
Float exp(Float x);
Float exp2(Float x);
Float expm1(Float x);
/// e^x 2^shift without overflow on the way.
Float expTimesPowerOfTwo(Float x, int64_t shift);
/// e^(x.high + x.low), of double.
Float expOfSum(DoubleFloat x);

// Log.cpp
Float log(Float x);
Float log2(Float x);
Float log10(Float x);
Float log1p(Float x);
/// log x to about 2^-65, of a positive double.
DoubleFloat logAsSum(Float x);

// Power.cpp
Float canonicalSqrt(Float x);
Float rsqrt(Float x);
Float cbrt(Float x);
/// Of doubles; `accurate` if the result is to be one, too.
Float pow(Float x, Float y, bool accurate);
/// Modulo 2^width, by squaring; 0 to a negative power gives 0.
Int integerPow(Int x, Int n, int64_t width);

// Hyperbolic.cpp; all but tanh of double
Float tanh(Float x);
Float sinh(Float x);
Float cosh(Float x);
Float asinh(Float x);
Float acosh(Float x);
Float atanh(Float x);

// ErrorFunction.cpp; erfc of double
Float erf(Float x);
Float erfc(Float x);

// Reduction.cpp
/// x = quarter * pi/2 + rest, quarter modulo 4 in its low digits. The rest is
/// exact to 2^-53 of itself for every finite float or double.
struct Reduced {
  DoubleFloat rest;
  Int quarter;
};
/// Of a double; `fromSingle` if it was a float, which shortens the table.
Reduced reduceByHalfPi(Float x, bool fromSingle);

// Trigonometric.cpp; tan of double
Float sin(Float x);
Float cos(Float x);
Float tan(Float x, bool fromSingle);

// InverseTrigonometric.cpp; of double
Float asin(Float x);
Float acos(Float x);
Float atan(Float x);
Float atan2(Float y, Float x);

// Round.cpp
/// To the nearest integer, ties away from zero.
Float round(Float x);

} // namespace bit::expand

#endif // BIT_CONVERSION_EXPANDMATH_FUNCTIONS_H
