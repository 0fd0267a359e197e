// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rotary position embeddings, ONNX's and onnxruntime's: pairs of the last dim
// turned by the angles of their position.

#include "Attention.h"
#include "OnnxPattern.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

FailureOr<RotaryAngles> bit::onnx::gatherAngles(OpBuilder &builder,
                                                Operation *op, Value cos,
                                                Value sin, Value positions,
                                                Type onnxType, int64_t half) {
  Location loc = op->getLoc();
  cos = stripStaticCasts(cos);
  sin = stripStaticCasts(sin);
  if (rankOf(cos) != 2 || rankOf(sin) != 2)
    return op->emitOpError("expects caches of rank 2 with positions, got ")
           << rankOf(cos) << " and " << rankOf(sin);
  Dims sizes = getDims(builder, loc, cos), other = getDims(builder, loc, sin);
  for (int64_t dim : {0, 1})
    if (!checkSameDim(builder, loc, sizes[dim], other[dim],
                      "expects caches of one shape"))
      return op->emitOpError("expects caches of one shape, got ")
             << *getConstant(sizes[dim]) << " and " << *getConstant(other[dim])
             << " in axis " << dim;
  if (!checkSameDim(builder, loc, sizes[1], builder.getIndexAttr(half),
                    "expects caches of half the rotated size"))
    return op->emitOpError("expects caches of half the rotated size, ")
           << half << ", got " << *getConstant(sizes[1]);
  Value bound = dimToElement(builder, loc, sizes[0], builder.getI64Type());
  Value yes =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  Value all = createReduction(
      builder, loc, positions, {0, 1}, yes,
      [&](OpBuilder &b, Location loc, Value position, Value soFar) -> Value {
        // Negative ones are huge.
        Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                             position, bound);
        return arith::AndIOp::create(b, loc, soFar, inside);
      });
  emitCheck(builder, loc,
            tensor::ExtractOp::create(builder, loc, all, ValueRange{}),
            "expects positions within the caches");
  Dims result = getDims(builder, loc, positions);
  result.push_back(builder.getIndexAttr(half));
  AffineMap map = AffineMap::get(
      3, 0, {builder.getAffineDimExpr(0), builder.getAffineDimExpr(1)},
      builder.getContext());
  auto gather = [&](Value table) {
    return createPointwise(
        builder, loc, LoopOperand{positions, map, {}}, result,
        getComputeType(onnxType),
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Value row =
              arith::IndexCastOp::create(b, loc, b.getIndexType(), x[0]);
          Value column = linalg::IndexOp::create(b, loc, 2);
          return toCompute(
              b, loc,
              tensor::ExtractOp::create(b, loc, table, ValueRange{row, column}),
              onnxType);
        });
  };
  return RotaryAngles{gather(cos), gather(sin)};
}

Value bit::onnx::rotate(OpBuilder &builder, Location loc, Value x,
                        const RotaryAngles &angles, int64_t half,
                        bool interleaved, int64_t lengthDim, Type onnxType) {
  Dims sizes = getDims(builder, loc, x), part = sizes;
  part[3] = builder.getIndexAttr(half);
  SmallVector<OpFoldResult> strides(4, builder.getIndexAttr(1));
  strides[3] = builder.getIndexAttr(interleaved ? 2 : 1);
  auto getOffsets = [&](int64_t which) {
    SmallVector<OpFoldResult> offsets(4, builder.getIndexAttr(0));
    if (which)
      offsets[3] = builder.getIndexAttr(interleaved ? 1 : half);
    return offsets;
  };
  Value pair[2];
  for (int64_t which : {0, 1})
    pair[which] = tensor::ExtractSliceOp::create(
        builder, loc, x, getOffsets(which), part, strides);
  // A batch of 1 has the angles of all.
  const bool isShared = getConstant(getDim(builder, loc, angles.cos, 0)) == 1 &&
                        getConstant(sizes[0]) != 1;
  AffineMap all = builder.getMultiDimIdentityMap(4);
  AffineMap angle = AffineMap::get(4, 0,
                                   {isShared ? builder.getAffineConstantExpr(0)
                                             : builder.getAffineDimExpr(0),
                                    builder.getAffineDimExpr(lengthDim),
                                    builder.getAffineDimExpr(3)},
                                   builder.getContext());
  Value result = x;
  for (int64_t which : {0, 1}) {
    Value turned = createPointwise(
        builder, loc,
        {{pair[0], all, {}},
         {pair[1], all, {}},
         {angles.cos, angle, {}},
         {angles.sin, angle, {}}},
        part, getStorageType(onnxType),
        [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
          ScalarBuilder s(b, loc, onnxType);
          Value first = toCompute(b, loc, v[0], onnxType);
          Value second = toCompute(b, loc, v[1], onnxType);
          Value y = which == 0 ? s.sub(s.mul(v[2], first), s.mul(v[3], second))
                               : s.add(s.mul(v[3], first), s.mul(v[2], second));
          return toStorage(b, loc, y, onnxType);
        });
    result = tensor::InsertSliceOp::create(builder, loc, turned, result,
                                           getOffsets(which), part, strides);
  }
  return result;
}

/// Half the size that is rotated: `given`, or all of a head.
static FailureOr<int64_t> getHalf(Operation *op, OpFoldResult size,
                                  int64_t given) {
  std::optional<int64_t> known = getConstant(size);
  if (!known)
    return op->emitOpError("expects a size of heads that is known");
  int64_t rotated = given > 0 ? given : *known;
  if (rotated % 2 != 0 || rotated > *known)
    return op->emitOpError("expects an even number to rotate of at most ")
           << *known << ", got " << rotated;
  return rotated / 2;
}

/// Batch x length x heads x size, from rank 3.
static FailureOr<Value> splitRows(OpBuilder &builder, Operation *op, Value x,
                                  int64_t heads) {
  Location loc = op->getLoc();
  Dims sizes = getDims(builder, loc, x);
  std::optional<int64_t> width = getConstant(sizes[2]);
  if (!width || heads <= 0 || *width % heads != 0)
    return op->emitOpError("expects a last dimension that is known and "
                           "divisible by the number of heads, got ")
           << width.value_or(ShapedType::kDynamic) << " and " << heads;
  Dims split = {sizes[0], sizes[1], builder.getIndexAttr(heads),
                builder.getIndexAttr(*width / heads)};
  return tensor::ExpandShapeOp::create(
             builder, loc, getTensorType(split, elementType(x)), x,
             ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}}, split)
      .getResult();
}

static Value mergeRows(OpBuilder &builder, Location loc, Value x) {
  return tensor::CollapseShapeOp::create(
      builder, loc, x, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
}

/// Angles that come with a row for each element of the batch.
static FailureOr<RotaryAngles> takeAngles(OpBuilder &builder, Operation *op,
                                          Value cos, Value sin,
                                          OpFoldResult batch,
                                          OpFoldResult length, Type onnxType,
                                          int64_t half) {
  Location loc = op->getLoc();
  RotaryAngles angles;
  for (auto [table, result] :
       {std::pair(cos, &angles.cos), std::pair(sin, &angles.sin)}) {
    table = stripStaticCasts(table);
    if (rankOf(table) != 3)
      return op->emitOpError("expects caches of rank 3 without positions, got ")
             << rankOf(table);
    Dims sizes = getDims(builder, loc, table);
    Dims wanted = {batch, length, builder.getIndexAttr(half)};
    for (int64_t dim = 0; dim < 3; ++dim) {
      if (dim == 0 && getConstant(sizes[0]) == 1)
        continue;
      if (!checkSameDim(builder, loc, sizes[dim], wanted[dim],
                        "expects caches of batch, length and half the rotated "
                        "size"))
        return op->emitOpError("expects caches of batch, length and half the "
                               "rotated size, got ")
               << *getConstant(sizes[dim]) << " for "
               << *getConstant(wanted[dim]) << " in axis " << dim;
    }
    *result = createPointwise(builder, loc, table, getComputeType(onnxType),
                              [&](OpBuilder &b, Location loc, ValueRange x) {
                                return toCompute(b, loc, x[0], onnxType);
                              });
  }
  return angles;
}

static LogicalResult checkPositions(OpBuilder &builder, Operation *op,
                                    Value positions, OpFoldResult batch,
                                    OpFoldResult length) {
  constexpr const char *expectation =
      "expects position_ids of batch and length";
  Location loc = op->getLoc();
  if (rankOf(positions) != 2)
    return op->emitOpError(expectation) << ", got rank " << rankOf(positions);
  Dims sizes = getDims(builder, loc, positions);
  if (!checkSameDim(builder, loc, sizes[0], batch, expectation) ||
      !checkSameDim(builder, loc, sizes[1], length, expectation))
    return op->emitOpError(expectation);
  return success();
}

namespace {
/// What is rotated, as rank 4, and what of it.
struct RotaryInput {
  Value x;
  Dims sizes;
  int64_t half, lengthDim;
  bool hasRows; ///< heads stood beside each other in rows

  OpFoldResult batch() const { return sizes[0]; }
  OpFoldResult length() const { return sizes[lengthDim]; }
};
} // namespace

/// `x` of batch, heads, length and size, or of rows of `heads` heads.
static FailureOr<RotaryInput> getInput(OpBuilder &builder, Operation *op,
                                       Value x, StringRef name, int64_t heads,
                                       int64_t rotaryDim) {
  const int64_t rank = rankOf(x);
  if (rank != 3 && rank != 4)
    return op->emitOpError("expects ")
           << name << " of rank 3 or 4, got " << rank;
  RotaryInput input{x, {}, 0, /*lengthDim=*/2, /*hasRows=*/rank == 3};
  if (input.hasRows) {
    FailureOr<Value> split = splitRows(builder, op, x, heads);
    if (failed(split))
      return failure();
    input.x = *split;
    input.lengthDim = 1;
  }
  input.sizes = getDims(builder, op->getLoc(), input.x);
  FailureOr<int64_t> half = getHalf(op, input.sizes[3], rotaryDim);
  if (failed(half))
    return failure();
  input.half = *half;
  return input;
}

static Value rotate(OpBuilder &builder, Location loc, const RotaryInput &input,
                    const RotaryAngles &angles, bool isInterleaved,
                    Type onnxType) {
  Value y = rotate(builder, loc, input.x, angles, input.half, isInterleaved,
                   input.lengthDim, onnxType);
  return input.hasRows ? mergeRows(builder, loc, y) : y;
}

static LogicalResult rotary(RotaryEmbeddingOp op,
                            RotaryEmbeddingOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getX());
  FailureOr<RotaryInput> input = getInput(
      rewriter, op, stripStaticCasts(operands.getX()), "X",
      op.getNumHeads().value_or(0), int64_t(op.getRotaryEmbeddingDim()));
  if (failed(input))
    return failure();
  FailureOr<RotaryAngles> angles;
  if (Value positions = operands.getPositionIds()) {
    positions = stripStaticCasts(positions);
    if (failed(checkPositions(rewriter, op, positions, input->batch(),
                              input->length())))
      return failure();
    angles =
        gatherAngles(rewriter, op, operands.getCosCache(),
                     operands.getSinCache(), positions, onnxType, input->half);
  } else {
    angles =
        takeAngles(rewriter, op, operands.getCosCache(), operands.getSinCache(),
                   input->batch(), input->length(), onnxType, input->half);
  }
  if (failed(angles))
    return failure();
  results.push_back(rotate(rewriter, loc, *input, *angles,
                           op.getInterleaved() != 0, onnxType));
  return success();
}

/// Without num_heads the caches say how wide a head is.
static int64_t getHeads(MSRotaryEmbeddingOp op, OpBuilder &builder, Value x,
                        Value cache) {
  auto type = cast<RankedTensorType>(cache.getType());
  if (op.getNumHeads() != 0 || rankOf(x) != 3 || type.getRank() != 2 ||
      type.getDimSize(1) <= 0)
    return op.getNumHeads();
  std::optional<int64_t> width =
      getConstant(getDim(builder, op.getLoc(), x, 2));
  return width ? *width / (2 * type.getDimSize(1)) : 0;
}

/// onnxruntime's: heads by the caches' width, and one position for the start of
/// all sequences.
static LogicalResult microsoftRotary(MSRotaryEmbeddingOp op,
                                     MSRotaryEmbeddingOp::Adaptor operands,
                                     Rewriter &rewriter,
                                     SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getInput());
  if (op.getScale().convertToDouble() != 1 || op.getIsPackedBatching())
    return op.emitOpError("expects scale of 1 and is_packed_batching of 0");
  Value x = stripStaticCasts(operands.getInput());
  FailureOr<RotaryInput> input =
      getInput(rewriter, op, x, "input",
               getHeads(op, rewriter, x, operands.getCosCache()),
               int64_t(op.getRotaryEmbeddingDim()));
  if (failed(input))
    return failure();
  Value positions = stripStaticCasts(operands.getPositionIds());
  if (rankOf(positions) == 1) {
    if (!checkSameDim(rewriter, loc, getDim(rewriter, loc, positions, 0),
                      rewriter.getIndexAttr(1),
                      "expects one position or one for each element"))
      return op.emitOpError("expects one position or one for each element");
    AffineMap first = AffineMap::get(2, 0, rewriter.getAffineConstantExpr(0));
    positions = createPointwise(
        rewriter, loc, LoopOperand{positions, first, {}},
        {input->batch(), input->length()}, rewriter.getI64Type(),
        [&](OpBuilder &b, Location loc, ValueRange p) -> Value {
          Value step = arith::IndexCastOp::create(
              b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, 1));
          return arith::AddIOp::create(b, loc, p[0], step);
        });
  } else if (failed(checkPositions(rewriter, op, positions, input->batch(),
                                   input->length()))) {
    return failure();
  }
  FailureOr<RotaryAngles> angles =
      gatherAngles(rewriter, op, operands.getCosCache(), operands.getSinCache(),
                   positions, onnxType, input->half);
  if (failed(angles))
    return failure();
  results.push_back(rotate(rewriter, loc, *input, *angles,
                           op.getInterleaved() != 0, onnxType));
  return success();
}

void bit::onnx::addRotaryPatterns(PatternList &list) {
  list.add<RotaryEmbeddingOp>(rotary);
  list.add<MSRotaryEmbeddingOp>(microsoftRotary);
}
