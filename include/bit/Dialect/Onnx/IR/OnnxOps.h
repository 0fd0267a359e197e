// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_ONNX_IR_ONNXOPS_H
#define BIT_DIALECT_ONNX_IR_ONNXOPS_H

#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "bit/Dialect/Onnx/IR/OnnxOpInterface.h.inc"

#define GET_OP_CLASSES
#include "bit/Dialect/Onnx/IR/OnnxOps.h.inc"

#endif // BIT_DIALECT_ONNX_IR_ONNXOPS_H
