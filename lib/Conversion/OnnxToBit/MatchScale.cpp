// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The upper half of the picture in docs/recognition.md: from the absolute
// maximum or mean to scaled activations. A variant is a case in one of the
// functions.

#include "MatchQuantizer.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include <cmath>

using namespace mlir;

namespace bit {

Value skipIdentity(Value value) {
  while (auto identity = value.getDefiningOp<onnx::IdentityOp>())
    value = identity.getInput();
  return value;
}

std::optional<ComputeType> getComputeType(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type)
    return std::nullopt;
  Type element = type.getElementType();
  if (element.isF32())
    return ComputeType::F32;
  if (element.isF16())
    return ComputeType::F16;
  return element.isBF16() ? std::optional(ComputeType::BF16) : std::nullopt;
}

Value skipFloatCasts(Value value) {
  while (auto cast = getDefining<onnx::CastOp>(value)) {
    if (!getComputeType(cast.getResult()) || !getComputeType(cast.getInput()))
      break;
    value = cast.getInput();
  }
  return skipIdentity(value);
}

std::optional<unsigned> matchMaxCode(Value value) {
  std::optional<double> q = onnx::evaluateScalar(value);
  if (q && *q >= 1 && *q <= 128 && *q == std::floor(*q))
    return unsigned(*q);
  return std::nullopt;
}

namespace {

/// Q where `value` is 1 / Q, rounded to its type.
std::optional<unsigned> matchInverseMaxCode(Value value) {
  std::optional<double> inverse = onnx::evaluateScalar(value);
  std::optional<ComputeType> type = getComputeType(value);
  if (!inverse || !type || !(*inverse > 0))
    return std::nullopt;
  double q = std::round(1 / *inverse);
  if (q < 1 || q > 128 ||
      float(*inverse) != roundTo(*type, 1.0f / static_cast<float>(q)))
    return std::nullopt;
  return unsigned(q);
}

//===----------------------------------------------------------------------===//
// The statistic
//===----------------------------------------------------------------------===//

/// Whether no element is below 0, so that it is its own magnitude.
bool isNonNegative(Value value) {
  Operation *op = skipIdentity(value).getDefiningOp();
  if (isa_and_nonnull<onnx::ReluOp, onnx::SigmoidOp, onnx::SoftmaxOp,
                      onnx::ExpOp, onnx::AbsOp>(op))
    return true;
  auto clip = dyn_cast_or_null<onnx::ClipOp>(op);
  std::optional<double> low = clip && clip.getMin()
                                  ? onnx::evaluateScalar(clip.getMin())
                                  : std::nullopt;
  return low && *low >= 0;
}

/// The value before it was widened to f32.
Value skipWidening(Value value) {
  value = skipIdentity(value);
  auto cast = value.getDefiningOp<onnx::CastOp>();
  if (!cast || getComputeType(value) != ComputeType::F32 ||
      !getComputeType(cast.getInput()))
    return value;
  return skipIdentity(cast.getInput());
}

/// Looks through casts that change nothing of elements of `input`: to f32, or
/// back to the type that they came from. torch exports |x| of halves with them.
Value skipExactCasts(Value value, Value input) {
  Value source = skipWidening(input);
  std::optional<ComputeType> narrow = getComputeType(source);
  auto isExact = [&](Value value) {
    std::optional<ComputeType> type = getComputeType(value);
    return type && (type == ComputeType::F32 || type == narrow);
  };
  while (auto cast = getDefining<onnx::CastOp>(value)) {
    // What makes the elements of `input` may round.
    if (skipIdentity(value) == source || !isExact(cast.getResult()) ||
        !isExact(cast.getInput()))
      break;
    value = cast.getInput();
  }
  return skipIdentity(value);
}

/// Whether `value` is |input|.
bool isMagnitude(Value value, Value input) {
  Value source = skipWidening(input);
  auto isInput = [&](Value value) {
    return skipIdentity(value) == input ||
           skipExactCasts(value, input) == source;
  };
  if (isInput(value))
    return isNonNegative(input) || isNonNegative(source);
  auto abs = skipExactCasts(value, input).getDefiningOp<onnx::AbsOp>();
  return abs && isInput(abs.getX());
}

/// Over which elements of `input` a reduction of it, or of its magnitudes,
/// goes. `keepsRank` says that its result has a last dimension of 1.
template <typename OpTy>
std::optional<ActivationGranularity> getGranularity(OpTy reduce, Value input,
                                                    bool keepsRank) {
  auto type = cast<ShapedType>(input.getType());
  int64_t rank = type.getRank();
  SmallVector<int64_t> axes;
  if (reduce.getAxes()) {
    auto values = onnx::getConstantIntegers(reduce.getAxes());
    if (!values)
      return std::nullopt;
    axes = *values;
  }
  if (axes.empty() && reduce.getNoopWithEmptyAxes() != 0)
    return std::nullopt;
  SmallVector<bool> isReduced(rank, axes.empty());
  for (int64_t axis : axes)
    if (axis >= -rank && axis < rank)
      isReduced[axis < 0 ? axis + rank : axis] = true;
  if (llvm::all_of(isReduced, [](bool reduced) { return reduced; }))
    return rank == 1 ? ActivationGranularity::Token
                     : ActivationGranularity::Tensor;
  // A dimension of 1 is as good as reduced, and as good as not.
  bool isToken = isReduced.back(), isTensor = true, isSample = rank > 2;
  for (int64_t i = 0; i < rank; ++i) {
    isSample &= isReduced[i] == (i > 0) || type.getDimSize(i) == 1;
    isToken &= i + 1 == rank || !isReduced[i] || type.getDimSize(i) == 1;
    isTensor &= isReduced[i] || type.getDimSize(i) == 1;
  }
  // Without the reduced axis, a scale would be broadcast along others.
  if (isToken && keepsRank)
    return ActivationGranularity::Token;
  if (isTensor)
    return ActivationGranularity::Tensor;
  // Without all reduced axes, a scale would be broadcast along others.
  if (isSample && reduce.getKeepdims() != 0)
    return ActivationGranularity::Sample;
  return std::nullopt;
}

/// The same for a ReduceMax or ReduceMean of magnitudes.
template <typename OpTy>
std::optional<ActivationGranularity> matchReduction(OpTy reduce, Value input,
                                                    bool keepsRank) {
  return isMagnitude(reduce.getData(), input)
             ? getGranularity(reduce, input, keepsRank)
             : std::nullopt;
}

/// Looks through a bound of 0, which changes no maximum of an extreme and its
/// opposite.
template <typename OpTy> Value skipZeroBound(Value value) {
  auto op = getDefining<OpTy>(value);
  if (!op || op->getNumOperands() != 2)
    return value;
  for (unsigned i : {0, 1})
    if (onnx::evaluateScalar(op->getOperand(i)) == 0.0)
      return op->getOperand(1 - i);
  return value;
}

/// Max(max x, -min x), which is max |x|; either may be a magnitude instead.
std::optional<ActivationGranularity> matchExtremes(onnx::MaxOp max,
                                                   Value input) {
  if (max->getNumOperands() != 2)
    return std::nullopt;
  auto match = [&](auto reduce) {
    return reduce && skipIdentity(reduce.getData()) == input
               ? getGranularity(reduce, input, reduce.getKeepdims() != 0)
               : std::nullopt;
  };
  return eitherOrder(
      max->getOperand(0), max->getOperand(1), [&](Value high, Value low) {
        high = skipZeroBound<onnx::MaxOp>(high);
        if (auto abs = getDefining<onnx::AbsOp>(high))
          high = abs.getX();
        if (auto neg = getDefining<onnx::NegOp>(low))
          low = skipZeroBound<onnx::MinOp>(neg.getX());
        else if (auto abs = getDefining<onnx::AbsOp>(low))
          low = abs.getX();
        else
          return decltype(match(onnx::ReduceMaxOp()))();
        auto granularity = match(getDefining<onnx::ReduceMaxOp>(high));
        return granularity == match(getDefining<onnx::ReduceMinOp>(low))
                   ? granularity
                   : std::nullopt;
      });
}

/// A reduction without the last dimension that has it back as a 1; `value` is
/// then the reduction. Returns whether it is such a one.
bool skipLastUnsqueeze(Value &value, Value input) {
  auto unsqueeze = getDefining<onnx::UnsqueezeOp>(value);
  if (!unsqueeze)
    return false;
  auto axes = onnx::getConstantIntegers(unsqueeze.getAxes());
  int64_t rank = cast<ShapedType>(input.getType()).getRank();
  if (!axes || axes->size() != 1 ||
      (axes->front() != -1 && axes->front() != rank - 1) ||
      cast<ShapedType>(unsqueeze.getResult().getType()).getRank() != rank)
    return false;
  value = unsqueeze.getData();
  return true;
}

/// a: the statistic without eps.
std::optional<StatisticMatch> matchPlainStatistic(Value value, Value input) {
  StatisticMatch result;
  std::optional<ActivationGranularity> granularity;
  Value reduced = skipExactCasts(value, input);
  bool isCast = reduced != skipIdentity(value);
  bool isUnsqueezed = skipLastUnsqueeze(reduced, input);
  // Only a token's reduction, of one axis, loses no more than that.
  auto match = [&](auto reduce) {
    bool keepsDims = reduce.getKeepdims() != 0;
    auto found = keepsDims && isUnsqueezed
                     ? std::nullopt
                     : matchReduction(reduce, input, keepsDims || isUnsqueezed);
    return isUnsqueezed && found != ActivationGranularity::Token ? std::nullopt
                                                                 : found;
  };
  if (auto max = getDefining<onnx::ReduceMaxOp>(reduced)) {
    granularity = match(max);
  } else if (auto mean = getDefining<onnx::ReduceMeanOp>(reduced)) {
    // A mean is rounded to the type that follows, and to no other.
    if (isCast && getComputeType(value) == ComputeType::F32)
      return std::nullopt;
    granularity = match(mean);
    result.statistic = Statistic::AbsMean;
  } else if (auto extremes = getDefining<onnx::MaxOp>(value)) {
    granularity = matchExtremes(extremes, input);
  }
  if (!granularity)
    return std::nullopt;
  result.granularity = *granularity;
  return result;
}

/// a / Q | a * (1 / Q).
std::optional<StatisticMatch> matchPlainStep(Value value, Value input) {
  auto finish = [&](Value a, std::optional<unsigned> maxCode,
                    bool isInverse) -> std::optional<StatisticMatch> {
    auto match = maxCode ? matchPlainStatistic(a, input) : std::nullopt;
    if (match) {
      match->maxCode = *maxCode;
      match->isInverse = isInverse;
    }
    return match;
  };
  if (auto div = getDefining<onnx::DivOp>(value))
    return finish(div.getA(), matchMaxCode(div.getB()), true);
  if (auto mul = getDefining<onnx::MulOp>(value))
    return eitherOrder(mul.getA(), mul.getB(), [&](Value a, Value inverse) {
      return finish(a, matchInverseMaxCode(inverse), false);
    });
  return std::nullopt;
}

/// The operand of an n-ary Max that is no constant, and the greatest constant.
Value splitMax(onnx::MaxOp max, std::optional<double> &eps) {
  Value a;
  for (Value operand : max->getOperands()) {
    if (std::optional<double> value = onnx::evaluateScalar(operand))
      eps = std::max(eps.value_or(*value), *value);
    else if (!a || skipIdentity(a) == skipIdentity(operand))
      a = operand;
    else
      return {};
  }
  return a;
}

} // namespace

std::optional<StatisticMatch> matchStatistic(Value value, Value input) {
  auto finish = [&](Value a, std::optional<double> eps,
                    bool isClamped) -> std::optional<StatisticMatch> {
    if (!eps || !(*eps >= 0) || !std::isfinite(float(*eps)))
      return std::nullopt;
    auto match = matchPlainStatistic(a, input);
    if (!match)
      match = matchPlainStep(a, input);
    if (!match)
      return std::nullopt;
    match->eps = float(*eps);
    if (match->isStep())
      match->epsMode = isClamped ? EpsMode::ClampStep : EpsMode::AddStep;
    else
      match->epsMode = isClamped ? EpsMode::Clamp : EpsMode::Add;
    return match;
  };
  if (auto clip = getDefining<onnx::ClipOp>(value)) {
    std::optional<double> high =
        clip.getMax() ? onnx::evaluateScalar(clip.getMax()) : HUGE_VAL;
    // A finite upper bound would be one more case of clamping.
    if (!clip.getMin() || !high || *high < 3.4028234e38)
      return std::nullopt;
    return finish(clip.getInput(), onnx::evaluateScalar(clip.getMin()), true);
  }
  if (auto max = getDefining<onnx::MaxOp>(value)) {
    std::optional<double> eps;
    if (Value a = splitMax(max, eps))
      return finish(a, eps, true);
  }
  if (auto add = getDefining<onnx::AddOp>(value))
    return eitherOrder(add.getA(), add.getB(), [&](Value a, Value eps) {
      return finish(a, onnx::evaluateScalar(eps), false);
    });
  return matchPlainStatistic(value, input);
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

namespace {

std::optional<ScaleMatch> withForm(std::optional<StatisticMatch> statistic,
                                   std::optional<unsigned> maxCode,
                                   ScaleForm form) {
  // Where eps is in d, the scale is computed from d.
  if (!statistic || !maxCode || statistic->isStep())
    return std::nullopt;
  return ScaleMatch{*statistic, *maxCode, form};
}

/// d = a' / Q | a' * (1 / Q) | max(a / Q, eps) | a / Q + eps.
std::optional<ScaleMatch> matchStep(Value value, Value input) {
  if (auto statistic = matchStatistic(value, input)) {
    if (statistic->isStep())
      return ScaleMatch{*statistic, statistic->maxCode,
                        statistic->isInverse ? ScaleForm::Inverse
                                             : ScaleForm::InverseMul};
    // Q = 1.
    return withForm(statistic, 1, ScaleForm::Inverse);
  }
  if (auto div = getDefining<onnx::DivOp>(value))
    return withForm(matchStatistic(div.getA(), input), matchMaxCode(div.getB()),
                    ScaleForm::Inverse);
  if (auto mul = getDefining<onnx::MulOp>(value))
    return eitherOrder(mul.getA(), mul.getB(), [&](Value a, Value inverse) {
      return withForm(matchStatistic(a, input), matchInverseMaxCode(inverse),
                      ScaleForm::InverseMul);
    });
  return std::nullopt;
}

/// v of 1 / v, written as Reciprocal or Div.
Value skipReciprocal(Value value) {
  if (auto reciprocal = getDefining<onnx::ReciprocalOp>(value))
    return reciprocal.getX();
  auto div = getDefining<onnx::DivOp>(value);
  return div && onnx::evaluateScalar(div.getA()) == 1.0 ? div.getB() : Value();
}

/// s = (1 / a') * Q | Q / a' | 1 / d.
std::optional<ScaleMatch> matchFactor(Value value, Value input) {
  if (auto mul = getDefining<onnx::MulOp>(value))
    return eitherOrder(
        mul.getA(), mul.getB(),
        [&](Value inverse, Value q) -> std::optional<ScaleMatch> {
          Value a = skipReciprocal(inverse);
          return a ? withForm(matchStatistic(a, input), matchMaxCode(q),
                              ScaleForm::RecipMul)
                   : std::nullopt;
        });
  if (Value d = skipReciprocal(value)) {
    // Q / a' with Q = 1.
    if (auto scale = withForm(matchStatistic(d, input), 1, ScaleForm::Div))
      return scale;
    auto step = matchStep(d, input);
    if (step)
      step->form = step->form == ScaleForm::Inverse ? ScaleForm::RecipStep
                                                    : ScaleForm::RecipStepMul;
    return step;
  }
  if (auto div = getDefining<onnx::DivOp>(value))
    return withForm(matchStatistic(div.getB(), input), matchMaxCode(div.getA()),
                    ScaleForm::Div);
  return std::nullopt;
}

} // namespace

std::optional<ScaledMatch> matchScaled(Value value) {
  // Arithmetic has one type: all that leads here computes in it.
  std::optional<ComputeType> compute = getComputeType(value);
  if (!compute)
    return std::nullopt;
  auto finish = [&](Value x, std::optional<ScaleMatch> scale) {
    if (scale)
      scale->compute = *compute;
    return scale ? std::optional(ScaledMatch{skipIdentity(x), *scale})
                 : std::nullopt;
  };
  if (auto div = getDefining<onnx::DivOp>(value)) {
    Value x = div.getA();
    if (auto match = finish(x, matchStep(div.getB(), skipIdentity(x))))
      return match;
    // (x * Q) / a'
    auto mul = getDefining<onnx::MulOp>(x);
    if (!mul)
      return std::nullopt;
    return eitherOrder(mul.getA(), mul.getB(), [&](Value x, Value q) {
      return finish(x, withForm(matchStatistic(div.getB(), skipIdentity(x)),
                                matchMaxCode(q), ScaleForm::MulDiv));
    });
  }
  auto mul = getDefining<onnx::MulOp>(value);
  if (!mul)
    return std::nullopt;
  return eitherOrder(
      mul.getA(), mul.getB(),
      [&](Value x, Value s) -> std::optional<ScaledMatch> {
        if (auto match = finish(x, matchFactor(s, skipIdentity(x))))
          return match;
        // (x / a') * Q
        if (auto div = getDefining<onnx::DivOp>(x)) {
          x = div.getA();
          return finish(x, withForm(matchStatistic(div.getB(), skipIdentity(x)),
                                    matchMaxCode(s), ScaleForm::DivMul));
        }
        // (x * (1 / a')) * Q | (x * Q) * (1 / a')
        auto inner = getDefining<onnx::MulOp>(x);
        if (!inner)
          return std::nullopt;
        auto matchNorm = [&](Value x, Value inverse, Value q, ScaleForm form) {
          Value a = skipReciprocal(inverse);
          return a ? finish(x, withForm(matchStatistic(a, skipIdentity(x)),
                                        matchMaxCode(q), form))
                   : std::nullopt;
        };
        return eitherOrder(
            inner.getA(), inner.getB(), [&](Value x, Value other) {
              auto match = matchNorm(x, other, s, ScaleForm::NormMul);
              return match ? match : matchNorm(x, s, other, ScaleForm::MulNorm);
            });
      });
}

//===----------------------------------------------------------------------===//
// Rescaling
//===----------------------------------------------------------------------===//

static std::optional<Monomial>
multiply(std::optional<Monomial> a, std::optional<Monomial> b, bool isDivided) {
  if (!a || !b)
    return std::nullopt;
  if (a->statistic && b->statistic && !(*a->statistic == *b->statistic))
    return std::nullopt;
  int sign = isDivided ? -1 : 1;
  return Monomial{a->statistic ? a->statistic : b->statistic,
                  a->power + sign * b->power,
                  isDivided ? a->factor / b->factor : a->factor * b->factor};
}

std::optional<Monomial> matchMonomial(Value value, Value input,
                                      unsigned depth) {
  if (auto statistic = matchStatistic(value, input))
    return Monomial{statistic, 1, 1};
  if (std::optional<double> number = onnx::evaluateScalar(value))
    return Monomial{std::nullopt, 0, *number};
  // Every level may double the work: (a * a) * (a * a).
  if (depth == 0)
    return std::nullopt;
  // A scale that is rounded to the type of what it multiplies.
  if (Value inner = skipFloatCasts(value); inner != skipIdentity(value))
    return matchMonomial(inner, input, depth - 1);
  if (auto reciprocal = getDefining<onnx::ReciprocalOp>(value))
    return multiply(Monomial(),
                    matchMonomial(reciprocal.getX(), input, depth - 1), true);
  auto combine = [&](Value a, Value b, bool isDivided) {
    auto first = matchMonomial(a, input, depth - 1);
    return first
               ? multiply(first, matchMonomial(b, input, depth - 1), isDivided)
               : std::nullopt;
  };
  if (auto mul = getDefining<onnx::MulOp>(value))
    return combine(mul.getA(), mul.getB(), false);
  if (auto div = getDefining<onnx::DivOp>(value))
    return combine(div.getA(), div.getB(), true);
  return std::nullopt;
}

/// Whether `value` has s among its divisors; `isDivided` says that it is one.
static bool dividesByFactor(Value value, Value input, bool isDivided) {
  value = skipFloatCasts(value);
  if (isDivided && matchFactor(value, input))
    return true;
  if (auto reciprocal = getDefining<onnx::ReciprocalOp>(value))
    return dividesByFactor(reciprocal.getX(), input, !isDivided);
  if (auto mul = getDefining<onnx::MulOp>(value))
    return dividesByFactor(mul.getA(), input, isDivided) ||
           dividesByFactor(mul.getB(), input, isDivided);
  if (auto div = getDefining<onnx::DivOp>(value))
    return dividesByFactor(div.getA(), input, isDivided) ||
           dividesByFactor(div.getB(), input, !isDivided);
  return false;
}

/// Whether `product`, where Q and 1 / Q should cancel, is 1: but for the
/// rounding of 1 / Q to f32, or to one of `types`.
static bool isOne(double product, double q, ArrayRef<ComputeType> types) {
  auto isNear = [&](double one) { return std::abs(product / one - 1) < 2e-7; };
  return isNear(1) || llvm::any_of(types, [&](ComputeType type) {
           return isNear(q * roundTo(type, float(1 / q)));
         });
}

std::optional<RescaleMatch>
matchRescale(const CodesMatch &codes,
             ArrayRef<std::pair<Value, bool>> factors) {
  const StatisticMatch &statistic = codes.scale.statistic;
  Value input = skipIdentity(codes.input);
  std::optional<Monomial> match = Monomial();
  for (auto [factor, isDivided] : factors)
    match = multiply(match, matchMonomial(factor, input), isDivided);
  if (!match || match->power != 1 || !(*match->statistic == statistic))
    return std::nullopt;
  // What codes * a' is to codes * xs.
  double rest = match->factor;
  if (!statistic.isStep())
    rest *= codes.scale.maxCode;
  if (!std::isnormal(float(rest)))
    return std::nullopt;
  SmallVector<ComputeType> types = {codes.scale.compute};
  for (auto [factor, isDivided] : factors)
    if (std::optional<ComputeType> type = getComputeType(factor))
      types.push_back(*type);
  if (isOne(rest, codes.scale.maxCode, types))
    rest = 1;
  RescaleMatch rescale;
  rescale.factor = rest;
  // Codes by way of 1 / a' are never divided by it.
  if (codes.isInfinite && (codes.scale.form == ScaleForm::NormMul ||
                           codes.scale.form == ScaleForm::MulNorm))
    return std::nullopt;
  // 1 / s where the graph divides by s; the same but for its rounding is d.
  if (QuantizerAttr::hasFactor(codes.scale.form)) {
    bool divides = llvm::any_of(factors, [&](std::pair<Value, bool> factor) {
      return dividesByFactor(factor.first, input, factor.second);
    });
    if (!divides) {
      // inf * d is no number that a layer has.
      if (codes.isInfinite)
        return std::nullopt;
      rescale.dequant = DequantForm::Direct;
    }
  }
  return rescale;
}

} // namespace bit
