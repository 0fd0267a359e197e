// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gather's relatives, whose indices choose single elements or whole tuples.

#include "GatherND.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

FailureOr<SmallVector<Value>>
bit::onnx::splitTuples(OpBuilder &builder, Operation *op, Value indices,
                       ArrayRef<OpFoldResult> dataDims, int64_t length) {
  Location loc = op->getLoc();
  if (length < 0 || length > static_cast<int64_t>(dataDims.size()))
    return op->emitOpError("expects index tuples of 0 to ")
           << dataDims.size() << " elements, got " << length;
  FailureOr<Value> known =
      withLength(builder, op, indices, rankOf(indices) - 1, length,
                 "expects index tuples as long as the ranks say");
  if (failed(known))
    return failure();
  indices = *known;
  auto type = cast<RankedTensorType>(indices.getType());
  Dims sizes = getDims(builder, loc, indices);
  sizes.back() = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  RankedTensorType partType =
      getTensorType(ArrayRef(sizes).drop_back(), type.getElementType());
  SmallVector<Value> parts;
  for (int64_t i = 0; i < length; ++i) {
    offsets.back() = builder.getIndexAttr(i);
    // As constants the parts can be checked now.
    if (auto constant = getConstantInts(indices);
        constant && type.hasStaticShape()) {
      SmallVector<Attribute> elements;
      for (size_t at = i; at < constant->size(); at += length)
        elements.push_back(
            builder.getIntegerAttr(type.getElementType(), (*constant)[at]));
      parts.push_back(arith::ConstantOp::create(
          builder, loc, DenseElementsAttr::get(partType, elements)));
    } else {
      // The verifier of a slice wants an element to start at.
      parts.push_back(
          partType.hasStaticShape() && partType.getNumElements() == 0
              ? tensor::EmptyOp::create(builder, loc, partType.getShape(),
                                        type.getElementType())
                    .getResult()
              : tensor::ExtractSliceOp::create(builder, loc, partType, indices,
                                               offsets, sizes, strides)
                    .getResult());
    }
    if (failed(
            checkIndices(builder, op, parts.back(), dataDims[i],
                         "expects indices in the range of axis " + Twine(i))))
      return failure();
  }
  return parts;
}

static LogicalResult gatherND(GatherNDOp op, GatherNDOp::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value data = stripStaticCasts(operands.getData());
  Value indices = stripStaticCasts(operands.getIndices());
  int64_t batch = op.getBatchDims();
  if (batch < 0 || batch >= rankOf(data) || batch >= rankOf(indices))
    return op.emitOpError("expects batch_dims in [0, ")
           << std::min(rankOf(data), rankOf(indices)) << "), got " << batch;
  Dims dataDims = getDims(rewriter, loc, data);
  Dims indexDims = getDims(rewriter, loc, indices);
  for (int64_t i = 0; i < batch; ++i)
    if (failed(expectSameDim(rewriter, op, dataDims[i], indexDims[i],
                             "expects data and indices with the same batch "
                             "dims")))
      return failure();
  auto parts = splitTuples(
      rewriter, op, indices, ArrayRef(dataDims).drop_front(batch),
      rankOf(indices) - 1 + rankOf(data) - batch - rankOf(op.getOutput()));
  if (failed(parts))
    return failure();
  int64_t tuples = rankOf(indices) - 1;
  int64_t firstWhole = batch + parts->size();
  Dims sizes(ArrayRef(indexDims).drop_back());
  llvm::append_range(sizes, ArrayRef(dataDims).drop_front(firstWhole));
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < tuples; ++i)
    exprs.push_back(rewriter.getAffineDimExpr(i));
  AffineMap map = AffineMap::get(sizes.size(), 0, exprs, rewriter.getContext());
  SmallVector<LoopOperand> loops;
  for (Value part : *parts)
    loops.push_back({part, map, {}});
  results.push_back(createPointwise(
      rewriter, loc, loops, sizes, elementType(data),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        SmallVector<Value> where;
        for (int64_t i = 0; i < batch; ++i)
          where.push_back(linalg::IndexOp::create(b, loc, i));
        for (auto [i, index] : llvm::enumerate(x))
          where.push_back(
              wrapIndex(b, loc, index, toValue(b, loc, dataDims[batch + i])));
        for (int64_t i = firstWhole, e = rankOf(data); i < e; ++i)
          where.push_back(
              linalg::IndexOp::create(b, loc, tuples + i - firstWhole));
        return tensor::ExtractOp::create(b, loc, data, where).getResult();
      }));
  return success();
}

LogicalResult bit::onnx::checkElementIndices(OpBuilder &builder, Operation *op,
                                             Value data, Value indices,
                                             int64_t axis) {
  if (rankOf(data) != rankOf(indices))
    return op->emitOpError("expects data and indices of one rank, got ")
           << rankOf(data) << " and " << rankOf(indices);
  Dims dataDims = getDims(builder, op->getLoc(), data);
  Dims indexDims = getDims(builder, op->getLoc(), indices);
  for (auto [i, dims] : llvm::enumerate(llvm::zip(indexDims, dataDims)))
    if (static_cast<int64_t>(i) != axis &&
        failed(expectAtMost(builder, op, std::get<0>(dims), std::get<1>(dims),
                            "expects indices within the data in axis " +
                                Twine(i))))
      return failure();
  return checkIndices(builder, op, indices, dataDims[axis],
                      "expects indices in the range of axis " + Twine(axis));
}

static LogicalResult gatherElements(GatherElementsOp op,
                                    GatherElementsOp::Adaptor operands,
                                    Rewriter &rewriter,
                                    SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value data = stripStaticCasts(operands.getData());
  Value indices = stripStaticCasts(operands.getIndices());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(data));
  if (!axis || failed(checkElementIndices(rewriter, op, data, indices, *axis)))
    return failure();
  OpFoldResult size = getDim(rewriter, loc, data, *axis);
  results.push_back(createPointwise(
      rewriter, loc, indices, elementType(data),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        SmallVector<Value> where;
        for (int64_t i = 0, e = rankOf(data); i < e; ++i)
          where.push_back(
              i == *axis ? wrapIndex(b, loc, x.front(), toValue(b, loc, size))
                         : linalg::IndexOp::create(b, loc, i).getResult());
        return tensor::ExtractOp::create(b, loc, data, where).getResult();
      }));
  return success();
}

void bit::onnx::addGatherNDPatterns(PatternList &list) {
  list.add<GatherNDOp>(gatherND);
  list.add<GatherElementsOp>(gatherElements);
}
