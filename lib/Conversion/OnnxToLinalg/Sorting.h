// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Heaps of positions, in a vector of 64-bit integers that is written in place.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_SORTING_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_SORTING_H

#include "Indexing.h"

namespace bit::onnx {

/// Whether position `a` comes before `b`, both of index type. A total order of
/// different positions, so that the result does not depend on the algorithm.
using ComesBefore = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value a, mlir::Value b)>;

/// Of the positions in [0, count) the first ones that `heap` has room for, in
/// their order; `room` is the size of `heap` and at most `count`.
mlir::Value selectFirst(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value heap, mlir::Value room, mlir::Value count,
                        ComesBefore comesBefore);

void addUniquePatterns(PatternList &list);

/// a < b where NaN is greater than all numbers.
mlir::Value lessWithNaN(ScalarBuilder &scalar, mlir::Value a, mlir::Value b);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_SORTING_H
