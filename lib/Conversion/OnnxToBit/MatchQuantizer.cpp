// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lower half of the picture in docs/recognition.md, from the result back:
// straight-through arithmetic, rescaling, casts, clamping, rounding. A variant
// is a case in one of the functions.

#include "MatchQuantizer.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include <cmath>

using namespace mlir;

namespace bit {

//===----------------------------------------------------------------------===//
// Steps back
//===----------------------------------------------------------------------===//

/// Narrows the range by a bound; false if the bound is no integer. A bound on
/// an integer and on the value that is rounded to it are the same.
static bool addBound(Value bound, bool isLow, std::optional<double> &low,
                     std::optional<double> &high) {
  if (!bound)
    return true;
  std::optional<double> value = onnx::evaluateScalar(bound);
  if (!value || *value != std::nearbyint(*value))
    return false;
  // The operation found first is applied last, and wins.
  if (isLow)
    low = std::max(low.value_or(*value), *value);
  else
    high = std::min(high.value_or(*value), *value);
  return true;
}

Value skipClamp(Value value, std::optional<double> &low,
                std::optional<double> &high, bool &isValid) {
  if (auto clip = getDefining<onnx::ClipOp>(value)) {
    isValid &= addBound(clip.getMin(), true, low, high) &&
               addBound(clip.getMax(), false, low, high);
    return clip.getInput();
  }
  Operation *op = skipIdentity(value).getDefiningOp();
  if (!isa_and_nonnull<onnx::MinOp, onnx::MaxOp>(op) ||
      op->getNumOperands() != 2)
    return {};
  bool isLow = isa<onnx::MaxOp>(op);
  for (unsigned i : {0, 1})
    if (onnx::evaluateScalar(op->getOperand(1 - i))) {
      isValid &= addBound(op->getOperand(1 - i), isLow, low, high);
      return op->getOperand(i);
    }
  return {};
}

Value skipRound(Value value, Rounding &rounding) {
  if (auto round = getDefining<onnx::RoundOp>(value)) {
    rounding = Rounding::HalfEven;
    return round.getX();
  }
  if (auto floor = getDefining<onnx::FloorOp>(value))
    if (auto add = getDefining<onnx::AddOp>(floor.getX()))
      return eitherOrder(add.getA(), add.getB(), [&](Value x, Value half) {
        rounding = Rounding::HalfUp;
        return onnx::evaluateScalar(half) == 0.5 ? x : Value();
      });
  if (auto ceil = getDefining<onnx::CeilOp>(value)) {
    rounding = Rounding::HalfDown;
    if (auto sub = getDefining<onnx::SubOp>(ceil.getX()))
      return onnx::evaluateScalar(sub.getB()) == 0.5 ? sub.getA() : Value();
    if (auto add = getDefining<onnx::AddOp>(ceil.getX()))
      return eitherOrder(add.getA(), add.getB(), [&](Value x, Value half) {
        return onnx::evaluateScalar(half) == -0.5 ? x : Value();
      });
  }
  return {};
}

Value skipStraightThrough(Value value, Value &x) {
  auto isX = [&](Value other) { return skipIdentity(other) == x; };
  if (auto add = getDefining<onnx::AddOp>(value))
    return eitherOrder(add.getA(), add.getB(), [&](Value a, Value correction) {
      auto sub = getDefining<onnx::SubOp>(correction);
      x = skipIdentity(a);
      return sub && isX(sub.getB()) ? sub.getA() : Value();
    });
  if (auto outer = getDefining<onnx::SubOp>(value)) {
    auto sub = getDefining<onnx::SubOp>(outer.getB());
    x = skipIdentity(outer.getA());
    return sub && isX(sub.getA()) ? sub.getB() : Value();
  }
  return {};
}

namespace {

/// The types that codes pass through on their way into the product.
enum class CodeType { Exact, Limited, Other };

/// How a type holds codes: all that are possible, those of its range, or not.
CodeType classify(Type type, int64_t &low, int64_t &high) {
  Type element = cast<ShapedType>(type).getElementType();
  if (element.isF32())
    return CodeType::Exact;
  if (element.isF16() || element.isBF16()) {
    // Integers up to here are exact.
    high = element.isF16() ? 2048 : 256;
    low = -high;
    return CodeType::Limited;
  }
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() < 8 || integer.getWidth() > 64)
    return CodeType::Other;
  // Wider ones hold all floats that are codes before they are clamped.
  int64_t width = std::min(integer.getWidth(), 32u);
  high = (int64_t(1) << (integer.isUnsigned() ? width : width - 1)) - 1;
  low = integer.isUnsigned() ? 0 : -high - 1;
  return CodeType::Limited;
}

/// Walks from codes back to the scaled values.
struct CodesWalk {
  std::optional<double> low, high;
  /// The bounds that apply before the codes enter a type of limited range.
  std::optional<double> innerLow, innerHigh;
  int64_t typeLow = INT64_MIN, typeHigh = INT64_MAX;
  Rounding rounding = Rounding::HalfEven;
  bool isValid = true, isRounded = false;
  SmallVector<Value> straightThrough; ///< each x of x + (q - x)
  bool hasStraightThrough = false;

  /// The bounds that apply before the codes become integers.
  std::optional<double> floatLow, floatHigh;
  bool hasIntegers = false;

  /// Says what becomes of infinities, if eps does not keep them out; false if
  /// the attribute cannot say it.
  bool setOverflow(CodesMatch &match) const;

  /// One step; null at the scaled values.
  Value step(Value value);
  Value stepCast(onnx::CastOp cast);
};

/// Whether eps keeps scales finite and steps normal.
bool isGuarded(const ScaleMatch &scale) {
  // The least eps for which Q / eps is finite.
  float least = scale.compute == ComputeType::F16 ? 2e-3f : 1e-35f;
  return scale.statistic.epsMode != EpsMode::None &&
         scale.statistic.eps >= least;
}

bool CodesWalk::setOverflow(CodesMatch &match) const {
  const ScaleMatch &scale = match.scale;
  const StatisticMatch &statistic = scale.statistic;
  // x / a is at most 1.
  bool isBounded =
      statistic.statistic == Statistic::AbsMax &&
      (scale.form == ScaleForm::DivMul || scale.form == ScaleForm::MulDiv);
  // inf - inf is NaN, whatever clamps it.
  if (isGuarded(scale) || isBounded || hasStraightThrough)
    return true;
  // Those of one sign would be finite, the others NaN.
  if (bool(floatLow) != bool(floatHigh))
    return false;
  // A cast of infinity to an integer is not defined.
  if (!floatLow) {
    match.isInfinite = !hasIntegers;
    return true;
  }
  match.overflow = ScaleOverflow::Clamp;
  match.isInfinite = *floatLow < -128 || *floatHigh > 127;
  return true;
}

Value CodesWalk::stepCast(onnx::CastOp cast) {
  // A cast of values that are not rounded yet would round them another way.
  if (isRounded)
    return {};
  int64_t castLow, castHigh;
  for (Type type : {cast.getResult().getType(), cast.getInput().getType()}) {
    CodeType kind = classify(type, castLow, castHigh);
    if (kind == CodeType::Other)
      return {};
    if (kind == CodeType::Limited) {
      typeLow = std::max(typeLow, castLow);
      typeHigh = std::min(typeHigh, castHigh);
    }
  }
  innerLow = innerHigh = std::nullopt;
  if (!getComputeType(cast.getResult())) {
    floatLow = floatHigh = std::nullopt;
    hasIntegers = true;
  }
  return cast.getInput();
}

Value CodesWalk::step(Value value) {
  std::optional<double> ownLow, ownHigh;
  if (Value inner = skipClamp(value, ownLow, ownHigh, isValid)) {
    auto narrow = [&](std::optional<double> &low, std::optional<double> &high) {
      // What is applied later wins, and was found before.
      if (ownLow)
        low = std::max(low.value_or(*ownLow), *ownLow);
      if (ownHigh)
        high = std::min(high.value_or(*ownHigh), *ownHigh);
    };
    narrow(low, high);
    narrow(innerLow, innerHigh);
    narrow(floatLow, floatHigh);
    return inner;
  }
  if (auto cast = getDefining<onnx::CastOp>(value))
    return stepCast(cast);
  if (!isRounded) {
    if (Value inner = skipRound(value, rounding)) {
      isRounded = true;
      return getComputeType(inner) ? inner : Value();
    }
  }
  Value x;
  if (Value q = skipStraightThrough(value, x)) {
    straightThrough.push_back(x);
    hasStraightThrough = true;
    return q;
  }
  return {};
}

} // namespace

unsigned getMostCode(const ScaleMatch &scale) {
  unsigned q = scale.maxCode;
  // a / Q below 1.5 of the least subnormal is rounded to 1 of it, and x is
  // divided by that. 1 / d is finite only where d has more bits.
  bool divides =
      scale.form == ScaleForm::Inverse || scale.form == ScaleForm::InverseMul;
  return divides && !isGuarded(scale) ? q + q / 2 : q;
}

std::optional<CodesMatch> matchCodes(Value codes) {
  CodesWalk walk;
  Value value = codes;
  // Clamping before rounding is the same as after it: the bounds are integers.
  while (true) {
    // x + (q - x) is q if q is made from x, which is then met upstream: both
    // are small multiples of the same power of two.
    llvm::erase(walk.straightThrough, skipIdentity(value));
    Value inner = walk.step(value);
    if (!inner)
      break;
    value = inner;
  }
  if (!walk.isRounded || !walk.isValid || !walk.straightThrough.empty())
    return std::nullopt;
  std::optional<ScaledMatch> scaled = matchScaled(value);
  if (!scaled)
    return std::nullopt;
  CodesMatch match;
  match.input = scaled->input;
  match.scale = scaled->scale;
  match.rounding = walk.rounding;
  if (!walk.setOverflow(match))
    return std::nullopt;

  // No code of the absolute maximum is beyond q, so that bounds farther out say
  // nothing. Others have no bounds but these. (x * Q may overflow.)
  double q = getMostCode(match.scale);
  bool isFinite = match.scale.statistic.statistic == Statistic::AbsMax &&
                  !QuantizerAttr::multipliesFirst(match.scale.form);
  // Roundings to halves take the code of the maximum beyond Q.
  bool isBounded = isFinite && match.scale.compute == ComputeType::F32;
  // The codes of infinities are the bounds themselves.
  bool areBoundsKept =
      match.overflow == ScaleOverflow::Clamp && !match.isInfinite;
  // A large x would round x + (q - x).
  if (!isFinite && walk.hasStraightThrough)
    return std::nullopt;
  if (isBounded && !areBoundsKept) {
    for (auto *low : {&walk.low, &walk.innerLow})
      *low = std::max(low->value_or(-q - 1), -q - 1);
    for (auto *high : {&walk.high, &walk.innerHigh})
      *high = std::min(high->value_or(q), q);
  }
  if (!walk.low || !walk.high || *walk.low < -128 || *walk.low > 0 ||
      *walk.high < 0 || *walk.high > 127)
    return std::nullopt;
  match.low = int64_t(*walk.low);
  match.high = int64_t(*walk.high);
  // No rounded value leaves the types that it passes through. -Q - 1 is none.
  if (walk.typeLow != INT64_MIN) {
    double least = walk.innerLow.value_or(-HUGE_VAL);
    if (isBounded)
      least = std::max(least, -q);
    if (least < double(walk.typeLow) ||
        walk.innerHigh.value_or(HUGE_VAL) > double(walk.typeHigh))
      return std::nullopt;
  }
  return match;
}

QuantizerAttr makeQuantizer(MLIRContext *context, const CodesMatch &codes,
                            DequantForm dequant) {
  const StatisticMatch &statistic = codes.scale.statistic;
  // As many bits as Q asks for. 2^(b-1), clamped to b bits, asks for b.
  unsigned q = codes.scale.maxCode, bits = 2;
  while (bits < 8 && (codes.high < int64_t(q) ? (1u << (bits - 1)) < q
                                              : (1u << (bits - 1)) <= q))
    ++bits;
  return QuantizerAttr::get(
      context, bits, statistic.granularity,
      statistic.epsMode == EpsMode::None ? 1.0e-5f : statistic.eps,
      statistic.epsMode, codes.scale.form, dequant,
      std::make_pair(codes.low, codes.high), codes.rounding,
      statistic.statistic, codes.overflow, codes.scale.compute, q);
}

namespace {

/// Codes on their way through multiplications and divisions.
struct Rescaled {
  CodesMatch codes;
  SmallVector<std::pair<Value, bool>> factors; ///< and whether it divides
};

std::optional<Rescaled> matchRescaled(Value value, unsigned depth = 0) {
  // codes * a' / Q has two; with Cast or a scale of its own, a few more.
  constexpr unsigned maxDepth = 4;
  auto descend = [&](Value inner, Value factor,
                     bool isDivided) -> std::optional<Rescaled> {
    if (depth == maxDepth)
      return std::nullopt;
    auto match = matchRescaled(inner, depth + 1);
    if (match)
      match->factors.push_back({factor, isDivided});
    return match;
  };
  if (auto div = getDefining<onnx::DivOp>(value))
    return descend(div.getA(), div.getB(), true);
  if (auto mul = getDefining<onnx::MulOp>(value))
    return eitherOrder(mul.getA(), mul.getB(), [&](Value codes, Value factor) {
      return descend(codes, factor, false);
    });
  auto codes = matchCodes(value);
  return codes ? std::optional(Rescaled{*codes, {}}) : std::nullopt;
}

} // namespace

/// Codes that are rescaled again.
static std::optional<QuantizerMatch> matchDequantized(Value value) {
  std::optional<Rescaled> match = matchRescaled(value);
  if (!match || match->factors.empty())
    return std::nullopt;
  auto rescale = matchRescale(match->codes, match->factors);
  if (!rescale || rescale->factor != 1)
    return std::nullopt;
  return QuantizerMatch{
      match->codes.input,
      makeQuantizer(value.getContext(), match->codes, rescale->dequant)};
}

std::optional<QuantizerMatch> matchQuantizer(Value value) {
  // What is dequantized in f32 is rounded to the type of the layer.
  value = skipFloatCasts(value);
  Value x;
  Value q = skipStraightThrough(value, x);
  if (!q)
    return matchDequantized(value);
  // x + (q - x) is q, but for its rounding.
  auto match = matchDequantized(skipFloatCasts(q));
  return match && skipFloatCasts(match->input) == skipFloatCasts(x)
             ? match
             : std::nullopt;
}

} // namespace bit
