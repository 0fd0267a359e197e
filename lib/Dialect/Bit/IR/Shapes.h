// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_DIALECT_BIT_IR_SHAPES_H
#define BIT_LIB_DIALECT_BIT_IR_SHAPES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include <string>

namespace bit {

/// Whether two dimensions can be equal at run time.
bool dimsMatch(int64_t a, int64_t b);

/// Whether two shapes of one rank can be equal at run time.
bool shapesMatch(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// "2x?x4", as a type prints its shape; "0-d" for none.
std::string printShape(llvm::ArrayRef<int64_t> shape);

/// The first dimensions of `result`: constants where its type has them, else
/// the dimensions of `source`.
llvm::SmallVector<mlir::OpFoldResult>
reifyDims(mlir::OpBuilder &builder, mlir::Value result, mlir::Value source);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_IR_SHAPES_H
