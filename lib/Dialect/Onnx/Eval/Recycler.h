// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory of large tensors that died, for the next ones: the kernel takes longer
// to make fresh pages than most chains take to fill them, and used ones may
// still be in the cache.

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_RECYCLER_H
#define BIT_LIB_DIALECT_ONNX_EVAL_RECYCLER_H

#include "llvm/ADT/SmallVector.h"
#include <mutex>

namespace bit::onnx {

/// How tensors are aligned.
constexpr size_t kAlignment = 64;

/// Safe to use from several threads.
class Recycler {
public:
  /// Never destroyed, as tensors may outlive any other object.
  static Recycler &get();

  /// Returns uninitialized memory of at least `bytes`, which becomes its size;
  /// null if there is none.
  char *take(size_t &bytes);

  /// Takes back memory of the size that take() said.
  void give(char *data, size_t bytes);

private:
  /// Less comes from the heap, whose pages malloc keeps by itself.
  static constexpr size_t kMinBytes = size_t(1) << 17;
  /// What is kept in all.
  static constexpr size_t kMaxTotal = size_t(64) << 20;

  struct Block {
    char *data;
    size_t size;
  };
  std::mutex mutex;
  llvm::SmallVector<Block> kept;
  size_t total = 0;
};

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_RECYCLER_H
