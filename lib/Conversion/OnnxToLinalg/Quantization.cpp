// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linear quantization, and products of what it makes.

#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace bit::onnx;

namespace {
/// How scale and zero point (or none) lie beside the values they belong to.
struct Scales {
  /// The values, then what the loop nest reads element by element.
  SmallVector<LoopOperand> operands;
  /// With blocks: scale and zero point, read at `axis` / `blockSize`.
  SmallVector<Value> blocked;
  int64_t axis = 0, blockSize = 0;

  /// The elements of one iteration: value, scale, zero point.
  SmallVector<Value> read(OpBuilder &builder, Location loc,
                          ValueRange elements) const {
    SmallVector<Value> all = llvm::to_vector(elements);
    for (Value tensor : blocked) {
      IndexBuilder index{builder, loc};
      SmallVector<Value> where;
      for (int64_t i = 0, e = rankOf(tensor); i < e; ++i)
        where.push_back(linalg::IndexOp::create(builder, loc, i));
      where[axis] = index.div(where[axis], index.constant(blockSize));
      all.push_back(tensor::ExtractOp::create(builder, loc, tensor, where));
    }
    return all;
  }
};
} // namespace

/// Checks that there is one scale for each block; the last may be cut off.
static LogicalResult checkBlocks(OpBuilder &builder, Operation *op,
                                 Value values, Value scale, int64_t axis,
                                 int64_t blockSize) {
  Location loc = op->getLoc();
  if (rankOf(scale) != rankOf(values))
    return op->emitOpError("expects scales of rank ")
           << rankOf(values) << ", got rank " << rankOf(scale);
  for (int64_t i = 0, e = rankOf(values); i < e; ++i) {
    OpFoldResult dim = getDim(builder, loc, values, i);
    if (i == axis) {
      Value size = toValue(builder, loc, dim);
      Value block = arith::ConstantIndexOp::create(builder, loc, blockSize);
      dim = getAsOpFoldResult(
          builder.createOrFold<arith::CeilDivUIOp>(loc, size, block));
    }
    if (failed(expectSameDim(builder, op, getDim(builder, loc, scale, i), dim,
                             "expects one scale for each block")))
      return failure();
  }
  return success();
}

/// `values`, then a scale and zero points (null: none) that belong to all of
/// them, to those along `axis` or to blocks of those.
static FailureOr<Scales> getScales(Rewriter &rewriter, Operation *op,
                                   Value values, Value scale, Value zeroPoint,
                                   int64_t axis, int64_t blockSize) {
  int64_t rank = rankOf(values);
  Scales scales;
  scales.operands = {{values, rewriter.getMultiDimIdentityMap(rank), {}}};
  if (blockSize < 0)
    return op->emitOpError("expects a block_size of 0 or more, got ")
           << blockSize;
  if (blockSize > 0) {
    std::optional<int64_t> at = normalizeAxis(op, axis, rank);
    if (!at)
      return failure();
    scales.axis = *at;
    scales.blockSize = blockSize;
  }
  for (Value operand : {scale, zeroPoint}) {
    if (!operand)
      continue;
    operand = stripStaticCasts(operand);
    if (blockSize > 0) {
      if (failed(checkBlocks(rewriter, op, values, operand, scales.axis,
                             blockSize)))
        return failure();
      scales.blocked.push_back(operand);
      continue;
    }
    auto type = cast<RankedTensorType>(operand.getType());
    SmallVector<AffineExpr> exprs;
    if (type.getRank() > 1)
      return op->emitOpError("expects scales of rank 0 or 1, got rank ")
             << type.getRank();
    if (type.getRank() == 1 && type.getDimSize(0) == 1) {
      exprs.push_back(rewriter.getAffineConstantExpr(0));
    } else if (type.getRank() == 1) {
      std::optional<int64_t> at = normalizeAxis(op, axis, rank);
      if (!at)
        return failure();
      OpFoldResult own = getDim(rewriter, op->getLoc(), operand, 0);
      OpFoldResult dim = getDim(rewriter, op->getLoc(), values, *at);
      if (!checkSameDim(rewriter, op->getLoc(), own, dim,
                        "expects one scale for each index of its axis"))
        return op->emitOpError("expects one scale for each index of its axis, "
                               "got ")
               << *getConstant(own) << " for " << *getConstant(dim);
      exprs.push_back(rewriter.getAffineDimExpr(*at));
    }
    scales.operands.push_back(
        {operand, AffineMap::get(rank, 0, exprs, rewriter.getContext()), {}});
  }
  return scales;
}

/// What QuantizeLinear divides in: the type of its scales unless it names one.
/// f64 holds what is halfway between two codes of integers of 32 bits.
static FailureOr<Type> getPrecision(QuantizeLinearOp op, OpBuilder &builder) {
  switch (int64_t named = op.getPrecision()) {
  case 0: {
    Type scale = elementType(op.getYScale());
    return isa<FloatType>(scale) ? scale : Type(builder.getF64Type());
  }
  case 1:
    return Type(builder.getF32Type());
  case 10:
    return Type(builder.getF16Type());
  case 16:
    return Type(builder.getBF16Type());
  default:
    return op.emitOpError("expects a precision of float, float16 or bfloat16, "
                          "got type ")
           << named;
  }
}

/// saturate(round(x / scale) + zero_point)
static LogicalResult quantize(QuantizeLinearOp op,
                              QuantizeLinearOp::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  Type from = elementType(op.getX()), to = elementType(op.getResult());
  Type scaleType = elementType(op.getYScale());
  if (!isa<IntegerType>(to))
    return op.emitOpError("expects to make integers, got ") << to;
  FailureOr<Type> precision = getPrecision(op, rewriter);
  if (failed(precision))
    return failure();
  Value x = stripStaticCasts(operands.getX());
  auto scales =
      getScales(rewriter, op, x, operands.getYScale(), operands.getYZeroPoint(),
                op.getAxis(), op.getBlockSize());
  if (failed(scales))
    return failure();
  results.push_back(createPointwise(
      rewriter, op.getLoc(), scales->operands,
      getDims(rewriter, op.getLoc(), x), getStorageType(to),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        SmallVector<Value> in = scales->read(b, loc, elements);
        ScalarBuilder scalar(b, loc, *precision);
        // What a half was divided to is a half before it is rounded.
        auto rounded = [&](Value x) {
          return toCompute(b, loc, toStorage(b, loc, x, *precision),
                           *precision);
        };
        auto read = [&](Value x, Type type) {
          x = toCompute(b, loc, x, type);
          if (type == *precision)
            return x;
          return rounded(castScalar(b, loc, x, type, *precision));
        };
        Value y =
            rounded(scalar.div(read(in[0], from), read(in[1], scaleType)));
        y = scalar.make<math::RoundEvenOp>(y);
        if (in.size() > 2) {
          Value zero = castScalar(b, loc, toCompute(b, loc, in[2], to), to,
                                  scalar.getType());
          y = scalar.add(y, zero);
        }
        return toStorage(b, loc, castScalar(b, loc, y, scalar.getType(), to),
                         to);
      }));
  return success();
}

/// (x - zero_point) * scale
static LogicalResult dequantize(DequantizeLinearOp op,
                                DequantizeLinearOp::Adaptor operands,
                                Rewriter &rewriter,
                                SmallVectorImpl<Value> &results) {
  Type from = elementType(op.getX()), to = elementType(op.getResult());
  Type scaleType = elementType(op.getXScale());
  if (!isa<IntegerType>(from) || !isa<FloatType>(to) || scaleType != to)
    return op.emitOpError("expects to turn integers into floats of its scale's "
                          "type, got ")
           << from << " into " << to << " by " << scaleType;
  Value x = stripStaticCasts(operands.getX());
  auto scales =
      getScales(rewriter, op, x, operands.getXScale(), operands.getXZeroPoint(),
                op.getAxis(), op.getBlockSize());
  if (failed(scales))
    return failure();
  Type wide = rewriter.getI32Type();
  results.push_back(createPointwise(
      rewriter, op.getLoc(), scales->operands,
      getDims(rewriter, op.getLoc(), x), getStorageType(to),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        SmallVector<Value> in = scales->read(b, loc, elements);
        ScalarBuilder integer(b, loc, wide), scalar(b, loc, to);
        Value code = castScalar(b, loc, in[0], from, wide);
        if (in.size() > 2)
          code = integer.sub(code, castScalar(b, loc, in[2], from, wide));
        Value y = castScalar(b, loc, code, wide, scalar.getType());
        return toStorage(b, loc, scalar.mul(y, toCompute(b, loc, in[1], to)),
                         to);
      }));
  return success();
}

/// A parameter of codes as it is broadcast with them: one of each row is a
/// column.
static Value getParameter(Rewriter &rewriter, Location loc, Value parameter,
                          bool isRows) {
  parameter = stripStaticCasts(parameter);
  auto type = cast<RankedTensorType>(parameter.getType());
  if (isRows && type.getRank() == 1 && type.getDimSize(0) != 1)
    return insertUnitDims(rewriter, loc, parameter, 1);
  return parameter;
}

/// `codes` as 32-bit integers without their zero points: one, or one for each
/// row where `isRows`, else for each column.
static FailureOr<Value> widen(Rewriter &rewriter, Operation *op, Value codes,
                              Type onnxType, Value zeroPoint, bool isRows) {
  Location loc = op->getLoc();
  codes = stripStaticCasts(codes);
  SmallVector<Value> tensors = {codes};
  if (zeroPoint)
    tensors.push_back(getParameter(rewriter, loc, zeroPoint, isRows));
  FailureOr<Broadcast> loops = broadcastToFirst(rewriter, op, tensors);
  if (failed(loops))
    return failure();
  Type wide = rewriter.getI32Type();
  return createPointwise(
      rewriter, loc, loops->operands, loops->sizes, wide,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        Value y = castScalar(b, loc, in[0], onnxType, wide);
        return zeroPoint
                   ? ScalarBuilder(b, loc, wide)
                         .sub(y, castScalar(b, loc, in[1], onnxType, wide))
                   : y;
      });
}

/// The exact product of codes without their zero points, of either operator.
static FailureOr<Value> multiplyCodes(Rewriter &rewriter, Operation *op,
                                      Value a, Type typeA, Value zeroA, Value b,
                                      Type typeB, Value zeroB) {
  if (rankOf(a) == 0 || rankOf(b) == 0)
    return op->emitOpError("expects operands of rank 1 or more");
  FailureOr<Value> left = widen(rewriter, op, a, typeA, zeroA, /*isRows=*/true);
  FailureOr<Value> right =
      widen(rewriter, op, b, typeB, zeroB, /*isRows=*/false);
  if (failed(left) || failed(right))
    return failure();
  return lowerMatMul(rewriter, op, *left, *right, rewriter.getI32Type());
}

static LogicalResult matMulInteger(MatMulIntegerOp op,
                                   MatMulIntegerOp::Adaptor operands,
                                   Rewriter &rewriter,
                                   SmallVectorImpl<Value> &results) {
  FailureOr<Value> product =
      multiplyCodes(rewriter, op, operands.getA(), elementType(op.getA()),
                    operands.getAZeroPoint(), operands.getB(),
                    elementType(op.getB()), operands.getBZeroPoint());
  if (failed(product))
    return failure();
  results.push_back(*product);
  return success();
}

/// saturate(round(sum * (a_scale * b_scale / y_scale)) + y_zero_point)
static LogicalResult qlinearMatMul(QLinearMatMulOp op,
                                   QLinearMatMulOp::Adaptor operands,
                                   Rewriter &rewriter,
                                   SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  FailureOr<Value> sums =
      multiplyCodes(rewriter, op, operands.getA(), elementType(op.getA()),
                    operands.getAZeroPoint(), operands.getB(),
                    elementType(op.getB()), operands.getBZeroPoint());
  if (failed(sums))
    return failure();
  FailureOr<Broadcast> loops = broadcastToFirst(
      rewriter, op,
      {*sums, getParameter(rewriter, loc, operands.getAScale(), true),
       getParameter(rewriter, loc, operands.getBScale(), false),
       getParameter(rewriter, loc, operands.getYScale(), true),
       getParameter(rewriter, loc, operands.getYZeroPoint(), true)});
  if (failed(loops))
    return failure();
  Type codes = elementType(op.getResult());
  Type scaleTypes[] = {elementType(op.getAScale()), elementType(op.getBScale()),
                       elementType(op.getYScale())};
  results.push_back(createPointwise(
      rewriter, loc, loops->operands, loops->sizes, getStorageType(codes),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, b.getF32Type());
        Value scales[3];
        for (auto [i, type] : llvm::enumerate(scaleTypes))
          scales[i] = toCompute(b, loc, in[1 + i], type);
        Value factor = s.div(s.mul(scales[0], scales[1]), scales[2]);
        Value sum = castScalar(b, loc, in[0], in[0].getType(), s.getType());
        Value y = s.make<math::RoundEvenOp>(s.mul(sum, factor));
        y = s.add(y, castScalar(b, loc, toCompute(b, loc, in[4], codes), codes,
                                s.getType()));
        return toStorage(b, loc, castScalar(b, loc, y, s.getType(), codes),
                         codes);
      }));
  return success();
}

/// The one element of a constant of f32.
static std::optional<float> getScale(Value scale) {
  DenseElementsAttr value;
  if (!matchPattern(stripStaticCasts(scale), m_Constant(&value)) ||
      !value.getElementType().isF32() || value.getNumElements() != 1)
    return std::nullopt;
  return *value.value_begin<float>();
}

/// Whether `op` makes f32 of codes of 8 bits in memory as they are.
static bool isOfBytes(DequantizeLinearOp op) {
  return op && op.getBlockSize() == 0 &&
         elementType(op.getX()).getIntOrFloatBitWidth() == 8 &&
         isa<IntegerType>(elementType(op.getX())) &&
         elementType(op.getXScale()).isF32() &&
         elementType(op.getResult()).isF32();
}

/// Whether `weights` are K x N codes that bit-pack-products stores, with
/// constant scales and zero points of columns whose products with `scale` are
/// normal numbers, and sums cannot overflow.
static bool hasPackedColumns(DequantizeLinearOp weights, float scale) {
  // Codes less zero points are at most 255: 255 * 255 * K is below 2^31.
  constexpr int64_t maxK = 33025, fewestColumns = 8;
  ElementsAttr codes;
  DenseElementsAttr scales;
  auto type = dyn_cast<RankedTensorType>(weights.getX().getType());
  if (!type || type.getRank() != 2 ||
      !matchPattern(weights.getX(), m_Constant(&codes)) ||
      !matchPattern(weights.getXScale(), m_Constant(&scales)) ||
      !llvm::all_of(scales.getValues<float>(),
                    [&](float other) { return std::isnormal(scale * other); }))
    return false;
  auto dense = dyn_cast<DenseElementsAttr>(codes);
  int64_t axis = static_cast<int64_t>(weights.getAxis());
  bool isOne = scales.getNumElements() == 1;
  return !(dense && dense.isSplat()) && type.getDimSize(0) <= maxK &&
         type.getDimSize(1) >= fewestColumns &&
         (isOne || axis == 1 || axis == -1);
}

FailureOr<Value> bit::onnx::lowerDequantizedMatMul(Rewriter &rewriter,
                                                   MatMulOp op) {
  auto a = op.getA().getDefiningOp<DequantizeLinearOp>();
  auto b = op.getB().getDefiningOp<DequantizeLinearOp>();
  if (!isOfBytes(a) || !isOfBytes(b) || rankOf(a.getX()) < 2)
    return Value();
  std::optional<float> scale = getScale(a.getXScale());
  if (!scale || !hasPackedColumns(b, *scale))
    return Value();
  Location loc = op.getLoc();
  auto remap = [&](Value value) {
    return value ? rewriter.getRemappedValue(value) : Value();
  };
  FailureOr<Value> sums =
      multiplyCodes(rewriter, op, remap(a.getX()), elementType(a.getX()),
                    remap(a.getXZeroPoint()), remap(b.getX()),
                    elementType(b.getX()), remap(b.getXZeroPoint()));
  if (failed(sums))
    return failure();
  FailureOr<Broadcast> loops = broadcastToFirst(
      rewriter, op,
      {*sums, getParameter(rewriter, loc, remap(a.getXScale()), true),
       getParameter(rewriter, loc, remap(b.getXScale()), false)});
  if (failed(loops))
    return failure();
  return createPointwise(
      rewriter, loc, loops->operands, loops->sizes, rewriter.getF32Type(),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, b.getF32Type());
        Value sum = castScalar(b, loc, in[0], in[0].getType(), s.getType());
        return s.mul(sum, s.mul(in[1], in[2]));
      });
}

void bit::onnx::addQuantizationPatterns(PatternList &list) {
  list.add<QuantizeLinearOp>(quantize);
  list.add<DequantizeLinearOp>(dequantize);
  list.add<MatMulIntegerOp>(matMulInteger);
  list.add<QLinearMatMulOp>(qlinearMatMul);
}
