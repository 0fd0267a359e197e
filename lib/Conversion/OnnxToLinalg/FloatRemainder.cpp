// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C's fmod without libm, exact as there.

#include "ScalarBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace bit::onnx;

/// r - q * y for q = r / y, rounded: an integer if it is large, else truncated.
/// A fused multiply-add gives it exactly, and each one takes a mantissa's worth
/// of bits off r.
static Value takeOff(ScalarBuilder &s, Value r, Value y) {
  const bool isDouble = s.getType().isF64();
  Value quotient = s.div(r, y);
  // A quotient that overflows is taken by a multiple of y that still fits.
  Value overflows = s.equal(s.abs(quotient), s.highest());
  Value scale = s.number(std::ldexp(1.0, isDouble ? 900 : 100));
  Value unit = s.select(overflows, s.mul(y, scale), y);
  quotient = s.make<math::TruncOp>(s.div(r, unit));
  return s.fma(s.neg(quotient), unit, r);
}

Value bit::onnx::floatRemainder(ScalarBuilder &s, Value a, Value b) {
  Value x = s.abs(a), y = s.abs(b), zero = s.number(0);
  Value isFinite = s.less(x, s.highest());
  Value isValid = s.make<arith::AndIOp>(isFinite, s.less(zero, y));
  // Nothing to do for operands without remainder; false for NaN, too.
  Value start = s.select(isValid, x, zero);
  auto loop = scf::WhileOp::create(
      s.builder, s.loc, s.getType(), start,
      [&](OpBuilder &, Location, ValueRange r) {
        Value more =
            s.make<arith::AndIOp>(s.lessOrEqual(y, s.abs(r[0])), isValid);
        scf::ConditionOp::create(s.builder, s.loc, more, r);
      },
      [&](OpBuilder &, Location, ValueRange r) {
        scf::YieldOp::create(s.builder, s.loc, takeOff(s, r[0], y));
      });
  Value r = loop.getResult(0);
  r = s.select(s.less(r, zero), s.add(r, y), r);
  r = s.make<math::CopySignOp>(r, a);
  return s.select(isValid, r,
                  s.number(std::numeric_limits<double>::quiet_NaN()));
}
