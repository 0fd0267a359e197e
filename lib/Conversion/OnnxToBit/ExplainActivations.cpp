// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why activations have no quantizer. Only words: what is accepted is in
// MatchScale.cpp and MatchQuantizer.cpp.

#include "MatchQuantizer.h"
#include "Product.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;

namespace bit {
namespace {

/// Whether a quantizer may consist of it.
bool isElementwise(Operation *op) {
  return isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp,
                         onnx::MinOp, onnx::MaxOp, onnx::ClipOp, onnx::CastOp,
                         onnx::IdentityOp, onnx::RoundOp, onnx::FloorOp,
                         onnx::CeilOp, onnx::ReciprocalOp, onnx::AbsOp,
                         onnx::SqrtOp, onnx::ReshapeOp, onnx::NegOp>(op);
}

bool isReduction(Operation *op) {
  return isa_and_nonnull<onnx::ReduceMaxOp, onnx::ReduceMeanOp,
                         onnx::ReduceSumOp, onnx::ReduceMinOp, onnx::ReduceL1Op,
                         onnx::ReduceL2Op>(op);
}

bool isRounding(Operation *op) {
  return isa_and_nonnull<onnx::RoundOp, onnx::FloorOp, onnx::CeilOp>(op);
}

/// The nearest operation above `value` for which `isWanted`; `isPassed` says
/// through which others the search goes.
Operation *findAbove(Value value, function_ref<bool(Operation *)> isWanted,
                     function_ref<bool(Operation *)> isPassed) {
  constexpr size_t most = 64;
  llvm::SmallSetVector<Value, 16> queue;
  queue.insert(value);
  for (size_t i = 0; i < queue.size() && i < most; ++i) {
    Operation *op = queue[i].getDefiningOp();
    if (isWanted(op))
      return op;
    if (isPassed(op))
      queue.insert(op->operand_begin(), op->operand_end());
  }
  return nullptr;
}

std::string nameOf(Operation *op) { return op->getName().stripDialect().str(); }

/// A number as its author writes it.
std::string print(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

/// The value of a rounding that is scaled: behind clamping and + 0.5.
Value getRounded(Operation *rounding) {
  Rounding kind;
  Value value = skipRound(rounding->getResult(0), kind);
  std::optional<double> low, high;
  bool isValid = true;
  while (value) {
    Value inner = skipClamp(value, low, high, isValid);
    if (!inner)
      break;
    value = inner;
  }
  return value;
}

/// Why the scale of a product or quotient is not understood.
std::string explainScale(Value scaled) {
  Operation *op = skipIdentity(scaled).getDefiningOp();
  if (!isa_and_nonnull<onnx::MulOp, onnx::DivOp>(op))
    return "what is rounded is not the activations times a scale";
  for (Value operand : op->getOperands())
    if (onnx::evaluateScalar(operand))
      return "they are scaled by a constant, not by their own maximum";
  Operation *reduction = findAbove(scaled, isReduction, isElementwise);
  if (!reduction) {
    // Behind what hides it.
    auto isPassed = [](Operation *op) {
      return op && !op->getResults().empty() && !isReduction(op);
    };
    auto isHiding = [&](Operation *op) {
      return isa_and_nonnull<onnx::WhereOp, onnx::ExpandOp, onnx::PowOp,
                             onnx::SqueezeOp, onnx::UnsqueezeOp,
                             onnx::TransposeOp, onnx::FlattenOp>(op) &&
             findAbove(op->getResult(0), isReduction, isPassed);
    };
    if (Operation *op = findAbove(scaled, isHiding, isElementwise))
      return "their scale goes through " + nameOf(op) +
             ", which is not looked through";
    return "their scale is not computed from them: there is no ReduceMax "
           "before it";
  }
  bool isKnown = isa<onnx::ReduceMaxOp, onnx::ReduceMeanOp>(reduction);
  if (!isKnown)
    return "their scale comes from " + nameOf(reduction) +
           ", not from ReduceMax or ReduceMean";
  Value data = skipFloatCasts(reduction->getOperand(0));
  auto abs = data.getDefiningOp<onnx::AbsOp>();
  Value source = abs ? skipFloatCasts(abs.getX()) : data;
  // One of both operands, or, in (x * Q) / a', one below them.
  auto isOperand = [&](Value value) {
    for (Value operand : op->getOperands()) {
      operand = skipFloatCasts(operand);
      if (operand == value)
        return true;
      Operation *inner = operand.getDefiningOp();
      if (isa_and_nonnull<onnx::MulOp, onnx::DivOp>(inner))
        for (Value below : inner->getOperands())
          if (skipFloatCasts(below) == value)
            return true;
    }
    return false;
  };
  bool isOwn = isOperand(source);
  // The maximum of relu(x) is that of x, but none of |x|.
  if (auto relu = getDefining<onnx::ReluOp>(source);
      relu && !isOwn && isa<onnx::ReduceMaxOp>(reduction) &&
      isOperand(skipFloatCasts(relu.getX())))
    return "their scale comes from the maximum of Relu, which negative values "
           "may exceed";
  if (!isOwn)
    return "their scale comes from another tensor";
  if (!abs) {
    if (isa<onnx::ReduceMaxOp>(reduction))
      return "their scale comes from their maximum without Abs, which negative "
             "values may exceed";
    return "their scale comes from " + nameOf(reduction) + " without Abs";
  }
  auto dataType = cast<ShapedType>(data.getType());
  auto type = cast<ShapedType>(reduction->getResult(0).getType());
  int64_t rank = dataType.getRank();
  if (rank > 1 && type.getRank() == rank && type.getDimSize(rank - 1) != 1)
    return "they are quantized per channel: a scale for each index of the last "
           "dimension cannot be taken out of the product";
  if (rank > 1 && type.getRank() == rank)
    for (int64_t i = 0; i + 1 < rank; ++i)
      if (type.getDimSize(i) == 1 && dataType.getDimSize(i) != 1)
        return "a scale is shared by several rows, which are neither all nor "
               "those of one index of the first dimension";
  if (type.getRank() != rank && type.getRank() != 0)
    return "their scale is broadcast along another dimension than it was "
           "computed from: ReduceMax has keepdims 0";
  for (Operation *inner : {op, op->getOperand(0).getDefiningOp(),
                           op->getOperand(1).getDefiningOp()})
    if (isa_and_nonnull<onnx::MulOp, onnx::DivOp>(inner))
      for (Value operand : inner->getOperands()) {
        std::optional<double> q = onnx::evaluateScalar(operand);
        if (q && *q > 1 && !matchMaxCode(operand))
          return llvm::formatv("they are scaled to a maximum of {0}, not to an "
                               "integer of 1 to 128",
                               print(*q));
      }
  return "the form of their scale is not known";
}

std::string explainQuantizeLinear(onnx::QuantizeLinearOp op) {
  if (isConstant(op.getYScale()))
    return "they are scaled by a constant, not by their own maximum";
  if (Value zero = op.getYZeroPoint(); zero && !isConstant(zero))
    return "their quantizer has a zero point that depends on them, codes of a "
           "layer have none";
  return "QuantizeLinear with a scale that is not constant is not looked "
         "through";
}

std::string explainShortStep(unsigned most) {
  return llvm::formatv(
      "no eps keeps their step from being a subnormal of a few "
      "bits, which gives codes up to {0}: they need an eps, "
      "or a clamp to eight bits",
      most);
}

} // namespace

std::string explainActivations(Value x) {
  auto isQuantize = [](Operation *op) {
    return isa_and_nonnull<onnx::QuantizeLinearOp>(op);
  };
  auto isBehindRound = [](Operation *op) {
    return (isElementwise(op) && !isRounding(op)) ||
           isa_and_nonnull<onnx::DequantizeLinearOp, onnx::WhereOp>(op);
  };
  if (auto quantize = dyn_cast_or_null<onnx::QuantizeLinearOp>(
          findAbove(x, isQuantize, isBehindRound)))
    return explainQuantizeLinear(quantize);
  Operation *rounding = findAbove(x, isRounding, isElementwise);
  if (!rounding) {
    if (findAbove(x, isRounding, isBehindRound))
      return "Where between Round and matmul is neither Clip nor Min and Max";
    auto isScale = [](Operation *op) {
      auto reduction = dyn_cast_or_null<onnx::ReduceMaxOp>(op);
      return reduction && getDefining<onnx::AbsOp>(reduction.getData());
    };
    return findAbove(x, isScale, isElementwise)
               ? "no Round between scale and matmul"
               : "they are not quantized";
  }
  // A rounding of the scale or of the activations, too.
  for (Value operand : rounding->getOperands())
    if (findAbove(operand, isRounding, isElementwise))
      return "they are rounded more than once";
  Value scaled = getRounded(rounding);
  if (!scaled)
    return nameOf(rounding) + " does not round to nearest";
  if (!getComputeType(scaled))
    return "they are not quantized in float32, float16 or bfloat16";
  std::optional<ScaledMatch> scale = matchScaled(scaled);
  if (!scale)
    return explainScale(scaled);
  unsigned most = getMostCode(scale->scale);
  bool mayExceed = most > scale->scale.maxCode && most > 127;

  // The codes themselves, or codes that are rescaled by something else.
  if (!matchCodes(rounding->getResult(0))) {
    std::optional<double> low, high;
    bool isValid = true;
    Rounding kind;
    Value value = skipRound(rounding->getResult(0), kind);
    while (Value inner = skipClamp(value, low, high, isValid))
      value = inner;
    if (!isValid)
      return "they are clamped at bounds that are no integers";
  }
  // From the layer back to the rounding: what is between.
  Value value = x;
  bool isRescaled = false;
  SmallVector<std::pair<Value, bool>> factors;
  while (!matchCodes(value)) {
    std::optional<double> low, high;
    bool isValid = true;
    Operation *op = skipIdentity(value).getDefiningOp();
    if (Value inner = skipClamp(value, low, high, isValid)) {
      if (!isValid)
        return "they are clamped at bounds that are no integers";
      bool isEmpty = (low && *low > 0) || (high && *high < 0);
      bool isWide = (low && *low < -128) || (high && *high > 127);
      if (isWide && mayExceed)
        return explainShortStep(most);
      if (isEmpty || isWide)
        return llvm::formatv("they are clamped to [{0}, {1}], which is no "
                             "range of codes",
                             print(low.value_or(-HUGE_VAL)),
                             print(high.value_or(HUGE_VAL)));
      if (low.has_value() != high.has_value() && matchCodes(inner))
        return "no eps keeps their scale finite, and their codes are clamped "
               "on one side only";
      value = inner;
      continue;
    }
    if ((!op || op == rounding) && mayExceed)
      return explainShortStep(most);
    if (!op || op == rounding)
      return "the range of their codes is not known to fit eight bits";
    Value around;
    if (Value q = skipStraightThrough(value, around)) {
      if (matchCodes(q))
        return "straight-through arithmetic around their codes rounds where a "
               "mean lets values be large";
      value = q;
      continue;
    }
    if (isa<onnx::ReshapeOp>(op))
      return "Reshape between their quantizer and the matmul changes the rows "
             "that share a scale, or comes after another step";
    if (isa<onnx::AddOp, onnx::SubOp>(op))
      return nameOf(op) + " between Round and matmul is no straight-through "
                          "arithmetic, x + (q - x)";
    Value next;
    for (Value operand : op->getOperands())
      if (findAbove(
              operand, [&](Operation *o) { return o == rounding; },
              isElementwise)) {
        next = operand;
        break;
      }
    if (!next || !isElementwise(op))
      return "the form of their quantizer is not known";
    if (isa<onnx::MulOp, onnx::DivOp>(op)) {
      isRescaled = true;
      Value factor = op->getOperand(op->getOperand(0) == next ? 1 : 0);
      factors.push_back({factor, isa<onnx::DivOp>(op)});
    }
    value = next;
  }
  CodesMatch codes = *matchCodes(value);
  bool isInfinite = std::exchange(codes.isInfinite, false);
  if (isInfinite && isRescaled && matchRescale(codes, factors))
    return "no eps keeps their scale finite: values too small for it have "
           "infinite codes, which are multiplied by a finite step";
  if (isRescaled)
    return "they are rescaled by another factor than the one that made their "
           "codes";
  if (isInfinite)
    return "codes enter the product, and no eps keeps their scale finite: "
           "those "
           "of values too small for it are infinite, and nothing after the "
           "product divides by the same scale";
  return "codes enter the product, and nothing after it rescales them";
}

} // namespace bit
