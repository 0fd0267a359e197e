// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unique: positions are sorted by what stands there, and neighbours that are
// equal make up a group.

#include "Pieces.h"
#include "Sorting.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
/// The slices of a tensor along one axis.
struct Slices {
  Value tensor;
  Type onnxType;
  int64_t axis;
  Dims others;

  /// Whether slice x is less than slice y, and greater. NaN is equal to itself.
  std::pair<Value, Value> compare(OpBuilder &builder, Location loc, Value x,
                                  Value y) const {
    Value no =
        arith::ConstantOp::create(builder, loc, builder.getBoolAttr(false));
    SmallVector<Value> result = createSerialLoops(
        builder, loc, others, {no, no},
        [&](OpBuilder &b, Location loc, ValueRange where,
            ValueRange soFar) -> SmallVector<Value> {
          ScalarBuilder scalar(b, loc, onnxType);
          auto read = [&](Value position) {
            SmallVector<Value> at = llvm::to_vector(where);
            at.insert(at.begin() + axis, position);
            return toCompute(b, loc,
                             tensor::ExtractOp::create(b, loc, tensor, at),
                             onnxType);
          };
          Value left = read(x), right = read(y);
          // The first difference decides.
          Value less = scalar.select(soFar[1], soFar[0],
                                     lessWithNaN(scalar, left, right));
          Value greater = scalar.select(soFar[0], soFar[1],
                                        lessWithNaN(scalar, right, left));
          return {scalar.make<arith::OrIOp>(soFar[0], less),
                  scalar.make<arith::OrIOp>(soFar[1], greater)};
        });
    return {result[0], result[1]};
  }
};

/// Tensors with an element a group (as many as there are slices), but
/// `inverse`, which has the group of each slice.
struct Groups {
  Value first, counts, inverse;
  Value count;
};
} // namespace

static Value load(OpBuilder &b, Location loc, Value tensor, Value at) {
  return tensor::ExtractOp::create(b, loc, tensor, at);
}

static Value store(OpBuilder &b, Location loc, Value element, Value tensor,
                   Value at) {
  return tensor::InsertOp::create(b, loc, element, tensor, at);
}

static Value makeVector(OpBuilder &builder, Location loc, Value size) {
  return tensor::EmptyOp::create(builder, loc, Dims{getAsOpFoldResult(size)},
                                 builder.getI64Type());
}

/// Groups in the order of their slices.
static Groups findGroups(OpBuilder &builder, Location loc, const Slices &slices,
                         Value size) {
  Value sorted =
      selectFirst(builder, loc, makeVector(builder, loc, size), size, size,
                  [&](OpBuilder &b, Location loc, Value x, Value y) {
                    auto [less, greater] = slices.compare(b, loc, x, y);
                    IndexBuilder index{b, loc};
                    Value no =
                        arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
                    return b.createOrFold<arith::OrIOp>(
                        loc, less, index.select(greater, no, index.less(x, y)));
                  });
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> done = createSerialLoops(
      builder, loc, OpFoldResult(size),
      {makeVector(builder, loc, size), makeVector(builder, loc, size),
       makeVector(builder, loc, size), zero},
      [&](OpBuilder &b, Location loc, ValueRange i,
          ValueRange state) -> SmallVector<Value> {
        IndexBuilder index{b, loc};
        ScalarBuilder wide(b, loc, b.getI64Type());
        Value one = index.constant(1);
        Value position = load(b, loc, sorted, i[0]);
        Value before =
            load(b, loc, sorted, index.max(index.sub(i[0], one), zero));
        auto [less, greater] =
            slices.compare(b, loc, index.from(before), index.from(position));
        Value isNew =
            b.createOrFold<arith::OrIOp>(loc, less, index.equal(i[0], zero));
        Value count = index.select(isNew, index.add(state[3], one), state[3]);
        Value group = index.sub(count, one);
        Value first =
            wide.select(isNew, position, load(b, loc, state[0], group));
        Value members = wide.select(
            isNew, wide.number(1),
            wide.add(load(b, loc, state[1], group), wide.number(1)));
        return {store(b, loc, first, state[0], group),
                store(b, loc, members, state[1], group),
                store(b, loc, index.to(group, b.getI64Type()), state[2],
                      index.from(position)),
                count};
      });
  return {done[0], done[1], done[2], done[3]};
}

/// `tensor` at the positions that `order` has.
static Value permute(OpBuilder &builder, Location loc, Value tensor,
                     Value order) {
  return createPointwise(builder, loc, order, builder.getI64Type(),
                         [&](OpBuilder &b, Location loc, ValueRange x) {
                           return load(b, loc, tensor,
                                       IndexBuilder{b, loc}.from(x[0]));
                         });
}

/// Puts the groups in the order in which they occur first.
static Groups orderByOccurrence(OpBuilder &builder, Location loc,
                                const Groups &groups, Value size) {
  Value order = selectFirst(
      builder, loc, makeVector(builder, loc, groups.count), groups.count,
      groups.count, [&](OpBuilder &b, Location loc, Value x, Value y) {
        return ScalarBuilder(b, loc, b.getI64Type())
            .less(load(b, loc, groups.first, x), load(b, loc, groups.first, y));
      });
  Value ranks =
      createSerialLoops(builder, loc, OpFoldResult(groups.count),
                        makeVector(builder, loc, size),
                        [&](OpBuilder &b, Location loc, ValueRange i,
                            ValueRange state) -> SmallVector<Value> {
                          IndexBuilder index{b, loc};
                          Value group = index.from(load(b, loc, order, i[0]));
                          return {store(b, loc, index.to(i[0], b.getI64Type()),
                                        state[0], group)};
                        })
          .front();
  return {permute(builder, loc, groups.first, order),
          permute(builder, loc, groups.counts, order),
          permute(builder, loc, ranks, groups.inverse), groups.count};
}

static LogicalResult unique(UniqueOp op, UniqueOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getX());
  std::optional<int64_t> axis = 0;
  if (op.getAxis())
    axis = normalizeAxis(op, *op.getAxis(), rankOf(input));
  else
    input = flatten(rewriter, loc, input);
  if (!axis)
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  Value size = toValue(rewriter, loc, sizes[*axis]);
  Dims others = sizes;
  others.erase(others.begin() + *axis);
  Groups groups = findGroups(
      rewriter, loc, {input, elementType(op.getX()), *axis, others}, size);
  if (!op.getSorted())
    groups = orderByOccurrence(rewriter, loc, groups, size);
  if (getConstant(sizes[*axis]) == 0)
    groups.count = size;
  auto take = [&](Value tensor) -> Value {
    return takePiece(rewriter, loc, tensor, {rewriter.getIndexAttr(0)},
                     {getAsOpFoldResult(groups.count)},
                     {rewriter.getIndexAttr(1)});
  };
  Value first = take(groups.first);
  sizes[*axis] = getAsOpFoldResult(groups.count);
  AffineMap map =
      AffineMap::get(sizes.size(), 0, rewriter.getAffineDimExpr(*axis));
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{first, map, {}}, sizes, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        SmallVector<Value> where;
        for (int64_t i = 0, e = sizes.size(); i < e; ++i)
          where.push_back(i == *axis
                              ? IndexBuilder{b, loc}.from(x.front())
                              : linalg::IndexOp::create(b, loc, i).getResult());
        return tensor::ExtractOp::create(b, loc, input, where).getResult();
      }));
  if (op.getIndices())
    results.push_back(first);
  if (op.getInverseIndices())
    results.push_back(groups.inverse);
  if (op.getCounts())
    results.push_back(take(groups.counts));
  return success();
}

void bit::onnx::addUniquePatterns(PatternList &list) {
  list.add<UniqueOp>(unique);
}
