// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"

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

static LogicalResult identity(IdentityOp, IdentityOp::Adaptor operands,
                              Rewriter &, SmallVectorImpl<Value> &results) {
  results.push_back(operands.getInput());
  return success();
}

void bit::onnx::addCastPatterns(PatternList &list) {
  addElementwise<CastOp>(list, cast<CastOp>);
  list.add<CastLikeOp>(castLike);
  list.add<IdentityOp>(identity);
}
