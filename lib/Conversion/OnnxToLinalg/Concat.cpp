// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Concat and its inverse, Split.

#include "OnnxPattern.h"
#include "Pieces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Small vectors that hold shapes are joined element by element.
static Value concatElements(OpBuilder &builder, ConcatOp op,
                            ArrayRef<Value> inputs) {
  SmallVector<Value> elements;
  for (Value input : inputs) {
    auto known = getKnownElements(builder, op.getLoc(), input);
    if (!known || rankOf(input) != 1)
      return nullptr;
    elements.append(*known);
  }
  if (static_cast<int64_t>(elements.size()) > maxKnownElements)
    return nullptr;
  auto type = RankedTensorType::get(static_cast<int64_t>(elements.size()),
                                    elementType(inputs.front()));
  return makeElements(builder, op.getLoc(), elements, type);
}

static LogicalResult concat(ConcatOp op, ConcatOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  SmallVector<Value> inputs;
  for (Value input : operands.getInputs())
    inputs.push_back(stripStaticCasts(input));
  if (inputs.empty())
    return op.emitOpError("expects at least one input");
  int64_t rank = rankOf(inputs.front());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rank);
  if (!axis)
    return failure();
  if (Value elements = concatElements(rewriter, op, inputs)) {
    results.push_back(elements);
    return success();
  }
  Dims sizes = getDims(rewriter, loc, inputs.front());
  SmallVector<Dims> pieces;
  OpFoldResult total = rewriter.getIndexAttr(0);
  for (Value input : inputs) {
    if (rankOf(input) != rank)
      return op.emitOpError("expects inputs of one rank");
    pieces.push_back(getDims(rewriter, loc, input));
    total = addDims(rewriter, loc, total, pieces.back()[*axis]);
    for (int64_t i = 0; i < rank; ++i)
      if (i != *axis &&
          !checkSameDim(rewriter, loc, sizes[i], pieces.back()[i],
                        "expects inputs that differ in one axis only"))
        return op.emitOpError("expects inputs that differ in one axis only, "
                              "got ")
               << *getConstant(sizes[i]) << " and "
               << *getConstant(pieces.back()[i]) << " in axis " << i;
  }
  sizes[*axis] = total;
  Value result = tensor::EmptyOp::create(rewriter, loc, sizes,
                                         elementType(inputs.front()));
  Dims offsets(rank, rewriter.getIndexAttr(0));
  for (auto [input, piece] : llvm::zip(inputs, pieces)) {
    result = putPiece(rewriter, loc, input, result, offsets, piece);
    offsets[*axis] = addDims(rewriter, loc, offsets[*axis], piece[*axis]);
  }
  results.push_back(result);
  return success();
}

/// The sizes of the pieces: given, or of equal size but for the last.
static FailureOr<Dims> getSplitSizes(SplitOp op, SplitOp::Adaptor operands,
                                     OpFoldResult total, OpBuilder &builder) {
  Location loc = op.getLoc();
  int64_t count = op.getOutputs().size();
  if (operands.getSplit()) {
    FailureOr<Dims> sizes = readSizes(builder, op, operands.getSplit());
    if (failed(sizes))
      return failure();
    if (static_cast<int64_t>(sizes->size()) != count)
      return op.emitOpError("expects ")
             << count << " sizes in split, got " << sizes->size();
    OpFoldResult sum = builder.getIndexAttr(0);
    for (OpFoldResult size : *sizes) {
      sum = addDims(builder, loc, sum, size);
      // Two huge sizes may wrap around to the right sum.
      if (!getConstant(size))
        emitCheck(builder, loc,
                  arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule,
                                        toValue(builder, loc, size),
                                        toValue(builder, loc, total)),
                  "expects sizes in split within the axis");
    }
    if (!checkSameDim(builder, loc, sum, total,
                      "expects sizes in split that sum up to the axis"))
      return op.emitOpError("expects sizes in split that sum up to ")
             << *getConstant(total) << ", got " << *getConstant(sum);
    return sizes;
  }
  Value length = toValue(builder, loc, total);
  Value pieces = arith::ConstantIndexOp::create(builder, loc, count);
  Value size = builder.createOrFold<arith::CeilDivUIOp>(loc, length, pieces);
  Value covered = builder.createOrFold<arith::MulIOp>(
      loc, size, arith::ConstantIndexOp::create(builder, loc, count - 1));
  Value last = builder.createOrFold<arith::SubIOp>(loc, length, covered);
  if (getConstant(last).value_or(0) < 0)
    return op.emitOpError("expects an axis that splits into ")
           << count << " pieces, got " << *getConstant(length);
  if (!getConstant(last))
    emitCheck(
        builder, loc,
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, last,
                              arith::ConstantIndexOp::create(builder, loc, 0)),
        "expects an axis that splits into " + Twine(count) + " pieces");
  Dims sizes(count, getAsOpFoldResult(size));
  sizes.back() = getAsOpFoldResult(last);
  return sizes;
}

static LogicalResult split(SplitOp op, SplitOp::Adaptor operands,
                           Rewriter &rewriter,
                           SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  FailureOr<Dims> pieces = getSplitSizes(op, operands, sizes[*axis], rewriter);
  if (failed(pieces))
    return failure();
  Dims offsets(sizes.size(), rewriter.getIndexAttr(0));
  Dims strides(sizes.size(), rewriter.getIndexAttr(1));
  for (OpFoldResult piece : *pieces) {
    sizes[*axis] = piece;
    results.push_back(takePiece(rewriter, loc, input, offsets, sizes, strides));
    offsets[*axis] = addDims(rewriter, loc, offsets[*axis], piece);
  }
  return success();
}

void bit::onnx::addConcatPatterns(PatternList &list) {
  list.add<ConcatOp>(concat);
  list.add<SplitOp>(split);
}
