// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Values.h"
#include "Failure.h"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <unistd.h>

namespace bitrun {

namespace {

/// A float of up to 16 bits. `special` says what the highest codes mean.
struct SmallFloat {
  enum Special { Ieee, NanOnly, NegativeZeroIsNan, None };
  int32_t dtype;
  int signBits, exponentBits, mantissaBits, bias;
  Special special;
};
constexpr SmallFloat smallFloats[] = {
    {BIT_FLOAT16, 1, 5, 10, 15, SmallFloat::Ieee},
    {BIT_BFLOAT16, 1, 8, 7, 127, SmallFloat::Ieee},
    {BIT_FLOAT8E5M2, 1, 5, 2, 15, SmallFloat::Ieee},
    {BIT_FLOAT8E4M3FN, 1, 4, 3, 7, SmallFloat::NanOnly},
    {BIT_FLOAT8E4M3FNUZ, 1, 4, 3, 8, SmallFloat::NegativeZeroIsNan},
    {BIT_FLOAT8E5M2FNUZ, 1, 5, 2, 16, SmallFloat::NegativeZeroIsNan},
    {BIT_FLOAT4E2M1, 1, 2, 1, 1, SmallFloat::None}};

/// Powers of two without sign, zero or mantissa; the highest code is NaN.
constexpr int e8m0Bias = 127;

} // namespace

static const SmallFloat *findSmallFloat(int32_t dtype) {
  for (const SmallFloat &type : smallFloats)
    if (type.dtype == dtype)
      return &type;
  return nullptr;
}

static double decode(const SmallFloat &type, unsigned bits) {
  unsigned mantissaMask = (1u << type.mantissaBits) - 1;
  unsigned exponentMask = (1u << type.exponentBits) - 1;
  unsigned mantissa = bits & mantissaMask;
  unsigned exponent = bits >> type.mantissaBits & exponentMask;
  bool isNegative = bits >> (type.mantissaBits + type.exponentBits) & 1;
  if (type.special == SmallFloat::Ieee && exponent == exponentMask) {
    if (mantissa)
      return std::nan("");
    return isNegative ? -HUGE_VAL : HUGE_VAL;
  }
  if (type.special == SmallFloat::NanOnly && exponent == exponentMask &&
      mantissa == mantissaMask)
    return std::nan("");
  if (type.special == SmallFloat::NegativeZeroIsNan && isNegative &&
      !exponent && !mantissa)
    return std::nan("");
  // Without the implicit leading 1 where the exponent is 0.
  double value = mantissa + (exponent ? mantissaMask + 1 : 0);
  int power = (exponent ? static_cast<int>(exponent) : 1) - type.bias -
              type.mantissaBits;
  value = std::ldexp(value, power);
  return isNegative ? -value : value;
}

template <typename T> static T load(const Array &array, size_t index) {
  T value;
  std::memcpy(&value, &array.data[index * sizeof(T)], sizeof(T));
  return value;
}

size_t numbersPerElement(int32_t dtype) {
  return dtype == BIT_COMPLEX64 || dtype == BIT_COMPLEX128 ? 2 : 1;
}

double numberAt(const Array &array, size_t index) {
  switch (array.dtype) {
  case BIT_FLOAT32:
  case BIT_COMPLEX64:
    return load<float>(array, index);
  case BIT_FLOAT64:
  case BIT_COMPLEX128:
    return load<double>(array, index);
  case BIT_INT8:
  case BIT_INT4:
  case BIT_INT2:
    return load<int8_t>(array, index);
  case BIT_INT16:
    return load<int16_t>(array, index);
  case BIT_INT32:
    return load<int32_t>(array, index);
  case BIT_INT64:
    return static_cast<double>(load<int64_t>(array, index));
  case BIT_UINT16:
    return load<uint16_t>(array, index);
  case BIT_UINT32:
    return load<uint32_t>(array, index);
  case BIT_UINT64:
    return static_cast<double>(load<uint64_t>(array, index));
  case BIT_FLOAT8E8M0: {
    int exponent = load<uint8_t>(array, index);
    return exponent == 255 ? std::nan("") : std::ldexp(1, exponent - e8m0Bias);
  }
  default:
    break;
  }
  if (const SmallFloat *type = findSmallFloat(array.dtype))
    return decode(*type, array.elementBytes == 2 ? load<uint16_t>(array, index)
                                                 : load<uint8_t>(array, index));
  return load<uint8_t>(array, index);
}

std::string formatNumberAt(const Array &array, size_t index) {
  if (array.dtype == BIT_INT64)
    return std::to_string(load<int64_t>(array, index));
  if (array.dtype == BIT_UINT64)
    return std::to_string(load<uint64_t>(array, index));
  bool isDouble = array.dtype == BIT_FLOAT64 || array.dtype == BIT_COMPLEX128;
  char text[40];
  std::snprintf(text, sizeof(text), isDouble ? "%.17g" : "%.9g",
                numberAt(array, index));
  return text;
}

/// By how much two numbers differ, in units of what is allowed; nothing if
/// that is at most 1.
static std::optional<double> excess(double got, double expected, double rtol,
                                    double atol) {
  if (got == expected || (std::isnan(got) && std::isnan(expected)))
    return std::nullopt;
  double difference = std::fabs(got - expected);
  double allowed = atol + rtol * std::fabs(expected);
  if (std::isfinite(expected) && difference <= allowed)
    return std::nullopt;
  return std::isnan(difference) || allowed == 0 || std::isinf(expected)
             ? HUGE_VAL
             : difference / allowed;
}

static std::string formatIndex(size_t index,
                               const std::vector<int64_t> &shape) {
  std::string text;
  for (size_t i = shape.size(); i-- > 0;) {
    auto dim = static_cast<size_t>(shape[i]);
    text = std::to_string(index % dim) + (text.empty() ? "" : ", ") + text;
    index /= dim;
  }
  return "[" + text + "]";
}

std::string compare(const Array &got, const Array &expected, double rtol,
                    double atol) {
  if (got.dtype != expected.dtype || got.shape != expected.shape)
    return "expects " + describe(expected) + ", got " + describe(got);
  size_t parts = numbersPerElement(got.dtype);
  size_t count = got.data.size() / got.elementBytes * parts;
  size_t worst = 0, differing = 0;
  double worstExcess = 0;
  for (size_t i = 0; i < count; ++i) {
    // 64-bit integers may be equal as doubles and yet differ.
    bool differsAsBits =
        got.dtype == BIT_INT64 || got.dtype == BIT_UINT64
            ? load<uint64_t>(got, i) != load<uint64_t>(expected, i)
            : false;
    double a = numberAt(got, i), b = numberAt(expected, i);
    std::optional<double> over = excess(a, b, rtol, atol);
    if (!over && differsAsBits && a == b && atol + rtol * std::fabs(b) < 1)
      over = 1.0;
    if (!over)
      continue;
    if (++differing == 1 || *over > worstExcess) {
      worst = i;
      worstExcess = *over;
    }
  }
  if (differing == 0)
    return "";
  double a = numberAt(got, worst), b = numberAt(expected, worst);
  char off[80];
  std::snprintf(off, sizeof(off), "%.3g, relative %.3g", std::fabs(a - b),
                std::fabs(a - b) / std::fabs(b));
  return "expects " + formatNumberAt(expected, worst) + ", got " +
         formatNumberAt(got, worst) + " at " +
         formatIndex(worst / parts, got.shape) + " (off by " + off + "); " +
         std::to_string(differing) + " of " + std::to_string(count) +
         " numbers differ";
}

static uint64_t randomNumber(int32_t dtype, std::mt19937_64 &generator) {
  uint64_t bits = generator();
  if (dtype == BIT_FLOAT32 || dtype == BIT_COMPLEX64) {
    // Sign and mantissa are random, the exponent is that of 1/16 .. 1/2.
    return (bits & 0x807fffff) | (123 + (bits >> 40) % 4) << 23;
  }
  if (dtype == BIT_FLOAT64 || dtype == BIT_COMPLEX128)
    return (bits & 0x800fffffffffffff) | (1019 + (bits >> 52) % 4) << 52;
  if (dtype == BIT_FLOAT8E8M0)
    return e8m0Bias - 1 - bits % 4;
  if (dtype == BIT_FLOAT4E2M1)
    return bits % 16;
  if (const SmallFloat *type = findSmallFloat(dtype)) {
    uint64_t exponent = static_cast<uint64_t>(type->bias) - 1 - bits % 4;
    uint64_t mantissa = bits >> 8 & ((1u << type->mantissaBits) - 1);
    uint64_t sign = bits >> 40 & 1;
    return sign << (type->exponentBits + type->mantissaBits) |
           exponent << type->mantissaBits | mantissa;
  }
  return bits & 1;
}

Array makeRandom(const Port &port, const std::vector<int64_t> &shape,
                 std::mt19937_64 &generator) {
  Array array;
  array.dtype = port.dtype;
  array.elementBytes = bit_dtype_bytes(port.dtype);
  array.shape = shape;
  std::string what = "random input '" + port.name + "'";
  size_t bytes = countBytes(shape, array.elementBytes, what);
  // The system would promise more memory than there is and then end us.
  auto memory = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
                static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (bytes > memory / 2)
    fail(what + ": " + describe(array) + " exceeds half of the memory");
  array.data.resize(bytes);
  size_t unit = array.elementBytes / numbersPerElement(port.dtype);
  for (size_t i = 0; i < bytes; i += unit) {
    uint64_t value = randomNumber(port.dtype, generator);
    std::memcpy(&array.data[i], &value, unit);
  }
  return array;
}

} // namespace bitrun
