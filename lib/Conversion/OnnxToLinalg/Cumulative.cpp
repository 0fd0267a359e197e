// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Indexing.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// One chain a row in the compute type, from the neutral element. Each result
/// is rounded once.
template <typename OpTy, bool isProduct>
static LogicalResult cumulate(OpTy op, typename OpTy::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getX());
  Value input = stripStaticCasts(operands.getX());
  auto constant = getConstantInts(operands.getAxis());
  if (!constant || constant->size() != 1)
    return op.emitOpError("expects one constant axis");
  std::optional<int64_t> axis =
      normalizeAxis(op, constant->front(), rankOf(input));
  if (!axis)
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  Value init =
      tensor::EmptyOp::create(rewriter, loc, sizes, getStorageType(onnxType));
  OpFoldResult length = sizes[*axis];
  sizes.erase(sizes.begin() + *axis);
  Value neutral =
      ScalarBuilder(rewriter, loc, onnxType).number(isProduct ? 1 : 0);
  const bool exclusive = op.getExclusive() != 0, reverse = op.getReverse() != 0;

  auto step = [&](OpBuilder &b, Location loc, SmallVector<Value> where,
                  Value position, ValueRange state) -> SmallVector<Value> {
    IndexBuilder index{b, loc};
    if (reverse)
      position = index.sub(
          index.sub(toValue(b, loc, length), index.constant(1)), position);
    where.insert(where.begin() + *axis, position);
    ScalarBuilder scalar(b, loc, onnxType);
    Value x = toCompute(b, loc, tensor::ExtractOp::create(b, loc, input, where),
                        onnxType);
    Value total = isProduct ? scalar.mul(state[1], x) : scalar.add(state[1], x);
    Value element = toStorage(b, loc, exclusive ? state[1] : total, onnxType);
    return {tensor::InsertOp::create(b, loc, element, state[0], where), total};
  };
  results.push_back(
      createSerialLoops(rewriter, loc, sizes, init,
                        [&](OpBuilder &b, Location loc, ValueRange where,
                            ValueRange state) -> SmallVector<Value> {
                          return {
                              createSerialLoops(
                                  b, loc, length, {state[0], neutral},
                                  [&](OpBuilder &b, Location loc,
                                      ValueRange position, ValueRange state) {
                                    return step(b, loc, llvm::to_vector(where),
                                                position[0], state);
                                  })
                                  .front()};
                        })
          .front());
  return success();
}

void bit::onnx::addCumulativePatterns(PatternList &list) {
  list.add<CumSumOp>(cumulate<CumSumOp, false>);
  list.add<CumProdOp>(cumulate<CumProdOp, true>);
}
