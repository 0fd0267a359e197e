// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's TensorProto, from the protobuf wire format.

#include "Array.h"
#include "Failure.h"
#include <cstring>

namespace bitrun {

namespace {

/// A stretch of protobuf fields.
class Fields {
public:
  Fields(const uint8_t *bytes, size_t size, const std::string &what)
      : at(bytes), end(bytes + size), what(what) {}

  bool isAtEnd() const { return at == end; }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at == end)
        damaged();
      uint8_t byte = *at++;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
    damaged();
  }
  Fields bytes(uint64_t size) {
    if (size > static_cast<uint64_t>(end - at))
      damaged();
    Fields part(at, size, what);
    at += size;
    return part;
  }
  const uint8_t *data() const { return at; }
  size_t size() const { return static_cast<size_t>(end - at); }

  [[noreturn]] void damaged() const {
    fail(what + ": is no TensorProto, or a damaged one");
  }

private:
  const uint8_t *at, *end;
  const std::string &what;
};

enum WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
enum Field {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11,
  DataLocation = 14
};

/// What was found, before it is known how to read it.
struct Contents {
  std::vector<int64_t> dims;
  int32_t dtype = 0;
  bool hasRaw = false, isExternal = false;
  std::vector<uint8_t> raw;       ///< raw_data, float_data or double_data
  std::vector<uint64_t> integers; ///< int32_data, int64_data or uint64_data
};

} // namespace

static void append(std::vector<uint8_t> &out, const Fields &part) {
  out.insert(out.end(), part.data(), part.data() + part.size());
}

static void appendVarints(std::vector<uint64_t> &out, Fields part) {
  while (!part.isAtEnd())
    out.push_back(part.varint());
}

static void readBytesField(uint64_t field, Fields part, Contents &contents) {
  std::vector<uint64_t> dims;
  switch (field) {
  case Dims:
    appendVarints(dims, part);
    contents.dims.insert(contents.dims.end(), dims.begin(), dims.end());
    return;
  case RawData:
    contents.hasRaw = true;
    contents.raw.clear();
    [[fallthrough]];
  case FloatData:
  case DoubleData:
    append(contents.raw, part);
    return;
  case Int32Data:
  case Int64Data:
  case Uint64Data:
    appendVarints(contents.integers, part);
    return;
  }
}

static Contents readFields(Fields fields) {
  Contents contents;
  while (!fields.isAtEnd()) {
    uint64_t tag = fields.varint();
    uint64_t field = tag >> 3;
    if (field == 0)
      fields.damaged();
    switch (tag & 7) {
    case Varint: {
      uint64_t value = fields.varint();
      if (field == Dims)
        contents.dims.push_back(static_cast<int64_t>(value));
      else if (field == DataType)
        contents.dtype = value <= INT32_MAX ? static_cast<int32_t>(value) : 0;
      else if (field == DataLocation)
        contents.isExternal = value == 1;
      else if (field == Int32Data || field == Int64Data || field == Uint64Data)
        contents.integers.push_back(value);
      break;
    }
    case Fixed32:
    case Fixed64: {
      Fields part = fields.bytes((tag & 7) == Fixed32 ? 4 : 8);
      if (field == FloatData || field == DoubleData)
        append(contents.raw, part);
      break;
    }
    case Bytes:
      readBytesField(field, fields.bytes(fields.varint()), contents);
      break;
    default:
      fields.damaged();
    }
  }
  return contents;
}

/// Bits of an element in raw_data, where several share a byte; 0: they do not.
static unsigned packedBits(int32_t dtype) {
  if (dtype == BIT_INT4 || dtype == BIT_UINT4 || dtype == BIT_FLOAT4E2M1)
    return 4;
  return dtype == BIT_INT2 || dtype == BIT_UINT2 ? 2 : 0;
}

/// One element a byte, from the low bits up, sign-extended where signed.
static std::vector<uint8_t> unpack(const std::vector<uint8_t> &packed,
                                   int32_t dtype, size_t count) {
  unsigned bits = packedBits(dtype), perByte = 8 / bits;
  bool isSigned = dtype == BIT_INT4 || dtype == BIT_INT2;
  std::vector<uint8_t> out(count);
  for (size_t i = 0; i < count; ++i) {
    unsigned value = packed[i / perByte] >> (i % perByte * bits);
    value &= (1u << bits) - 1;
    if (isSigned && value >> (bits - 1))
      value |= ~0u << bits;
    out[i] = static_cast<uint8_t>(value);
  }
  return out;
}

Array parseTensorProto(const uint8_t *bytes, size_t size,
                       const std::string &what) {
  Contents contents = readFields(Fields(bytes, size, what));
  Array array;
  array.dtype = contents.dtype;
  array.elementBytes = bit_dtype_bytes(contents.dtype);
  array.shape = contents.dims;
  if (array.elementBytes == 0)
    fail(what + ": expects a TensorProto of numbers, got data type " +
         std::to_string(contents.dtype));
  if (contents.isExternal)
    fail(what + ": expects its data inside the file, not in another one");
  if (array.shape.size() > BIT_MAX_RANK)
    fail(what + ": expects a rank of at most " + std::to_string(BIT_MAX_RANK) +
         ", got " + std::to_string(array.shape.size()));
  size_t count =
      countBytes(array.shape, array.elementBytes, what) / array.elementBytes;

  // Integer fields hold one element each, or one byte of packed ones; those of
  // complex numbers are float_data or double_data.
  unsigned bits = packedBits(array.dtype);
  size_t unit = bits ? 1 : array.elementBytes;
  if (!contents.hasRaw && !contents.integers.empty()) {
    if (array.elementBytes > 8)
      fail(what + ": is no TensorProto, or a damaged one");
    for (uint64_t value : contents.integers) // little-endian hosts only
      contents.raw.insert(contents.raw.end(),
                          reinterpret_cast<const uint8_t *>(&value),
                          reinterpret_cast<const uint8_t *>(&value) + unit);
  }
  size_t expected = bits ? count / (8 / bits) + (count % (8 / bits) != 0)
                         : count * array.elementBytes;
  if (contents.raw.size() != expected)
    fail(what + ": expects " + std::to_string(expected) + " bytes for " +
         describe(array) + ", got " + std::to_string(contents.raw.size()));
  array.data =
      bits ? unpack(contents.raw, array.dtype, count) : std::move(contents.raw);
  return array;
}

} // namespace bitrun
