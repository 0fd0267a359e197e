// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction-set levels that one library can hold.

#ifndef BIT_PIPELINES_LEVELS_H
#define BIT_PIPELINES_LEVELS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace bit {

struct Level {
  llvm::StringRef name;     ///< as in --level
  llvm::StringRef features; ///< LLVM's names: "sse3+ssse3+avx2"
  uint64_t cpuMask;         ///< BIT_CPU_* of bit/abi.h, the same set
  /// The level whose code is the same but for products by packed weights, if
  /// there is one.
  llvm::StringRef base = "";
  /// The feature that only kernels of some layouts use, if there is one:
  /// without them the code would be that of the next level.
  llvm::StringRef kernelFeature = "";
};

/// Returns the levels of an architecture by LLVM's name of it ("x86_64",
/// "aarch64"), the best one first; empty where there is none.
llvm::ArrayRef<Level> getLevels(llvm::StringRef architecture);

/// Returns the level called `name`, or null.
const Level *findLevel(llvm::StringRef architecture, llvm::StringRef name);

} // namespace bit

#endif // BIT_PIPELINES_LEVELS_H
