// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Generic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit {

SmallVector<unsigned> loopRange(unsigned count) {
  return llvm::to_vector(llvm::seq(0u, count));
}

SmallVector<Value> buildGeneric(
    ImplicitLocOpBuilder &b, unsigned loops, ArrayRef<Operand> inputs,
    ArrayRef<Operand> outputs,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body,
    ArrayRef<unsigned> reductions) {
  SmallVector<Value> ins, outs;
  SmallVector<AffineMap> maps;
  auto add = [&](const Operand &operand, SmallVector<Value> &values) {
    values.push_back(operand.value);
    SmallVector<AffineExpr> dims;
    for (unsigned loop : operand.loops)
      dims.push_back(loop == unitLoop ? b.getAffineConstantExpr(0)
                                      : b.getAffineDimExpr(loop));
    maps.push_back(AffineMap::get(loops, 0, dims, b.getContext()));
  };
  for (const Operand &input : inputs)
    add(input, ins);
  for (const Operand &output : outputs)
    add(output, outs);
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  for (unsigned loop : reductions)
    iterators[loop] = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      b, TypeRange(ValueRange(outs)), ins, outs, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder builder(loc, inner);
        linalg::YieldOp::create(builder, body(builder, elements));
      });
  return llvm::to_vector_of<Value>(generic.getResults());
}

Value buildFill(ImplicitLocOpBuilder &b, TypedAttr value, Value tensor) {
  Value scalar = arith::ConstantOp::create(b, value);
  return linalg::FillOp::create(b, scalar, tensor).getResult(0);
}

Value buildEmpty(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> sizes,
                 Type elementType) {
  return tensor::EmptyOp::create(b, sizes, elementType);
}

Value splitLastDim(ImplicitLocOpBuilder &b, Value x, int64_t groups) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t last = type.getRank() - 1;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  OpFoldResult k = sizes.pop_back_val();
  SmallVector<int64_t> shape(type.getShape().drop_back());
  shape.push_back(groups);
  sizes.push_back(b.getIndexAttr(groups));
  if (std::optional<int64_t> size = getConstantIntValue(k)) {
    shape.push_back(*size / groups);
    sizes.push_back(b.getIndexAttr(*size / groups));
  } else {
    shape.push_back(ShapedType::kDynamic);
    Value count = arith::ConstantIndexOp::create(b, groups);
    sizes.push_back(
        arith::DivUIOp::create(b, cast<Value>(k), count).getResult());
  }
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t i = 0; i < last; ++i)
    reassociation.push_back({i});
  reassociation.push_back({last, last + 1});
  return tensor::ExpandShapeOp::create(b, type.clone(shape), x, reassociation,
                                       sizes);
}

Value buildF32(ImplicitLocOpBuilder &b, float value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

} // namespace bit
