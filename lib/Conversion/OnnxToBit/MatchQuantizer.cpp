// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function a box of the picture in docs/recognition.md, from the result
// back to the input. A variant is a case in one of them.

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

namespace {

template <typename OpTy> OpTy getDefining(Value value) {
  return skipIdentity(value).getDefiningOp<OpTy>();
}

/// Calls `fn(a, b)` with the operands of a commutative operation in both orders
/// until it returns something.
template <typename Fn>
auto eitherOrder(Value a, Value b, Fn fn) -> decltype(fn(a, b)) {
  if (auto result = fn(a, b))
    return result;
  return fn(b, a);
}

/// Returns b of Q = 2^(b-1) - 1.
std::optional<unsigned> matchMaxCode(Value value) {
  std::optional<double> q = onnx::evaluateScalar(value);
  for (unsigned bits = 2; q && bits <= 8; ++bits)
    if (*q == (1 << (bits - 1)) - 1)
      return bits;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The absolute maximum
//===----------------------------------------------------------------------===//

/// a = ReduceMax(Abs(input)) over the last axis or over all of them.
std::optional<ActivationGranularity> matchAbsMax(Value value, Value input) {
  auto reduce = getDefining<onnx::ReduceMaxOp>(value);
  if (!reduce)
    return std::nullopt;
  auto abs = getDefining<onnx::AbsOp>(reduce.getData());
  if (!abs || skipIdentity(abs.getX()) != input)
    return std::nullopt;
  int64_t rank = cast<ShapedType>(input.getType()).getRank();
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
  // Without the reduced axis, a scale would be broadcast along others.
  if (llvm::count(isReduced, true) == 1 && isReduced.back() &&
      reduce.getKeepdims() != 0)
    return ActivationGranularity::Token;
  return std::nullopt;
}

/// a' = max(a, eps) | a + eps | a.
std::optional<ScaleMatch> matchGuardedMax(Value value, Value input) {
  ScaleMatch match;
  auto finish = [&](Value a, std::optional<double> eps,
                    EpsMode mode) -> std::optional<ScaleMatch> {
    auto granularity = matchAbsMax(a, input);
    if (!granularity || !eps || !(*eps >= 0) || !std::isfinite(*eps))
      return std::nullopt;
    match.granularity = *granularity;
    match.eps = float(*eps);
    match.epsMode = mode;
    return match;
  };
  if (auto clip = getDefining<onnx::ClipOp>(value)) {
    std::optional<double> high =
        clip.getMax() ? onnx::evaluateScalar(clip.getMax()) : HUGE_VAL;
    // A finite upper bound would be one more case of clamping.
    if (!clip.getMin() || !high || *high < 3.4028234e38)
      return std::nullopt;
    return finish(clip.getInput(), onnx::evaluateScalar(clip.getMin()),
                  EpsMode::Clamp);
  }
  auto withEps = [&](EpsMode mode) {
    return [&, mode](Value a, Value eps) {
      return finish(a, onnx::evaluateScalar(eps), mode);
    };
  };
  if (auto max = getDefining<onnx::MaxOp>(value))
    return max->getNumOperands() == 2
               ? eitherOrder(max->getOperand(0), max->getOperand(1),
                             withEps(EpsMode::Clamp))
               : std::nullopt;
  if (auto add = getDefining<onnx::AddOp>(value))
    return eitherOrder(add.getA(), add.getB(), withEps(EpsMode::Add));
  return finish(value, 0.0, EpsMode::None);
}

std::optional<ScaleMatch> withForm(std::optional<ScaleMatch> match,
                                   std::optional<unsigned> bits,
                                   ScaleForm form) {
  if (!match || !bits)
    return std::nullopt;
  match->bits = *bits;
  match->form = form;
  return match;
}

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

/// Narrows the range by a bound; false if the bound is no integer. A bound on
/// an integer and on the value that is rounded to it are the same.
bool addBound(Value bound, bool isLow, std::optional<double> &low,
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

/// One step back through clamping; null if `value` is not clamped.
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

/// One step back through rounding.
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
  return {};
}

/// float -> int8 -> float keeps codes of a range within int8.
Value skipIntegerCast(Value value) {
  auto outer = getDefining<onnx::CastOp>(value);
  if (!outer || !cast<ShapedType>(value.getType()).getElementType().isF32())
    return value;
  auto inner = getDefining<onnx::CastOp>(outer.getInput());
  auto narrow = cast<ShapedType>(outer.getInput().getType()).getElementType();
  if (!inner || !narrow.isSignlessInteger() ||
      narrow.getIntOrFloatBitWidth() < 8 ||
      !cast<ShapedType>(inner.getInput().getType()).getElementType().isF32())
    return value;
  return inner.getInput();
}

} // namespace

std::optional<ScaleMatch> matchScale(Value scale, Value input) {
  input = skipIdentity(input);
  if (auto mul = getDefining<onnx::MulOp>(scale))
    return eitherOrder(mul.getA(), mul.getB(), [&](Value inverse, Value q) {
      auto reciprocal = getDefining<onnx::ReciprocalOp>(inverse);
      return reciprocal ? withForm(matchGuardedMax(reciprocal.getX(), input),
                                   matchMaxCode(q), ScaleForm::RecipMul)
                        : std::nullopt;
    });
  auto div = getDefining<onnx::DivOp>(scale);
  if (!div)
    return std::nullopt;
  if (auto bits = matchMaxCode(div.getA()))
    return withForm(matchGuardedMax(div.getB(), input), bits, ScaleForm::Div);
  return withForm(matchGuardedMax(div.getA(), input), matchMaxCode(div.getB()),
                  ScaleForm::Inverse);
}

std::optional<CodesMatch> matchCodes(Value codes) {
  std::optional<double> low, high;
  CodesMatch match;
  bool isValid = true, isRounded = false;
  Value value = skipIntegerCast(codes);
  // Clamping before rounding is the same as after it: the bounds are integers.
  while (true) {
    if (Value inner = skipClamp(value, low, high, isValid)) {
      value = inner;
    } else if (Value inner =
                   isRounded ? Value() : skipRound(value, match.rounding)) {
      isRounded = true;
      value = inner;
    } else {
      break;
    }
  }
  if (!isRounded || !isValid)
    return std::nullopt;

  if (auto mul = getDefining<onnx::MulOp>(value)) {
    auto scale = eitherOrder(mul.getA(), mul.getB(), [&](Value x, Value s) {
      match.input = skipIdentity(x);
      return matchScale(s, x);
    });
    if (!scale || scale->form == ScaleForm::Inverse)
      return std::nullopt;
    match.scale = *scale;
  } else if (auto div = getDefining<onnx::DivOp>(value)) {
    match.input = skipIdentity(div.getA());
    auto scale = matchScale(div.getB(), match.input);
    if (!scale || scale->form != ScaleForm::Inverse)
      return std::nullopt;
    match.scale = *scale;
  } else {
    return std::nullopt;
  }

  // No code is beyond Q, so that bounds farther out say nothing.
  double q = (1 << (match.scale.bits - 1)) - 1;
  match.low = int64_t(std::max(low.value_or(-q - 1), -128.0));
  match.high = int64_t(std::min(high.value_or(q), 127.0));
  if (match.low > 0 || match.high < 0)
    return std::nullopt;
  return match;
}

QuantizerAttr makeQuantizer(MLIRContext *context, const CodesMatch &codes,
                            DequantForm dequant) {
  const ScaleMatch &scale = codes.scale;
  return QuantizerAttr::get(
      context, scale.bits, scale.granularity,
      scale.epsMode == EpsMode::None ? 1.0e-5f : scale.eps, scale.epsMode,
      scale.form, dequant, std::make_pair(codes.low, codes.high),
      codes.rounding);
}

std::optional<DequantForm> matchRescale(const CodesMatch &codes, Value factor,
                                        bool isDivided) {
  if (!isDivided)
    if (auto reciprocal = getDefining<onnx::ReciprocalOp>(factor))
      return matchRescale(codes, reciprocal.getX(), true);
  std::optional<ScaleMatch> scale = matchScale(factor, codes.input);
  if (!scale)
    return std::nullopt;
  // codes / s, or codes * d for the inverse form.
  if (*scale == codes.scale)
    return isDivided == (scale->form != ScaleForm::Inverse)
               ? std::optional(DequantForm::Recip)
               : std::nullopt;
  // codes * (a' / Q), where Q / a' made them.
  if (isDivided || scale->form != ScaleForm::Inverse)
    return std::nullopt;
  scale->form = codes.scale.form;
  return *scale == codes.scale ? std::optional(DequantForm::Direct)
                               : std::nullopt;
}

/// Codes that are rescaled again.
static std::optional<QuantizerMatch> matchDequantized(Value value) {
  auto match = [&](Value codesValue, Value factor,
                   bool isDivided) -> std::optional<QuantizerMatch> {
    auto codes = matchCodes(codesValue);
    auto dequant =
        codes ? matchRescale(*codes, factor, isDivided) : std::nullopt;
    if (!dequant)
      return std::nullopt;
    return QuantizerMatch{codes->input,
                          makeQuantizer(value.getContext(), *codes, *dequant)};
  };
  if (auto div = getDefining<onnx::DivOp>(value))
    return match(div.getA(), div.getB(), true);
  if (auto mul = getDefining<onnx::MulOp>(value))
    return eitherOrder(mul.getA(), mul.getB(), [&](Value codes, Value factor) {
      return match(codes, factor, false);
    });
  return std::nullopt;
}

std::optional<QuantizerMatch> matchQuantizer(Value value) {
  auto add = getDefining<onnx::AddOp>(value);
  if (!add)
    return matchDequantized(value);
  // Straight-through: x + (q - x) is q, but for its rounding.
  return eitherOrder(
      add.getA(), add.getB(),
      [](Value x, Value correction) -> std::optional<QuantizerMatch> {
        auto sub = getDefining<onnx::SubOp>(correction);
        if (!sub || skipIdentity(sub.getB()) != skipIdentity(x))
          return std::nullopt;
        auto match = matchDequantized(sub.getA());
        return match && match->input == skipIdentity(x) ? match : std::nullopt;
      });
}

} // namespace bit
