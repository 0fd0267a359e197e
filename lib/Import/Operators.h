// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What becomes of an operator: one operation, its function body, or an error.

#ifndef BIT_LIB_IMPORT_OPERATORS_H
#define BIT_LIB_IMPORT_OPERATORS_H

#include "Model.h"
#include "Schemas.h"
#include "mlir/IR/OperationSupport.h"

namespace bit::detail {

/// "ai.onnx.MatMul", as ImportOptions::keepWhole has it.
std::string getOperatorName(const ::onnx::NodeProto &node);

/// Returns the operation that stands for `node`, none where the dialect has
/// none.
std::optional<mlir::RegisteredOperationName>
getOperation(const Model &model, const ::onnx::NodeProto &node);

/// Whether `node` becomes one operation.
bool staysWhole(const Model &model, const ::onnx::NodeProto &node);

/// Whether `schema` has a body at kImportOpset.
bool hasFunctionBody(const ::onnx::OpSchema &schema);

/// Emits an error at every node, subgraphs included, that is not of opset
/// `opset` or neither stays whole nor has a body.
mlir::LogicalResult checkOperators(Model &model, const Schemas &schemas,
                                   int64_t opset);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_OPERATORS_H
