// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of an ai.onnx Attention after shapes, caches and masks are sorted
// out.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H

#include "Loops.h"

namespace bit::onnx {

struct PatternList;
void addRotaryPatterns(PatternList &list);
void addGroupQueryPatterns(PatternList &list);

/// What bit.attention computes with. Tensors are of the compute type.
struct AttentionParts {
  mlir::Value q, k, v; ///< B x H x L x D, B x G x T x D, B x G x T x E
  mlir::Value range;   ///< B x L x 2: a query's keys; null for all
  mlir::Value mask;    ///< of rank 4, dims of 1 repeat; null for none
  double scale = 1, softcap = 0;
  bool keepNan = false, zeroNan = false;
};

/// Rank 3, where heads lie side by side, as batch x heads x length x size; rank
/// 4 as it is. `name` is for errors.
mlir::FailureOr<mlir::Value> splitHeads(mlir::OpBuilder &builder,
                                        mlir::Operation *op, mlir::Value tensor,
                                        int64_t count, llvm::StringRef name);
/// The inverse.
mlir::Value mergeHeads(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value y);

/// Converts q, k and v from the storage type.
void toComputedParts(mlir::OpBuilder &builder, mlir::Location loc,
                     AttentionParts &parts, mlir::Type onnxType);
/// One bit.attention; the result is of the storage type.
mlir::Value emitAttention(mlir::OpBuilder &builder, mlir::Location loc,
                          const AttentionParts &parts, mlir::Type onnxType);

/// Angles of a rotary embedding, batch x length x half the rotated size, in the
/// compute type.
struct RotaryAngles {
  mlir::Value cos, sin;
};
/// The rows of two tables that `positions`, batch x length of i64, name. Fails
/// at run time where one is outside them.
mlir::FailureOr<RotaryAngles> gatherAngles(mlir::OpBuilder &builder,
                                           mlir::Operation *op, mlir::Value cos,
                                           mlir::Value sin,
                                           mlir::Value positions,
                                           mlir::Type onnxType, int64_t half);
/// Rotates the first `2 * half` of the last dim of `x`, whose dim of lengths is
/// `lengthDim`, 1 or 2.
mlir::Value rotate(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x,
                   const RotaryAngles &angles, int64_t half, bool interleaved,
                   int64_t lengthDim, mlir::Type onnxType);

/// Which scores an ai.onnx Attention returns besides its result.
enum class ScoresMode { Products, Capped, Masked, Softmax };

/// The scores as a tensor, in the compute type. Kernels do without it.
mlir::FailureOr<mlir::Value> emitAttentionScores(mlir::OpBuilder &builder,
                                                 mlir::Operation *op,
                                                 const AttentionParts &parts,
                                                 ScoresMode mode);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H
