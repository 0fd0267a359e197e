// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chain of elementwise operations, computed block by block.

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H
#define BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H

#include "Elementwise.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace bit::onnx {

/// How many elements an expression computes at once: some dozen intermediate
/// blocks fit into the L2 cache.
constexpr int64_t kBlockSize = 2048;

/// The same for floats, whose blocks fit into the L1 cache.
constexpr int64_t kFloatBlockSize = 1024;

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

  /// The tensor that it is, if it computes nothing.
  std::optional<HostTensor> getOnlyLeaf() const;

  /// Drops the last operation if it is Abs, for who takes magnitudes anyway.
  /// Returns whether it was.
  bool dropAbs();

  /// True if floats give the same elements as doubles: then FloatRun does.
  bool isFloat() const;

private:
  friend class FloatRun;
  struct Register {
    // A leaf:
    HostTensor tensor;
    bool isLinear = false;
    llvm::SmallVector<int64_t, 4> shape, strides;
    // A step:
    Elementwise step;
    llvm::SmallVector<unsigned, 3> inputs;
  };

  template <typename T>
  static void readBroadcast(const Register &leaf, int64_t begin,
                            llvm::MutableArrayRef<T> out);

  llvm::SmallVector<Register, 0> registers;
};

/// Computes an expression with isFloat() in memory of its own, so that each
/// thread needs one.
class FloatRun {
public:
  explicit FloatRun(const Expression &expression);

  /// Returns at most kFloatBlockSize of the last register's elements from the
  /// linear index `begin` on; they are in `out`, if that is not null, or
  /// somewhere else until the next call.
  llvm::ArrayRef<float> run(int64_t begin, size_t size, float *out = nullptr);

private:
  /// A leaf that is read into a block, or steps, each the only user of the one
  /// before.
  struct Task {
    llvm::SmallVector<unsigned, 8> registers;
    /// The steps with the registers that they read; empty if they are computed
    /// one by one.
    llvm::SmallVector<ChainStep, 0> chain;
    llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 0> operands;
    unsigned input = 0; ///< of the first step

    unsigned getResult() const { return registers.back(); }
  };
  void schedule();
  void extend(unsigned index, llvm::ArrayRef<unsigned> uses);
  void allocate();

  const Expression &expression;
  llvm::SmallVector<Task, 0> tasks;
  /// Registers whose lives do not overlap share a block.
  std::vector<float> memory;
  /// Where each register's block is; null if it is read where its tensor is.
  llvm::SmallVector<float *> blocks;
  llvm::SmallVector<const float *> values;
};

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_EXPRESSION_H
