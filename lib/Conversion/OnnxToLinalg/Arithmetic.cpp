// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace bit::onnx;

using Elements = ArrayRef<Value>;

static Value sum(ScalarBuilder &s, Elements x) {
  Value total = x.front();
  for (Value term : x.drop_front())
    total = s.add(total, term);
  return total;
}

static Value sign(ScalarBuilder &s, Value x) {
  Value zero = s.number(0);
  // NaN stays what it is.
  Value negative =
      s.isUnsigned() ? x : s.select(s.less(x, zero), s.number(-1), x);
  return s.select(s.less(zero, x), s.number(1), negative);
}

/// An amount below 0 or above the width leaves nothing but the sign.
static Value shift(ScalarBuilder &s, Value x, Value amount, bool left) {
  unsigned width = s.getType().getIntOrFloatBitWidth();
  Value inRange =
      s.make<arith::CmpIOp>(arith::CmpIPredicate::ult, amount, s.number(width));
  Value safe = s.select(inRange, amount, s.number(0));
  if (left)
    return s.select(inRange, s.make<arith::ShLIOp>(x, safe), s.number(0));
  if (s.isUnsigned())
    return s.select(inRange, s.make<arith::ShRUIOp>(x, safe), s.number(0));
  return s.make<arith::ShRSIOp>(x,
                                s.select(inRange, amount, s.number(width - 1)));
}

/// Integer power by squaring; a negative exponent gives 1 / x^n, truncated.
static Value integerPower(ScalarBuilder &s, Value base, Value exponent,
                          Type exponentType) {
  OpBuilder &builder = s.builder;
  ScalarBuilder e(builder, s.loc, exponentType);
  Value one = s.number(1);
  auto loop = scf::WhileOp::create(
      builder, s.loc, TypeRange{s.getType(), s.getType(), e.getType()},
      ValueRange{one, base, exponent},
      [&](OpBuilder &, Location, ValueRange state) {
        Value more = e.less(e.number(0), state[2]);
        scf::ConditionOp::create(builder, s.loc, more, state);
      },
      [&](OpBuilder &, Location, ValueRange state) {
        Value odd =
            e.equal(e.make<arith::AndIOp>(state[2], e.number(1)), e.number(1));
        Value product = s.select(odd, s.mul(state[0], state[1]), state[0]);
        Value rest = e.make<arith::ShRUIOp>(state[2], e.number(1));
        scf::YieldOp::create(
            builder, s.loc,
            ValueRange{product, s.mul(state[1], state[1]), rest});
      });
  Value power = loop.getResult(0);
  if (e.isUnsigned())
    return power;
  // 1 and -1 have themselves as inverse, of the others nothing is left.
  Value parity =
      e.equal(e.make<arith::AndIOp>(exponent, e.number(1)), e.number(1));
  Value inverse = s.select(s.equal(base, one), one, s.number(0));
  if (!s.isUnsigned())
    inverse = s.select(s.equal(base, s.number(-1)),
                       s.select(parity, s.number(-1), one), inverse);
  return s.select(e.less(exponent, e.number(0)), inverse, power);
}

/// Computed in the base's type; of an integer with a float exponent in f64.
static Value power(ScalarBuilder &s, Elements x, PowOp op) {
  Type baseType = elementType(op.getX()), exponentType = elementType(op.getY());
  if (isa<IntegerType>(baseType) && isa<IntegerType>(exponentType))
    return integerPower(s, x[0], x[1], exponentType);
  OpBuilder &b = s.builder;
  Type wide = s.isFloat() ? s.getType() : b.getF64Type();
  Value base = castScalar(b, s.loc, x[0], baseType, wide);
  Value exponent = castScalar(b, s.loc, x[1], exponentType, wide);
  Value result = s.make<math::PowFOp>(base, exponent);
  return castScalar(b, s.loc, result, wide, baseType);
}

void bit::onnx::addArithmeticPatterns(PatternList &list) {
  addElementwise<AddOp>(list, [](ScalarBuilder &s, Elements x, AddOp) {
    return s.add(x[0], x[1]);
  });
  addElementwise<SubOp>(list, [](ScalarBuilder &s, Elements x, SubOp) {
    return s.sub(x[0], x[1]);
  });
  addElementwise<MulOp>(list, [](ScalarBuilder &s, Elements x, MulOp) {
    return s.mul(x[0], x[1]);
  });
  addElementwise<DivOp>(list, [](ScalarBuilder &s, Elements x, DivOp) {
    return s.div(x[0], x[1]);
  });
  addElementwise<ModOp>(list, [](ScalarBuilder &s, Elements x, ModOp op) {
    return op.getFmod() ? s.truncMod(x[0], x[1]) : s.floorMod(x[0], x[1]);
  });
  addElementwise<PowOp>(list, power);
  addElementwise<NegOp>(
      list, [](ScalarBuilder &s, Elements x, NegOp) { return s.neg(x[0]); });
  addElementwise<AbsOp>(
      list, [](ScalarBuilder &s, Elements x, AbsOp) { return s.abs(x[0]); });
  addElementwise<SignOp>(
      list, [](ScalarBuilder &s, Elements x, SignOp) { return sign(s, x[0]); });
  addElementwise<ReciprocalOp>(list,
                               [](ScalarBuilder &s, Elements x, ReciprocalOp) {
                                 return s.div(s.number(1), x[0]);
                               });
  addElementwise<SumOp>(
      list, [](ScalarBuilder &s, Elements x, SumOp) { return sum(s, x); });
  addElementwise<MeanOp>(list, [](ScalarBuilder &s, Elements x, MeanOp) {
    return s.div(sum(s, x), s.number(x.size()));
  });
  addElementwise<MinOp>(list, [](ScalarBuilder &s, Elements x, MinOp) {
    Value least = x.front();
    for (Value other : x.drop_front())
      least = s.min(least, other);
    return least;
  });
  addElementwise<MaxOp>(list, [](ScalarBuilder &s, Elements x, MaxOp) {
    Value greatest = x.front();
    for (Value other : x.drop_front())
      greatest = s.max(greatest, other);
    return greatest;
  });
  addElementwise<BitShiftOp>(
      list, [](ScalarBuilder &s, Elements x, BitShiftOp op) {
        return shift(s, x[0], x[1], op.getDirection() == "LEFT");
      });
  addElementwise<BitwiseAndOp>(list,
                               [](ScalarBuilder &s, Elements x, BitwiseAndOp) {
                                 return s.make<arith::AndIOp>(x[0], x[1]);
                               });
  addElementwise<BitwiseOrOp>(list,
                              [](ScalarBuilder &s, Elements x, BitwiseOrOp) {
                                return s.make<arith::OrIOp>(x[0], x[1]);
                              });
  addElementwise<BitwiseXorOp>(list,
                               [](ScalarBuilder &s, Elements x, BitwiseXorOp) {
                                 return s.make<arith::XOrIOp>(x[0], x[1]);
                               });
  addElementwise<BitwiseNotOp>(
      list, [](ScalarBuilder &s, Elements x, BitwiseNotOp) {
        return s.make<arith::XOrIOp>(x[0], s.number(-1));
      });
}
