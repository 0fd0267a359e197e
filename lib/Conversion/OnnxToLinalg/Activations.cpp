// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

using Elements = ArrayRef<Value>;

static Value number(ScalarBuilder &s, const APFloat &value) {
  return s.number(value.convertToDouble());
}

static Value sigmoid(ScalarBuilder &s, Value x) {
  Value one = s.number(1);
  return s.div(one, s.add(one, s.make<math::ExpOp>(s.neg(x))));
}

/// log(1 + exp(x)) without overflow.
static Value softplus(ScalarBuilder &s, Value x) {
  Value tail = s.make<math::ExpOp>(s.neg(s.abs(x)));
  return s.add(s.max(x, s.number(0)), s.make<math::Log1pOp>(tail));
}

static Value halfTimes(ScalarBuilder &s, Value x, Value factor) {
  return s.mul(s.mul(s.number(0.5), x), s.add(s.number(1), factor));
}

static Value geluErf(ScalarBuilder &s, Value x) {
  Value scaled = s.mul(x, s.number(0.70710678118654752440));
  return halfTimes(s, x, s.make<math::ErfOp>(scaled));
}

static Value geluTanh(ScalarBuilder &s, Value x) {
  Value cube = s.mul(x, s.mul(x, x));
  Value inner = s.add(x, s.mul(s.number(0.044715), cube));
  Value scaled = s.mul(s.number(0.79788456080286535588), inner);
  return halfTimes(s, x, s.make<math::TanhOp>(scaled));
}

/// x where it is positive, else `negative`.
static Value ifPositive(ScalarBuilder &s, Value x, Value negative) {
  return s.select(s.less(x, s.number(0)), negative, x);
}

static Value expMinusOne(ScalarBuilder &s, Value x) {
  return s.make<math::ExpM1Op>(x);
}

/// Integers are compared and moved as f64, and truncated. (They have no
/// negative lambd where they have no sign.)
static Value shrink(ScalarBuilder &s, Elements x, ShrinkOp op) {
  Type onnxType = s.getOnnxType();
  const bool isFloat = s.isFloat();
  ScalarBuilder wide(s.builder, s.loc,
                     isFloat ? s.getType() : Type(s.builder.getF64Type()));
  Value element =
      isFloat ? x[0]
              : castScalar(s.builder, s.loc, x[0], onnxType, wide.getType());
  Value bias = number(wide, op.getBias()), lambd = number(wide, op.getLambd());
  Value high = wide.select(wide.less(lambd, element), wide.sub(element, bias),
                           wide.number(0));
  Value y = wide.select(wide.less(element, wide.neg(lambd)),
                        wide.add(element, bias), high);
  return isFloat ? y
                 : castScalar(s.builder, s.loc, y, wide.getType(), onnxType);
}

/// Clip's bounds are operands that may be missing: then they are the least and
/// the greatest finite number, which infinities exceed.
static Value clip(ScalarBuilder &s, Elements x, ClipOp op) {
  auto type = dyn_cast<FloatType>(s.getOnnxType());
  auto greatest = [&](bool isNegative) {
    return s.number(APFloat::getLargest(type.getFloatSemantics(), isNegative)
                        .convertToDouble());
  };
  Value result = x.front();
  unsigned next = 1;
  if (op.getMin())
    result = s.max(result, x[next++]);
  else if (type)
    result = s.max(result, greatest(/*isNegative=*/true));
  if (op.getMax())
    return s.min(result, x[next]);
  return type ? s.min(result, greatest(/*isNegative=*/false)) : result;
}

static void addOnnxPatterns(PatternList &list) {
  addElementwise<ReluOp>(list, [](ScalarBuilder &s, Elements x, ReluOp) {
    return s.max(x[0], s.number(0));
  });
  addElementwise<LeakyReluOp>(
      list, [](ScalarBuilder &s, Elements x, LeakyReluOp op) {
        return ifPositive(s, x[0], s.mul(number(s, op.getAlpha()), x[0]));
      });
  addElementwise<PReluOp>(list, [](ScalarBuilder &s, Elements x, PReluOp) {
    return ifPositive(s, x[0], s.mul(x[1], x[0]));
  });
  addElementwise<ThresholdedReluOp>(
      list, [](ScalarBuilder &s, Elements x, ThresholdedReluOp op) {
        return s.select(s.lessOrEqual(x[0], number(s, op.getAlpha())),
                        s.number(0), x[0]);
      });
  addElementwise<EluOp>(list, [](ScalarBuilder &s, Elements x, EluOp op) {
    return ifPositive(s, x[0],
                      s.mul(number(s, op.getAlpha()), expMinusOne(s, x[0])));
  });
  addElementwise<SeluOp>(list, [](ScalarBuilder &s, Elements x, SeluOp op) {
    Value negative = s.mul(number(s, op.getAlpha()), expMinusOne(s, x[0]));
    return s.mul(number(s, op.getGamma()), ifPositive(s, x[0], negative));
  });
  addElementwise<CeluOp>(list, [](ScalarBuilder &s, Elements x, CeluOp op) {
    Value alpha = number(s, op.getAlpha());
    return ifPositive(s, x[0],
                      s.mul(alpha, expMinusOne(s, s.div(x[0], alpha))));
  });
  addElementwise<SigmoidOp>(list, [](ScalarBuilder &s, Elements x, SigmoidOp) {
    return sigmoid(s, x[0]);
  });
  addElementwise<SwishOp>(list, [](ScalarBuilder &s, Elements x, SwishOp op) {
    return s.mul(x[0], sigmoid(s, s.mul(number(s, op.getAlpha()), x[0])));
  });
  addElementwise<HardSigmoidOp>(list, [](ScalarBuilder &s, Elements x,
                                         HardSigmoidOp op) {
    Value line =
        s.add(s.mul(number(s, op.getAlpha()), x[0]), number(s, op.getBeta()));
    return s.max(s.number(0), s.min(s.number(1), line));
  });
  addElementwise<HardSwishOp>(
      list, [](ScalarBuilder &s, Elements x, HardSwishOp) {
        Value line = s.add(s.mul(s.number(1.0 / 6), x[0]), s.number(0.5));
        return s.mul(x[0], s.max(s.number(0), s.min(s.number(1), line)));
      });
  addElementwise<SoftplusOp>(list,
                             [](ScalarBuilder &s, Elements x, SoftplusOp) {
                               return softplus(s, x[0]);
                             });
  addElementwise<SoftsignOp>(
      list, [](ScalarBuilder &s, Elements x, SoftsignOp) {
        return s.div(x[0], s.add(s.number(1), s.abs(x[0])));
      });
  addElementwise<MishOp>(list, [](ScalarBuilder &s, Elements x, MishOp) {
    return s.mul(x[0], s.make<math::TanhOp>(softplus(s, x[0])));
  });
  addElementwise<GeluOp>(list, [](ScalarBuilder &s, Elements x, GeluOp op) {
    return op.getApproximate() == "tanh" ? geluTanh(s, x[0]) : geluErf(s, x[0]);
  });
  addElementwise<ClipOp>(list, clip);
  addElementwise<ShrinkOp>(list, shrink);
}

static void addMicrosoftPatterns(PatternList &list) {
  addElementwise<MSGeluOp>(list, [](ScalarBuilder &s, Elements x, MSGeluOp) {
    return geluErf(s, x[0]);
  });
  addElementwise<MSBiasGeluOp>(list,
                               [](ScalarBuilder &s, Elements x, MSBiasGeluOp) {
                                 return geluErf(s, s.add(x[0], x[1]));
                               });
  addElementwise<MSFastGeluOp>(
      list, [](ScalarBuilder &s, Elements x, MSFastGeluOp) {
        return geluTanh(s, x.size() == 2 ? s.add(x[0], x[1]) : x[0]);
      });
  addElementwise<MSQuickGeluOp>(
      list, [](ScalarBuilder &s, Elements x, MSQuickGeluOp op) {
        return s.mul(x[0], sigmoid(s, s.mul(number(s, op.getAlpha()), x[0])));
      });
}

void bit::onnx::addActivationPatterns(PatternList &list) {
  addOnnxPatterns(list);
  addMicrosoftPatterns(list);
}
