// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace bit::onnx;

/// The same bytes as elements of the storage type; null if they cannot be.
static ElementsAttr asStorage(ElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  Type storage = getStorageType(type.getElementType());
  if (storage == type.getElementType())
    return value;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(type.clone(storage),
                                          resource.getRawHandle());
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return DenseElementsAttr::getFromRawBuffer(type.clone(storage),
                                               dense.getRawData());
  return nullptr;
}

static LogicalResult constant(ConstantOp op, ConstantOp::Adaptor,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  ElementsAttr value = asStorage(op.getValue());
  if (!value)
    return op.emitOpError("expects dense elements");
  results.push_back(
      arith::ConstantOp::create(rewriter, op.getLoc(), cast<TypedAttr>(value)));
  return success();
}

void bit::onnx::addConstantPatterns(PatternList &list) {
  list.add<ConstantOp>(constant);
}
