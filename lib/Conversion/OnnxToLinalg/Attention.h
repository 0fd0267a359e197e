// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of an ai.onnx Attention after shapes, caches and masks are sorted
// out.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H

#include "Loops.h"

namespace bit::onnx {

/// What bit.attention computes with. Tensors are of the compute type.
struct AttentionParts {
  mlir::Value q, k, v; ///< B x H x L x D, B x G x T x D, B x G x T x E
  mlir::Value range;   ///< B x L x 2: a query's keys; null for all
  mlir::Value mask;    ///< of rank 4, dims of 1 repeat; null for none
  double scale = 1, softcap = 0;
  bool keepNan = false;
};

/// Which scores an ai.onnx Attention returns besides its result.
enum class ScoresMode { Products, Capped, Masked, Softmax };

/// The scores as a tensor, in the compute type. Kernels do without it.
mlir::FailureOr<mlir::Value> emitAttentionScores(mlir::OpBuilder &builder,
                                                 mlir::Operation *op,
                                                 const AttentionParts &parts,
                                                 ScoresMode mode);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_ATTENTION_H
