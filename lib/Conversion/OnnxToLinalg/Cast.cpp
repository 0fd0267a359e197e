// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "Indexing.h"

using namespace mlir;
using namespace bit::onnx;

template <typename OpTy>
static Value cast(ScalarBuilder &s, ArrayRef<Value> x, OpTy op) {
  return castScalar(s.builder, s.loc, x[0], elementType(op->getOperand(0)),
                    elementType(op->getResult(0)));
}

/// Only the type of the second operand counts.
static LogicalResult castLike(CastLikeOp op, CastLikeOp::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  FailureOr<Value> result = lowerElementwise(
      op, operands.getInput(), rewriter,
      [&](ScalarBuilder &s, ArrayRef<Value> x) { return cast(s, x, op); });
  if (succeeded(result))
    results.push_back(*result);
  return result;
}

/// The same bits; a bool is the byte 0 or 1.
static Value bitCast(ScalarBuilder &s, ArrayRef<Value> x, BitCastOp op) {
  Type from = elementType(op.getInput()), to = elementType(op.getOutput());
  OpBuilder &b = s.builder;
  Type byte = b.getI8Type(), target = getStorageType(to);
  Value bits = toStorage(b, s.loc, x[0], from);
  if (bits.getType() == target)
    return toCompute(b, s.loc, bits, to);
  if (bits.getType().isInteger(1))
    bits = s.make<arith::ExtUIOp>(byte, bits);
  if (target.isInteger(1))
    return s.make<arith::CmpIOp>(
        arith::CmpIPredicate::ne, bits,
        arith::ConstantOp::create(b, s.loc, b.getZeroAttr(byte)));
  if (bits.getType() != target)
    bits = s.make<arith::BitcastOp>(target, bits);
  return toCompute(b, s.loc, bits, to);
}

static LogicalResult identity(IdentityOp, IdentityOp::Adaptor operands,
                              Rewriter &, SmallVectorImpl<Value> &results) {
  results.push_back(operands.getInput());
  return success();
}

/// Without training, and with a ratio of 0, it keeps everything. What it drops
/// otherwise is random.
static LogicalResult dropout(DropoutOp op, DropoutOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value yes =
      arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  if (operands.getTrainingMode()) {
    FailureOr<Value> training =
        readScalar(rewriter, op, operands.getTrainingMode(), "training_mode");
    if (failed(training))
      return failure();
    Value drops = *training;
    if (operands.getRatio()) {
      FailureOr<Value> ratio =
          readScalar(rewriter, op, operands.getRatio(), "ratio");
      if (failed(ratio))
        return failure();
      ScalarBuilder scalar(rewriter, loc, elementType(op.getRatio()));
      Value wide = toCompute(rewriter, loc, *ratio, elementType(op.getRatio()));
      Value isZero = scalar.equal(wide, scalar.number(0));
      drops = scalar.make<arith::AndIOp>(
          drops, scalar.make<arith::XOrIOp>(isZero, yes));
    }
    if (getConstant(drops) && *getConstant(drops) != 0)
      return op.emitOpError("expects no training, or a ratio of 0");
    emitCheck(rewriter, loc,
              rewriter.createOrFold<arith::XOrIOp>(loc, drops, yes),
              "expects no training, or a ratio of 0");
  }
  Value data = stripStaticCasts(operands.getData());
  results.push_back(data);
  if (op.getMask())
    results.push_back(
        createFilled(rewriter, loc, getDims(rewriter, loc, data), yes));
  return success();
}

void bit::onnx::addCastPatterns(PatternList &list) {
  addElementwise<CastOp>(list, cast<CastOp>);
  addElementwise<BitCastOp>(list, bitCast);
  list.add<CastLikeOp>(castLike);
  list.add<DropoutOp>(dropout);
  list.add<IdentityOp>(identity);
}
