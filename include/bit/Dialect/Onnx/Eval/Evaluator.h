// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates constant subgraphs over host buffers.

#ifndef BIT_DIALECT_ONNX_EVAL_EVALUATOR_H
#define BIT_DIALECT_ONNX_EVAL_EVALUATOR_H

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "mlir/IR/Value.h"

namespace bit::onnx {

class Expression;
class FloatRun;

/// Returns the onnx.Constant values that `value` is computed from, or the
/// reason why it is not a constant or cannot be evaluated. Nothing is computed.
llvm::Expected<llvm::SmallVector<mlir::Value>>
getConstantSources(mlir::Value value);

/// Whether getConstantSources returns values. Takes less time where it does
/// not.
bool isComputable(mlir::Value value);

/// Computes `value`, each operation once, on all threads of the context. Chains
/// of elementwise operations run in blocks that stay in the cache, so that the
/// memory needed is that of the result and of what reductions, transpositions
/// and the like have to keep. Sums are doubles.
llvm::Expected<HostTensor> evaluate(mlir::Value value);

/// A constant whose last elementwise operations are computed where they are
/// read: who reads it block by block needs no memory for it.
class Chain {
public:
  Chain(Chain &&other);
  Chain &operator=(Chain &&other);
  ~Chain();

  mlir::ShapedType getType() const { return type; }
  Format getFormat() const { return format; }

  /// True if ChainReader reads it; evaluate() does in any case.
  bool isReadable() const;
  llvm::Expected<HostTensor> evaluate() const;

private:
  friend class ChainReader;
  friend llvm::Expected<Chain> evaluateChain(mlir::Value value);
  Chain(mlir::ShapedType type, Expression &&expression);

  mlir::ShapedType type;
  Format format;
  std::unique_ptr<Expression> expression;
};

/// Reads a chain with isReadable(); each thread needs one.
class ChainReader {
public:
  static constexpr int64_t kMaxSize = 1024;

  explicit ChainReader(const Chain &chain);
  ~ChainReader();

  /// Returns at most kMaxSize elements from the linear index `begin` on, which
  /// stay where they are until the next call.
  llvm::ArrayRef<float> read(int64_t begin, size_t size);

private:
  std::unique_ptr<FloatRun> run;
};

/// Computes `value` as evaluate does, but for its last elementwise operations.
llvm::Expected<Chain> evaluateChain(mlir::Value value);

/// Returns the only element of `value` if it is a constant with one element.
std::optional<double> evaluateScalar(mlir::Value value);

/// Returns the elements of `value` if it is an onnx.Constant of at most 64
/// integers. Those beyond 2^53, as ends of slices have them, are clamped.
std::optional<llvm::SmallVector<int64_t>>
getConstantIntegers(mlir::Value value);

} // namespace bit::onnx

#endif // BIT_DIALECT_ONNX_EVAL_EVALUATOR_H
