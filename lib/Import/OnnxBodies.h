// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Function bodies of ai.onnx's operators that libonnx has none of, or one that
// its own shape inference cannot follow.

#ifndef BIT_LIB_IMPORT_ONNXBODIES_H
#define BIT_LIB_IMPORT_ONNXBODIES_H

#include "onnx/defs/schema.h"
#include <stdexcept>
#include <string>

namespace bit::detail {

/// Why a node has no body, which is an error at it.
class BodyError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The body of an operator, null where it has none here.
::onnx::ContextDependentFunctionBodyBuilder
getRecurrentBody(const std::string &opType);
::onnx::ContextDependentFunctionBodyBuilder
getGridBody(const std::string &opType);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_ONNXBODIES_H
