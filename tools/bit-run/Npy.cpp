// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// numpy's .npy format, versions 1 to 3.

#include "Array.h"
#include "Failure.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bitrun {

namespace {

struct NpyType {
  const char *name; ///< kind and bytes of `descr`, without its byte order
  int32_t dtype;
};
constexpr NpyType npyTypes[] = {
    {"f4", BIT_FLOAT32},   {"f8", BIT_FLOAT64},    {"f2", BIT_FLOAT16},
    {"i1", BIT_INT8},      {"i2", BIT_INT16},      {"i4", BIT_INT32},
    {"i8", BIT_INT64},     {"u1", BIT_UINT8},      {"u2", BIT_UINT16},
    {"u4", BIT_UINT32},    {"u8", BIT_UINT64},     {"b1", BIT_BOOL},
    {"c8", BIT_COMPLEX64}, {"c16", BIT_COMPLEX128}};

/// Reads the header, a Python dictionary of three entries.
class HeaderParser {
public:
  HeaderParser(std::string text, std::string what)
      : text(std::move(text)), what(std::move(what)) {}

  void parse() {
    expect('{');
    while (!take('}')) {
      std::string key = parseString();
      expect(':');
      if (key == "descr")
        descr = parseString();
      else if (key == "fortran_order")
        fortranOrder = parseBool();
      else if (key == "shape")
        parseShape();
      else
        damaged();
      seen += 1;
      if (!take(','))
        skip();
    }
    if (seen != 3 || descr.empty())
      damaged();
  }

  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;

private:
  [[noreturn]] void damaged() { fail(what + ": its .npy header is damaged"); }

  void skip() {
    while (at < text.size() && std::strchr(" \n\t", text[at]))
      ++at;
  }
  bool take(char c) {
    skip();
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }
  void expect(char c) {
    if (!take(c))
      damaged();
  }
  std::string parseString() {
    skip();
    // A list of fields here is a structured type.
    if (at < text.size() && text[at] == '[')
      fail(what + ": expects an array of numbers, got one of structs");
    expect('\'');
    size_t end = text.find('\'', at);
    if (end == std::string::npos)
      damaged();
    std::string value = text.substr(at, end - at);
    at = end + 1;
    return value;
  }
  bool parseBool() {
    skip();
    for (bool value : {true, false}) {
      const char *word = value ? "True" : "False";
      if (text.compare(at, std::strlen(word), word) == 0) {
        at += std::strlen(word);
        return value;
      }
    }
    damaged();
  }
  void parseShape() {
    expect('(');
    while (!take(')')) {
      skip();
      int64_t dim = 0;
      size_t first = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        if (__builtin_mul_overflow(dim, int64_t{10}, &dim) ||
            __builtin_add_overflow(dim, int64_t{text[at] - '0'}, &dim))
          fail(what + ": its shape exceeds the address space");
      if (at == first || shape.size() == BIT_MAX_RANK)
        damaged();
      shape.push_back(dim);
      if (!take(',')) {
        expect(')');
        return;
      }
    }
  }

  std::string text, what;
  size_t at = 0;
  int seen = 0;
};

} // namespace

static void setType(Array &array, const std::string &descr,
                    const std::string &what) {
  std::string name = descr.substr(1);
  for (const NpyType &type : npyTypes)
    if (name == type.name) {
      array.dtype = type.dtype;
      array.elementBytes = bit_dtype_bytes(type.dtype);
      return;
    }
  // numpy saves the types of ml_dtypes as bytes, but calls one of them f1.
  if (name == "V1" || name == "V2" || name == "f1") {
    array.dtype = Array::Raw;
    array.elementBytes = static_cast<size_t>(name[1] - '0');
    return;
  }
  fail(what + ": expects an array of numbers, got numpy type '" + descr + "'");
}

static void swapBytes(Array &array) {
  size_t unit = array.elementBytes;
  if (array.dtype == BIT_COMPLEX64 || array.dtype == BIT_COMPLEX128)
    unit /= 2;
  for (size_t i = 0; i + unit <= array.data.size(); i += unit)
    std::reverse(array.data.begin() + static_cast<ptrdiff_t>(i),
                 array.data.begin() + static_cast<ptrdiff_t>(i + unit));
}

/// From column-major to row-major.
static void transpose(Array &array) {
  std::vector<uint8_t> result(array.data.size());
  size_t rank = array.shape.size();
  std::vector<size_t> stride(rank);
  size_t step = array.elementBytes;
  for (size_t i = 0; i < rank; ++i) {
    stride[i] = step;
    step *= static_cast<size_t>(array.shape[i]);
  }
  std::vector<int64_t> index(rank, 0);
  size_t from = 0;
  for (size_t to = 0; to < result.size(); to += array.elementBytes) {
    std::memcpy(&result[to], &array.data[from], array.elementBytes);
    for (size_t i = rank; i-- > 0;) {
      from += stride[i];
      if (++index[i] < array.shape[i])
        break;
      from -= stride[i] * static_cast<size_t>(array.shape[i]);
      index[i] = 0;
    }
  }
  array.data = std::move(result);
}

Array parseNpy(const uint8_t *bytes, size_t size, const std::string &what) {
  if (size < 10 || std::memcmp(bytes, "\x93NUMPY", 6) != 0)
    fail(what + ": expects a .npy file");
  unsigned version = bytes[6];
  if (version < 1 || version > 3)
    fail(what + ": expects .npy version 1, 2 or 3, got " +
         std::to_string(version));
  size_t lengthBytes = version == 1 ? 2 : 4;
  size_t headerBytes = 0;
  if (size < 8 + lengthBytes)
    fail(what + ": is truncated");
  for (size_t i = 0; i < lengthBytes; ++i)
    headerBytes |= static_cast<size_t>(bytes[8 + i]) << (8 * i);
  size_t first = 8 + lengthBytes;
  if (headerBytes > size - first)
    fail(what + ": is truncated");
  HeaderParser header(
      std::string(reinterpret_cast<const char *>(bytes + first), headerBytes),
      what);
  header.parse();

  Array array;
  setType(array, header.descr, what);
  array.shape = header.shape;
  size_t expected = countBytes(array.shape, array.elementBytes, what);
  const uint8_t *data = bytes + first + headerBytes;
  size_t got = size - first - headerBytes;
  if (got != expected)
    fail(what + ": expects " + std::to_string(expected) + " bytes for " +
         describe(array) + ", got " + std::to_string(got));
  array.data.assign(data, data + got);
  if (header.descr[0] == '>')
    swapBytes(array);
  if (header.fortranOrder)
    transpose(array);
  return array;
}

static std::string npyDescr(const Array &array) {
  for (const NpyType &type : npyTypes)
    if (type.dtype == array.dtype)
      return (array.elementBytes == 1 ? "|" : "<") + std::string(type.name);
  return "<V" + std::to_string(array.elementBytes);
}

void writeNpy(const std::string &path, const Array &array) {
  std::string header =
      "{'descr': '" + npyDescr(array) + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : array.shape)
    header += std::to_string(dim) + ", ";
  // "(3, )" is not what numpy writes, but Python reads it as (3,).
  header += "), }";
  // The data begins at a multiple of 64: 10 bytes, header, newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string out("\x93NUMPY\1\0", 8);
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;

  FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    fail(path + ": " + std::strerror(errno));
  bool isWritten = std::fwrite(out.data(), 1, out.size(), file) == out.size() &&
                   (array.data.empty() ||
                    std::fwrite(array.data.data(), 1, array.data.size(),
                                file) == array.data.size());
  isWritten &= std::fclose(file) == 0;
  if (!isWritten) {
    int reason = errno;
    std::remove(path.c_str());
    fail(path + ": " + std::strerror(reason));
  }
}

} // namespace bitrun
