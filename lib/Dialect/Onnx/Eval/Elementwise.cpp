// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace bit::onnx {
namespace {

//===----------------------------------------------------------------------===//
// Scalar functions, and the loops around them
//===----------------------------------------------------------------------===//

double copyOf(double x) { return x; }
double absOf(double x) { return std::fabs(x); }
double negOf(double x) { return -x; }
double signOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
double floorOf(double x) { return std::floor(x); }
double ceilOf(double x) { return std::ceil(x); }
double sqrtOf(double x) { return std::sqrt(x); }
double reciprocalOf(double x) { return 1 / x; }
double expOf(double x) { return std::exp(x); }
double logOf(double x) { return std::log(x); }
double tanhOf(double x) { return std::tanh(x); }
double sigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }
double reluOf(double x) { return x < 0 ? 0 : x; }
double notOf(double x) { return x == 0; }
double bitwiseNotOf(double x) { return double(~int64_t(x)); }

/// Half to even. Vectorizes, unlike the library's function on baseline x86-64.
double roundOf(double x) {
  const double magic = 0x1.8p52;
  double rounded = (x + magic) - magic;
  return std::fabs(x) < 0x1p51 ? std::copysign(rounded, x) : x;
}

double addOf(double a, double b) { return a + b; }
double subOf(double a, double b) { return a - b; }
double mulOf(double a, double b) { return a * b; }
double divOf(double a, double b) { return a / b; }
/// Division by zero has no defined result in ONNX.
double integerDivOf(double a, double b) {
  return b == 0 ? 0 : std::trunc(a / b);
}
/// The remainder has the sign of the divisor, as in Python.
double floorModOf(double a, double b) {
  double r = b == 0 ? 0 : std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
double truncModOf(double a, double b) { return std::fmod(a, b); }
double powOf(double a, double b) {
  return b == 2 ? a * a : b == 0.5 ? std::sqrt(a) : std::pow(a, b);
}
double minOf(double a, double b) { return a < b || std::isnan(a) ? a : b; }
double maxOf(double a, double b) { return a > b || std::isnan(a) ? a : b; }
double andOf(double a, double b) { return a != 0 && b != 0; }
double orOf(double a, double b) { return a != 0 || b != 0; }
double xorOf(double a, double b) { return (a != 0) != (b != 0); }
double bitwiseAndOf(double a, double b) {
  return double(int64_t(a) & int64_t(b));
}
double bitwiseOrOf(double a, double b) {
  return double(int64_t(a) | int64_t(b));
}
double bitwiseXorOf(double a, double b) {
  return double(int64_t(a) ^ int64_t(b));
}
double greaterOf(double a, double b) { return a > b; }
double greaterOrEqualOf(double a, double b) { return a >= b; }
double lessOf(double a, double b) { return a < b; }
double lessOrEqualOf(double a, double b) { return a <= b; }
double equalOf(double a, double b) { return a == b; }

template <double (*fn)(double)>
void unary(const BlockInfo &, const double *const *in, double *out,
           size_t size) {
  for (size_t i = 0; i < size; ++i)
    out[i] = fn(in[0][i]);
}

template <double (*fn)(double, double)>
void binary(const BlockInfo &, const double *const *in, double *out,
            size_t size) {
  for (size_t i = 0; i < size; ++i)
    out[i] = fn(in[0][i], in[1][i]);
}

/// Min, Max, Sum: any number of inputs.
template <double (*fn)(double, double)>
void variadic(const BlockInfo &info, const double *const *in, double *out,
              size_t size) {
  std::copy_n(in[0], size, out);
  for (unsigned k = 1; k < info.numInputs; ++k)
    for (size_t i = 0; i < size; ++i)
      out[i] = fn(out[i], in[k][i]);
}

void div(const BlockInfo &info, const double *const *in, double *out,
         size_t size) {
  return info.isInteger ? binary<integerDivOf>(info, in, out, size)
                        : binary<divOf>(info, in, out, size);
}

void mod(const BlockInfo &info, const double *const *in, double *out,
         size_t size) {
  // An integer has no remainder of a division by 0; floats have NaN.
  if (info.isC && !info.isInteger)
    return binary<truncModOf>(info, in, out, size);
  if (!info.isC)
    return binary<floorModOf>(info, in, out, size);
  for (size_t i = 0; i < size; ++i)
    out[i] = in[1][i] == 0 ? 0 : std::fmod(in[0][i], in[1][i]);
}

void where(const BlockInfo &, const double *const *in, double *out,
           size_t size) {
  for (size_t i = 0; i < size; ++i)
    out[i] = in[0][i] != 0 ? in[1][i] : in[2][i];
}

/// NaN stays NaN; where low > high the result is high. Bounds that are missing
/// are finite for floats: infinity is clipped.
void clip(const BlockInfo &info, const double *const *in, double *out,
          size_t size) {
  unsigned next = 1;
  if (info.hasLow) {
    for (size_t i = 0; i < size; ++i)
      out[i] = in[0][i] < in[next][i] ? in[next][i] : in[0][i];
    ++next;
  } else if (info.isInteger) {
    std::copy_n(in[0], size, out);
  } else {
    for (size_t i = 0; i < size; ++i)
      out[i] = in[0][i] < info.low ? info.low : in[0][i];
  }
  if (next < info.numInputs)
    for (size_t i = 0; i < size; ++i)
      out[i] = out[i] > in[next][i] ? in[next][i] : out[i];
  else if (!info.isInteger)
    for (size_t i = 0; i < size; ++i)
      out[i] = out[i] > info.high ? info.high : out[i];
}

void shift(const BlockInfo &info, const double *const *in, double *out,
           size_t size) {
  for (size_t i = 0; i < size; ++i) {
    uint64_t value = uint64_t(int64_t(in[0][i]));
    uint64_t bits = uint64_t(int64_t(in[1][i]));
    // Shifting everything out gives 0, which C++ leaves undefined.
    uint64_t result = bits > 63          ? 0
                      : info.isShiftLeft ? value << bits
                                         : value >> bits;
    out[i] = double(result & ((uint64_t(1) << 53) - 1));
  }
}

void cast(const BlockInfo &info, const double *const *in, double *out,
          size_t size) {
  if (info.format == Format::Bool) {
    for (size_t i = 0; i < size; ++i)
      out[i] = in[0][i] != 0;
    return;
  }
  std::copy_n(in[0], size, out);
  if (isFloat(info.format) || info.isInteger)
    return; // rounding and wrapping are the caller's
  for (size_t i = 0; i < size; ++i)
    out[i] = std::isnan(out[i])
                 ? 0
                 : std::trunc(std::min(std::max(out[i], info.low), info.high));
}

/// (x - zero_point) * scale.
void dequantize(const BlockInfo &info, const double *const *in, double *out,
                size_t size) {
  for (size_t i = 0; i < size; ++i)
    out[i] = (in[0][i] - (info.numInputs > 2 ? in[2][i] : 0)) * in[1][i];
}

/// saturate(round(x / scale) + zero_point); the quotient is rounded to the type
/// of x first, as who computes in that type does.
void quantize(const BlockInfo &info, const double *const *in, double *out,
              size_t size) {
  for (size_t i = 0; i < size; ++i)
    out[i] = in[0][i] / in[1][i];
  roundTo(info.from, MutableArrayRef<double>(out, size));
  for (size_t i = 0; i < size; ++i) {
    double code = roundOf(out[i]) + (info.numInputs > 2 ? in[2][i] : 0);
    out[i] =
        std::isnan(code) ? 0 : std::min(std::max(code, info.low), info.high);
  }
}

BlockFunction findFunction(StringRef opType) {
  return llvm::StringSwitch<BlockFunction>(opType)
      .Case("Abs", unary<absOf>)
      .Case("Neg", unary<negOf>)
      .Case("Sign", unary<signOf>)
      .Case("Floor", unary<floorOf>)
      .Case("Ceil", unary<ceilOf>)
      .Case("Round", unary<roundOf>)
      .Case("Sqrt", unary<sqrtOf>)
      .Case("Reciprocal", unary<reciprocalOf>)
      .Case("Exp", unary<expOf>)
      .Case("Log", unary<logOf>)
      .Case("Tanh", unary<tanhOf>)
      .Case("Sigmoid", unary<sigmoidOf>)
      .Case("Relu", unary<reluOf>)
      .Case("Not", unary<notOf>)
      .Case("BitwiseNot", unary<bitwiseNotOf>)
      .Cases({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"},
             unary<copyOf>)
      .Cases({"Cast", "CastLike"}, cast)
      .Case("Add", binary<addOf>)
      .Case("Sub", binary<subOf>)
      .Case("Mul", binary<mulOf>)
      .Case("Div", div)
      .Case("Pow", binary<powOf>)
      .Case("Min", variadic<minOf>)
      .Case("Max", variadic<maxOf>)
      .Case("Sum", variadic<addOf>)
      .Case("And", binary<andOf>)
      .Case("Or", binary<orOf>)
      .Case("Xor", binary<xorOf>)
      .Case("BitwiseAnd", binary<bitwiseAndOf>)
      .Case("BitwiseOr", binary<bitwiseOrOf>)
      .Case("BitwiseXor", binary<bitwiseXorOf>)
      .Case("BitShift", shift)
      .Case("Greater", binary<greaterOf>)
      .Case("GreaterOrEqual", binary<greaterOrEqualOf>)
      .Case("Less", binary<lessOf>)
      .Case("LessOrEqual", binary<lessOrEqualOf>)
      .Case("Equal", binary<equalOf>)
      .Case("Where", where)
      .Case("Clip", clip)
      .Case("Mod", mod)
      .Case("DequantizeLinear", dequantize)
      .Case("QuantizeLinear", quantize)
      .Default(nullptr);
}

} // namespace

std::optional<Elementwise> getElementwise(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return std::nullopt;
  auto resultType = dyn_cast<ShapedType>(op->getResult(0).getType());
  auto inputType = dyn_cast<ShapedType>(op->getOperand(0).getType());
  if (!resultType || !inputType)
    return std::nullopt;
  std::optional<Format> format = getFormat(resultType.getElementType());
  std::optional<Format> from = getFormat(inputType.getElementType());
  Elementwise result;
  result.function = findFunction(op->getName().stripDialect());
  if (!result.function || !format || !from)
    return std::nullopt;
  result.info.numInputs = op->getNumOperands();
  result.info.format = *format;
  result.info.from = *from;
  result.info.isInteger = !isFloat(*from);
  result.isView = isa<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp>(op);
  if (result.isView || isa<CastLikeOp>(op))
    result.info.numInputs = 1;
  if (auto shiftOp = dyn_cast<BitShiftOp>(op))
    result.info.isShiftLeft = shiftOp.getDirection() == "LEFT";
  if (auto modOp = dyn_cast<ModOp>(op))
    result.info.isC = modOp.getFmod() != 0;
  if (!isFloat(*format) && *format != Format::Bool) {
    unsigned bits = getBitSize(*format);
    bool isUnsigned = resultType.getElementType().isUnsignedInteger();
    // Doubles hold no more than 53 bits of an i64.
    bits = std::min(bits, 54u);
    result.info.low = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1);
    result.info.high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
  }
  if (auto clipOp = dyn_cast<ClipOp>(op)) {
    result.info.hasLow = bool(clipOp.getMin());
    if (auto type = dyn_cast<FloatType>(resultType.getElementType())) {
      result.info.high =
          APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
      result.info.low = -result.info.high;
    }
  }
  result.floatOp = getFloatOp(op, result.info);
  return result;
}

} // namespace bit::onnx
