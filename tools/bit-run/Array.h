// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays in memory and the three file formats they come in.

#ifndef BIT_RUN_ARRAY_H
#define BIT_RUN_ARRAY_H

#include "bit/runtime.h"
#include <map>
#include <string>
#include <vector>

namespace bitrun {

/// Contiguous and row-major. A .npy file saves types that numpy does not have
/// as raw bytes; dtype is then `Raw`, and the model says which type they are.
struct Array {
  static constexpr int32_t Raw = -1;

  int32_t dtype = 0;
  size_t elementBytes = 0;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;
};

using NamedArrays = std::map<std::string, Array>;

/// Bytes of an array; fails, naming `what`, if that exceeds the address space.
size_t countBytes(const std::vector<int64_t> &shape, size_t elementBytes,
                  const std::string &what);

/// "float32 [2, 3]".
std::string describe(const Array &array);

/// The bytes of a file; fails if it is no regular file or cannot be read.
std::vector<uint8_t> readFile(const std::string &path);

/// An array from .npy bytes or from an ONNX TensorProto, by content.
Array readArray(const std::string &path);
/// All arrays of an .npz archive whose members are stored, not deflated.
NamedArrays readNpz(const std::string &path);

Array parseNpy(const uint8_t *bytes, size_t size, const std::string &what);
Array parseTensorProto(const uint8_t *bytes, size_t size,
                       const std::string &what);

void writeNpy(const std::string &path, const Array &array);

/// Makes `array`, read from a file, one of `dtype`: raw bytes become it, and so
/// do 8-bit integers that are in the range of a 4- or 2-bit type.
void adoptDtype(Array &array, int32_t dtype, const std::string &what);

} // namespace bitrun

#endif // BIT_RUN_ARRAY_H
