// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Elements of shapes, at constant indices.
static Value gatherElements(OpBuilder &builder, GatherOp op, Value data,
                            Value indices) {
  auto known = getKnownElements(builder, op.getLoc(), data);
  auto positions = getConstantInts(indices);
  if (!known || !positions || rankOf(data) != 1 ||
      static_cast<int64_t>(positions->size()) > maxKnownElements)
    return nullptr;
  SmallVector<Value> elements;
  int64_t size = known->size();
  for (int64_t position : *positions) {
    if (position < -size || position >= size)
      return nullptr;
    elements.push_back((*known)[position < 0 ? position + size : position]);
  }
  auto type = cast<RankedTensorType>(indices.getType());
  return makeElements(builder, op.getLoc(), elements,
                      type.clone(elementType(data)));
}

/// The element of `data` that belongs to this iteration.
static Value readGathered(OpBuilder &builder, Location loc, Value data,
                          Value index, OpFoldResult size, int64_t axis,
                          int64_t indexRank) {
  Value position = wrapIndex(builder, loc, index, toValue(builder, loc, size));
  SmallVector<Value> where;
  for (int64_t i = 0, e = rankOf(data); i < e; ++i)
    where.push_back(i == axis
                        ? position
                        : linalg::IndexOp::create(
                              builder, loc, i < axis ? i : i + indexRank - 1)
                              .getResult());
  return tensor::ExtractOp::create(builder, loc, data, where);
}

static LogicalResult gather(GatherOp op, GatherOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value data = stripStaticCasts(operands.getData());
  Value indices = stripStaticCasts(operands.getIndices());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(data));
  if (!axis)
    return failure();
  Dims dataDims = getDims(rewriter, loc, data);
  if (Value elements = gatherElements(rewriter, op, data, indices)) {
    results.push_back(elements);
    return success();
  }
  if (failed(
          checkIndices(rewriter, op, indices, dataDims[*axis],
                       "expects indices in the range of axis " + Twine(*axis))))
    return failure();

  int64_t indexRank = rankOf(indices);
  Dims sizes(ArrayRef(dataDims).take_front(*axis));
  llvm::append_range(sizes, getDims(rewriter, loc, indices));
  llvm::append_range(sizes, ArrayRef(dataDims).drop_front(*axis + 1));
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < indexRank; ++i)
    exprs.push_back(rewriter.getAffineDimExpr(*axis + i));
  AffineMap map = AffineMap::get(sizes.size(), 0, exprs, rewriter.getContext());
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{indices, map, {}}, sizes, elementType(data),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return readGathered(b, loc, data, x.front(), dataDims[*axis], *axis,
                            indexRank);
      }));
  return success();
}

void bit::onnx::addGatherPatterns(PatternList &list) {
  list.add<GatherOp>(gather);
}
