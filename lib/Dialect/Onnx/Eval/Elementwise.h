// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise operators on blocks of doubles.

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_ELEMENTWISE_H
#define BIT_LIB_DIALECT_ONNX_EVAL_ELEMENTWISE_H

#include "FloatBlocks.h"
#include "mlir/IR/Operation.h"

namespace bit::onnx {

/// What a block function reads of its operation.
struct BlockInfo {
  unsigned numInputs = 0;
  bool isInteger = false;      ///< the operation computes on integers
  bool isShiftLeft = false;    ///< BitShift's direction
  bool hasLow = false;         ///< Clip's second input is there
  bool isC = false;            ///< Mod's remainder has the dividend's sign
  Format format = Format::F32; ///< of the result
  Format from = Format::F32;   ///< of the first input
  /// What Cast and QuantizeLinear saturate to; Clip's bounds where it has none.
  double low = 0, high = 0;
};

/// Computes `size` results from as many elements of each input. The results
/// are exact, or rounded to double: the caller rounds them to their format,
/// which for f32 +, -, *, / and sqrt is the same as rounding once.
using BlockFunction = void (*)(const BlockInfo &info, const double *const *in,
                               double *out, size_t size);

/// An operation that can be evaluated element by element.
struct Elementwise {
  BlockFunction function = nullptr;
  BlockInfo info;
  /// How to compute the same on blocks of floats, if they are enough.
  std::optional<FloatOp> floatOp;
  /// The operation keeps all elements in order and only changes the shape; its
  /// second operand, if any, is not read.
  bool isView = false;
};

std::optional<Elementwise> getElementwise(mlir::Operation *op);

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_ELEMENTWISE_H
