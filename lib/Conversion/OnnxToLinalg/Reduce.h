// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_REDUCE_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_REDUCE_H

#include "ScalarBuilder.h"

namespace bit::onnx {

/// Where a reduction starts and what it does with one element.
struct Reduction {
  mlir::Value (*initial)(ScalarBuilder &);
  mlir::Value (*step)(ScalarBuilder &, mlir::Value element,
                      mlir::Value accumulator);
};

extern const Reduction sumReduction;
extern const Reduction squareReduction;
extern const Reduction maxReduction;

/// Reduces `axes` in the compute type of `onnxType`; the input's elements may
/// be of either type.
mlir::Value reduceWith(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value input, mlir::Type onnxType,
                       llvm::ArrayRef<int64_t> axes,
                       const Reduction &reduction);

/// How many elements `axes` span, in the compute type.
mlir::Value countElements(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value input, mlir::Type onnxType,
                          llvm::ArrayRef<int64_t> axes);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_REDUCE_H
