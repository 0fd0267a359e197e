// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace bit;

int64_t WeightOp::getByteSize() {
  RankedTensorType type = getStoredType();
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

std::optional<PanelLayout> WeightOp::getPanelLayout() {
  if (!getWidth())
    return std::nullopt;
  ArrayRef<int64_t> shape = getValue().getShapedType().getShape();
  return PanelLayout{
      shape[getTransposed() ? 1 : 0], shape[getTransposed() ? 0 : 1],
      static_cast<int64_t>(*getWidth()), getTransposed(), getQuads()};
}

RankedTensorType WeightOp::getStoredType() {
  ShapedType type = getValue().getShapedType();
  std::optional<PanelLayout> panels = getPanelLayout();
  if (!panels)
    return RankedTensorType::get(type.getShape(), type.getElementType());
  SmallVector<int64_t> shape = {panels->getNumPanels(), panels->k,
                                panels->width};
  if (panels->quads) {
    shape[1] = panels->getNumQuads();
    shape.push_back(PanelLayout::quad);
  }
  return RankedTensorType::get(shape, type.getElementType());
}

LogicalResult WeightOp::verify() {
  ShapedType type = getValue().getShapedType();
  // C1
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError("expects a value of static shape of numbers, got ")
           << type;
  // C2
  if (getOffset() && (*getOffset() < 0 || *getOffset() % 64 != 0))
    return emitOpError("expects an offset that is a non-negative multiple of "
                       "64, got ")
           << *getOffset();
  // C3
  auto width = static_cast<int64_t>(getWidth().value_or(0));
  Type element = type.getElementType();
  bool fits = !getWidth()
                  ? !getTransposed() && !getQuads()
                  : width > 0 && width % PanelLayout::unit == 0 &&
                        type.getRank() == 2 &&
                        (element.isInteger(8) ||
                         (!getQuads() && (element.isF32() || element.isF16() ||
                                          element.isBF16())));
  if (!fits)
    return emitOpError("expects panels of a multiple of 16 columns of a matrix "
                       "of f32, f16, bf16 or i8, quads of i8, got ")
           << width << " of " << type;
  return success();
}

LogicalResult GetWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  // C1
  if (!weight)
    return emitOpError("expects the name of a bit.weight, got ")
           << getWeightAttr();
  RankedTensorType expected = weight.getStoredType();
  auto got = cast<ShapedType>(getType());
  // C2
  if (expected.getShape() != got.getShape() ||
      expected.getElementType() != got.getElementType())
    return emitOpError("expects a result with the weight's shape and element "
                       "type, ")
           << expected << ", got " << got;
  return success();
}

bool GetWeightOp::isWritable(Value, const bufferization::AnalysisState &) {
  return false;
}

LogicalResult
GetWeightOp::bufferize(RewriterBase &rewriter,
                       const bufferization::BufferizationOptions &,
                       bufferization::BufferizationState &) {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type)
    return success();
  bufferization::replaceOpWithNewBufferizedOp<GetWeightOp>(
      rewriter, getOperation(),
      bufferization::getMemRefTypeWithStaticIdentityLayout(type),
      getWeightAttr());
  return success();
}

/// (C1) of the ops that take sizes for a result.
static LogicalResult verifySizes(Operation *op, Type result, size_t sizes) {
  int64_t expected = cast<MemRefType>(result).getNumDynamicDims();
  if (static_cast<int64_t>(sizes) != expected)
    return op->emitOpError("expects ")
           << expected << " sizes, one a dynamic dimension, got " << sizes;
  return success();
}

LogicalResult OutputOp::verify() {
  return verifySizes(*this, getType(), getSizes().size()); // C1
}

LogicalResult AllocateOp::verify() {
  return verifySizes(*this, getType(), getSizes().size()); // C1
}

LogicalResult ParallelForOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto body = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getBodyAttr());
  Type i64 = IntegerType::get(getContext(), 64);
  // C1
  if (!body || llvm::to_vector(body.getArgumentTypes()) !=
                   SmallVector<Type>{getData().getType(), i64, i64})
    return emitOpError("expects a function of ")
           << getData().getType() << ", i64 and i64, got " << getBodyAttr();
  return success();
}

LogicalResult ParallelRangesOp::verify() {
  // C1
  TypeRange types = getBody().getArgumentTypes();
  if (types.size() != 2 || !types[0].isIndex() || !types[1].isIndex())
    return emitOpError(
               "expects a region with two arguments of type index, got ")
           << types;
  return success();
}

LogicalResult SiblingsOp::verify() {
  // C1
  size_t members = getMembers().size();
  if (members < 2 || (getOrdered() && members != 2))
    return emitOpError("expects ")
           << (getOrdered() ? "two members" : "two members or more") << ", got "
           << members;
  return success();
}
