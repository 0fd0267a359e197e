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

void bit::onnx::addScatterPatterns(PatternList &list) {
  list.add<ScatterElementsOp>(scatterElements);
  list.add<ScatterNDOp>(scatterND);
}
