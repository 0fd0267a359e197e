// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "bit/runtime.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using namespace llvm;

namespace bit {

bool isNumber(int32_t dtype) {
  switch (dtype) {
  case BIT_BOOL:
  case BIT_UINT8:
  case BIT_UINT16:
  case BIT_UINT32:
  case BIT_UINT64:
    return true;
  default:
    return isFloat(dtype) || isSigned(dtype);
  }
}

bool isFloat(int32_t dtype) {
  return dtype == BIT_FLOAT32 || dtype == BIT_FLOAT64 || dtype == BIT_FLOAT16 ||
         dtype == BIT_BFLOAT16;
}

bool isSigned(int32_t dtype) {
  return dtype == BIT_INT8 || dtype == BIT_INT16 || dtype == BIT_INT32 ||
         dtype == BIT_INT64;
}

static const fltSemantics &getHalfSemantics(int32_t dtype) {
  return dtype == BIT_FLOAT16 ? APFloat::IEEEhalf() : APFloat::BFloat();
}

template <typename T> static T load(const uint8_t *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

template <typename T> static void store(uint8_t *data, T value) {
  std::memcpy(data, &value, sizeof(T));
}

/// Calls `visit` with a value of the C type that an integer type is held in.
template <typename Visit> static auto withInteger(int32_t dtype, Visit visit) {
  switch (dtype) {
  case BIT_INT8:
    return visit(int8_t());
  case BIT_INT16:
    return visit(int16_t());
  case BIT_INT32:
    return visit(int32_t());
  case BIT_INT64:
    return visit(int64_t());
  case BIT_UINT16:
    return visit(uint16_t());
  case BIT_UINT32:
    return visit(uint32_t());
  case BIT_UINT64:
    return visit(uint64_t());
  default:
    return visit(uint8_t());
  }
}

double readNumber(const uint8_t *data, int32_t dtype) {
  if (dtype == BIT_FLOAT32)
    return load<float>(data);
  if (dtype == BIT_FLOAT64)
    return load<double>(data);
  if (isFloat(dtype)) {
    APFloat value(getHalfSemantics(dtype), APInt(16, load<uint16_t>(data)));
    bool losesInfo = false;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return value.convertToDouble();
  }
  return withInteger(dtype, [&](auto zero) {
    return static_cast<double>(load<decltype(zero)>(data));
  });
}

void writeNumber(uint8_t *data, int32_t dtype, double value) {
  if (dtype == BIT_FLOAT32)
    return store(data, static_cast<float>(value));
  if (dtype == BIT_FLOAT64)
    return store(data, value);
  if (isFloat(dtype)) {
    APFloat half(value);
    bool losesInfo = false;
    half.convert(getHalfSemantics(dtype), APFloat::rmNearestTiesToEven,
                 &losesInfo);
    return store(data,
                 static_cast<uint16_t>(half.bitcastToAPInt().getZExtValue()));
  }
  withInteger(dtype, [&](auto zero) {
    store(data, static_cast<decltype(zero)>(static_cast<int64_t>(value)));
  });
}

std::string formatNumber(const uint8_t *data, int32_t dtype) {
  std::string text;
  raw_string_ostream os(text);
  if (isFloat(dtype))
    os << format(dtype == BIT_FLOAT64 ? "%.17g" : "%.9g",
                 readNumber(data, dtype));
  else
    // The unary plus makes numbers of characters.
    withInteger(dtype, [&](auto zero) { os << +load<decltype(zero)>(data); });
  return text;
}

} // namespace bit
