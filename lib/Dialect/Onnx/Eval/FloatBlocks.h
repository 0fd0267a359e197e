// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise operators on blocks of floats: the part of them whose results are
// those of the blocks of doubles, bit for bit (but for the payload of a NaN).
// It takes a fraction of their time, and most weights need nothing else.

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_FLOATBLOCKS_H
#define BIT_LIB_DIALECT_ONNX_EVAL_FLOATBLOCKS_H

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "mlir/IR/Operation.h"

namespace bit::onnx {

struct BlockInfo;

enum class FloatOp {
  Copy,
  Abs,
  Neg,
  Sign,
  Floor,
  Ceil,
  Round,
  Sqrt,
  Reciprocal,
  Relu,
  Not,
  Add,
  Sub,
  Mul,
  Div,
  Min,
  Max,
  And,
  Or,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Equal,
  Where,
  Clip,
  Truncate,
  Bool,
  Dequantize,
};

/// True if a float holds every element of `format`.
bool fitsFloat(Format format);

/// Returns how to compute `op` on floats, nothing if doubles are needed.
std::optional<FloatOp> getFloatOp(mlir::Operation *op, const BlockInfo &info);

/// Computes `size` results, which are already rounded to their format. They
/// may not overlap the inputs.
void computeFloats(FloatOp op, const BlockInfo &info, const float *const *in,
                   float *out, size_t size);

/// One of several operations that are computed in a row without memory in
/// between: on the result of the one before and on `operands`.
struct ChainStep {
  FloatOp op = FloatOp::Copy;
  bool isFirst = true; ///< the result of the one before is the first input
  bool hasLow = false, hasHigh = false; ///< Clip: which bounds there are
  unsigned numOperands = 0;
  const float *operands[2] = {};
};

/// Returns the step for an operation whose first (or second) input is the
/// result of the one before, nothing if it cannot be one. Its operands are
/// still to be set.
std::optional<ChainStep> getChainStep(FloatOp op, const BlockInfo &info,
                                      bool isFirst);

/// Computes the same as computeFloats for one step after the other. `out` may
/// be `in` or an operand.
void computeChain(llvm::ArrayRef<ChainStep> chain, const float *in, float *out,
                  size_t size);

/// What a reduction makes of its elements.
enum class Accumulation { Sum, Magnitudes, Squares, Largest, Smallest };

/// Partial results of a reduction. Element i goes to number i % kLanes, so that
/// neither the instructions of the machine nor its threads change a sum.
constexpr size_t kLanes = 16;
void accumulateFloats(Accumulation kind, const float *row, size_t size,
                      double *lanes);

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_FLOATBLOCKS_H
