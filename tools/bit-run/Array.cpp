// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Array.h"
#include "Failure.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace bitrun {

size_t countBytes(const std::vector<int64_t> &shape, size_t elementBytes,
                  const std::string &what) {
  size_t bytes = elementBytes;
  bool isEmpty = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      fail(what + ": expects dims >= 0, got " + std::to_string(dim));
    isEmpty |= dim == 0;
    if (dim > 0 &&
        (__builtin_mul_overflow(bytes, static_cast<size_t>(dim), &bytes) ||
         bytes > PTRDIFF_MAX))
      fail(what + ": its shape exceeds the address space");
  }
  return isEmpty ? 0 : bytes;
}

std::string describe(const Array &array) {
  std::string text = array.dtype == Array::Raw
                         ? std::to_string(array.elementBytes) + "-byte void"
                         : bit_dtype_name(array.dtype);
  text += " [";
  for (size_t i = 0; i < array.shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(array.shape[i]);
  return text + "]";
}

std::vector<uint8_t> readFile(const std::string &path) {
  // Not blocking on a pipe that nobody writes to.
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    fail(path + ": " + std::strerror(errno));
  struct Closer {
    int file;
    ~Closer() { close(file); }
  } closer{file};
  struct stat info;
  if (fstat(file, &info) != 0)
    fail(path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    fail(path + ": expects a file");
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = read(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      fail(path + ": " + (count < 0 ? std::strerror(errno) : "is truncated"));
    done += static_cast<size_t>(count);
  }
  return bytes;
}

Array readArray(const std::string &path) {
  std::vector<uint8_t> bytes = readFile(path);
  if (bytes.size() >= 6 && std::memcmp(bytes.data(), "\x93NUMPY", 6) == 0)
    return parseNpy(bytes.data(), bytes.size(), path);
  if (bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\3\4", 4) == 0)
    fail(path + ": is an archive of arrays: use --inputs");
  std::string suffix = path.substr(path.find_last_of('.') + 1);
  if (suffix != "pb")
    fail(path + ": expects a .npy file or a TensorProto (.pb)");
  return parseTensorProto(bytes.data(), bytes.size(), path);
}

static void adoptRange(Array &array, int32_t dtype, int lo, int hi,
                       const std::string &what) {
  for (size_t i = 0; i < array.data.size(); ++i) {
    int value = array.dtype == BIT_INT8 ? static_cast<int8_t>(array.data[i])
                                        : array.data[i];
    if (value < lo || value > hi)
      fail(what + ": expects " + bit_dtype_name(dtype) + " values, got " +
           std::to_string(value) + " at element " + std::to_string(i));
  }
  array.dtype = dtype;
}

void adoptDtype(Array &array, int32_t dtype, const std::string &what) {
  if (array.dtype == Array::Raw && array.elementBytes == bit_dtype_bytes(dtype))
    array.dtype = dtype;
  bool isSigned = array.dtype == BIT_INT8 || array.dtype == dtype;
  if (dtype == BIT_INT4 && isSigned)
    adoptRange(array, dtype, -8, 7, what);
  else if (dtype == BIT_INT2 && isSigned)
    adoptRange(array, dtype, -2, 1, what);
  bool isUnsigned = array.dtype == BIT_UINT8 || array.dtype == dtype;
  if (dtype == BIT_UINT4 && isUnsigned)
    adoptRange(array, dtype, 0, 15, what);
  else if (dtype == BIT_UINT2 && isUnsigned)
    adoptRange(array, dtype, 0, 3, what);
  else if (dtype == BIT_BOOL && array.dtype == BIT_BOOL)
    for (uint8_t &value : array.data)
      value = value != 0;
}

} // namespace bitrun
