// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_ONNX_IR_ONNXDIALECT_H
#define BIT_DIALECT_ONNX_IR_ONNXDIALECT_H

#include "mlir/IR/Dialect.h"

#include "bit/Dialect/Onnx/IR/OnnxDialect.h.inc"

#endif // BIT_DIALECT_ONNX_IR_ONNXDIALECT_H
