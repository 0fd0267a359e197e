// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitAttrs.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_ATTRDEF_CLASSES
#include "bit/Dialect/Bit/IR/BitAttrs.cpp.inc"

namespace bit {

void BitDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "bit/Dialect/Bit/IR/BitAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// #bit.quantizer
//===----------------------------------------------------------------------===//

float roundTo(ComputeType type, float value) {
  APFloat number(value);
  bool isInexact;
  if (type == ComputeType::F16)
    number.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven,
                   &isInexact);
  else if (type == ComputeType::BF16)
    number.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &isInexact);
  return number.convertToFloat();
}

LogicalResult
QuantizerAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      unsigned bits, ActivationGranularity granularity,
                      APFloat eps, EpsMode epsMode, ScaleForm scale,
                      DequantForm dequant, int64_t clampLow, int64_t clampHigh,
                      Rounding rounding, Statistic, ScaleOverflow,
                      ComputeType compute, unsigned maxCode) {
  // C1
  if (bits < 2 || bits > 8)
    return emitError() << "expects bits of 2 to 8, got " << bits;
  // C2
  if (!eps.isFinite() || eps.isNegative())
    return emitError() << "expects eps that is finite and not negative, got "
                       << eps.convertToFloat();
  // C3
  if (clampLow < -128 || clampLow > 0 || clampHigh < 0 || clampHigh > 127)
    return emitError()
           << "expects a clamp range that holds 0 within [-128, 127], got ["
           << clampLow << ", " << clampHigh << "]";
  // C4
  if (!hasFactor(scale) && dequant == DequantForm::Direct)
    return emitError() << "expects no dequant with scale = "
                       << stringifyEnum(scale) << ", got "
                       << stringifyEnum(dequant);
  // C5
  if (!hasStep(scale) &&
      (epsMode == EpsMode::ClampStep || epsMode == EpsMode::AddStep))
    return emitError() << "expects no eps_mode = " << stringifyEnum(epsMode)
                       << " with scale = " << stringifyEnum(scale);
  // C6
  float value = eps.convertToFloat();
  if (epsMode != EpsMode::None && roundTo(compute, value) != value)
    return emitError() << "expects eps that is a number of "
                       << stringifyEnum(compute) << ", got " << value;
  // C7
  if (maxCode < 1 || maxCode > 128)
    return emitError() << "expects max of 1 to 128, got " << maxCode;
  return success();
}

FloatType QuantizerAttr::getComputeType() const {
  switch (getCompute()) {
  case ComputeType::F32:
    return Float32Type::get(getContext());
  case ComputeType::F16:
    return Float16Type::get(getContext());
  case ComputeType::BF16:
    return BFloat16Type::get(getContext());
  }
  llvm_unreachable("all types are handled");
}

QuantizerAttr
QuantizerAttr::withGranularity(ActivationGranularity granularity) const {
  return get(getContext(), getBits(), granularity, getEps(), getEpsMode(),
             getScale(), getDequant(), getClampLow(), getClampHigh(),
             getRounding(), getStatistic(), getOverflow(), getCompute(),
             getMaxCode());
}

/// Parses a word of an enum into `value`.
template <typename EnumT>
static ParseResult parseCase(AsmParser &parser, EnumT &value) {
  FailureOr<EnumT> parsed = FieldParser<EnumT>::parse(parser);
  if (failed(parsed))
    return failure();
  value = *parsed;
  return success();
}

Attribute QuantizerAttr::parse(AsmParser &parser, Type) {
  unsigned bits = 8;
  auto granularity = ActivationGranularity::Token;
  APFloat eps(1.0e-5f);
  auto epsMode = EpsMode::Clamp;
  auto scale = ScaleForm::RecipMul;
  auto dequant = DequantForm::Recip;
  auto rounding = Rounding::HalfEven;
  auto statistic = Statistic::AbsMax;
  auto overflow = ScaleOverflow::NaN;
  auto compute = ComputeType::F32;
  std::optional<unsigned> maxCode;
  SmallVector<int64_t> clamp;

  llvm::StringSet<> seen;
  auto parseParameter = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    if (!seen.insert(name).second)
      return parser.emitError(loc) << "expects '" << name << "' once";
    if (name == "bits")
      return parser.parseInteger(bits);
    if (name == "max")
      return parser.parseInteger(maxCode.emplace());
    if (name == "granularity")
      return parseCase(parser, granularity);
    if (name == "statistic")
      return parseCase(parser, statistic);
    if (name == "eps")
      return parser.parseFloat(APFloat::IEEEsingle(), eps);
    if (name == "eps_mode")
      return parseCase(parser, epsMode);
    if (name == "scale")
      return parseCase(parser, scale);
    if (name == "dequant")
      return parseCase(parser, dequant);
    if (name == "rounding")
      return parseCase(parser, rounding);
    if (name == "overflow")
      return parseCase(parser, overflow);
    if (name == "compute")
      return parseCase(parser, compute);
    if (name != "clamp")
      return parser.emitError(loc)
             << "expects bits, max, granularity, statistic, eps, eps_mode, "
                "scale, "
                "dequant, clamp, rounding, overflow or compute, got '"
             << name << "'";
    auto parseBound = [&] { return parser.parseInteger(clamp.emplace_back()); };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                       parseBound))
      return failure();
    if (clamp.size() != 2)
      return parser.emitError(loc) << "expects clamp = [low, high], got "
                                   << clamp.size() << " numbers";
    return success();
  };

  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseParameter))
    return {};
  // Where bits is out of range, the verifier says so; do not shift by it.
  int64_t q = (int64_t(1) << (std::clamp(bits, 1u, 8u) - 1)) - 1;
  return parser.getChecked<QuantizerAttr>(
      loc, parser.getContext(), bits, granularity, eps, epsMode, scale, dequant,
      clamp.empty() ? -q - 1 : clamp[0], clamp.empty() ? q : clamp[1], rounding,
      statistic, overflow, compute, maxCode.value_or(q));
}

void QuantizerAttr::print(AsmPrinter &printer) const {
  auto defaults = QuantizerAttr::get(getContext(), getBits());
  printer << '<';
  llvm::ListSeparator comma;
  auto begin = [&](StringRef name) -> AsmPrinter & {
    printer.getStream() << StringRef(comma);
    return printer << name << " = ";
  };
  if (getBits() != 8)
    begin("bits") << getBits();
  if (getMaxCode() != defaults.getMaxCode())
    begin("max") << getMaxCode();
  if (getGranularity() != defaults.getGranularity())
    begin("granularity") << stringifyEnum(getGranularity());
  if (getStatistic() != defaults.getStatistic())
    begin("statistic") << stringifyEnum(getStatistic());
  if (!getEps().bitwiseIsEqual(defaults.getEps()))
    begin("eps") << getEps();
  if (getEpsMode() != defaults.getEpsMode())
    begin("eps_mode") << stringifyEnum(getEpsMode());
  if (getScale() != defaults.getScale())
    begin("scale") << stringifyEnum(getScale());
  if (getDequant() != defaults.getDequant())
    begin("dequant") << stringifyEnum(getDequant());
  if (getClampLow() != defaults.getClampLow() ||
      getClampHigh() != defaults.getClampHigh())
    begin("clamp") << '[' << getClampLow() << ", " << getClampHigh() << ']';
  if (getRounding() != defaults.getRounding())
    begin("rounding") << stringifyEnum(getRounding());
  if (getOverflow() != defaults.getOverflow())
    begin("overflow") << stringifyEnum(getOverflow());
  if (getCompute() != defaults.getCompute())
    begin("compute") << stringifyEnum(getCompute());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// #bit.kernel
//===----------------------------------------------------------------------===//

LogicalResult KernelAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef name, ArrayRef<int64_t> tile) {
  // C1: what the parser reads back as one word.
  bool isWord = !name.empty() && !llvm::isDigit(name.front()) &&
                name.front() != '.' && llvm::all_of(name, [](char c) {
                  return llvm::isAlnum(c) || c == '_' || c == '.';
                });
  if (!isWord)
    return emitError() << "expects a kernel name of letters, digits, '_' and "
                          "'.', got '"
                       << name << "'";
  // C2
  for (int64_t size : tile)
    if (size <= 0)
      return emitError() << "expects positive tile sizes, got " << size;
  return success();
}

Attribute KernelAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  SmallVector<int64_t> tile;
  if (parser.parseLess() || parser.parseKeyword(&name))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    auto parseSize = [&] { return parser.parseInteger(tile.emplace_back()); };
    if (parser.parseKeyword("tile") || parser.parseEqual() ||
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseSize))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<KernelAttr>(loc, parser.getContext(), name, tile);
}

void KernelAttr::print(AsmPrinter &printer) const {
  printer << '<' << getName();
  if (!getTile().empty()) {
    printer << ", tile = [";
    llvm::interleaveComma(getTile(), printer);
    printer << ']';
  }
  printer << '>';
}

} // namespace bit
