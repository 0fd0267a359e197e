// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Fails the run unless every index lies in [-size, size).
static void checkIndices(OpBuilder &builder, Location loc, Value indices,
                         OpFoldResult size, const Twine &message) {
  Type type = elementType(indices);
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, rankOf(indices)));
  Value bound = dimToElement(builder, loc, size, type);
  Value lower = arith::SubIOp::create(
      builder, loc,
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type)),
      bound);
  Value yes =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  Value all = createReduction(
      builder, loc, indices, axes, yes,
      [&](OpBuilder &b, Location loc, Value index, Value soFar) {
        Value low = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                          index, lower);
        Value high = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           index, bound);
        Value inRange = arith::AndIOp::create(b, loc, low, high);
        return arith::AndIOp::create(b, loc, soFar, inRange).getResult();
      });
  emitCheck(builder, loc,
            tensor::ExtractOp::create(builder, loc, all, ValueRange{}),
            message);
}

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

/// Whether all indices are constants in range; an error if one is not.
static FailureOr<bool> areInRange(GatherOp op, Value indices,
                                  OpFoldResult size) {
  auto positions = getConstantInts(indices);
  std::optional<int64_t> bound = getConstant(size);
  if (!positions || !bound)
    return false;
  for (int64_t position : *positions)
    if (position < -*bound || position >= *bound)
      return op.emitOpError("expects indices in [")
             << -*bound << ", " << *bound << "), got " << position;
  return true;
}

/// The element of `data` that belongs to this iteration.
static Value readGathered(OpBuilder &builder, Location loc, Value data,
                          Value index, OpFoldResult size, int64_t axis,
                          int64_t indexRank) {
  Type type = builder.getIndexType();
  Value position = arith::IndexCastOp::create(builder, loc, type, index);
  Value bound = toValue(builder, loc, size);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value isNegative = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::slt, position, zero);
  Value wrapped = arith::AddIOp::create(builder, loc, position, bound);
  position =
      arith::SelectOp::create(builder, loc, isNegative, wrapped, position);
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
  FailureOr<bool> inRange = areInRange(op, indices, dataDims[*axis]);
  if (failed(inRange))
    return failure();
  if (Value elements = gatherElements(rewriter, op, data, indices)) {
    results.push_back(elements);
    return success();
  }
  if (!*inRange)
    checkIndices(rewriter, loc, indices, dataDims[*axis],
                 "expects indices in the range of axis " + Twine(*axis));

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
