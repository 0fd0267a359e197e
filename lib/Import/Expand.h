// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_IMPORT_EXPAND_H
#define BIT_LIB_IMPORT_EXPAND_H

#include "Model.h"
#include "Schemas.h"

namespace bit::detail {

/// Writes the default values of attributes that `node` leaves out into it.
void addDefaults(::onnx::NodeProto &node, const ::onnx::OpSchema &schema);

/// Replaces every node without lowering by its schema's function body, once;
/// returns whether there was one. Types must be inferred. libonnx's own inliner
/// leaves subgraphs alone, refuses omitted inputs, and infers the whole model
/// again for each node.
mlir::FailureOr<bool> expandOperators(Model &model, const Schemas &schemas);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_EXPAND_H
