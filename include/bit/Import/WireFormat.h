// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes large weights out of a model before protobuf sees it: libonnx copies a
// model several times, and a message must stay under 2 GB.

#ifndef BIT_IMPORT_WIREFORMAT_H
#define BIT_IMPORT_WIREFORMAT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace bit {

/// Bytes of a file.
struct FileRange {
  uint64_t offset;
  uint64_t length;
};

struct StrippedModel {
  /// The model, still a serialized ModelProto, in which each large raw_data is
  /// replaced by external data at location kRangePrefix + index into `ranges`.
  std::string bytes;
  std::vector<FileRange> ranges;
};

/// No location in the file may begin like this.
constexpr llvm::StringLiteral kRangePrefix = "#bit:";

/// Tensors of more bytes stay in the file.
constexpr uint64_t kLargeTensorBytes = 64 << 10;

/// Copies the serialized ModelProto `file` without the raw_data fields of more
/// than `threshold` bytes, wherever tensors may be: initializers, attributes,
/// subgraphs, functions. Training information is dropped. Reads every tag once
/// and no weight at all; fails on a file that is not a protobuf message.
llvm::Expected<StrippedModel>
stripModel(llvm::StringRef file, uint64_t threshold = kLargeTensorBytes);

} // namespace bit

#endif // BIT_IMPORT_WIREFORMAT_H
