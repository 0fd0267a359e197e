// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_IMPORT_CONSTANTS_H
#define BIT_LIB_IMPORT_CONSTANTS_H

#include "Model.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace bit::detail {

/// Returns the value of a tensor that checkTensors has seen: a resource over
/// the mapped file where it is large, else its elements. `name` becomes the
/// resource's.
mlir::ElementsAttr convertTensor(const Model &model,
                                 const ::onnx::TensorProto &tensor,
                                 llvm::StringRef name);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_CONSTANTS_H
