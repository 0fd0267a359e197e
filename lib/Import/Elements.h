// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's element types and the sizes of tensors made of them.

#ifndef BIT_LIB_IMPORT_ELEMENTS_H
#define BIT_LIB_IMPORT_ELEMENTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "onnx/onnx_pb.h"
#include <optional>
#include <string>

namespace bit::detail {

/// Returns MLIR's type, or null where it has none (strings, complex numbers).
/// Signed integers are signless.
mlir::Type getElementType(mlir::MLIRContext *context, int32_t onnxType);

/// Returns the bits of one element as ONNX packs them, 0 for a type without
/// MLIR type. A bool has 8.
unsigned getElementBits(int32_t onnxType);

/// "float16" for TensorProto::FLOAT16.
std::string getElementName(int32_t onnxType);

/// "[2, 3]"
std::string printDims(const google::protobuf::RepeatedField<int64_t> &dims);

/// Returns the product of `dims`, none where one is negative or it overflows.
std::optional<int64_t>
countElements(const google::protobuf::RepeatedField<int64_t> &dims);

/// Returns the bytes of `count` packed elements, none on overflow.
std::optional<uint64_t> countBytes(int64_t count, unsigned bits);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_ELEMENTS_H
