// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "Recycler.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace mlir;
using llvm::createStringError;
using llvm::Expected;

namespace bit::onnx {

std::optional<Format> getFormat(Type type) {
  if (type.isF64())
    return Format::F64;
  if (type.isF32())
    return Format::F32;
  if (type.isF16())
    return Format::F16;
  if (type.isBF16())
    return Format::BF16;
  if (type.isInteger(1))
    return Format::Bool;
  if (type.isInteger(2))
    return type.isUnsignedInteger() ? Format::U2 : Format::I2;
  if (type.isInteger(4))
    return type.isUnsignedInteger() ? Format::U4 : Format::I4;
  if (type.isInteger(8))
    return type.isUnsignedInteger() ? Format::U8 : Format::I8;
  if (type.isInteger(16))
    return type.isUnsignedInteger() ? Format::U16 : Format::I16;
  if (type.isInteger(32))
    return type.isUnsignedInteger() ? Format::U32 : Format::I32;
  if (type.isInteger(64) && !type.isUnsignedInteger())
    return Format::I64;
  return std::nullopt;
}

int64_t getByteSize(Format format) {
  switch (format) {
  case Format::F64:
  case Format::I64:
    return 8;
  case Format::F32:
  case Format::I32:
  case Format::U32:
    return 4;
  case Format::F16:
  case Format::BF16:
  case Format::I16:
  case Format::U16:
    return 2;
  case Format::Bool:
  case Format::I2:
  case Format::U2:
  case Format::I4:
  case Format::U4:
  case Format::I8:
  case Format::U8:
    return 1;
  }
  llvm_unreachable("all formats have a size");
}

unsigned getBitSize(Format format) {
  switch (format) {
  case Format::Bool:
    return 1;
  case Format::I2:
  case Format::U2:
    return 2;
  case Format::I4:
  case Format::U4:
    return 4;
  default:
    return 8 * getByteSize(format);
  }
}

bool isFloat(Format format) { return format <= Format::BF16; }

//===----------------------------------------------------------------------===//
// 16-bit floats
//===----------------------------------------------------------------------===//

namespace {

/// Without branches, so that loops over halves vectorize.
struct Half {
  uint16_t bits;
  operator double() const {
    uint32_t sign = uint32_t(bits & 0x8000) << 16;
    // The exponents of halves are 112 less; the product also scales subnormals.
    float scaled =
        llvm::bit_cast<float>(uint32_t(bits & 0x7fff) << 13) * 0x1p112f;
    uint32_t magnitude = llvm::bit_cast<uint32_t>(scaled);
    magnitude |= scaled >= 65536.0f ? 0x7f800000 : 0; // infinity, NaN
    return llvm::bit_cast<float>(sign | magnitude);
  }
  static Half round(double value) {
    uint64_t bits = llvm::bit_cast<uint64_t>(value);
    uint16_t sign = uint16_t(bits >> 48) & 0x8000;
    bits &= ~(uint64_t(1) << 63);
    double magnitude = llvm::bit_cast<double>(bits);
    // 42 bits are dropped, half to even; a carry adds to the exponent.
    uint64_t rounded = bits + ((uint64_t(1) << 41) - 1) + ((bits >> 42) & 1);
    uint16_t normal = uint16_t((rounded >> 42) - ((1023 - 15) << 10));
    // Above 2^28 doubles lie as far apart as subnormal halves.
    uint16_t subnormal = uint16_t(llvm::bit_cast<uint64_t>(magnitude + 0x1p28));
    uint16_t result = magnitude < 0x1p-14 ? subnormal : normal;
    result = magnitude >= 65520.0 ? 0x7c00 : result;
    return {uint16_t(magnitude != magnitude ? 0x7e00 : result | sign)};
  }
};

struct Brain {
  uint16_t bits;
  operator double() const {
    return llvm::bit_cast<float>(uint32_t(bits) << 16);
  }
  static Brain round(double value) {
    if (std::isnan(value))
      return {0x7fc0};
    uint32_t bits = llvm::bit_cast<uint32_t>(float(value));
    return {uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
  }
};

/// An integer of fewer bits than a byte.
template <int bits, bool isSigned> struct Narrow {
  int8_t value;
  operator double() const { return value; }
  static Narrow wrap(int64_t value) {
    int64_t low = value & ((1 << bits) - 1);
    bool isNegative = isSigned && (low >> (bits - 1)) != 0;
    return {int8_t(isNegative ? low - (1 << bits) : low)};
  }
};

/// The conversion of an out-of-range double is undefined in C++.
int64_t toInteger(double value) {
  if (std::isnan(value))
    return 0;
  return int64_t(std::clamp(value, -0x1p62, 0x1p62));
}

template <typename T> T fromDouble(double value) {
  if constexpr (std::is_integral_v<T>)
    return T(toInteger(value));
  else if constexpr (std::is_floating_point_v<T>)
    return T(value);
  else
    return T::wrap(toInteger(value));
}
template <> Half fromDouble(double value) { return Half::round(value); }
template <> Brain fromDouble(double value) { return Brain::round(value); }

/// Calls `fn` with a value of the C++ type that `format` is stored as.
template <typename Fn> void dispatch(Format format, Fn fn) {
  switch (format) {
  case Format::F64:
    return fn(double());
  case Format::F32:
    return fn(float());
  case Format::F16:
    return fn(Half());
  case Format::BF16:
    return fn(Brain());
  case Format::Bool:
  case Format::U8:
    return fn(uint8_t());
  case Format::I2:
    return fn(Narrow<2, true>());
  case Format::U2:
    return fn(Narrow<2, false>());
  case Format::I4:
    return fn(Narrow<4, true>());
  case Format::U4:
    return fn(Narrow<4, false>());
  case Format::I8:
    return fn(int8_t());
  case Format::I16:
    return fn(int16_t());
  case Format::U16:
    return fn(uint16_t());
  case Format::I32:
    return fn(int32_t());
  case Format::U32:
    return fn(uint32_t());
  case Format::I64:
    return fn(int64_t());
  }
}

} // namespace

void roundTo(Format format, MutableArrayRef<double> values) {
  if (format == Format::F64 || format == Format::I64)
    return;
  dispatch(format, [&](auto zero) {
    using T = decltype(zero);
    for (double &value : values)
      value = double(fromDouble<T>(value));
  });
}

//===----------------------------------------------------------------------===//
// HostTensor
//===----------------------------------------------------------------------===//

Expected<HostTensor> HostTensor::allocate(ShapedType type) {
  std::optional<Format> format = onnx::getFormat(type.getElementType());
  if (!format)
    return createStringError("its element type is not evaluated");
  if (!type.hasStaticShape())
    return createStringError("its shape is not known at compile time");
  int64_t bytes = getByteSize(*format);
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(bytes, dim, bytes))
      return createStringError("its size overflows");
  HostTensor tensor;
  tensor.type = type;
  tensor.format = *format;
  size_t size = bytes;
  char *data = Recycler::get().take(size);
  if (!data)
    return createStringError("it does not fit into memory");
  tensor.owned = std::shared_ptr<char>(
      data, [size](char *memory) { Recycler::get().give(memory, size); });
  tensor.bytes = {tensor.owned.get(), size_t(bytes)};
  return tensor;
}

/// Copies elements that lie several in a byte, the first in the low bits, or
/// one in a byte without its sign, as dense attributes have them.
static void unpack(ArrayRef<char> from, unsigned bits, bool isPacked,
                   bool isSplat, Format format, MutableArrayRef<char> to) {
  dispatch(format, [&](auto element) {
    using T = decltype(element);
    if constexpr (!std::is_arithmetic_v<T> && sizeof(T) == 1) {
      for (size_t i = 0; i < to.size(); ++i) {
        size_t at = isSplat ? 0 : i;
        unsigned byte = uint8_t(from[isPacked ? at * bits / 8 : at]);
        to[i] = T::wrap(isPacked ? byte >> (at * bits % 8) : byte).value;
      }
    }
  });
}

Expected<HostTensor> HostTensor::borrow(ElementsAttr attr) {
  ShapedType type = attr.getShapedType();
  std::optional<Format> format = onnx::getFormat(type.getElementType());
  if (!format)
    return createStringError("its element type is not evaluated");
  // Booleans have more than one storage; there are never many.
  if (*format == Format::Bool && isa<DenseElementsAttr>(attr)) {
    Expected<HostTensor> copy = allocate(type);
    if (copy)
      llvm::copy(cast<DenseElementsAttr>(attr).getValues<bool>(),
                 copy->owned.get());
    return copy;
  }
  HostTensor tensor;
  tensor.type = type;
  tensor.format = *format;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    tensor.bytes = dense.getRawData();
    tensor.splat = dense.isSplat();
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return createStringError("its data is not in the file");
    tensor.bytes = blob->getData();
  } else {
    return createStringError("its data is neither dense nor a resource");
  }
  if (unsigned bits = getBitSize(*format);
      bits < 8 && *format != Format::Bool) {
    // A resource has the bytes of the file, where elements share them.
    bool isPacked = isa<DenseResourceElementsAttr>(attr);
    Expected<HostTensor> copy = allocate(type);
    if (!copy)
      return copy;
    int64_t count = tensor.splat ? 1 : type.getNumElements();
    if (int64_t(tensor.bytes.size()) <
        (isPacked ? int64_t(llvm::divideCeil(count * bits, 8)) : count))
      return createStringError("its data is shorter than its type");
    unpack(tensor.bytes, bits, isPacked, tensor.splat, *format,
           copy->getMutableBytes());
    return copy;
  }
  int64_t bytes = getByteSize(*format);
  for (int64_t dim : type.getShape())
    if (!tensor.splat && llvm::MulOverflow(bytes, dim, bytes))
      return createStringError("its size overflows");
  if (int64_t(tensor.bytes.size()) < bytes)
    return createStringError("its data is shorter than its type");
  tensor.bytes = tensor.bytes.take_front(bytes);
  if (*format == Format::I64)
    for (size_t i = 0; i < tensor.bytes.size(); i += 8) {
      int64_t value;
      std::memcpy(&value, tensor.bytes.data() + i, 8);
      if (value > (int64_t(1) << 53) || value < -(int64_t(1) << 53))
        return createStringError("it has an integer beyond 2^53");
    }
  return tensor;
}

/// Reads elements of type `T` from any alignment.
template <typename T, typename To>
static void loadAs(const char *source, bool isSplat, MutableArrayRef<To> out) {
  T element;
  if (isSplat) {
    std::memcpy(&element, source, sizeof(T));
    return std::fill(out.begin(), out.end(), To(double(element)));
  }
  if constexpr (std::is_same_v<T, To>) {
    if (!out.empty())
      std::memcpy(out.data(), source, out.size() * sizeof(T));
    return;
  }
  for (To &value : out) {
    std::memcpy(&element, source, sizeof(T));
    value = To(double(element));
    source += sizeof(T);
  }
}

void HostTensor::load(int64_t begin, MutableArrayRef<double> out) const {
  dispatch(format, [&](auto element) {
    using T = decltype(element);
    loadAs<T>(bytes.data() + (splat ? 0 : begin * sizeof(T)), splat, out);
  });
}

void HostTensor::loadFloats(int64_t begin, MutableArrayRef<float> out) const {
  dispatch(format, [&](auto element) {
    using T = decltype(element);
    loadAs<T>(bytes.data() + (splat ? 0 : begin * sizeof(T)), splat, out);
  });
}

template <typename From>
static void storeAs(Format format, char *bytes, int64_t begin,
                    ArrayRef<From> values) {
  dispatch(format, [&](auto element) {
    using T = decltype(element);
    char *target = bytes + begin * sizeof(T);
    if constexpr (std::is_same_v<T, From>) {
      if (!values.empty())
        std::memcpy(target, values.data(), values.size() * sizeof(T));
      return;
    }
    for (From value : values) {
      element = fromDouble<T>(value);
      std::memcpy(target, &element, sizeof(T));
      target += sizeof(T);
    }
  });
}

void HostTensor::store(int64_t begin, ArrayRef<double> values) {
  storeAs(format, owned.get(), begin, values);
}

void HostTensor::storeFloats(int64_t begin, ArrayRef<float> values) {
  storeAs(format, owned.get(), begin, values);
}

std::optional<ArrayRef<float>> HostTensor::getFloats() const {
  if (format != Format::F32 || splat ||
      reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) != 0)
    return std::nullopt;
  return ArrayRef<float>(reinterpret_cast<const float *>(bytes.data()),
                         bytes.size() / sizeof(float));
}

double HostTensor::at(int64_t index) const {
  double value;
  load(index, value);
  return value;
}

MutableArrayRef<char> HostTensor::getMutableBytes() {
  return {owned.get(), bytes.size()};
}

HostTensor HostTensor::reshaped(ArrayRef<int64_t> shape) const {
  HostTensor result = *this;
  result.type = RankedTensorType::get(shape, type.getElementType());
  return result;
}

ElementsAttr HostTensor::toAttr(StringRef name, int64_t maxDenseBytes) const {
  if (format == Format::Bool) {
    SmallVector<bool> values(bytes.begin(), bytes.end());
    return splat ? DenseElementsAttr::get(type, values.front())
                 : DenseElementsAttr::get(type, values);
  }
  if (getBitSize(format) < 8) {
    unsigned bits = getBitSize(format);
    SmallVector<APInt> values;
    for (char byte : bytes)
      values.push_back(APInt(bits, uint8_t(byte), /*isSigned=*/false,
                             /*implicitTrunc=*/true));
    return DenseElementsAttr::get(type, values);
  }
  if (splat || int64_t(bytes.size()) <= maxDenseBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(type.getContext());
  if (!owned)
    return DenseResourceElementsAttr::get(
        type,
        manager.insert(name, HeapAsmResourceBlob::allocateAndCopyWithAlign(
                                 bytes, kAlignment,
                                 /*dataIsMutable=*/false)));
  // The attribute becomes one more owner of the bytes.
  return DenseResourceElementsAttr::get(
      type,
      manager.insert(name, UnmanagedAsmResourceBlob::allocateWithAlign(
                               bytes, kAlignment,
                               [owner = owned](void *, size_t, size_t) {})));
}

} // namespace bit::onnx
