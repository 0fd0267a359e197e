// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads an activation quantizer off the dataflow: docs/recognition.md has the
// picture.

#ifndef BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H
#define BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H

#include "bit/Dialect/Bit/IR/BitAttrs.h"
#include "mlir/IR/Value.h"
#include <optional>
#include <string>

namespace bit {

/// a', or d of the eps modes that act on the step: the value from which the
/// graph computes its scales.
struct StatisticMatch {
  ActivationGranularity granularity = ActivationGranularity::Token;
  Statistic statistic = Statistic::AbsMax;
  float eps = 0;
  EpsMode epsMode = EpsMode::None;
  unsigned maxCode = 0;  ///< Q, where it is d
  bool isInverse = true; ///< where it is d: a / Q, not a * (1 / Q)

  /// Whether it is d, from which everything else follows.
  bool isStep() const { return maxCode != 0; }

  bool operator==(const StatisticMatch &other) const {
    return granularity == other.granularity && statistic == other.statistic &&
           eps == other.eps && epsMode == other.epsMode &&
           maxCode == other.maxCode && isInverse == other.isInverse;
  }
};

/// How activations are scaled before they are rounded.
struct ScaleMatch {
  StatisticMatch statistic;
  unsigned maxCode = 127; ///< Q
  ScaleForm form = ScaleForm::RecipMul;
  ComputeType compute = ComputeType::F32;
};

/// Values of `input`, scaled.
struct ScaledMatch {
  mlir::Value input;
  ScaleMatch scale;
};

/// Integer codes held in floats.
struct CodesMatch {
  mlir::Value input;
  ScaleMatch scale;
  int64_t low = -128, high = 127;
  Rounding rounding = Rounding::HalfEven;
  ScaleOverflow overflow = ScaleOverflow::NaN;
  /// Whether codes of values too small for a scale are infinite, or not
  /// representable: NaN (0 with overflow = clamp) only if divided by the scale.
  bool isInfinite = false;
};

/// What turns codes back into values.
struct RescaleMatch {
  DequantForm dequant = DequantForm::Recip;
  double factor = 1; ///< left over: what it scales besides
};

struct QuantizerMatch {
  mlir::Value input;
  QuantizerAttr quantizer;
};

/// A power of the statistic times a number: a' or 1 / a'.
struct Monomial {
  std::optional<StatisticMatch> statistic;
  int power = 0;
  double factor = 1;
};

/// Matches a monomial in the statistic of `input`, of at most `depth`
/// operations: scales have four.
std::optional<Monomial> matchMonomial(mlir::Value value, mlir::Value input,
                                      unsigned depth = 6);

/// Matches a statistic of `input`, guarded by eps.
std::optional<StatisticMatch> matchStatistic(mlir::Value value,
                                             mlir::Value input);

/// Matches values that are scaled, not yet rounded.
std::optional<ScaledMatch> matchScaled(mlir::Value value);

/// The greatest code that an absolute maximum in f32 gives: Q, more where a
/// step that nothing guards may be a subnormal of a few bits.
unsigned getMostCode(const ScaleMatch &scale);

/// Matches clamp(round(scaled)), codes that are not yet rescaled.
std::optional<CodesMatch> matchCodes(mlir::Value codes);

/// Returns the attribute for codes that are rescaled by `dequant`.
QuantizerAttr makeQuantizer(mlir::MLIRContext *context, const CodesMatch &codes,
                            DequantForm dequant);

/// How multiplying the codes by all `factors` (true: dividing) rescales them.
std::optional<RescaleMatch>
matchRescale(const CodesMatch &codes,
             llvm::ArrayRef<std::pair<mlir::Value, bool>> factors);

/// Matches codes that are rescaled again, also as x + (q - x).
std::optional<QuantizerMatch> matchQuantizer(mlir::Value dequantized);

/// Where a bit.linear that keeps float activations says why.
constexpr llvm::StringLiteral activationsDeclinedName =
    "bit.activations_declined";

/// Says in words of the graph's author why the activations `x` of a layer have
/// no quantizer.
std::string explainActivations(mlir::Value x);

/// One step back through clamping: the value before it, null if `value` is not
/// clamped. The bounds narrow `low` and `high`; `isValid` becomes false where
/// they are no integers.
mlir::Value skipClamp(mlir::Value value, std::optional<double> &low,
                      std::optional<double> &high, bool &isValid);

/// One step back through rounding; null if there is none.
mlir::Value skipRound(mlir::Value value, Rounding &rounding);

/// Returns q of straight-through arithmetic around `x`, x + (q - x) or
/// x - (x - q); null if there is none.
mlir::Value skipStraightThrough(mlir::Value value, mlir::Value &x);

/// Returns Q, an integer of 1 to 128.
std::optional<unsigned> matchMaxCode(mlir::Value value);

/// Looks through Identity.
mlir::Value skipIdentity(mlir::Value value);

/// Looks through casts between f32, f16 and bf16, too.
mlir::Value skipFloatCasts(mlir::Value value);

/// The type as quantizers compute in it: f32, f16, bf16; none for others.
std::optional<ComputeType> getComputeType(mlir::Value value);

template <typename OpTy> OpTy getDefining(mlir::Value value) {
  return skipIdentity(value).getDefiningOp<OpTy>();
}

/// Calls `fn(a, b)` with the operands of a commutative operation in both orders
/// until it returns something.
template <typename Fn>
auto eitherOrder(mlir::Value a, mlir::Value b, Fn fn) -> decltype(fn(a, b)) {
  if (auto result = fn(a, b))
    return result;
  return fn(b, a);
}

} // namespace bit

#endif // BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H
