// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

//===----------------------------------------------------------------------===//
// Pointwise
//===----------------------------------------------------------------------===//

/// The one value of all elements, as an attribute.
static TypedAttr getSplat(Value tensor) {
  DenseElementsAttr elements;
  if (!matchPattern(stripCasts(tensor), m_Constant(&elements)) ||
      !elements.isSplat())
    return nullptr;
  return cast<TypedAttr>(elements.getSplatValue<Attribute>());
}

/// Reads an operand at an index that is chosen at run time.
static Value readMaybeOne(OpBuilder &builder, Location loc,
                          const LoopOperand &operand, ValueRange sizes) {
  SmallVector<Value> indices;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (auto [dim, result] : llvm::enumerate(operand.map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(result);
    if (!loop) {
      indices.push_back(zero);
      continue;
    }
    Value index = linalg::IndexOp::create(builder, loc, loop.getPosition());
    if (operand.maybeOne[dim]) {
      Value isOne = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, sizes[dim], one);
      index = arith::SelectOp::create(builder, loc, isOne, zero, index);
    }
    indices.push_back(index);
  }
  return tensor::ExtractOp::create(builder, loc, operand.tensor, indices);
}

Value bit::onnx::createPointwise(OpBuilder &builder, Location loc,
                                 ArrayRef<LoopOperand> operands,
                                 ArrayRef<OpFoldResult> sizes, Type elementType,
                                 PointwiseBody body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  // For operands read by index: their sizes as values, made outside the nest.
  SmallVector<SmallVector<Value>> operandSizes(operands.size());
  SmallVector<TypedAttr> splats;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    splats.push_back(getSplat(operand.tensor));
    if (splats.back())
      continue;
    if (llvm::is_contained(operand.maybeOne, true)) {
      for (OpFoldResult size : getDims(builder, loc, operand.tensor))
        operandSizes[i].push_back(toValue(builder, loc, size));
      continue;
    }
    inputs.push_back(operand.tensor);
    maps.push_back(operand.map);
  }
  Value init = tensor::EmptyOp::create(builder, loc, sizes, elementType);
  maps.push_back(builder.getMultiDimIdentityMap(sizes.size()));
  SmallVector<IteratorType> iterators(sizes.size(), IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        SmallVector<Value> arguments;
        unsigned next = 0;
        for (auto [i, operand] : llvm::enumerate(operands)) {
          if (splats[i])
            arguments.push_back(arith::ConstantOp::create(b, loc, splats[i]));
          else if (!operandSizes[i].empty())
            arguments.push_back(readMaybeOne(b, loc, operand, operandSizes[i]));
          else
            arguments.push_back(elements[next++]);
        }
        linalg::YieldOp::create(b, loc, body(b, loc, arguments));
      });
  return generic.getResult(0);
}

Value bit::onnx::createPointwise(OpBuilder &builder, Location loc,
                                 ValueRange tensors, Type elementType,
                                 PointwiseBody body,
                                 ArrayRef<int64_t> dropped) {
  Dims sizes = getDims(builder, loc, tensors.front());
  SmallVector<AffineExpr> kept;
  for (unsigned i = 0; i < sizes.size(); ++i)
    if (!llvm::is_contained(dropped, static_cast<int64_t>(i)))
      kept.push_back(builder.getAffineDimExpr(i));
  SmallVector<LoopOperand> operands;
  for (Value tensor : tensors) {
    unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
    AffineMap map = rank == sizes.size() ? builder.getMultiDimIdentityMap(rank)
                                         : AffineMap::get(sizes.size(), 0, kept,
                                                          builder.getContext());
    operands.push_back({tensor, map, {}});
  }
  return createPointwise(builder, loc, operands, sizes, elementType, body);
}

//===----------------------------------------------------------------------===//
// Reduction
//===----------------------------------------------------------------------===//

/// Makes each run of neighbouring axes one dim.
static Value collapseAxes(OpBuilder &builder, Location loc, Value input,
                          SmallVectorImpl<bool> &isReduced) {
  SmallVector<ReassociationIndices> groups;
  SmallVector<bool> groupIsReduced;
  for (auto [dim, reduced] : llvm::enumerate(isReduced)) {
    if (!reduced || groups.empty() || !groupIsReduced.back()) {
      groups.emplace_back();
      groupIsReduced.push_back(reduced);
    }
    groups.back().push_back(dim);
  }
  if (groups.size() == isReduced.size())
    return input;
  isReduced = groupIsReduced;
  return tensor::CollapseShapeOp::create(builder, loc, input, groups);
}

Value bit::onnx::createReduction(OpBuilder &builder, Location loc, Value input,
                                 ArrayRef<int64_t> axes, Value initial,
                                 ReductionBody body) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<bool> isReduced(type.getRank(), false);
  for (int64_t axis : axes)
    isReduced[axis] = true;
  Dims sizes;
  for (OpFoldResult size : getDims(builder, loc, input))
    if (!isReduced[sizes.size()])
      sizes.push_back(size);
    else
      sizes.push_back({});
  llvm::erase_if(sizes, [](OpFoldResult size) { return !size; });
  input = collapseAxes(builder, loc, input, isReduced);

  SmallVector<AffineExpr> kept;
  SmallVector<IteratorType> iterators;
  for (auto [dim, reduced] : llvm::enumerate(isReduced)) {
    iterators.push_back(reduced ? IteratorType::reduction
                                : IteratorType::parallel);
    if (!reduced)
      kept.push_back(builder.getAffineDimExpr(dim));
  }
  unsigned rank = isReduced.size();
  SmallVector<AffineMap> maps = {
      builder.getMultiDimIdentityMap(rank),
      AffineMap::get(rank, 0, kept, builder.getContext())};
  Value init = createFilled(builder, loc, sizes, initial);
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), input, init, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(b, loc,
                                body(b, loc, arguments[0], arguments[1]));
      });
  return generic.getResult(0);
}

Value bit::onnx::insertUnitDims(OpBuilder &builder, Location loc, Value tensor,
                                ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (axes.empty())
    return tensor;
  int64_t rank = type.getRank() + axes.size();
  Dims sizes = getDims(builder, loc, tensor), outputSizes;
  SmallVector<ReassociationIndices> groups(type.getRank());
  unsigned source = 0;
  SmallVector<int64_t> leading;
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isUnit = llvm::is_contained(axes, dim);
    outputSizes.push_back(isUnit ? OpFoldResult(builder.getIndexAttr(1))
                                 : sizes[source]);
    if (!isUnit && source++ == 0 && !groups.empty())
      groups[0].append(leading.begin(), leading.end());
    if (isUnit && source == 0)
      leading.push_back(dim);
    else if (!groups.empty())
      groups[source - 1].push_back(dim);
  }
  RankedTensorType resultType =
      getTensorType(outputSizes, type.getElementType());
  return tensor::ExpandShapeOp::create(builder, loc, resultType, tensor, groups,
                                       outputSizes);
}

Value bit::onnx::dropUnitDim(OpBuilder &builder, Location loc, Value tensor,
                             int64_t dim) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  SmallVector<ReassociationIndices> groups(rank - 1);
  // The dim joins its left neighbour, the first one its right.
  for (int64_t i = 0; i < rank && rank > 1; ++i)
    groups[i - (i >= dim && i > 0)].push_back(i);
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

Value bit::onnx::createFilled(OpBuilder &builder, Location loc,
                              ArrayRef<OpFoldResult> sizes, Value value) {
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, value.getType());
  return linalg::FillOp::create(builder, loc, value, empty).getResult(0);
}

Value bit::onnx::castTo(OpBuilder &builder, Location loc, Value value,
                        RankedTensorType type) {
  if (value.getType() == type)
    return value;
  auto source = cast<RankedTensorType>(value.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (source.isDynamicDim(dim) && !type.isDynamicDim(dim))
      checkSameDim(builder, loc, getDim(builder, loc, value, dim),
                   builder.getIndexAttr(type.getDimSize(dim)),
                   "expects dimension " + Twine(dim) + " of the result to be " +
                       Twine(type.getDimSize(dim)));
  return tensor::CastOp::create(builder, loc, type, value);
}
