// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads an activation quantizer off the dataflow: docs/recognition.md has the
// picture.

#ifndef BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H
#define BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H

#include "bit/Dialect/Bit/IR/BitAttrs.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace bit {

/// How a value that scales activations is computed from their absolute maximum.
struct ScaleMatch {
  ActivationGranularity granularity = ActivationGranularity::Token;
  unsigned bits = 8;
  float eps = 0;
  EpsMode epsMode = EpsMode::None;
  ScaleForm form = ScaleForm::RecipMul;

  bool operator==(const ScaleMatch &other) const {
    return granularity == other.granularity && bits == other.bits &&
           eps == other.eps && epsMode == other.epsMode && form == other.form;
  }
};

/// Integer codes held in floats.
struct CodesMatch {
  mlir::Value input;
  ScaleMatch scale;
  int64_t low = -128, high = 127;
  Rounding rounding = Rounding::HalfEven;
};

struct QuantizerMatch {
  mlir::Value input;
  QuantizerAttr quantizer;
};

/// Matches a value that multiplies or divides `input`.
std::optional<ScaleMatch> matchScale(mlir::Value scale, mlir::Value input);

/// Matches clamp(round(input * scale)), codes that are not yet rescaled.
std::optional<CodesMatch> matchCodes(mlir::Value codes);

/// Returns the attribute for codes that are rescaled by `dequant`.
QuantizerAttr makeQuantizer(mlir::MLIRContext *context, const CodesMatch &codes,
                            DequantForm dequant);

/// How rescaling by `factor` (`isDivided`: by 1 / factor) fits the codes: the
/// attribute's `dequant`, which `scale = inverse` does not have.
std::optional<DequantForm> matchRescale(const CodesMatch &codes,
                                        mlir::Value factor, bool isDivided);

/// Matches codes that are rescaled again, also as x + (q - x).
std::optional<QuantizerMatch> matchQuantizer(mlir::Value dequantized);

/// Looks through Identity.
mlir::Value skipIdentity(mlir::Value value);

} // namespace bit

#endif // BIT_LIB_CONVERSION_ONNXTOBIT_MATCHQUANTIZER_H
