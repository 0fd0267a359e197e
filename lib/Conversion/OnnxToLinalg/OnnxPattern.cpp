// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace bit::onnx;

LogicalResult bit::onnx::checkElementTypes(Operation *op) {
  auto check = [&](TypeRange types) -> LogicalResult {
    for (Type type : types)
      if (!isComputable(getElementTypeOrSelf(type)))
        return op->emitOpError("expects elements of bool, integers of 8 to 64 "
                               "bits, bf16, f16, f32 or f64, got ")
               << getElementTypeOrSelf(type);
    return success();
  };
  return success(succeeded(check(op->getOperandTypes())) &&
                 succeeded(check(op->getResultTypes())));
}

LogicalResult bit::onnx::replaceOp(Rewriter &rewriter,
                                   const TypeConverter &converter,
                                   Operation *op, ValueRange results) {
  SmallVector<Value> replacements;
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results)) {
    auto type = converter.convertType<RankedTensorType>(result.getType());
    if (!tensor::CastOp::areCastCompatible(value.getType(), type))
      return op->emitOpError("expects a result of type ")
             << value.getType() << ", got " << type;
    replacements.push_back(castTo(rewriter, op->getLoc(), value, type));
  }
  rewriter.replaceOp(op, replacements);
  return success();
}

std::optional<int64_t> bit::onnx::normalizeAxis(Operation *op, int64_t axis,
                                                int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  op->emitOpError("expects an axis in [")
      << -rank << ", " << rank << "), got " << axis;
  return std::nullopt;
}

std::optional<SmallVector<int64_t>> bit::onnx::getConstantInts(Value tensor) {
  DenseIntElementsAttr elements;
  if (!matchPattern(stripCasts(tensor), m_Constant(&elements)))
    return std::nullopt;
  SmallVector<int64_t> values;
  for (const APInt &value : elements)
    values.push_back(value.getSExtValue());
  return values;
}
