// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators whose elements depend on where they stand: Trilu, EyeLike, OneHot,
// ReverseSequence.

#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Column minus row of an iteration, in 64 bits.
static Value getDiagonal(ScalarBuilder &wide, int64_t rank) {
  OpBuilder &b = wide.builder;
  Value row = linalg::IndexOp::create(b, wide.loc, rank - 2);
  Value column = linalg::IndexOp::create(b, wide.loc, rank - 1);
  return arith::IndexCastOp::create(
      b, wide.loc, b.getI64Type(),
      arith::SubIOp::create(b, wide.loc, column, row));
}

static LogicalResult trilu(TriluOp op, TriluOp::Adaptor operands,
                           Rewriter &rewriter,
                           SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  int64_t rank = rankOf(input);
  if (rank < 2)
    return op.emitOpError("expects an input of rank 2 or more, got rank ")
           << rank;
  Value k = arith::ConstantIntOp::create(rewriter, loc, 0, 64);
  if (operands.getK()) {
    FailureOr<Value> given = readScalar(rewriter, op, operands.getK(), "k");
    if (failed(given))
      return failure();
    k = *given;
  }
  const bool isUpper = op.getUpper() != 0;
  results.push_back(
      createPointwise(rewriter, loc, input, elementType(input),
                      [&](OpBuilder &b, Location loc, ValueRange x) {
                        ScalarBuilder wide(b, loc, b.getI64Type());
                        Value diagonal = getDiagonal(wide, rank);
                        Value keep = isUpper ? wide.lessOrEqual(k, diagonal)
                                             : wide.lessOrEqual(diagonal, k);
                        Value zero = arith::ConstantOp::create(
                            b, loc, b.getZeroAttr(x.front().getType()));
                        return wide.select(keep, x.front(), zero);
                      }));
  return success();
}

static LogicalResult eyeLike(EyeLikeOp op, EyeLikeOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  if (rankOf(input) != 2)
    return op.emitOpError("expects an input of rank 2, got rank ")
           << rankOf(input);
  Type onnxType = elementType(op.getOutput());
  int64_t k = op.getK();
  results.push_back(createPointwise(
      rewriter, loc, ArrayRef<LoopOperand>{}, getDims(rewriter, loc, input),
      getStorageType(onnxType), [&](OpBuilder &b, Location loc, ValueRange) {
        ScalarBuilder wide(b, loc, b.getI64Type());
        ScalarBuilder scalar(b, loc, onnxType);
        Value isOne =
            wide.equal(getDiagonal(wide, 2), wide.integer(APInt(64, k, true)));
        return toStorage(
            b, loc, scalar.select(isOne, scalar.number(1), scalar.number(0)),
            onnxType);
      }));
  return success();
}

static LogicalResult oneHot(OneHotOp op, OneHotOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value indices = stripStaticCasts(operands.getIndices());
  int64_t rank = rankOf(indices) + 1;
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rank);
  if (!axis)
    return failure();
  FailureOr<Value> given =
      readScalar(rewriter, op, operands.getDepth(), "depth");
  if (failed(given))
    return failure();
  Type depthType = elementType(op.getDepth());
  Type i64 = rewriter.getI64Type();
  Value count =
      castScalar(rewriter, loc, toCompute(rewriter, loc, *given, depthType),
                 depthType, i64);
  OpFoldResult depth = elementToDim(rewriter, loc, count);
  if (failed(expectAtMost(rewriter, op, rewriter.getIndexAttr(0), depth,
                          "expects a depth of 0 or more")))
    return failure();
  if (rankOf(operands.getValues()) != 1)
    return op.emitOpError("expects values of rank 1, got rank ")
           << rankOf(operands.getValues());
  FailureOr<Value> values = withLength(rewriter, op, operands.getValues(), 0, 2,
                                       "expects two values");
  if (failed(values))
    return failure();
  SmallVector<Value> offOn = readElements(rewriter, loc, *values);

  Dims sizes = getDims(rewriter, loc, indices);
  sizes.insert(sizes.begin() + *axis, depth);
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i)
    if (i != *axis)
      exprs.push_back(rewriter.getAffineDimExpr(i));
  AffineMap map = AffineMap::get(rank, 0, exprs, rewriter.getContext());
  Type indexType = elementType(op.getIndices());
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{indices, map, {}}, sizes, elementType(*values),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        // Out of [-depth, depth) nothing is on.
        ScalarBuilder wide(b, loc, i64);
        Value index = castScalar(b, loc, toCompute(b, loc, x[0], indexType),
                                 indexType, i64);
        Value wrapped = wide.add(
            index, IndexBuilder{b, loc}.to(toValue(b, loc, depth), i64));
        if (!indexType.isUnsignedInteger())
          index = wide.select(wide.less(index, wide.number(0)), wrapped, index);
        Value position = arith::IndexCastOp::create(
            b, loc, i64, linalg::IndexOp::create(b, loc, *axis));
        return wide.select(wide.equal(index, position), offOn[1], offOn[0]);
      }));
  return success();
}

static LogicalResult reverseSequence(ReverseSequenceOp op,
                                     ReverseSequenceOp::Adaptor operands,
                                     Rewriter &rewriter,
                                     SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  Value lengths = stripStaticCasts(operands.getSequenceLens());
  int64_t rank = rankOf(input);
  auto batch = normalizeAxis(op, op.getBatchAxis(), rank);
  auto time = normalizeAxis(op, op.getTimeAxis(), rank);
  if (!batch || !time)
    return failure();
  if (*batch == *time)
    return op.emitOpError("expects different axes of batch and time, got ")
           << *batch << " twice";
  if (rankOf(lengths) != 1)
    return op.emitOpError("expects sequence_lens of rank 1, got rank ")
           << rankOf(lengths);
  Dims dims = getDims(rewriter, loc, input);
  if (failed(expectSameDim(rewriter, op, getDim(rewriter, loc, lengths, 0),
                           dims[*batch],
                           "expects one length for each sequence")))
    return failure();
  // Lengths of [0, size] are indices of [0, size].
  Value yes =
      arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  Value all = createReduction(
      rewriter, loc, lengths, 0, yes,
      [&](OpBuilder &b, Location loc, Value length, Value soFar) {
        IndexBuilder index{b, loc};
        Value end = index.add(toValue(b, loc, dims[*time]), index.constant(1));
        return b.createOrFold<arith::AndIOp>(
            loc, soFar, index.inside(index.from(length), end));
      });
  emitCheck(rewriter, loc,
            tensor::ExtractOp::create(rewriter, loc, all, ValueRange{}),
            "expects sequence_lens within axis " + Twine(*time));
  AffineMap map = AffineMap::get(rank, 0, rewriter.getAffineDimExpr(*batch));
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{lengths, map, {}}, dims, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        IndexBuilder index{b, loc};
        SmallVector<Value> where;
        for (int64_t i = 0; i < rank; ++i)
          where.push_back(linalg::IndexOp::create(b, loc, i));
        Value length = index.from(x.front()), position = where[*time];
        Value mirrored =
            index.sub(index.sub(length, index.constant(1)), position);
        where[*time] =
            index.select(index.less(position, length), mirrored, position);
        return tensor::ExtractOp::create(b, loc, input, where).getResult();
      }));
  return success();
}

void bit::onnx::addPositionPatterns(PatternList &list) {
  list.add<TriluOp>(trilu);
  list.add<EyeLikeOp>(eyeLike);
  list.add<OneHotOp>(oneHot);
  list.add<ReverseSequenceOp>(reverseSequence);
}
