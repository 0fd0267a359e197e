// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operators that are taken from an opset newer than the import's. They
// allow more types than before, or are new functions, and are otherwise what
// they were; libonnx cannot convert what they newly allow.

#ifndef BIT_IMPORT_NEWEROPERATORS_H
#define BIT_IMPORT_NEWEROPERATORS_H

#include <algorithm>
#include <string_view>
#include <utility>

namespace bit {

inline constexpr std::pair<std::string_view, int> newerOperators[] = {
    {"BitShift", 28}, {"CausalConvWithState", 27},
    {"Celu", 28},     {"Compress", 28},
    {"Einsum", 28},   {"LinearAttention", 27},
    {"Mod", 28},      {"OneHot", 28},
    {"Range", 27},    {"ReverseSequence", 28},
    {"SwiGLU", 28},   {"Unique", 28},
};

/// The version of an ai.onnx operator that is taken instead of the import
/// opset's, or 0.
inline int getNewerVersion(std::string_view opType) {
  const auto *found =
      std::find_if(std::begin(newerOperators), std::end(newerOperators),
                   [&](const auto &newer) { return newer.first == opType; });
  return found == std::end(newerOperators) ? 0 : found->second;
}

} // namespace bit

#endif // BIT_IMPORT_NEWEROPERATORS_H
