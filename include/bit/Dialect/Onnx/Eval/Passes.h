// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_ONNX_EVAL_PASSES_H
#define BIT_DIALECT_ONNX_EVAL_PASSES_H

#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace bit::onnx {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "bit/Dialect/Onnx/Eval/Passes.h.inc"

} // namespace bit::onnx

#endif // BIT_DIALECT_ONNX_EVAL_PASSES_H
