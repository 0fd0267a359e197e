// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors that hold shapes, element by element.

#include "Dims.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace bit::onnx;

std::optional<SmallVector<Value>>
bit::onnx::getKnownElements(OpBuilder &builder, Location loc, Value tensor) {
  tensor = stripCasts(tensor);
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !type.hasStaticShape() ||
      type.getNumElements() > maxKnownElements)
    return std::nullopt;
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto elements = dyn_cast<tensor::FromElementsOp>(op))
    return llvm::to_vector(elements.getElements());
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return getKnownElements(builder, loc, op->getOperand(0));
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return std::nullopt;
  auto values = dyn_cast<ElementsAttr>(constant.getValue());
  // An attribute with signed integers stands before an unrealized cast.
  if (!values || !isa<FloatType, IntegerType>(type.getElementType()))
    return std::nullopt;
  auto range = values.tryGetValues<Attribute>();
  if (!range)
    return std::nullopt;
  SmallVector<Value> scalars;
  for (Attribute value : *range)
    scalars.push_back(
        arith::ConstantOp::create(builder, loc, cast<TypedAttr>(value)));
  return scalars;
}

SmallVector<Value> bit::onnx::readElements(OpBuilder &builder, Location loc,
                                           Value tensor) {
  if (auto known = getKnownElements(builder, loc, tensor))
    return *known;
  SmallVector<Value> elements;
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() == 0)
    return {tensor::ExtractOp::create(builder, loc, tensor, ValueRange{})};
  for (int64_t i = 0, e = type.getDimSize(0); i < e; ++i) {
    Value index = arith::ConstantIndexOp::create(builder, loc, i);
    elements.push_back(tensor::ExtractOp::create(builder, loc, tensor, index));
  }
  return elements;
}

Value bit::onnx::makeElements(OpBuilder &builder, Location loc,
                              ArrayRef<Value> elements, RankedTensorType type) {
  SmallVector<Attribute> constants(elements.size());
  for (auto [element, constant] : llvm::zip(elements, constants))
    if (!matchPattern(element, m_Constant(&constant)))
      return tensor::FromElementsOp::create(builder, loc, type, elements);
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, constants));
}

std::optional<int64_t> bit::onnx::getConstant(OpFoldResult value) {
  return getConstantIntValue(value);
}

OpFoldResult bit::onnx::elementToDim(OpBuilder &builder, Location loc,
                                     Value element) {
  if (std::optional<int64_t> constant = getConstantIntValue(element))
    return builder.getIndexAttr(*constant);
  // What dimToElement made of a size is that size.
  if (auto cast = element.getDefiningOp<arith::IndexCastOp>())
    if (cast.getIn().getType().isIndex())
      return cast.getIn();
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element)
      .getResult();
}

Value bit::onnx::dimToElement(OpBuilder &builder, Location loc,
                              OpFoldResult dim, Type elementType) {
  if (std::optional<int64_t> constant = getConstantIntValue(dim))
    return arith::ConstantOp::create(
        builder, loc, builder.getIntegerAttr(elementType, *constant));
  Value size = cast<Value>(dim);
  if (auto cast = size.getDefiningOp<arith::IndexCastOp>())
    if (cast.getIn().getType() == elementType)
      return cast.getIn();
  return arith::IndexCastOp::create(builder, loc, elementType, size);
}
