// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a packed product with several scales along K has in place of N x G
// scales and of the sum of each row of codes.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_GROUPSCALES_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_GROUPSCALES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace bit {

/// N x G scales as ceil(N / rows) x G x rows, with zeros past the last row.
/// Nothing if the values are not there.
std::optional<mlir::ElementsAttr> blockGroupScales(mlir::ElementsAttr scales,
                                                   int64_t rows);

/// The sum of each group of each row of M x K codes: M x G, i32.
mlir::Value buildGroupSums(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value codes, int64_t groups);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_GROUPSCALES_H
