// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// If, and what it shares with Loop and Scan.

#include "ControlFlow.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

RankedTensorType bit::onnx::getStorageTensor(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(),
                               getStorageType(tensor.getElementType()));
}

Value bit::onnx::toStorageTensor(OpBuilder &builder, Location loc,
                                 Value value) {
  return fromStorageTensor(builder, loc, value,
                           getStorageTensor(value.getType()));
}

Value bit::onnx::fromStorageTensor(OpBuilder &builder, Location loc,
                                   Value value, Type onnxType) {
  if (value.getType() == onnxType)
    return value;
  return UnrealizedConversionCastOp::create(builder, loc, onnxType, value)
      .getResult(0);
}

void bit::onnx::checkNamedDims(OpBuilder &builder, Operation *op, Value value,
                               int64_t result, const Twine &what) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (auto named = getNamedDim(builder, loc, op, result, dim)) {
      Value same = builder.createOrFold<arith::CmpIOp>(
          loc, arith::CmpIPredicate::eq,
          toValue(builder, loc, getDim(builder, loc, value, dim)),
          toValue(builder, loc, *named));
      emitCheck(builder, loc, same,
                "expects dimension " + Twine(dim) + " of " + what +
                    " to keep its size");
    }
}

FailureOr<Value> bit::onnx::carryAs(OpBuilder &builder, Operation *op,
                                    Value value, RankedTensorType type,
                                    const Twine &what) {
  if (!tensor::CastOp::areCastCompatible(value.getType(), type))
    return op->emitOpError("expects ")
           << what << " of type " << type << ", got " << value.getType();
  return castTo(builder, op->getLoc(), value, type);
}

FailureOr<Value> bit::onnx::readScalar(OpBuilder &builder, Operation *op,
                                       Value tensor, const Twine &what) {
  Location loc = op->getLoc();
  tensor = stripStaticCasts(tensor);
  auto type = cast<RankedTensorType>(tensor.getType());
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!checkSameDim(builder, loc, getDim(builder, loc, tensor, dim),
                      builder.getIndexAttr(1),
                      "expects one element in " + what))
      return op->emitOpError("expects one element in ")
             << what << ", got " << type;
  if (type.hasStaticShape())
    if (auto known = getKnownElements(builder, loc, tensor))
      return known->front();
  return tensor::ExtractOp::create(
             builder, loc, tensor,
             SmallVector<Value>(static_cast<size_t>(type.getRank()), zero))
      .getResult();
}

/// Moves a branch, whose values are not converted yet, and ends it with an
/// scf.yield of `types`.
static LogicalResult moveBranch(IfOp op, Region &from, Region &to,
                                TypeRange types, Rewriter &rewriter) {
  rewriter.inlineRegionBefore(from, to, to.end());
  auto yield = cast<YieldOp>(to.front().getTerminator());
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(yield);
  SmallVector<Value> values;
  for (auto [index, pair] :
       llvm::enumerate(llvm::zip_equal(yield.getOperands(), types))) {
    auto [value, type] = pair;
    FailureOr<Value> carried =
        carryAs(rewriter, op, toStorageTensor(rewriter, op.getLoc(), value),
                cast<RankedTensorType>(type), "result " + Twine(index));
    if (failed(carried))
      return failure();
    checkNamedDims(rewriter, op, *carried, index, "result " + Twine(index));
    values.push_back(*carried);
  }
  scf::YieldOp::create(rewriter, op.getLoc(), values);
  rewriter.eraseOp(yield);
  return success();
}

static LogicalResult lowerIf(IfOp op, IfOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  FailureOr<Value> condition =
      readScalar(rewriter, op, operands.getCond(), "the condition");
  if (failed(condition))
    return failure();
  SmallVector<Type> types;
  for (Type type : op.getResultTypes())
    types.push_back(getStorageTensor(type));
  auto branches = scf::IfOp::create(rewriter, op.getLoc(), types, *condition,
                                    /*addThenBlock=*/false,
                                    /*addElseBlock=*/false);
  if (Attribute names = op->getAttr(dimNamesAttr))
    branches->setAttr(dimNamesAttr, names);
  if (failed(moveBranch(op, op.getThenBranch(), branches.getThenRegion(), types,
                        rewriter)) ||
      failed(moveBranch(op, op.getElseBranch(), branches.getElseRegion(), types,
                        rewriter)))
    return failure();
  llvm::append_range(results, branches.getResults());
  return success();
}

void bit::onnx::addControlFlowPatterns(PatternList &list) {
  list.add<IfOp>(lowerIf);
  addLoopPatterns(list);
}
