// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products. Each element of the result is one chain of fused
// multiply-adds in ascending k; k is the middle loop, so that vectors run over
// n.

#include "OnnxPattern.h"
#include "Transpose.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

namespace {
struct Matrices {
  Value a, b;
  bool transposeA = false, transposeB = false;
  Type onnxType;
};
} // namespace

/// A batch dim that may be 1 at run time is stretched in memory.
static Value materializeBatch(OpBuilder &builder, Location loc, Value tensor,
                              DimsUse &use, ArrayRef<OpFoldResult> batch) {
  if (!llvm::is_contained(use.maybeOne, true))
    return tensor;
  Dims dims = getDims(builder, loc, tensor);
  unsigned batchRank = batch.size();
  Dims sizes(batch);
  SmallVector<AffineExpr> exprs = use.exprs;
  SmallVector<bool> maybeOne = use.maybeOne;
  for (unsigned i = 0; i < 2; ++i) {
    sizes.push_back(dims[dims.size() - 2 + i]);
    exprs.push_back(builder.getAffineDimExpr(batchRank + i));
    maybeOne.push_back(false);
  }
  use.exprs.clear();
  for (unsigned i = 0; i < batchRank; ++i)
    use.exprs.push_back(builder.getAffineDimExpr(i));
  AffineMap map = AffineMap::get(sizes.size(), 0, exprs, builder.getContext());
  return createPointwise(
      builder, loc, LoopOperand{tensor, map, maybeOne}, sizes,
      elementType(tensor),
      [](OpBuilder &, Location, ValueRange x) { return x.front(); });
}

/// The product of two tensors of rank 2 or more, in the compute type.
static FailureOr<Value> createProduct(OpBuilder &builder, Operation *op,
                                      Matrices matrices) {
  Location loc = op->getLoc();
  Dims a = getDims(builder, loc, matrices.a);
  Dims b = getDims(builder, loc, matrices.b);
  const bool ta = matrices.transposeA, tb = matrices.transposeB;
  OpFoldResult m = a[a.size() - (ta ? 1 : 2)], k = a[a.size() - (ta ? 2 : 1)];
  OpFoldResult n = b[b.size() - (tb ? 2 : 1)], kb = b[b.size() - (tb ? 1 : 2)];
  if (!checkSameDim(builder, loc, k, kb,
                    "expects matrices whose inner dimensions agree")) {
    op->emitOpError("expects matrices whose inner dimensions agree, got ")
        << *getConstant(k) << " and " << *getConstant(kb);
    return failure();
  }
  Dims sizes;
  SmallVector<DimsUse> uses;
  if (failed(broadcastDims(
          builder, op,
          {Dims(ArrayRef(a).drop_back(2)), Dims(ArrayRef(b).drop_back(2))},
          sizes, uses)))
    return failure();
  matrices.a = materializeBatch(builder, loc, matrices.a, uses[0], sizes);
  matrices.b = materializeBatch(builder, loc, matrices.b, uses[1], sizes);

  unsigned batch = sizes.size();
  SmallVector<IteratorType> iterators(batch + 3, IteratorType::parallel);
  iterators[batch + 1] = IteratorType::reduction;
  AffineExpr dm = builder.getAffineDimExpr(batch);
  AffineExpr dk = builder.getAffineDimExpr(batch + 1);
  AffineExpr dn = builder.getAffineDimExpr(batch + 2);
  SmallVector<AffineExpr> c;
  for (unsigned i = 0; i < batch; ++i)
    c.push_back(builder.getAffineDimExpr(i));
  uses[0].exprs.append({ta ? dk : dm, ta ? dm : dk});
  uses[1].exprs.append({tb ? dn : dk, tb ? dk : dn});
  c.append({dm, dn});
  sizes.append({m, n});
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs :
       {ArrayRef<AffineExpr>(uses[0].exprs),
        ArrayRef<AffineExpr>(uses[1].exprs), ArrayRef<AffineExpr>(c)})
    maps.push_back(AffineMap::get(batch + 3, 0, exprs, builder.getContext()));

  Value zero = ScalarBuilder(builder, loc, matrices.onnxType).number(0);
  Value init = createFilled(builder, loc, sizes, zero);
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{matrices.a, matrices.b}, init,
      maps, iterators, [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, matrices.onnxType);
        Value left = toCompute(b, loc, x[0], matrices.onnxType);
        Value right = toCompute(b, loc, x[1], matrices.onnxType);
        linalg::YieldOp::create(b, loc, scalar.fma(left, right, x[2]));
      });
  return generic.getResult(0);
}

/// Rounds the product once, after scaling it in `scaleType`.
static Value finish(OpBuilder &builder, Location loc, Value product,
                    Type onnxType, Type scaleType, double scale = 1.0) {
  Type storage = getStorageType(onnxType);
  if (scale == 1.0 && elementType(product) == storage)
    return product;
  return createPointwise(builder, loc, product, storage,
                         [&](OpBuilder &b, Location loc, ValueRange x) {
                           ScalarBuilder scalar(b, loc, scaleType);
                           Value y = x.front();
                           if (scaleType != onnxType)
                             y = castScalar(b, loc, y, onnxType, scaleType);
                           if (scale != 1.0)
                             y = scalar.mul(scalar.number(scale), y);
                           return scaleType == onnxType
                                      ? toStorage(b, loc, y, onnxType)
                                      : castScalar(b, loc, y, scaleType,
                                                   onnxType);
                         });
}

/// The rows of all batches as one matrix.
static Value collapseRows(OpBuilder &builder, Location loc, Value tensor) {
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0, e = rankOf(tensor); i < e; ++i)
    groups[i + 1 == e].push_back(i);
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

static Value expandRows(OpBuilder &builder, Location loc, Value matrix,
                        ArrayRef<OpFoldResult> rows) {
  SmallVector<ReassociationIndices> groups(2);
  for (unsigned i = 0; i < rows.size(); ++i)
    groups[0].push_back(i);
  groups[1].push_back(rows.size());
  Dims sizes(rows);
  sizes.push_back(getDim(builder, loc, matrix, 1));
  return tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(sizes, elementType(matrix)), matrix, groups,
      sizes);
}

/// numpy.matmul: vectors get a dim of 1 that the result drops again.
FailureOr<Value> bit::onnx::lowerMatMul(OpBuilder &builder, Operation *op,
                                        Value a, Value b, Type onnxType) {
  Location loc = op->getLoc();
  const bool isRow = rankOf(a) == 1, isColumn = rankOf(b) == 1;
  if (isRow)
    a = insertUnitDims(builder, loc, a, 0);
  if (isColumn)
    b = insertUnitDims(builder, loc, b, 1);
  Dims rows;
  if (rankOf(a) > 2 && rankOf(b) == 2) {
    rows = getDims(builder, loc, a);
    rows.pop_back();
    a = collapseRows(builder, loc, a);
  }
  FailureOr<Value> product =
      createProduct(builder, op, {a, b, false, false, onnxType});
  if (failed(product))
    return failure();
  Value result = finish(builder, loc, *product, onnxType, onnxType);
  if (!rows.empty())
    result = expandRows(builder, loc, result, rows);
  int64_t rank = rankOf(result);
  if (isColumn)
    result = dropUnitDim(builder, loc, result, rank - 1);
  if (isRow)
    result =
        dropUnitDim(builder, loc, result, rankOf(result) - (isColumn ? 1 : 2));
  return result;
}

static LogicalResult matMul(MatMulOp op, MatMulOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  if (rankOf(operands.getA()) == 0 || rankOf(operands.getB()) == 0)
    return op.emitOpError("expects operands of rank 1 or more");
  FailureOr<Value> ofCodes = lowerDequantizedMatMul(rewriter, op);
  if (failed(ofCodes))
    return failure();
  if (*ofCodes) {
    results.push_back(*ofCodes);
    return success();
  }
  FailureOr<Value> result =
      lowerMatMul(rewriter, op, stripStaticCasts(operands.getA()),
                  stripStaticCasts(operands.getB()), elementType(op.getA()));
  if (failed(result))
    return failure();
  results.push_back(*result);
  return success();
}

static LogicalResult gemm(GemmOp op, GemmOp::Adaptor operands,
                          Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getA());
  double alpha = op.getAlpha().convertToDouble();
  double beta = op.getBeta().convertToDouble();
  // As in ONNX's reference, integers are scaled in f64 and truncated.
  const bool isScaled = alpha != 1.0 || (beta != 1.0 && op.getC());
  Type sumType = isa<IntegerType>(onnxType) && isScaled
                     ? Type(rewriter.getF64Type())
                     : onnxType;
  if (rankOf(op.getA()) != 2 || rankOf(op.getB()) != 2)
    return op.emitOpError("expects matrices of rank 2");
  Value b = stripStaticCasts(operands.getB());
  bool transposeB = op.getTransB() != 0;
  // A product by a float weight reads it in panels, made of either form.
  SplatElementsAttr splat;
  bool isPacked = isa<FloatType>(onnxType) && !onnxType.isF64() &&
                  !matchPattern(b, m_Constant(&splat));
  if (transposeB && !isPacked) {
    if (Value transposed = transposeConstant(rewriter, loc, b, {1, 0})) {
      b = transposed;
      transposeB = false;
    }
  }
  FailureOr<Value> product =
      createProduct(rewriter, op,
                    {stripStaticCasts(operands.getA()), b, op.getTransA() != 0,
                     transposeB, onnxType});
  if (failed(product))
    return failure();
  if (!operands.getC()) {
    results.push_back(
        finish(rewriter, loc, *product, onnxType, sumType, alpha));
    return success();
  }
  FailureOr<Broadcast> sum = broadcastToFirst(
      rewriter, op, {*product, stripStaticCasts(operands.getC())});
  if (failed(sum))
    return failure();
  results.push_back(createPointwise(
      rewriter, loc, sum->operands, sum->sizes, getStorageType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, sumType);
        Value y = x[0], c = toCompute(b, loc, x[1], onnxType);
        if (sumType != onnxType) {
          y = castScalar(b, loc, y, onnxType, sumType);
          c = castScalar(b, loc, c, onnxType, sumType);
        }
        if (alpha != 1.0)
          y = scalar.mul(scalar.number(alpha), y);
        if (beta != 1.0)
          c = scalar.mul(scalar.number(beta), c);
        // As in BLAS, what is multiplied by 0 is not read.
        if (beta != 0.0)
          y = scalar.add(y, c);
        return sumType == onnxType ? toStorage(b, loc, y, onnxType)
                                   : castScalar(b, loc, y, sumType, onnxType);
      }));
  return success();
}

static LogicalResult fusedMatMul(MSFusedMatMulOp op,
                                 MSFusedMatMulOp::Adaptor operands,
                                 Rewriter &rewriter,
                                 SmallVectorImpl<Value> &results) {
  if (op.getTransBatchA() || op.getTransBatchB())
    return op.emitOpError("expects transBatchA and transBatchB to be 0");
  if (rankOf(op.getA()) < 2 || rankOf(op.getB()) < 2)
    return op.emitOpError("expects operands of rank 2 or more");
  Type onnxType = elementType(op.getA());
  FailureOr<Value> product =
      createProduct(rewriter, op,
                    {operands.getA(), operands.getB(), op.getTransA() != 0,
                     op.getTransB() != 0, onnxType});
  if (failed(product))
    return failure();
  results.push_back(finish(rewriter, op.getLoc(), *product, onnxType, onnxType,
                           op.getAlpha().convertToDouble()));
  return success();
}

void bit::onnx::addMatMulPatterns(PatternList &list) {
  list.add<MatMulOp>(matMul);
  list.add<GemmOp>(gemm);
  list.add<MSFusedMatMulOp>(fusedMatMul);
}
