// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Indexing.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult bit::onnx::checkIndices(OpBuilder &builder, Operation *op,
                                      Value indices, OpFoldResult size,
                                      const Twine &message) {
  Location loc = op->getLoc();
  auto positions = getConstantInts(indices);
  if (std::optional<int64_t> bound = getConstant(size); positions && bound) {
    for (int64_t position : *positions)
      if (position < -*bound || position >= *bound)
        return op->emitOpError("expects indices in [")
               << -*bound << ", " << *bound << "), got " << position;
    return success();
  }
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
        Value low =
            arith::CmpIOp::create(b, loc, CmpIPredicate::sge, index, lower);
        Value high =
            arith::CmpIOp::create(b, loc, CmpIPredicate::slt, index, bound);
        Value inRange = arith::AndIOp::create(b, loc, low, high);
        return arith::AndIOp::create(b, loc, soFar, inRange).getResult();
      });
  emitCheck(builder, loc,
            tensor::ExtractOp::create(builder, loc, all, ValueRange{}),
            message);
  return success();
}

LogicalResult bit::onnx::expectSameDim(OpBuilder &builder, Operation *op,
                                       OpFoldResult a, OpFoldResult b,
                                       const Twine &message) {
  if (checkSameDim(builder, op->getLoc(), a, b, message))
    return success();
  return op->emitOpError() << message.str() << ", got " << *getConstant(a)
                           << " and " << *getConstant(b);
}

LogicalResult bit::onnx::expectAtMost(OpBuilder &builder, Operation *op,
                                      OpFoldResult a, OpFoldResult b,
                                      const Twine &message) {
  if (isSameDim(a, b))
    return success();
  std::optional<int64_t> left = getConstant(a), right = getConstant(b);
  if (left && right && *left > *right)
    return op->emitOpError()
           << message.str() << ", got " << *left << " and " << *right;
  if (left && right)
    return success();
  Location loc = op->getLoc();
  emitCheck(builder, loc,
            arith::CmpIOp::create(builder, loc, CmpIPredicate::sle,
                                  toValue(builder, loc, a),
                                  toValue(builder, loc, b)),
            message);
  return success();
}

FailureOr<Value> bit::onnx::withLength(OpBuilder &builder, Operation *op,
                                       Value tensor, int64_t axis,
                                       int64_t length, const Twine &message) {
  Location loc = op->getLoc();
  tensor = stripStaticCasts(tensor);
  if (failed(expectSameDim(builder, op, getDim(builder, loc, tensor, axis),
                           builder.getIndexAttr(length), message)))
    return failure();
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape = llvm::to_vector(type.getShape());
  shape[axis] = length;
  RankedTensorType known = type.clone(shape);
  if (known == type)
    return tensor;
  return tensor::CastOp::create(builder, loc, known, tensor).getResult();
}

FailureOr<Value> bit::onnx::readScalar(OpBuilder &builder, Operation *op,
                                       Value tensor, StringRef name) {
  if (rankOf(tensor) > 1) {
    op->emitOpError("expects one element in ")
        << name << ", got " << tensor.getType();
    return failure();
  }
  if (rankOf(tensor) == 1) {
    FailureOr<Value> known =
        withLength(builder, op, tensor, 0, 1, "expects one element in " + name);
    if (failed(known))
      return failure();
    tensor = *known;
  }
  return readElements(builder, op->getLoc(), stripStaticCasts(tensor)).front();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value bit::onnx::wrapIndex(OpBuilder &builder, Location loc, Value index,
                           Value size) {
  IndexBuilder b{builder, loc};
  Value position = b.from(index);
  return b.select(b.less(position, b.constant(0)), b.add(position, size),
                  position);
}

SmallVector<Value> bit::onnx::createSerialLoops(OpBuilder &builder,
                                                Location loc,
                                                ArrayRef<OpFoldResult> sizes,
                                                ValueRange initial,
                                                SerialBody body) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  SmallVector<Value> lower(sizes.size(), zero), steps(sizes.size(), one), upper;
  for (OpFoldResult size : sizes)
    upper.push_back(toValue(builder, loc, size));
  return scf::buildLoopNest(builder, loc, lower, upper, steps, initial,
                            [&](OpBuilder &b, Location loc, ValueRange where,
                                ValueRange state) -> scf::ValueVector {
                              SmallVector<Value> next =
                                  body(b, loc, where, state);
                              return {next.begin(), next.end()};
                            })
      .results;
}

Value bit::onnx::flatten(OpBuilder &builder, Location loc, Value tensor) {
  int64_t rank = rankOf(tensor);
  if (rank == 1)
    return tensor;
  if (rank == 0)
    return insertUnitDims(builder, loc, tensor, 0);
  SmallVector<ReassociationIndices> groups(1);
  llvm::append_range(groups[0], llvm::seq<int64_t>(0, rank));
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value IndexBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}
Value IndexBuilder::add(Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}
Value IndexBuilder::sub(Value a, Value b) {
  return builder.createOrFold<arith::SubIOp>(loc, a, b);
}
Value IndexBuilder::mul(Value a, Value b) {
  return builder.createOrFold<arith::MulIOp>(loc, a, b);
}
Value IndexBuilder::div(Value a, Value b) {
  return builder.createOrFold<arith::DivUIOp>(loc, a, b);
}
Value IndexBuilder::rem(Value a, Value b) {
  return builder.createOrFold<arith::RemUIOp>(loc, a, b);
}
Value IndexBuilder::floorMod(Value a, Value b) {
  Value rest = builder.createOrFold<arith::RemSIOp>(loc, a, b);
  return select(less(rest, constant(0)), add(rest, b), rest);
}
Value IndexBuilder::min(Value a, Value b) {
  return builder.createOrFold<arith::MinSIOp>(loc, a, b);
}
Value IndexBuilder::max(Value a, Value b) {
  return builder.createOrFold<arith::MaxSIOp>(loc, a, b);
}
Value IndexBuilder::less(Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::slt, a, b);
}
Value IndexBuilder::equal(Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::eq, a, b);
}
Value IndexBuilder::inside(Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::ult, a, b);
}
Value IndexBuilder::select(Value condition, Value a, Value b) {
  return builder.createOrFold<arith::SelectOp>(loc, condition, a, b);
}
Value IndexBuilder::from(Value integer) {
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(),
                                                  integer);
}
Value IndexBuilder::to(Value index, Type type) {
  return builder.createOrFold<arith::IndexCastOp>(loc, type, index);
}
