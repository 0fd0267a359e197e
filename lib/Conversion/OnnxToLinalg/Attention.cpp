// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ai.onnx Attention: heads, caches, masks and windows become the operands of
// one bit.attention.

#include "Attention.h"
#include "OnnxPattern.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {

/// Lowers one op.
class Lowering {
public:
  Lowering(AttentionOp op, AttentionOp::Adaptor operands, OpBuilder &builder)
      : op(op), operands(operands), builder(builder), loc(op.getLoc()),
        onnxType(elementType(op.getQ())) {}

  LogicalResult emit(SmallVectorImpl<Value> &results);

private:
  LogicalResult checkAttributes();
  FailureOr<Value> appendToPast(Value past, Value current, StringRef name);
  LogicalResult checkShapes();
  Value emitRange();
  LogicalResult emitMask();

  Value integer(int64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }
  /// Whether the node stands for a MatMul, Softmax and MatMul of the model.
  bool isPattern() const { return op->hasAttr("bit.pattern"); }

  AttentionOp op;
  AttentionOp::Adaptor operands;
  OpBuilder &builder;
  Location loc;
  Type onnxType;
  AttentionParts parts;
  Dims q, k;
};

/// A window beyond any sequence; sums of a few do not overflow.
constexpr int64_t unbounded = int64_t(1) << 40;

} // namespace

LogicalResult Lowering::checkAttributes() {
  const int64_t rank = rankOf(op.getQ());
  if ((rank != 3 && rank != 4) || rankOf(op.getK()) != rank ||
      rankOf(op.getV()) != rank)
    return op.emitOpError("expects Q, K and V of rank 3 or of rank 4, got ")
           << rank << ", " << rankOf(op.getK()) << " and " << rankOf(op.getV());
  if (rank == 3 && (!op.getQNumHeads() || !op.getKvNumHeads()))
    return op.emitOpError(
        "expects q_num_heads and kv_num_heads with Q of rank 3");
  for (Type type : {elementType(op.getK()), elementType(op.getV())})
    if (type != onnxType || !isa<FloatType>(type))
      return op.emitOpError("expects Q, K and V of one float type, got ")
             << onnxType << " and " << type;
  if (!op.getPastKey() != !op.getPastValue())
    return op.emitOpError("expects past_key and past_value together");
  if (op.getNonpadKvSeqlen() && op.getPastKey())
    return op.emitOpError("expects nonpad_kv_seqlen without past_key");
  for (auto size : {static_cast<int64_t>(op.getLeftWindowSize()),
                    static_cast<int64_t>(op.getRightWindowSize())})
    if (size < -1)
      return op.emitOpError("expects window sizes of -1 or more, got ") << size;
  if (op.getQkMatmulOutputMode() > 3)
    return op.emitOpError("expects qk_matmul_output_mode of 0 to 3, got ")
           << static_cast<int64_t>(op.getQkMatmulOutputMode());
  double softcap = op.getSoftcap().convertToDouble();
  if (!(softcap >= 0) || !op.getSoftcap().isFinite())
    return op.emitOpError("expects softcap of 0 or more, got ") << softcap;
  return success();
}

/// Rank 3, where heads lie side by side, as batch x heads x length x size.
FailureOr<Value> bit::onnx::splitHeads(OpBuilder &builder, Operation *op,
                                       Value tensor, int64_t count,
                                       StringRef name) {
  Location loc = op->getLoc();
  tensor = stripStaticCasts(tensor);
  if (rankOf(tensor) == 4)
    return tensor;
  Dims sizes = getDims(builder, loc, tensor);
  std::optional<int64_t> width = getConstant(sizes[2]);
  if (count <= 0 || (width && *width % count != 0))
    return op->emitOpError("expects a last dimension of ")
           << name << " divisible by the number of heads, got "
           << width.value_or(0) << " and " << count;
  OpFoldResult size;
  if (width) {
    size = builder.getIndexAttr(*width / count);
  } else {
    Value all = cast<Value>(sizes[2]);
    Value divisor = arith::ConstantIndexOp::create(builder, loc, count);
    Value rest = arith::RemUIOp::create(builder, loc, all, divisor);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    emitCheck(builder, loc,
              arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                    rest, zero),
              "expects a last dimension of " + name + " divisible by " +
                  Twine(count) + " heads");
    size = arith::DivUIOp::create(builder, loc, all, divisor).getResult();
  }
  Dims split = {sizes[0], sizes[1], builder.getIndexAttr(count), size};
  Value expanded = tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(split, elementType(tensor)), tensor,
      ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}}, split);
  AffineMap map = AffineMap::getPermutationMap(ArrayRef<int64_t>{0, 2, 1, 3},
                                               builder.getContext());
  return createPointwise(
      builder, loc, LoopOperand{expanded, map, {}},
      {sizes[0], builder.getIndexAttr(count), sizes[1], size},
      elementType(tensor),
      [](OpBuilder &, Location, ValueRange x) { return x.front(); });
}

/// The inverse of splitHeads.
Value bit::onnx::mergeHeads(OpBuilder &builder, Location loc, Value y) {
  Dims sizes = getDims(builder, loc, y);
  AffineMap map = AffineMap::getPermutationMap(ArrayRef<int64_t>{0, 2, 1, 3},
                                               builder.getContext());
  Value moved = createPointwise(
      builder, loc, LoopOperand{y, map, {}},
      {sizes[0], sizes[2], sizes[1], sizes[3]}, elementType(y),
      [](OpBuilder &, Location, ValueRange x) { return x.front(); });
  return tensor::CollapseShapeOp::create(
      builder, loc, moved, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
}

FailureOr<Value> Lowering::appendToPast(Value past, Value current,
                                        StringRef name) {
  if (!past)
    return current;
  past = stripStaticCasts(past);
  if (rankOf(past) != 4)
    return op.emitOpError("expects ")
           << name << " of rank 4, got " << rankOf(past);
  Dims before = getDims(builder, loc, past);
  Dims sizes = getDims(builder, loc, current);
  for (int64_t dim : {0, 1, 3})
    if (!checkSameDim(builder, loc, before[dim], sizes[dim],
                      "expects " + name +
                          " that differs from the new one in length only"))
      return op.emitOpError("expects ")
             << name << " that differs from the new one in length only, got "
             << *getConstant(before[dim]) << " and " << *getConstant(sizes[dim])
             << " in axis " << dim;
  Dims all = sizes;
  all[2] = addDims(builder, loc, before[2], sizes[2]);
  Value result =
      tensor::EmptyOp::create(builder, loc, all, elementType(current));
  SmallVector<OpFoldResult> offsets(4, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(4, builder.getIndexAttr(1));
  result = tensor::InsertSliceOp::create(builder, loc, past, result, offsets,
                                         before, strides);
  offsets[2] = before[2];
  return tensor::InsertSliceOp::create(builder, loc, current, result, offsets,
                                       sizes, strides)
      .getResult();
}

LogicalResult Lowering::checkShapes() {
  q = getDims(builder, loc, parts.q);
  k = getDims(builder, loc, parts.k);
  Dims v = getDims(builder, loc, parts.v);
  auto check = [&](OpFoldResult a, OpFoldResult b,
                   StringRef what) -> LogicalResult {
    if (checkSameDim(builder, loc, a, b, "expects " + what))
      return success();
    return op.emitOpError("expects ")
           << what << ", got " << *getConstant(a) << " and " << *getConstant(b);
  };
  if (failed(check(q[0], k[0], "Q and K of one batch size")) ||
      failed(check(k[0], v[0], "K and V of one batch size")) ||
      failed(check(k[1], v[1], "K and V of the same number of heads")) ||
      failed(check(k[2], v[2], "K and V of one length")) ||
      failed(check(q[3], k[3], "heads of Q and K of one size")))
    return failure();
  std::optional<int64_t> heads = getConstant(q[1]), shared = getConstant(k[1]);
  if (heads && shared) {
    if (*heads <= 0 || *shared <= 0 || *heads % *shared != 0)
      return op.emitOpError(
                 "expects a number of heads of Q divisible by that of K, got ")
             << *heads << " and " << *shared;
    return success();
  }
  Value all = toValue(builder, loc, q[1]), some = toValue(builder, loc, k[1]);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  // No division by zero on the way to the check.
  Value divisor = arith::MaxUIOp::create(builder, loc, some, one);
  Value rest = arith::RemUIOp::create(builder, loc, all, divisor);
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  };
  Value fits = arith::AndIOp::create(
      builder, loc, compare(arith::CmpIPredicate::eq, rest, zero),
      compare(arith::CmpIPredicate::ne, some, zero));
  emitCheck(builder, loc, fits,
            "expects a number of heads of Q divisible by that of K");
  return success();
}

/// Which keys each query has, by causality, windows and lengths.
Value Lowering::emitRange() {
  const bool isCausal = op.getIsCausal() != 0;
  auto left = static_cast<int64_t>(op.getLeftWindowSize());
  auto right = static_cast<int64_t>(op.getRightWindowSize());
  if (isCausal)
    right = 0;
  Value lengths = operands.getNonpadKvSeqlen();
  if (left < 0 && right < 0 && !lengths)
    return nullptr;
  left = std::min(left, unbounded);
  right = std::min(right, unbounded);
  Type i64 = builder.getI64Type();
  Value keys = dimToElement(builder, loc, k[2], i64);
  Value first = integer(0), queries = dimToElement(builder, loc, q[2], i64);
  if (Value past = operands.getPastKey())
    first = dimToElement(builder, loc,
                         getDim(builder, loc, stripStaticCasts(past), 2), i64);
  SmallVector<LoopOperand> inputs;
  if (lengths)
    inputs.push_back(
        {lengths, AffineMap::get(3, 0, builder.getAffineDimExpr(0)), {}});
  return createPointwise(
      builder, loc, inputs, {q[0], q[2], builder.getIndexAttr(2)}, i64,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
        };
        auto index = [&](int64_t loop) -> Value {
          return arith::IndexCastOp::create(
              b, loc, i64, linalg::IndexOp::create(b, loc, loop));
        };
        Value end = keys, start = first;
        if (lengths) {
          Value length =
              arith::MaxSIOp::create(b, loc, x[0], number(-unbounded));
          length = arith::MinSIOp::create(b, loc, length, number(unbounded));
          start = arith::SubIOp::create(b, loc, length, queries);
          end = arith::MinSIOp::create(b, loc, length, keys);
        }
        Value position = arith::AddIOp::create(b, loc, start, index(1));
        Value low = number(0);
        if (left >= 0)
          low = arith::MaxSIOp::create(
              b, loc, low,
              arith::SubIOp::create(b, loc, position, number(left)));
        if (right >= 0)
          end = arith::MinSIOp::create(
              b, loc, end,
              arith::AddIOp::create(b, loc, position, number(right + 1)));
        Value isLow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            index(2), number(0));
        return arith::SelectOp::create(b, loc, isLow, low, end);
      });
}

/// The mask as floats to add, of rank 4. One that is shorter than the keys
/// hides those it has nothing for.
LogicalResult Lowering::emitMask() {
  Value mask = operands.getAttnMask();
  if (!mask)
    return success();
  mask = stripStaticCasts(mask);
  Type maskType = elementType(op.getAttnMask());
  if (!maskType.isInteger(1) && !isa<FloatType>(maskType))
    return op.emitOpError("expects attn_mask of bool or of floats, got ")
           << maskType;
  const int64_t rank = rankOf(mask);
  if (rank < 1 || rank > 4)
    return op.emitOpError("expects attn_mask of rank 1 to 4, got ") << rank;
  mask = insertUnitDims(builder, loc, mask,
                        llvm::to_vector(llvm::seq<int64_t>(0, 4 - rank)));
  Dims given = getDims(builder, loc, mask), sizes = {q[0], q[1], q[2], k[2]};
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  LoopOperand operand{mask, {}, SmallVector<bool>(4, false)};
  SmallVector<AffineExpr> exprs;
  bool isShort = false;
  for (int64_t dim = 0; dim < 4; ++dim) {
    exprs.push_back(builder.getAffineDimExpr(dim));
    const bool isOne = getConstant(given[dim]) == 1;
    if (isSameDim(given[dim], sizes[dim]))
      continue;
    if (dim == 3 && !isPattern()) {
      std::optional<int64_t> length = getConstant(given[3]);
      std::optional<int64_t> keys = getConstant(sizes[3]);
      if (length && keys && *length > *keys)
        return op.emitOpError("expects attn_mask for at most ")
               << *keys << " keys, got " << *length;
      emitCheck(
          builder, loc,
          builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ule,
                                              toValue(builder, loc, given[3]),
                                              toValue(builder, loc, sizes[3])),
          "expects attn_mask for no more keys than there are");
      // The nearest element is read where there is none.
      emitCheck(builder, loc,
                builder.createOrFold<arith::CmpIOp>(
                    loc, arith::CmpIPredicate::ule, one,
                    toValue(builder, loc, given[3])),
                "expects attn_mask of one key or more");
      isShort = true;
      continue;
    }
    if (isOne) {
      exprs.back() = builder.getAffineConstantExpr(0);
      if (dim < 3)
        sizes[dim] = builder.getIndexAttr(1);
      continue;
    }
    if (getConstant(given[dim]) && getConstant(sizes[dim]))
      return op.emitOpError("expects attn_mask that broadcasts to the scores, "
                            "got ")
             << *getConstant(given[dim]) << " for " << *getConstant(sizes[dim])
             << " in axis " << dim;
    Value size = toValue(builder, loc, given[dim]);
    auto equals = [&](Value other) {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, size,
                                   other);
    };
    emitCheck(builder, loc,
              arith::OrIOp::create(builder, loc, equals(one),
                                   equals(toValue(builder, loc, sizes[dim]))),
              "expects attn_mask that broadcasts to the scores");
    operand.maybeOne[dim] = true;
  }
  Type compute = getComputeType(onnxType);
  auto convert = [&](OpBuilder &b, Location loc, Value x) -> Value {
    ScalarBuilder s(b, loc, compute);
    if (maskType.isInteger(1))
      return s.select(x, s.number(0), s.lowest());
    return castScalar(b, loc, toCompute(b, loc, x, maskType),
                      getComputeType(maskType), compute);
  };
  if (!isShort) {
    operand.map = AffineMap::get(4, 0, exprs, builder.getContext());
    if (elementType(mask) == compute && operand.map.isIdentity() &&
        !llvm::is_contained(operand.maybeOne, true)) {
      parts.mask = mask;
      return success();
    }
    parts.mask = createPointwise(builder, loc, operand, sizes, compute,
                                 [&](OpBuilder &b, Location loc, ValueRange x) {
                                   return convert(b, loc, x[0]);
                                 });
    return success();
  }
  SmallVector<Value> lengths;
  for (OpFoldResult size : given)
    lengths.push_back(toValue(builder, loc, size));
  parts.mask = createPointwise(
      builder, loc, ArrayRef<LoopOperand>(), sizes, compute,
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        SmallVector<Value> indices;
        Value isGiven;
        for (int64_t dim = 0; dim < 4; ++dim) {
          Value index = linalg::IndexOp::create(b, loc, dim);
          Value inside = arith::CmpIOp::create(
              b, loc, arith::CmpIPredicate::ult, index, lengths[dim]);
          if (dim == 3)
            isGiven = inside;
          Value zero = arith::ConstantIndexOp::create(b, loc, 0);
          // Dims of 1 repeat.
          indices.push_back(
              arith::SelectOp::create(b, loc, inside, index, zero));
        }
        ScalarBuilder s(b, loc, compute);
        Value element =
            convert(b, loc, tensor::ExtractOp::create(b, loc, mask, indices));
        return s.select(isGiven, element, s.lowest());
      });
  return success();
}

static Value toComputed(OpBuilder &builder, Location loc, Value tensor,
                        Type type) {
  Type compute = getComputeType(type);
  if (elementType(tensor) == compute)
    return tensor;
  return createPointwise(builder, loc, tensor, compute,
                         [&](OpBuilder &b, Location loc, ValueRange x) {
                           return toCompute(b, loc, x[0], type);
                         });
}

/// Rounded once.
static Value toStored(OpBuilder &builder, Location loc, Value tensor,
                      Type type) {
  if (elementType(tensor) == getStorageType(type))
    return tensor;
  return createPointwise(builder, loc, tensor, getStorageType(type),
                         [&](OpBuilder &b, Location loc, ValueRange x) {
                           return toStorage(b, loc, x[0], type);
                         });
}

void bit::onnx::toComputedParts(OpBuilder &builder, Location loc,
                                AttentionParts &parts, Type onnxType) {
  for (Value *part : {&parts.q, &parts.k, &parts.v})
    *part = toComputed(builder, loc, *part, onnxType);
}

Value bit::onnx::emitAttention(OpBuilder &builder, Location loc,
                               const AttentionParts &parts, Type onnxType) {
  Dims sizes = getDims(builder, loc, parts.q);
  sizes[3] = getDim(builder, loc, parts.v, 3);
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, getComputeType(onnxType));
  Value y = bit::AttentionOp::create(
                builder, loc, parts.q, parts.k, parts.v, parts.range,
                parts.mask, init, builder.getF64FloatAttr(parts.scale),
                parts.softcap != 0 ? builder.getF64FloatAttr(parts.softcap)
                                   : FloatAttr(),
                parts.keepNan, parts.zeroNan)
                .getY();
  return toStored(builder, loc, y, onnxType);
}

LogicalResult Lowering::emit(SmallVectorImpl<Value> &results) {
  if (failed(checkAttributes()))
    return failure();
  FailureOr<Value> query = splitHeads(builder, op, operands.getQ(),
                                      op.getQNumHeads().value_or(0), "Q");
  if (failed(query))
    return failure();
  FailureOr<Value> key = splitHeads(builder, op, operands.getK(),
                                    op.getKvNumHeads().value_or(0), "K");
  if (failed(key))
    return failure();
  FailureOr<Value> value = splitHeads(builder, op, operands.getV(),
                                      op.getKvNumHeads().value_or(0), "V");
  if (failed(value))
    return failure();
  key = appendToPast(operands.getPastKey(), *key, "past_key");
  value = appendToPast(operands.getPastValue(), *value, "past_value");
  if (failed(key) || failed(value))
    return failure();
  parts.q = *query;
  parts.k = *key;
  parts.v = *value;
  toComputedParts(builder, loc, parts, onnxType);
  if (failed(checkShapes()))
    return failure();
  if (Value lengths = operands.getNonpadKvSeqlen())
    if (rankOf(lengths) != 1 ||
        !checkSameDim(builder, loc, getDim(builder, loc, lengths, 0), q[0],
                      "expects nonpad_kv_seqlen of the batch's size"))
      return op.emitOpError("expects nonpad_kv_seqlen of the batch's size");
  parts.range = emitRange();
  if (failed(emitMask()))
    return failure();
  parts.softcap = op.getSoftcap().convertToDouble();
  if (auto rows = op->getAttrOfType<StringAttr>("bit.pattern")) {
    parts.keepNan = rows != "zero";
    parts.zeroNan = rows == "zero";
  }
  std::optional<int64_t> size = getConstant(q[3]);
  if (op.getScale())
    parts.scale = op.getScale()->convertToDouble();
  else if (size)
    parts.scale = 1.0 / std::sqrt(static_cast<double>(*size));
  if (!op.getScale() && !size) {
    // A size known at run time scales the queries.
    Type compute = getComputeType(onnxType);
    Value wide = dimToElement(builder, loc, q[3], builder.getI64Type());
    Value number = arith::SIToFPOp::create(builder, loc, compute, wide);
    ScalarBuilder s(builder, loc, compute);
    Value factor = s.div(s.number(1), s.make<math::SqrtOp>(number));
    parts.q = createPointwise(
        builder, loc, parts.q, compute,
        [&](OpBuilder &b, Location loc, ValueRange x) {
          return ScalarBuilder(b, loc, compute).mul(x[0], factor);
        });
  }

  Value y = emitAttention(builder, loc, parts, onnxType);
  results.push_back(rankOf(op.getQ()) == 3 ? mergeHeads(builder, loc, y) : y);
  if (op.getPresentKey())
    results.push_back(*key);
  if (op.getPresentValue())
    results.push_back(*value);
  if (op.getQkMatmulOutput()) {
    FailureOr<Value> scores = emitAttentionScores(
        builder, op, parts,
        static_cast<ScoresMode>(op.getQkMatmulOutputMode()));
    if (failed(scores))
      return failure();
    results.push_back(toStored(builder, loc, *scores, onnxType));
  }
  return success();
}

static LogicalResult attention(AttentionOp op, AttentionOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  return Lowering(op, operands, rewriter).emit(results);
}

void bit::onnx::addAttentionPatterns(PatternList &list) {
  list.add<AttentionOp>(attention);
  addRotaryPatterns(list);
  addGroupQueryPatterns(list);
}
