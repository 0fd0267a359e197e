// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's GroupQueryAttention: causal attention with a cache whose
// sequences may differ in length, positions turned on the way.

#include "Attention.h"
#include "OnnxPattern.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {

/// Lowers one op. A step is what the node adds to the cache.
class Lowering {
public:
  Lowering(MSGroupQueryAttentionOp op,
           MSGroupQueryAttentionOp::Adaptor operands, OpBuilder &builder)
      : op(op), operands(operands), builder(builder), loc(op.getLoc()),
        onnxType(elementType(op.getQuery())), heads(op.getNumHeads()),
        shared(op.getKvNumHeads()) {}

  LogicalResult emit(SmallVectorImpl<Value> &results);

private:
  LogicalResult checkAttributes();
  LogicalResult split();
  LogicalResult readLengths();
  LogicalResult rotateBoth();
  FailureOr<Value> append(Value past, Value step, StringRef name);
  Value emitRange();

  Value integer(int64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }

  MSGroupQueryAttentionOp op;
  MSGroupQueryAttentionOp::Adaptor operands;
  OpBuilder &builder;
  Location loc;
  Type onnxType;
  int64_t heads, shared;
  AttentionParts parts;
  OpFoldResult batch, length;
  Value starts;         ///< where each sequence's step begins, batch of i64
  OpFoldResult present; ///< the cache's length after the step
};

} // namespace

LogicalResult Lowering::checkAttributes() {
  if (heads <= 0 || shared <= 0 || heads % shared != 0)
    return op.emitOpError("expects num_heads divisible by kv_num_heads, got ")
           << heads << " and " << shared;
  if (rankOf(op.getQuery()) != 3)
    return op.emitOpError("expects query of rank 3, got ")
           << rankOf(op.getQuery());
  if (!op.getKey() != !op.getValue() || !op.getPastKey() != !op.getPastValue())
    return op.emitOpError(
        "expects key and value together, and past_key and past_value");
  for (auto [value, name] :
       {std::pair<Value, StringRef>(op.getAttentionBias(), "attention_bias"),
        {op.getHeadSink(), "head_sink"},
        {op.getKScale(), "k_scale"},
        {op.getVScale(), "v_scale"},
        {op.getQNormWeight(), "q_norm_weight"},
        {op.getKNormWeight(), "k_norm_weight"},
        {op.getOutputQk(), "output_qk"}})
    if (value)
      return op.emitOpError("is not supported with ") << name;
  if (op.getKQuantType() != "NONE" || op.getVQuantType() != "NONE" ||
      static_cast<int64_t>(op.getSmoothSoftmax()) > 0 || !op.getCausal() ||
      op.getSlidingWindowCache())
    return op.emitOpError("expects a causal node without quantized or sliding "
                          "cache, and without smooth_softmax");
  for (Value past : {op.getPastKey(), op.getPastValue()})
    if (past && (rankOf(past) != 4 || elementType(past) != onnxType))
      return op.emitOpError("expects caches of rank 4 and of the query's type");
  double softcap = op.getSoftcap().convertToDouble();
  if (!(softcap >= 0) || !op.getSoftcap().isFinite())
    return op.emitOpError("expects softcap of 0 or more, got ") << softcap;
  return success();
}

/// Heads of query, key and value, which may lie side by side in query.
LogicalResult Lowering::split() {
  Value query = stripStaticCasts(operands.getQuery());
  Dims sizes = getDims(builder, loc, query);
  batch = sizes[0];
  length = sizes[1];
  Value *parts[] = {&this->parts.q, &this->parts.k, &this->parts.v};
  const char *names[] = {"query", "key", "value"};
  int64_t counts[] = {heads, shared, shared};
  Value pieces[] = {query, operands.getKey(), operands.getValue()};
  if (!operands.getKey()) {
    std::optional<int64_t> width = getConstant(sizes[2]);
    if (!width || *width % (heads + 2 * shared) != 0)
      return op.emitOpError("expects a packed query whose last dimension is "
                            "known and divisible by ")
             << heads + 2 * shared << ", got "
             << width.value_or(ShapedType::kDynamic);
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
    int64_t offset = 0;
    for (int64_t i = 0; i < 3; ++i) {
      int64_t piece = *width / (heads + 2 * shared) * counts[i];
      sizes[2] = builder.getIndexAttr(piece);
      offsets[2] = builder.getIndexAttr(offset);
      pieces[i] = tensor::ExtractSliceOp::create(builder, loc, query, offsets,
                                                 sizes, strides);
      offset += piece;
    }
  }
  for (int64_t i = 0; i < 3; ++i) {
    if (rankOf(pieces[i]) != 3)
      return op.emitOpError("expects ")
             << names[i] << " of rank 3, got " << rankOf(pieces[i]);
    FailureOr<Value> piece =
        splitHeads(builder, op, pieces[i], counts[i], names[i]);
    if (failed(piece))
      return failure();
    *parts[i] = *piece;
    Dims got = getDims(builder, loc, *piece);
    constexpr const char *expectation =
        "expects query, key and value of one batch, length and size of heads";
    if (!checkSameDim(builder, loc, got[0], batch, expectation) ||
        !checkSameDim(builder, loc, got[2], length, expectation) ||
        (i == 1 &&
         !checkSameDim(builder, loc, got[3],
                       getDim(builder, loc, this->parts.q, 3), expectation)))
      return op.emitOpError(expectation);
  }
  return success();
}

/// Where the step goes in each sequence, by seqlens_k, the last key's index. A
/// step of all tokens there are is a prompt, which begins at 0.
LogicalResult Lowering::readLengths() {
  Type i64 = builder.getI64Type();
  Value last = stripStaticCasts(operands.getSeqlensK());
  Value total = stripStaticCasts(operands.getTotalSequenceLength());
  SmallVector<Value> first;
  for (int64_t dim = 0; dim < rankOf(total); ++dim) {
    constexpr const char *expectation =
        "expects total_sequence_length of one element";
    if (!checkSameDim(builder, loc, getDim(builder, loc, total, dim),
                      builder.getIndexAttr(1), expectation))
      return op.emitOpError(expectation);
    first.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
  }
  if (rankOf(last) == 2 && getConstant(getDim(builder, loc, last, 1)) == 1)
    last = dropUnitDim(builder, loc, last, 1);
  if (rankOf(last) != 1 ||
      !checkSameDim(builder, loc, getDim(builder, loc, last, 0), batch,
                    "expects seqlens_k of the batch's size"))
    return op.emitOpError("expects seqlens_k of the batch's size");
  Value all = tensor::ExtractOp::create(builder, loc, total, first);
  all = arith::ExtSIOp::create(builder, loc, i64, all);
  Value step = dimToElement(builder, loc, length, i64);
  emitCheck(builder, loc, compare(arith::CmpIPredicate::sge, step, integer(1)),
            "expects a query of one token or more");
  emitCheck(builder, loc, compare(arith::CmpIPredicate::sge, all, step),
            "expects total_sequence_length of the query's length or more");
  Value before = integer(0);
  if (Value past = operands.getPastKey())
    before = dimToElement(builder, loc,
                          getDim(builder, loc, stripStaticCasts(past), 2), i64);
  Value end = builder.createOrFold<arith::MaxSIOp>(loc, all, before);
  Value most = builder.createOrFold<arith::AddIOp>(loc, before, step);
  emitCheck(builder, loc, compare(arith::CmpIPredicate::sle, all, most),
            "expects total_sequence_length of at most the cache and the "
            "query's length");
  present = elementToDim(builder, loc, end);
  Value isPrompt = compare(arith::CmpIPredicate::eq, all, step);
  starts = createPointwise(
      builder, loc, last, i64,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        Value zero = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
        Value one = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
        Value key = arith::ExtSIOp::create(b, loc, i64, x[0]);
        Value count = arith::AddIOp::create(b, loc, key, one);
        Value start = arith::SubIOp::create(b, loc, count, step);
        return arith::SelectOp::create(b, loc, isPrompt, zero, start);
      });
  Value yes =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  Value fit = createReduction(
      builder, loc, starts, {0}, yes,
      [&](OpBuilder &b, Location loc, Value start, Value soFar) -> Value {
        // Negative ones are huge.
        Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule,
                                             start, before);
        Value space = arith::SubIOp::create(b, loc, end, step);
        Value holds = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                            start, space);
        return arith::AndIOp::create(
            b, loc, soFar, arith::AndIOp::create(b, loc, inside, holds));
      });
  emitCheck(builder, loc,
            tensor::ExtractOp::create(builder, loc, fit, ValueRange{}),
            "expects seqlens_k within the cache");
  return success();
}

LogicalResult Lowering::rotateBoth() {
  if (!op.getDoRotary())
    return success();
  if (!operands.getCosCache() || !operands.getSinCache())
    return op.emitOpError("expects cos_cache and sin_cache with do_rotary");
  auto cache = cast<RankedTensorType>(op.getCosCache().getType());
  std::optional<int64_t> size = getConstant(getDim(builder, loc, parts.q, 3));
  if (!size || cache.getRank() != 2 || cache.isDynamicDim(1) ||
      2 * cache.getDimSize(1) > *size)
    return op.emitOpError("expects cos_cache of rank 2 and of at most half a "
                          "head's size, both known");
  const int64_t half = cache.getDimSize(1);
  Value positions;
  if (Value given = operands.getPositionIds()) {
    positions = stripStaticCasts(given);
    constexpr const char *expectation =
        "expects position_ids of batch and length";
    if (rankOf(positions) != 2)
      return op.emitOpError(expectation);
    Dims sizes = getDims(builder, loc, positions);
    if (!checkSameDim(builder, loc, sizes[0], batch, expectation) ||
        !checkSameDim(builder, loc, sizes[1], length, expectation))
      return op.emitOpError(expectation);
  } else {
    AffineMap row = AffineMap::get(2, 0, builder.getAffineDimExpr(0));
    positions = createPointwise(
        builder, loc, LoopOperand{starts, row, {}}, {batch, length},
        builder.getI64Type(),
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          Value step = arith::IndexCastOp::create(
              b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, 1));
          return arith::AddIOp::create(b, loc, x[0], step);
        });
  }
  FailureOr<RotaryAngles> angles =
      gatherAngles(builder, op, operands.getCosCache(), operands.getSinCache(),
                   positions, onnxType, half);
  if (failed(angles))
    return failure();
  for (Value *part : {&parts.q, &parts.k})
    *part = rotate(builder, loc, *part, *angles, half,
                   op.getRotaryInterleaved() != 0, /*lengthDim=*/2, onnxType);
  return success();
}

/// The cache after the step: what was before, the step, then zeros.
FailureOr<Value> Lowering::append(Value past, Value step, StringRef name) {
  Dims sizes = getDims(builder, loc, step);
  if (past) {
    past = stripStaticCasts(past);
    Dims before = getDims(builder, loc, past);
    for (int64_t dim : {0, 1, 3})
      if (!checkSameDim(builder, loc, before[dim], sizes[dim],
                        "expects " + name + " of batch, heads and size of key"))
        return op.emitOpError("expects ")
               << name << " of batch, heads and size of key, got "
               << *getConstant(before[dim]) << " for "
               << *getConstant(sizes[dim]) << " in axis " << dim;
    // One length for both.
    if (!checkSameDim(
            builder, loc, before[2],
            getDim(builder, loc, stripStaticCasts(operands.getPastKey()), 2),
            "expects past_key and past_value of one length"))
      return op.emitOpError("expects past_key and past_value of one length");
  }
  sizes[2] = present;
  AffineMap row = AffineMap::get(4, 0, builder.getAffineDimExpr(0));
  Value count = toValue(builder, loc, length);
  Type storage = getStorageType(onnxType);
  return createPointwise(
      builder, loc, LoopOperand{starts, row, {}}, sizes, storage,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        SmallVector<Value> where;
        for (int64_t dim = 0; dim < 4; ++dim)
          where.push_back(linalg::IndexOp::create(b, loc, dim));
        Value start =
            arith::IndexCastOp::create(b, loc, b.getIndexType(), x[0]);
        Value zero = arith::ConstantIndexOp::create(b, loc, 0);
        Value offset = arith::SubIOp::create(b, loc, where[2], start);
        auto less = [&](Value left, Value right) -> Value {
          return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, left,
                                       right);
        };
        Value isOld = less(where[2], start), isNew = less(offset, count);
        // Elements that are not asked for are read at 0, where there is one.
        SmallVector<Value> place = where;
        place[2] = arith::SelectOp::create(b, loc, isNew, offset, zero);
        Value y = arith::SelectOp::create(
            b, loc, isNew, tensor::ExtractOp::create(b, loc, step, place),
            arith::ConstantOp::create(b, loc, b.getZeroAttr(storage)));
        if (!past)
          return y;
        auto branch = scf::IfOp::create(
            b, loc, isOld,
            [&](OpBuilder &b, Location loc) {
              scf::YieldOp::create(
                  b, loc,
                  tensor::ExtractOp::create(b, loc, past, where).getResult());
            },
            [&](OpBuilder &b, Location loc) {
              scf::YieldOp::create(b, loc, y);
            });
        return branch.getResult(0);
      });
}

/// Keys up to the query itself, of the window if there is one.
Value Lowering::emitRange() {
  auto window = static_cast<int64_t>(op.getLocalWindowSize());
  AffineMap row = AffineMap::get(3, 0, builder.getAffineDimExpr(0));
  Type i64 = builder.getI64Type();
  return createPointwise(
      builder, loc, LoopOperand{starts, row, {}},
      {batch, length, builder.getIndexAttr(2)}, i64,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
        };
        auto index = [&](int64_t loop) -> Value {
          return arith::IndexCastOp::create(
              b, loc, i64, linalg::IndexOp::create(b, loc, loop));
        };
        Value position = arith::AddIOp::create(b, loc, x[0], index(1));
        Value end = arith::AddIOp::create(b, loc, position, number(1));
        Value low = number(0);
        if (window >= 0)
          low = arith::MaxSIOp::create(
              b, loc, low,
              arith::SubIOp::create(
                  b, loc, end,
                  number(std::min<int64_t>(window, int64_t(1) << 40))));
        Value isLow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            index(2), number(0));
        return arith::SelectOp::create(b, loc, isLow, low, end);
      });
}

LogicalResult Lowering::emit(SmallVectorImpl<Value> &results) {
  if (failed(checkAttributes()) || failed(split()) || failed(readLengths()) ||
      failed(rotateBoth()))
    return failure();
  FailureOr<Value> key = append(operands.getPastKey(), parts.k, "past_key");
  FailureOr<Value> value =
      append(operands.getPastValue(), parts.v, "past_value");
  if (failed(key) || failed(value))
    return failure();
  parts.k = *key;
  parts.v = *value;
  parts.range = emitRange();
  parts.softcap = op.getSoftcap().convertToDouble();
  std::optional<int64_t> size = getConstant(getDim(builder, loc, parts.q, 3));
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 0;
  if (scale == 0) {
    if (!size)
      return op.emitOpError("expects a size of heads that is known");
    scale = 1.0 / std::sqrt(static_cast<double>(*size));
  }
  parts.scale = scale;
  toComputedParts(builder, loc, parts, onnxType);
  Value y = emitAttention(builder, loc, parts, onnxType);
  results.push_back(mergeHeads(builder, loc, y));
  if (op.getPresentKey())
    results.push_back(*key);
  if (op.getPresentValue())
    results.push_back(*value);
  return success();
}

static LogicalResult
groupQueryAttention(MSGroupQueryAttentionOp op,
                    MSGroupQueryAttentionOp::Adaptor operands,
                    Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  return Lowering(op, operands, rewriter).emit(results);
}

void bit::onnx::addGroupQueryPatterns(PatternList &list) {
  list.add<MSGroupQueryAttentionOp>(groupQueryAttention);
}
