// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of values, from libonnx's to MLIR's.

#ifndef BIT_LIB_IMPORT_SHAPES_H
#define BIT_LIB_IMPORT_SHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "onnx/onnx_pb.h"
#include "llvm/Support/Error.h"
#include <string>

namespace bit::detail {

/// Forgets every dimension of an intermediate value or output that the file
/// declares; ranks and element types stay. A file may claim any size, and code
/// compiled for it would read past the end of a smaller one: sizes come from
/// inference alone. Inputs are checked at run time and stay.
void forgetShapes(::onnx::ModelProto &model);

/// Returns the tensor type, or why there is none.
llvm::Expected<mlir::RankedTensorType>
convertType(mlir::MLIRContext *context, const ::onnx::TypeProto &type);

/// "a sequence", for messages about what is not a tensor.
std::string describeType(const ::onnx::TypeProto &type);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_SHAPES_H
