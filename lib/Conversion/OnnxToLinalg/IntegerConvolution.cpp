// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions of codes: exact sums in 32 bits; QLinearConv then scales them as
// floats and rounds them to codes.

#include "IntegerConvolution.h"
#include "Convolution.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

/// A parameter of a quantized operand as one loop nest reads it: one for all,
/// or one for each index of `dim` (none: one for all only).
static FailureOr<LoopOperand> getParameter(OpBuilder &builder, Operation *op,
                                           Value parameter, Value values,
                                           std::optional<unsigned> dim) {
  Location loc = op->getLoc();
  parameter = stripStaticCasts(parameter);
  auto type = cast<RankedTensorType>(parameter.getType());
  if (type.getRank() > 1)
    return op->emitOpError("expects scales and zero points of rank 0 or 1, got "
                           "rank ")
           << type.getRank();
  SmallVector<AffineExpr> exprs;
  if (type.getRank() == 1 && (type.getDimSize(0) == 1 || !dim)) {
    constexpr llvm::StringLiteral message =
        "expects one scale and zero point for all elements";
    OpFoldResult size = getDim(builder, loc, parameter, 0);
    if (!checkSameDim(builder, loc, size, builder.getIndexAttr(1), message))
      return op->emitOpError(message) << ", got " << *getConstant(size);
    exprs.push_back(builder.getAffineConstantExpr(0));
  } else if (type.getRank() == 1) {
    constexpr llvm::StringLiteral message =
        "expects a scale and zero point for each output channel";
    OpFoldResult size = getDim(builder, loc, parameter, 0);
    OpFoldResult channels = getDim(builder, loc, values, *dim);
    if (!checkSameDim(builder, loc, size, channels, message))
      return op->emitOpError(message) << ", got " << *getConstant(size)
                                      << " for " << *getConstant(channels);
    exprs.push_back(builder.getAffineDimExpr(*dim));
  }
  return LoopOperand{
      parameter,
      AffineMap::get(rankOf(values), 0, exprs, builder.getContext()),
      {}};
}

/// Codes without their zero point (null: 0), as 32-bit integers.
static FailureOr<Value> widen(OpBuilder &builder, Operation *op, Value codes,
                              Type onnxType, Value zeroPoint,
                              std::optional<unsigned> dim) {
  Location loc = op->getLoc();
  codes = stripStaticCasts(codes);
  SmallVector<LoopOperand> operands{
      {codes, builder.getMultiDimIdentityMap(rankOf(codes)), {}}};
  if (zeroPoint) {
    FailureOr<LoopOperand> parameter =
        getParameter(builder, op, zeroPoint, codes, dim);
    if (failed(parameter))
      return failure();
    operands.push_back(*parameter);
  }
  Type wide = builder.getI32Type();
  return createPointwise(builder, loc, operands, getDims(builder, loc, codes),
                         wide, [&](OpBuilder &b, Location loc, ValueRange in) {
                           Value y = castScalar(b, loc, in[0], onnxType, wide);
                           if (in.size() == 1)
                             return y;
                           return ScalarBuilder(b, loc, wide)
                               .sub(y,
                                    castScalar(b, loc, in[1], onnxType, wide));
                         });
}

template <typename OpTy>
static FailureOr<Value> sumProducts(OpTy op, OpBuilder &builder, Value x,
                                    Value xZero, Value w, Value wZero,
                                    Value bias) {
  FailureOr<Value> codes =
      widen(builder, op, x, elementType(op->getOperand(0)), xZero, {});
  if (failed(codes))
    return failure();
  FailureOr<Value> weights =
      widen(builder, op, w, elementType(op.getW()), wZero, 0);
  if (failed(weights))
    return failure();
  WindowAttributes attributes{op.getKernelShape(), op.getStrides(),
                              op.getDilations(), op.getPads(), op.getAutoPad()};
  return createConvolution(builder, op, *codes, *weights, bias,
                           builder.getI32Type(), op.getGroup(), attributes);
}

static LogicalResult convInteger(ConvIntegerOp op,
                                 ConvIntegerOp::Adaptor operands,
                                 Rewriter &rewriter,
                                 SmallVectorImpl<Value> &results) {
  FailureOr<Value> y =
      sumProducts(op, rewriter, operands.getX(), operands.getXZeroPoint(),
                  operands.getW(), operands.getWZeroPoint(), Value());
  if (failed(y))
    return failure();
  results.push_back(*y);
  return success();
}

/// saturate(round(sum * (x_scale * w_scale / y_scale)) + y_zero_point)
static LogicalResult qlinearConv(QLinearConvOp op,
                                 QLinearConvOp::Adaptor operands,
                                 Rewriter &rewriter,
                                 SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  FailureOr<Value> sums =
      sumProducts(op, rewriter, operands.getX(), operands.getXZeroPoint(),
                  operands.getW(), operands.getWZeroPoint(), operands.getB());
  if (failed(sums))
    return failure();
  SmallVector<LoopOperand> loops{
      {*sums, rewriter.getMultiDimIdentityMap(rankOf(*sums)), {}}};
  std::pair<Value, std::optional<unsigned>> parameters[] = {
      {operands.getXScale(), std::nullopt},
      {operands.getWScale(), 1},
      {operands.getYScale(), std::nullopt},
      {operands.getYZeroPoint(), std::nullopt}};
  for (auto [parameter, dim] : parameters) {
    FailureOr<LoopOperand> loop =
        getParameter(rewriter, op, parameter, *sums, dim);
    if (failed(loop))
      return failure();
    loops.push_back(*loop);
  }
  Type codes = elementType(op.getResult());
  results.push_back(createPointwise(
      rewriter, loc, loops, getDims(rewriter, loc, *sums),
      getStorageType(codes), [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, b.getF32Type());
        Value factor = s.div(s.mul(in[1], in[2]), in[3]);
        Value sum = castScalar(b, loc, in[0], in[0].getType(), s.getType());
        Value y = s.make<math::RoundEvenOp>(s.mul(sum, factor));
        y = s.add(y, castScalar(b, loc, in[4], codes, s.getType()));
        return toStorage(b, loc, castScalar(b, loc, y, s.getType(), codes),
                         codes);
      }));
  return success();
}

void bit::onnx::addIntegerConvolutionPatterns(PatternList &list) {
  list.add<ConvIntegerOp>(convInteger);
  list.add<QLinearConvOp>(qlinearConv);
}
