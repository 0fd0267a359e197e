// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

namespace bit::expand {

Float round(Float x) {
  // |x| + 1/2 could round up to the next integer, so the fraction is compared.
  Float whole = trunc(x);
  Bool up = abs(x - whole) >= 0.5;
  Float y = whole + select(up, copySign(x.constant(1.0), x), 0.0);
  // Keeps the sign of zero, and infinity, whose fraction is NaN.
  return keepNan(x, copySign(y, x));
}

} // namespace bit::expand
