// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"

using namespace mlir;

#include "bit/Dialect/Onnx/IR/OnnxDialect.cpp.inc"
#include "bit/Dialect/Onnx/IR/OnnxOpInterface.cpp.inc"

void bit::onnx::OnnxDialect::initialize() {
  registerOnnxDialectOperations(this);
}

Operation *bit::onnx::OnnxDialect::materializeConstant(OpBuilder &builder,
                                                       Attribute value,
                                                       Type type,
                                                       Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
