// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the extreme elements are: ArgMax, ArgMin and Hardmax.

#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

namespace {
struct Extreme {
  bool greatest;
  /// Of equal elements.
  bool last;
};
} // namespace

/// Whether `x` takes the place of `best`. As in numpy NaN beats all numbers.
static Value beats(ScalarBuilder &scalar, Value x, Value best,
                   Extreme extreme) {
  Value low = extreme.greatest ? best : x, high = extreme.greatest ? x : best;
  Value wins =
      extreme.last ? scalar.lessOrEqual(low, high) : scalar.less(low, high);
  if (!scalar.isFloat())
    return wins;
  Value isNaN = scalar.isNaN(x);
  if (!extreme.last)
    isNaN = scalar.select(
        scalar.isNaN(best),
        arith::ConstantOp::create(scalar.builder, scalar.loc,
                                  scalar.builder.getBoolAttr(false)),
        isNaN);
  return scalar.make<arith::OrIOp>(wins, isNaN);
}

/// The position of the extreme element along `axis`, which the result does not
/// have any more.
static FailureOr<Value> findExtreme(OpBuilder &builder, Operation *op,
                                    Value input, Type onnxType, int64_t axis,
                                    Extreme extreme) {
  Location loc = op->getLoc();
  Dims sizes = getDims(builder, loc, input);
  if (failed(expectAtMost(builder, op, builder.getIndexAttr(1), sizes[axis],
                          "expects an axis that is not empty")))
    return failure();
  SmallVector<IteratorType> iterators(sizes.size(), IteratorType::parallel);
  iterators[axis] = IteratorType::reduction;
  SmallVector<AffineExpr> kept;
  for (unsigned i = 0; i < sizes.size(); ++i)
    if (static_cast<int64_t>(i) != axis)
      kept.push_back(builder.getAffineDimExpr(i));
  AffineMap map = AffineMap::get(sizes.size(), 0, kept, builder.getContext());
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(sizes.size()),
                                 map, map};
  sizes.erase(sizes.begin() + axis);
  Value best = createFilled(builder, loc, sizes,
                            ScalarBuilder(builder, loc, onnxType).number(0));
  Value where = createFilled(builder, loc, sizes,
                             arith::ConstantIntOp::create(builder, loc, 0, 64));
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{best.getType(), where.getType()}, input,
      ValueRange{best, where}, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value element = toCompute(b, loc, x[0], onnxType);
        Value index = linalg::IndexOp::create(b, loc, axis);
        Value isFirst = IndexBuilder{b, loc}.equal(
            index, arith::ConstantIndexOp::create(b, loc, 0));
        Value take = scalar.make<arith::OrIOp>(
            isFirst, beats(scalar, element, x[1], extreme));
        Value position =
            arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
        linalg::YieldOp::create(
            b, loc,
            ValueRange{scalar.select(take, element, x[1]),
                       scalar.select(take, position, x[2])});
      });
  return generic.getResult(1);
}

template <typename OpTy, bool greatest>
static LogicalResult argReduce(OpTy op, typename OpTy::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Value input = stripStaticCasts(operands.getData());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  FailureOr<Value> where =
      findExtreme(rewriter, op, input, elementType(op.getData()), *axis,
                  {greatest, op.getSelectLastIndex() != 0});
  if (failed(where))
    return failure();
  results.push_back(op.getKeepdims()
                        ? insertUnitDims(rewriter, op.getLoc(), *where, *axis)
                        : *where);
  return success();
}

static LogicalResult hardmax(HardmaxOp op, HardmaxOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getInput());
  Value input = stripStaticCasts(operands.getInput());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  FailureOr<Value> where = findExtreme(rewriter, op, input, onnxType, *axis,
                                       {/*greatest=*/true, /*last=*/false});
  if (failed(where))
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < sizes.size(); ++i)
    if (static_cast<int64_t>(i) != *axis)
      exprs.push_back(rewriter.getAffineDimExpr(i));
  AffineMap map = AffineMap::get(sizes.size(), 0, exprs, rewriter.getContext());
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{*where, map, {}}, sizes,
      getStorageType(onnxType), [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value position = arith::IndexCastOp::create(
            b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, *axis));
        Value isOne =
            ScalarBuilder(b, loc, b.getI64Type()).equal(position, x.front());
        return toStorage(
            b, loc, scalar.select(isOne, scalar.number(1), scalar.number(0)),
            onnxType);
      }));
  return success();
}

void bit::onnx::addArgReducePatterns(PatternList &list) {
  list.add<ArgMaxOp>(argReduce<ArgMaxOp, true>);
  list.add<ArgMinOp>(argReduce<ArgMinOp, false>);
  list.add<HardmaxOp>(hardmax);
}
