// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes at indices, in the order of the updates: where two hit one element,
// the result is that of a loop.

#include "GatherND.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
enum class Combine { None, Add, Mul, Min, Max };
} // namespace

static std::optional<Combine> getCombine(Operation *op, StringRef name) {
  auto combine = llvm::StringSwitch<std::optional<Combine>>(name)
                     .Case("none", Combine::None)
                     .Case("add", Combine::Add)
                     .Case("mul", Combine::Mul)
                     .Case("min", Combine::Min)
                     .Case("max", Combine::Max)
                     .Default(std::nullopt);
  if (!combine)
    op->emitOpError("expects reduction none, add, mul, min or max, got ")
        << name;
  return combine;
}

/// What an element becomes that had the value `old`.
static Value combine(ScalarBuilder &scalar, Combine how, Value old,
                     Value update) {
  // Of bools, a sum is an or and a product an and.
  const bool isBool = scalar.getType().isInteger(1);
  switch (how) {
  case Combine::None:
    return update;
  case Combine::Add:
    return isBool ? scalar.max(old, update) : scalar.add(old, update);
  case Combine::Mul:
    return scalar.mul(old, update);
  case Combine::Min:
    return scalar.min(old, update);
  case Combine::Max:
    return scalar.max(old, update);
  }
  llvm_unreachable("all are handled");
}

/// Writes each element of `updates` where `locate` says.
static Value
scatter(OpBuilder &builder, Location loc, Value data, Value updates,
        Type onnxType, Combine how,
        function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)>
            locate) {
  return createSerialLoops(
             builder, loc, getDims(builder, loc, updates), data,
             [&](OpBuilder &b, Location loc, ValueRange from,
                 ValueRange state) -> SmallVector<Value> {
               SmallVector<Value> where = locate(b, loc, from);
               Value update = tensor::ExtractOp::create(b, loc, updates, from);
               if (how != Combine::None) {
                 ScalarBuilder scalar(b, loc, onnxType);
                 Value old = tensor::ExtractOp::create(b, loc, state[0], where);
                 update = toStorage(
                     b, loc,
                     combine(scalar, how, toCompute(b, loc, old, onnxType),
                             toCompute(b, loc, update, onnxType)),
                     onnxType);
               }
               return {
                   tensor::InsertOp::create(b, loc, update, state[0], where)};
             })
      .front();
}

static LogicalResult scatterElements(ScatterElementsOp op,
                                     ScatterElementsOp::Adaptor operands,
                                     Rewriter &rewriter,
                                     SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  std::optional<Combine> how = getCombine(op, op.getReduction());
  Value data = stripStaticCasts(operands.getData());
  Value indices = stripStaticCasts(operands.getIndices());
  Value updates = stripStaticCasts(operands.getUpdates());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(data));
  if (!how || !axis ||
      failed(checkElementIndices(rewriter, op, data, indices, *axis)))
    return failure();
  if (rankOf(updates) != rankOf(indices))
    return op.emitOpError("expects indices and updates of one rank, got ")
           << rankOf(indices) << " and " << rankOf(updates);
  Dims updateDims = getDims(rewriter, loc, updates);
  Dims indexDims = getDims(rewriter, loc, indices);
  for (auto [index, update] : llvm::zip(indexDims, updateDims))
    if (failed(expectSameDim(rewriter, op, index, update,
                             "expects indices and updates of one shape")))
      return failure();
  OpFoldResult size = getDim(rewriter, loc, data, *axis);
  results.push_back(
      scatter(rewriter, loc, data, updates, elementType(op.getData()), *how,
              [&](OpBuilder &b, Location loc, ValueRange from) {
                SmallVector<Value> where = llvm::to_vector(from);
                Value index = tensor::ExtractOp::create(b, loc, indices, from);
                where[*axis] = wrapIndex(b, loc, index, toValue(b, loc, size));
                return where;
              }));
  return success();
}

static LogicalResult scatterND(ScatterNDOp op, ScatterNDOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  std::optional<Combine> how = getCombine(op, op.getReduction());
  Value data = stripStaticCasts(operands.getData());
  Value indices = stripStaticCasts(operands.getIndices());
  Value updates = stripStaticCasts(operands.getUpdates());
  Dims dataDims = getDims(rewriter, loc, data);
  if (!how)
    return failure();
  if (rankOf(indices) == 0)
    return op.emitOpError("expects indices of rank 1 or more");
  auto parts =
      splitTuples(rewriter, op, indices, dataDims,
                  rankOf(indices) - 1 + rankOf(data) - rankOf(updates));
  if (failed(parts))
    return failure();
  Dims expected = getDims(rewriter, loc, indices);
  expected.pop_back();
  size_t tuples = expected.size();
  llvm::append_range(expected, ArrayRef(dataDims).drop_front(parts->size()));
  Dims updateDims = getDims(rewriter, loc, updates);
  if (updateDims.size() != expected.size())
    return op.emitOpError("expects updates of rank ")
           << expected.size() << ", got rank " << updateDims.size();
  for (auto [dim, update] : llvm::zip(expected, updateDims))
    if (failed(expectSameDim(rewriter, op, dim, update,
                             "expects one update for each index tuple")))
      return failure();
  results.push_back(scatter(
      rewriter, loc, data, updates, elementType(op.getData()), *how,
      [&](OpBuilder &b, Location loc, ValueRange from) {
        SmallVector<Value> where;
        for (auto [i, part] : llvm::enumerate(*parts)) {
          Value index =
              tensor::ExtractOp::create(b, loc, part, from.take_front(tuples));
          where.push_back(
              wrapIndex(b, loc, index, toValue(b, loc, dataDims[i])));
        }
        llvm::append_range(where, from.drop_front(tuples));
        return where;
      }));
  return success();
}

/// Checks at run time that all elements of `indices` lie in [0, end].
static void checkUpTo(OpBuilder &builder, Operation *op, Value indices,
                      Value end, const Twine &message) {
  Location loc = op->getLoc();
  Value yes =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  Value all = createReduction(
      builder, loc, indices,
      llvm::to_vector(llvm::seq<int64_t>(0, rankOf(indices))), yes,
      [&](OpBuilder &b, Location loc, Value element, Value soFar) {
        IndexBuilder index{b, loc};
        Value position = index.from(element);
        Value high = b.createOrFold<arith::CmpIOp>(
            loc, arith::CmpIPredicate::sle, position, end);
        Value low = b.createOrFold<arith::CmpIOp>(
            loc, arith::CmpIPredicate::sge, position, index.constant(0));
        return b.createOrFold<arith::AndIOp>(
            loc, soFar, b.createOrFold<arith::AndIOp>(loc, low, high));
      });
  emitCheck(builder, loc,
            tensor::ExtractOp::create(builder, loc, all, ValueRange{}),
            message);
}

/// A cache that takes new elements from a position of each batch on.
static LogicalResult tensorScatter(TensorScatterOp op,
                                   TensorScatterOp::Adaptor operands,
                                   Rewriter &rewriter,
                                   SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value cache = stripStaticCasts(operands.getPastCache());
  Value updates = stripStaticCasts(operands.getUpdate());
  const bool isCircular = op.getMode() == "circular";
  if (!isCircular && op.getMode() != "linear")
    return op.emitOpError("expects mode linear or circular, got ")
           << op.getMode();
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(cache));
  if (!axis)
    return failure();
  if (*axis == 0 || rankOf(updates) != rankOf(cache))
    return op.emitOpError("expects an update of rank ")
           << rankOf(cache) << " and an axis other than 0";
  Dims dims = getDims(rewriter, loc, cache);
  Dims updateDims = getDims(rewriter, loc, updates);
  for (auto [i, pair] : llvm::enumerate(llvm::zip(updateDims, dims))) {
    auto [update, dim] = pair;
    bool isAxis = static_cast<int64_t>(i) == *axis;
    if (failed(isAxis ? expectAtMost(rewriter, op, update, dim,
                                     "expects an update within the cache")
                      : expectSameDim(rewriter, op, update, dim,
                                      "expects an update as large as the cache "
                                      "but for its axis")))
      return failure();
  }
  Value size = toValue(rewriter, loc, dims[*axis]);
  Value starts;
  if (operands.getWriteIndices()) {
    starts = stripStaticCasts(operands.getWriteIndices());
    if (rankOf(starts) != 1)
      return op.emitOpError("expects write_indices of rank 1, got rank ")
             << rankOf(starts);
    if (failed(expectSameDim(rewriter, op, getDim(rewriter, loc, starts, 0),
                             dims[0],
                             "expects one write index for each batch")))
      return failure();
    IndexBuilder index{rewriter, loc};
    Value end =
        isCircular ? index.sub(size, index.constant(1))
                   : index.sub(size, toValue(rewriter, loc, updateDims[*axis]));
    checkUpTo(rewriter, op, starts, end,
              "expects write_indices that leave room for the update");
  }
  results.push_back(scatter(
      rewriter, loc, cache, updates, elementType(op.getPastCache()),
      Combine::None, [&](OpBuilder &b, Location loc, ValueRange from) {
        SmallVector<Value> where = llvm::to_vector(from);
        if (!starts)
          return where;
        IndexBuilder index{b, loc};
        Value start =
            index.from(tensor::ExtractOp::create(b, loc, starts, from.front()));
        Value position = index.add(start, from[*axis]);
        where[*axis] = isCircular ? index.rem(position, size) : position;
        return where;
      }));
  return success();
}

void bit::onnx::addScatterPatterns(PatternList &list) {
  list.add<ScatterElementsOp>(scatterElements);
  list.add<ScatterNDOp>(scatterND);
  list.add<TensorScatterOp>(tensorScatter);
}
