// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why floats are enough: a sum, difference, product, quotient or square root of
// two floats that is rounded to double and then to float is the one that is
// rounded to float at once. The other operators here do not round at all. The
// same holds for halves of 11 or 8 bits, since a float has twice as many and
// two more.

#include "FloatBlocks.h"
#include "Elementwise.h"
#include "bit/Support/Vectorize.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <cstring>

using namespace mlir;

namespace bit::onnx {
namespace {

//===----------------------------------------------------------------------===//
// Loops. The functions are branch-free, so that the loops vectorize.
//===----------------------------------------------------------------------===//

template <typename Fn>
BIT_INLINE_BODY void unary(const float *const *in, float *out, size_t size,
                           Fn fn) {
  const float *a = in[0];
  for (size_t i = 0; i < size; ++i)
    out[i] = fn(a[i]);
}

template <typename Fn>
BIT_INLINE_BODY void binary(const float *const *in, float *out, size_t size,
                            Fn fn) {
  const float *a = in[0], *b = in[1];
  for (size_t i = 0; i < size; ++i)
    out[i] = fn(a[i], b[i]);
}

/// Two inputs or more, one after the other.
template <typename Fn>
BIT_INLINE_BODY void variadic(unsigned numInputs, const float *const *in,
                              float *out, size_t size, Fn fn) {
  std::memcpy(out, in[0], size * sizeof(float));
  for (unsigned k = 1; k < numInputs; ++k) {
    const float *b = in[k];
    for (size_t i = 0; i < size; ++i)
      out[i] = fn(out[i], b[i]);
  }
}

/// Half to even. From 2^23 on every float is an integer.
BIT_INLINE_BODY float roundOf(float x) {
  const float magic = 0x1p23f;
  float magnitude = std::fabs(x);
  float rounded = std::copysign((magnitude + magic) - magic, x);
  return magnitude < magic ? rounded : x;
}
BIT_INLINE_BODY float floorOf(float x) {
  float rounded = roundOf(x);
  return std::copysign(rounded - (rounded > x ? 1.0f : 0.0f), x);
}
BIT_INLINE_BODY float ceilOf(float x) {
  float rounded = roundOf(x);
  return std::copysign(rounded + (rounded < x ? 1.0f : 0.0f), x);
}
BIT_INLINE_BODY float truncOf(float x) {
  float magnitude = std::fabs(x), rounded = roundOf(magnitude);
  return std::copysign(rounded - (rounded > magnitude ? 1.0f : 0.0f), x);
}

/// NaN stays NaN; where low > high the result is high. Bounds that are missing
/// are finite: infinity is clipped.
BIT_INLINE_BODY void clip(const BlockInfo &info, const float *const *in,
                          float *out, size_t size) {
  auto raise = [](float x, float low) { return x < low ? low : x; };
  auto lower = [](float x, float high) { return x > high ? high : x; };
  auto least = static_cast<float>(info.low);
  auto greatest = static_cast<float>(info.high);
  if (info.numInputs == 1) {
    for (size_t i = 0; i < size; ++i)
      out[i] = lower(raise(in[0][i], least), greatest);
  } else if (info.numInputs == 2 && info.hasLow) {
    binary(in, out, size,
           [=](float x, float low) { return lower(raise(x, low), greatest); });
  } else if (info.numInputs == 2) {
    binary(in, out, size,
           [=](float x, float high) { return lower(raise(x, least), high); });
  } else {
    const float *x = in[0], *low = in[1], *high = in[2];
    for (size_t i = 0; i < size; ++i)
      out[i] = lower(raise(x[i], low[i]), high[i]);
  }
}

BIT_INLINE_BODY void where(const float *const *in, float *out, size_t size) {
  const float *condition = in[0], *a = in[1], *b = in[2];
  for (size_t i = 0; i < size; ++i) {
    float x = a[i], y = b[i];
    out[i] = condition[i] != 0 ? x : y;
  }
}

/// (x - zero_point) * scale. The difference is an integer of at most 17 bits.
BIT_INLINE_BODY void dequantize(const BlockInfo &info, const float *const *in,
                                float *out, size_t size) {
  const float *x = in[0], *scale = in[1];
  if (info.numInputs < 3) {
    for (size_t i = 0; i < size; ++i)
      out[i] = x[i] * scale[i];
    return;
  }
  const float *zero = in[2];
  for (size_t i = 0; i < size; ++i)
    out[i] = (x[i] - zero[i]) * scale[i];
}

/// To an integer of at most 16 bits, which floats hold.
BIT_INLINE_BODY void truncate(const BlockInfo &info, const float *const *in,
                              float *out, size_t size) {
  float low = float(info.low), high = float(info.high);
  unary(in, out, size, [=](float x) {
    float raised = x < low ? low : x;
    float inside = raised > high ? high : raised;
    // An integer has no -0.
    return x == x ? truncOf(inside) + 0.0f : 0.0f;
  });
}

BIT_INLINE_BODY float roundToHalf(float x) {
  uint32_t bits = llvm::bit_cast<uint32_t>(x) & 0x7fffffff;
  uint32_t rounded = (bits + 0xfff + ((bits >> 13) & 1)) & ~0x1fffu;
  rounded = rounded >= 0x47800000 ? 0x7f800000 : rounded; // from 65536 on
  float magnitude = llvm::bit_cast<float>(bits);
  // From 0.5 on floats lie as far apart as subnormal halves.
  float subnormal = (magnitude + 0.5f) - 0.5f;
  float result =
      magnitude < 0x1p-14f ? subnormal : llvm::bit_cast<float>(rounded);
  return x == x ? std::copysign(result, x) : x;
}
BIT_INLINE_BODY float roundToBrain(float x) {
  uint32_t bits = llvm::bit_cast<uint32_t>(x);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffffu;
  return x == x ? llvm::bit_cast<float>(rounded) : x;
}

BIT_INLINE_BODY void computeUnrounded(FloatOp op, const BlockInfo &info,
                                      const float *const *in, float *out,
                                      size_t size) {
  auto toFloat = [](bool value) { return value ? 1.0f : 0.0f; };
  switch (op) {
  case FloatOp::Copy:
    std::memcpy(out, in[0], size * sizeof(float));
    return;
  case FloatOp::Abs:
    return unary(in, out, size, [](float x) { return std::fabs(x); });
  case FloatOp::Neg:
    return unary(in, out, size, [](float x) { return -x; });
  case FloatOp::Sign:
    return unary(in, out, size, [](float x) {
      return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    });
  case FloatOp::Floor:
    return unary(in, out, size, [](float x) { return floorOf(x); });
  case FloatOp::Ceil:
    return unary(in, out, size, [](float x) { return ceilOf(x); });
  case FloatOp::Round:
    return unary(in, out, size, [](float x) { return roundOf(x); });
  case FloatOp::Sqrt:
    return unary(in, out, size, [](float x) { return std::sqrt(x); });
  case FloatOp::Reciprocal:
    return unary(in, out, size, [](float x) { return 1.0f / x; });
  case FloatOp::Relu:
    return unary(in, out, size, [](float x) { return x < 0 ? 0.0f : x; });
  case FloatOp::Not:
    return unary(in, out, size, [&](float x) { return toFloat(x == 0); });
  case FloatOp::Bool:
    return unary(in, out, size, [&](float x) { return toFloat(x != 0); });
  case FloatOp::Truncate:
    return truncate(info, in, out, size);
  case FloatOp::Add:
    return binary(in, out, size, [](float a, float b) { return a + b; });
  case FloatOp::Sub:
    return binary(in, out, size, [](float a, float b) { return a - b; });
  case FloatOp::Mul:
    return binary(in, out, size, [](float a, float b) { return a * b; });
  case FloatOp::Div:
    return binary(in, out, size, [](float a, float b) { return a / b; });
  case FloatOp::And:
    return binary(in, out, size, [&](float a, float b) {
      return toFloat((a != 0) & (b != 0));
    });
  case FloatOp::Or:
    return binary(in, out, size, [&](float a, float b) {
      return toFloat((a != 0) | (b != 0));
    });
  case FloatOp::Greater:
    return binary(in, out, size,
                  [&](float a, float b) { return toFloat(a > b); });
  case FloatOp::GreaterOrEqual:
    return binary(in, out, size,
                  [&](float a, float b) { return toFloat(a >= b); });
  case FloatOp::Less:
    return binary(in, out, size,
                  [&](float a, float b) { return toFloat(a < b); });
  case FloatOp::LessOrEqual:
    return binary(in, out, size,
                  [&](float a, float b) { return toFloat(a <= b); });
  case FloatOp::Equal:
    return binary(in, out, size,
                  [&](float a, float b) { return toFloat(a == b); });
  case FloatOp::Min:
    return variadic(info.numInputs, in, out, size, [](float a, float b) {
      return ((a < b) | (a != a)) ? a : b;
    });
  case FloatOp::Max:
    return variadic(info.numInputs, in, out, size, [](float a, float b) {
      return ((a > b) | (a != a)) ? a : b;
    });
  case FloatOp::Where:
    return where(in, out, size);
  case FloatOp::Clip:
    return clip(info, in, out, size);
  case FloatOp::Dequantize:
    return dequantize(info, in, out, size);
  }
}

BIT_INLINE_BODY void computeBody(FloatOp op, const BlockInfo &info,
                                 const float *const *in, float *out,
                                 size_t size) {
  computeUnrounded(op, info, in, out, size);
  if (info.format == Format::F16) {
    for (size_t i = 0; i < size; ++i)
      out[i] = roundToHalf(out[i]);
  } else if (info.format == Format::BF16) {
    for (size_t i = 0; i < size; ++i)
      out[i] = roundToBrain(out[i]);
  }
}

void computeBaseline(FloatOp op, const BlockInfo &info, const float *const *in,
                     float *out, size_t size) {
  computeBody(op, info, in, out, size);
}

BIT_AVX2 void computeAvx2(FloatOp op, const BlockInfo &info,
                          const float *const *in, float *out, size_t size) {
  computeBody(op, info, in, out, size);
}

template <typename Fn>
BIT_INLINE_BODY void accumulate(const float *row, size_t size, double *lanes,
                                Fn fn) {
  double own[kLanes];
  std::memcpy(own, lanes, sizeof(own));
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane)
      own[lane] = fn(own[lane], double(row[i + lane]));
  for (size_t lane = 0; i < size; ++i, ++lane)
    own[lane] = fn(own[lane], double(row[i]));
  std::memcpy(lanes, own, sizeof(own));
}

BIT_INLINE_BODY void accumulateBody(Accumulation kind, const float *row,
                                    size_t size, double *lanes) {
  switch (kind) {
  case Accumulation::Sum:
    return accumulate(row, size, lanes,
                      [](double a, double x) { return a + x; });
  case Accumulation::Magnitudes:
    return accumulate(row, size, lanes,
                      [](double a, double x) { return a + std::fabs(x); });
  case Accumulation::Squares:
    return accumulate(row, size, lanes,
                      [](double a, double x) { return a + x * x; });
  case Accumulation::Largest:
    return accumulate(row, size, lanes, [](double a, double x) {
      return ((x > a) | (x != x)) ? x : a;
    });
  case Accumulation::Smallest:
    return accumulate(row, size, lanes, [](double a, double x) {
      return ((x < a) | (x != x)) ? x : a;
    });
  }
}

void accumulateBaseline(Accumulation kind, const float *row, size_t size,
                        double *lanes) {
  accumulateBody(kind, row, size, lanes);
}

BIT_AVX2 void accumulateAvx2(Accumulation kind, const float *row, size_t size,
                             double *lanes) {
  accumulateBody(kind, row, size, lanes);
}

} // namespace

bool fitsFloat(Format format) {
  switch (format) {
  case Format::F64:
  case Format::I32:
  case Format::U32:
  case Format::I64:
    return false;
  default:
    return true;
  }
}

std::optional<FloatOp> getFloatOp(Operation *op, const BlockInfo &info) {
  StringRef name = op->getName().stripDialect();
  auto isNarrowFloat = [](Format format) {
    return isFloat(format) && fitsFloat(format);
  };
  auto isSmallInteger = [](Format format) {
    return fitsFloat(format) && !isFloat(format) && format != Format::Bool;
  };
  if (name == "Cast" || name == "CastLike") {
    if (info.format == Format::Bool && fitsFloat(info.from))
      return FloatOp::Bool;
    if (isNarrowFloat(info.format) && fitsFloat(info.from))
      return FloatOp::Copy;
    if (info.from == Format::F32 && isSmallInteger(info.format))
      return FloatOp::Truncate;
    return std::nullopt;
  }
  // Integers that wrap are left to doubles, and so is a product of 28 bits that
  // is rounded to a half.
  if (!isNarrowFloat(info.format) && info.format != Format::Bool)
    return std::nullopt;
  if (name == "DequantizeLinear" && info.format != Format::F32)
    return std::nullopt;
  for (Value operand : op->getOperands().take_front(info.numInputs)) {
    auto type =
        dyn_cast_if_present<ShapedType>(operand ? operand.getType() : Type());
    std::optional<Format> format =
        type ? onnx::getFormat(type.getElementType()) : std::nullopt;
    if (!format || !fitsFloat(*format))
      return std::nullopt;
  }
  return llvm::StringSwitch<std::optional<FloatOp>>(name)
      .Case("Abs", FloatOp::Abs)
      .Case("Neg", FloatOp::Neg)
      .Case("Sign", FloatOp::Sign)
      .Case("Floor", FloatOp::Floor)
      .Case("Ceil", FloatOp::Ceil)
      .Case("Round", FloatOp::Round)
      .Case("Sqrt", FloatOp::Sqrt)
      .Case("Reciprocal", FloatOp::Reciprocal)
      .Case("Relu", FloatOp::Relu)
      .Case("Not", FloatOp::Not)
      .Cases({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"},
             FloatOp::Copy)
      .Case("Add", FloatOp::Add)
      .Case("Sub", FloatOp::Sub)
      .Case("Mul", FloatOp::Mul)
      .Case("Div", FloatOp::Div)
      .Case("Min", FloatOp::Min)
      .Case("Max", FloatOp::Max)
      .Case("And", FloatOp::And)
      .Case("Or", FloatOp::Or)
      .Case("Greater", FloatOp::Greater)
      .Case("GreaterOrEqual", FloatOp::GreaterOrEqual)
      .Case("Less", FloatOp::Less)
      .Case("LessOrEqual", FloatOp::LessOrEqual)
      .Case("Equal", FloatOp::Equal)
      .Case("Where", FloatOp::Where)
      .Case("Clip", FloatOp::Clip)
      .Case("DequantizeLinear", FloatOp::Dequantize)
      .Default(std::nullopt);
}

void computeFloats(FloatOp op, const BlockInfo &info, const float *const *in,
                   float *out, size_t size) {
  return hasAvx2() ? computeAvx2(op, info, in, out, size)
                   : computeBaseline(op, info, in, out, size);
}

void accumulateFloats(Accumulation kind, const float *row, size_t size,
                      double *lanes) {
  return hasAvx2() ? accumulateAvx2(kind, row, size, lanes)
                   : accumulateBaseline(kind, row, size, lanes);
}

} // namespace bit::onnx
