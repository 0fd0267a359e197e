// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All operations of the dialect. OnnxSchemaOps.td is written by onnx-tblgen.

include "bit/Dialect/Onnx/IR/OnnxBase.td"
include "bit/Dialect/Onnx/IR/OnnxSchemaOps.td"
include "bit/Dialect/Onnx/IR/MicrosoftOps.td"
