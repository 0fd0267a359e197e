// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chain of elementwise operations, computed block by block.

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H
#define BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H

#include "Elementwise.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace bit::onnx {

/// How many elements an expression computes at once: some dozen intermediate
/// blocks fit into the L2 cache.
constexpr int64_t kBlockSize = 2048;

/// Elementwise operations that all have as many elements, so that one linear
/// index serves them all, over leaves that are broadcast to them.
class Expression {
public:
  /// Adds a tensor that is read as if it had `shape`, which it must broadcast
  /// to. Returns its register.
  llvm::Expected<unsigned> addLeaf(HostTensor tensor,
                                   llvm::ArrayRef<int64_t> shape);
  /// Adds an operation on registers. Returns its register.
  unsigned addStep(const Elementwise &step, llvm::ArrayRef<unsigned> inputs);

  /// Computes the last register's elements from the linear index `begin` on.
  /// At most kBlockSize of them.
  void run(int64_t begin, llvm::MutableArrayRef<double> out) const;

private:
  struct Register {
    // A leaf:
    HostTensor tensor;
    bool isLinear = false;
    llvm::SmallVector<int64_t, 4> shape, strides;
    // A step:
    Elementwise step;
    llvm::SmallVector<unsigned, 3> inputs;
  };

  static void readBroadcast(const Register &leaf, int64_t begin,
                            llvm::MutableArrayRef<double> out);

  llvm::SmallVector<Register, 0> registers;
};

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H
