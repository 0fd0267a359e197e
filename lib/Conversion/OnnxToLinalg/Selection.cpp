// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators whose result is as large as the data say: NonZero and Compress.
// What is kept is counted first.

#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

static Value isNonZero(ScalarBuilder &scalar, Value x) {
  // True for NaN.
  if (scalar.isFloat())
    return scalar.make<arith::CmpFOp>(arith::CmpFPredicate::UNE, x,
                                      scalar.number(0));
  return scalar.make<arith::CmpIOp>(arith::CmpIPredicate::ne, x,
                                    scalar.number(0));
}

static LogicalResult nonZero(NonZeroOp op, NonZeroOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getX());
  Value input = stripStaticCasts(operands.getX());
  int64_t rank = rankOf(input);
  Type i64 = rewriter.getI64Type();
  Value zero = arith::ConstantIntOp::create(rewriter, loc, 0, 64);
  Value total = createReduction(
      rewriter, loc, input, llvm::to_vector(llvm::seq<int64_t>(0, rank)), zero,
      [&](OpBuilder &b, Location loc, Value x, Value soFar) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value found = isNonZero(scalar, toCompute(b, loc, x, onnxType));
        return scalar.make<arith::AddIOp>(
            soFar, scalar.make<arith::ExtUIOp>(i64, found));
      });
  Value count = IndexBuilder{rewriter, loc}.from(
      tensor::ExtractOp::create(rewriter, loc, total, ValueRange{}));
  Value positions = tensor::EmptyOp::create(
      rewriter, loc, Dims{rewriter.getIndexAttr(rank), count}, i64);
  Value start = arith::ConstantIndexOp::create(rewriter, loc, 0);
  auto visit = [&](OpBuilder &b, Location loc, ValueRange where,
                   ValueRange state) -> SmallVector<Value> {
    ScalarBuilder scalar(b, loc, onnxType);
    Value x = tensor::ExtractOp::create(b, loc, input, where);
    auto choice = scf::IfOp::create(
        b, loc, isNonZero(scalar, toCompute(b, loc, x, onnxType)),
        [&](OpBuilder &b, Location loc) {
          IndexBuilder index{b, loc};
          Value tensor = state[0];
          for (auto [axis, position] : llvm::enumerate(where))
            tensor = tensor::InsertOp::create(
                b, loc, index.to(position, i64), tensor,
                ValueRange{index.constant(axis), state[1]});
          scf::YieldOp::create(
              b, loc,
              ValueRange{tensor, index.add(state[1], index.constant(1))});
        },
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, state);
        });
    return llvm::to_vector(ValueRange(choice.getResults()));
  };
  results.push_back(createSerialLoops(rewriter, loc,
                                      getDims(rewriter, loc, input),
                                      {positions, start}, visit)
                        .front());
  return success();
}

/// The positions where the first `length` elements of `condition` are true.
static Value findTrue(OpBuilder &builder, Location loc, Value condition,
                      Value length) {
  Value start = arith::ConstantIndexOp::create(builder, loc, 0);
  auto next = [](OpBuilder &b, Location loc, Value keep, Value count) {
    IndexBuilder index{b, loc};
    return index.select(keep, index.add(count, index.constant(1)), count);
  };
  Value count = createSerialLoops(builder, loc, OpFoldResult(length), start,
                                  [&](OpBuilder &b, Location loc, ValueRange i,
                                      ValueRange state) -> SmallVector<Value> {
                                    Value keep = tensor::ExtractOp::create(
                                        b, loc, condition, i);
                                    return {next(b, loc, keep, state[0])};
                                  })
                    .front();
  Type i64 = builder.getI64Type();
  Value positions = tensor::EmptyOp::create(
      builder, loc, ArrayRef<OpFoldResult>{OpFoldResult(count)}, i64);
  return createSerialLoops(
             builder, loc, OpFoldResult(length), {positions, start},
             [&](OpBuilder &b, Location loc, ValueRange i,
                 ValueRange state) -> SmallVector<Value> {
               Value keep = tensor::ExtractOp::create(b, loc, condition, i);
               auto choice = scf::IfOp::create(
                   b, loc, keep,
                   [&](OpBuilder &b, Location loc) {
                     Value position = IndexBuilder{b, loc}.to(i[0], i64);
                     Value written = tensor::InsertOp::create(
                         b, loc, position, state[0], state[1]);
                     scf::YieldOp::create(b, loc, written);
                   },
                   [&](OpBuilder &b, Location loc) {
                     scf::YieldOp::create(b, loc, state[0]);
                   });
               return {choice.getResult(0), next(b, loc, keep, state[1])};
             })
      .front();
}

static LogicalResult compress(CompressOp op, CompressOp::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  Value condition = stripStaticCasts(operands.getCondition());
  if (rankOf(condition) != 1)
    return op.emitOpError("expects a condition of rank 1, got rank ")
           << rankOf(condition);
  std::optional<int64_t> axis = 0;
  if (op.getAxis())
    axis = normalizeAxis(op, *op.getAxis(), rankOf(input));
  else
    input = flatten(rewriter, loc, input);
  if (!axis)
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  // What the condition says nothing of is dropped.
  Value length = IndexBuilder{rewriter, loc}.min(
      toValue(rewriter, loc, sizes[*axis]),
      toValue(rewriter, loc, getDim(rewriter, loc, condition, 0)));
  Value positions = findTrue(rewriter, loc, condition, length);
  sizes[*axis] = getDim(rewriter, loc, positions, 0);
  AffineMap map =
      AffineMap::get(sizes.size(), 0, rewriter.getAffineDimExpr(*axis));
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{positions, map, {}}, sizes, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        SmallVector<Value> where;
        for (int64_t i = 0, e = sizes.size(); i < e; ++i)
          where.push_back(i == *axis
                              ? IndexBuilder{b, loc}.from(x.front())
                              : linalg::IndexOp::create(b, loc, i).getResult());
        return tensor::ExtractOp::create(b, loc, input, where).getResult();
      }));
  return success();
}

void bit::onnx::addSelectionPatterns(PatternList &list) {
  list.add<NonZeroOp>(nonZero);
  list.add<CompressOp>(compress);
}
