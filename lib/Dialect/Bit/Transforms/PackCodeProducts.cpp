// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes of 8 bits by constant codes, which panels hold.

#include "PanelProducts.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace bit {

/// Codes are stored with half of their range added or taken away where
/// instructions want the other sign.
static constexpr int32_t half = 128;

/// Fewer columns would be mostly padding.
static constexpr int64_t fewestColumns = 8;

namespace {

/// What is subtracted of codes: a number, or an element of a tensor of i8.
struct ZeroPoint {
  int32_t number = 0; ///< added to the tensor's element, if there is one
  Value tensor = {};
  AffineMap map = {}; ///< from the loops of the product, m and n
  bool isUnsigned = false;

  bool isZero() const { return !tensor && number == 0; }
};

/// A matrix of codes as integers of 32 bits.
struct Codes {
  Value tensor; ///< of i8
  AffineMap map;
  bool isUnsigned;
  ZeroPoint zero;
};

/// The constant of a product as it is stored: signed codes.
struct Weights {
  Value matrix;
  bool transposed;           ///< is N x K
  SmallVector<int32_t> sums; ///< of each column, modulo 2^32
  ZeroPoint zero;
};

} // namespace

/// Whether a body yields a * b + c.
static bool isIntegerMultiplyAdd(Block &body) {
  if (body.getNumArguments() != 3)
    return false;
  Value a = body.getArgument(0), b = body.getArgument(1);
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddIOp>();
  if (!sum || !sum.getType().isInteger(32))
    return false;
  Value factors = sum.getLhs(), other = sum.getRhs();
  if (factors == body.getArgument(2))
    std::swap(factors, other);
  auto product = factors.getDefiningOp<arith::MulIOp>();
  return product && other == body.getArgument(2) &&
         ((product.getLhs() == a && product.getRhs() == b) ||
          (product.getLhs() == b && product.getRhs() == a));
}

/// The input of `op` that `value`, an i8 in its body that becomes an i32, is.
static OpOperand *getExtended(Value value, linalg::GenericOp op,
                              bool &isUnsigned) {
  Operation *extension = value.getDefiningOp();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extension))
    return nullptr;
  isUnsigned = isa<arith::ExtUIOp>(extension);
  auto argument = dyn_cast<BlockArgument>(extension->getOperand(0));
  if (!argument || argument.getOwner() != op.getBlock() ||
      !argument.getType().isInteger(8))
    return nullptr;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  return op.isDpsInput(operand) ? operand : nullptr;
}

/// Codes that an elementwise operation widens and takes a zero point from.
static std::optional<Codes> matchCodes(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  Codes codes;
  Value code = op.getBlock()->getTerminator()->getOperand(0);
  if (auto difference = code.getDefiningOp<arith::SubIOp>()) {
    code = difference.getLhs();
    Value zero = difference.getRhs();
    APInt number;
    if (matchPattern(zero, m_ConstantInt(&number))) {
      codes.zero.number = static_cast<int32_t>(number.getSExtValue());
    } else {
      OpOperand *operand = getExtended(zero, op, codes.zero.isUnsigned);
      if (!operand)
        return std::nullopt;
      codes.zero.tensor = operand->get();
      codes.zero.map = op.getMatchingIndexingMap(operand);
    }
  }
  OpOperand *operand = getExtended(code, op, codes.isUnsigned);
  if (!operand)
    return std::nullopt;
  codes.tensor = operand->get();
  codes.map = op.getMatchingIndexingMap(operand);
  return codes;
}

/// Reads a zero point in the loops m and n: `kDim` is the loop of its own
/// operation along k, `place` what the other one is.
static bool moveZeroPoint(ZeroPoint &zero, unsigned kDim, AffineExpr place) {
  if (!zero.tensor)
    return true;
  MLIRContext *context = place.getContext();
  if (llvm::all_of(zero.map.getResults(), llvm::IsaPred<AffineConstantExpr>)) {
    zero.map = AffineMap::get(2, 0, zero.map.getResults(), context);
    return true;
  }
  if (zero.map.getNumDims() != 2 || zero.map.isFunctionOfDim(kDim))
    return false;
  SmallVector<AffineExpr> loops(2, getAffineConstantExpr(0, context));
  loops[1 - kDim] = place;
  zero.map = zero.map.compose(AffineMap::get(2, 0, loops, context));
  return true;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The elements of a constant of i8; none where they are elsewhere.
static ArrayRef<char> getBytes(ElementsAttr value) {
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.isSplat() ? ArrayRef<char>() : dense.getRawData();
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob ? blob->getData() : ArrayRef<char>();
}

/// Constants that were folded, as codes and one zero point for all, if they are
/// near each other.
static bool narrow(DenseElementsAttr values, SmallVectorImpl<char> &codes,
                   int32_t &zero) {
  auto range = values.getValues<int32_t>();
  int64_t least = INT32_MAX, most = INT32_MIN;
  for (int32_t value : range) {
    least = std::min<int64_t>(least, value);
    most = std::max<int64_t>(most, value);
  }
  if (most - least > 2 * half - 1 || least < -4 * half || most > 4 * half)
    return false;
  int64_t shift = least < -half || most >= half ? least + half : 0;
  zero = static_cast<int32_t>(-shift);
  for (int32_t value : range)
    codes.push_back(static_cast<char>(value - shift));
  return true;
}

static void sumColumns(ArrayRef<char> codes, int64_t k, int64_t n,
                       bool transposed, MutableArrayRef<int32_t> sums) {
  SmallVector<uint32_t> all(n, 0);
  for (int64_t i = 0, rows = transposed ? n : k; i < rows; ++i)
    for (int64_t j = 0, columns = transposed ? k : n; j < columns; ++j)
      all[transposed ? i : j] += static_cast<uint32_t>(
          static_cast<int8_t>(codes[i * (transposed ? k : n) + j]));
  for (auto [to, sum] : llvm::zip_equal(sums, all))
    to = static_cast<int32_t>(sum);
}

static std::optional<Weights> matchWeights(OpBuilder &builder, Value b,
                                           bool transposed) {
  Location loc = b.getLoc();
  MLIRContext *context = builder.getContext();
  Weights weights{b, transposed, {}, {}};
  SmallVector<char> changed;
  ElementsAttr value;
  if (matchPattern(b, m_Constant(&value))) {
    auto dense = dyn_cast<DenseElementsAttr>(value);
    if (!dense || dense.isSplat() ||
        !narrow(dense, changed, weights.zero.number))
      return std::nullopt;
  } else {
    std::optional<Codes> codes = matchCodes(b);
    if (!codes || codes->map.getNumDims() != 2 ||
        !matchPattern(codes->tensor, m_Constant(&value)))
      return std::nullopt;
    bool isSwapped =
        codes->map.getResults() ==
        ArrayRef{getAffineDimExpr(1, context), getAffineDimExpr(0, context)};
    ArrayRef<char> bytes = getBytes(value);
    weights.zero = codes->zero;
    if ((!isSwapped && !codes->map.isIdentity()) || bytes.empty() ||
        !moveZeroPoint(weights.zero, transposed ? 1 : 0,
                       getAffineDimExpr(1, context)))
      return std::nullopt;
    weights.transposed ^= isSwapped;
    weights.matrix = codes->tensor;
    if (codes->isUnsigned) {
      weights.zero.number -= half;
      for (char code : bytes)
        changed.push_back(static_cast<char>(code ^ half));
    }
  }
  ArrayRef<int64_t> shape = value.getShapedType().getShape();
  int64_t k = shape[weights.transposed ? 1 : 0];
  int64_t n = shape[weights.transposed ? 0 : 1];
  ArrayRef<char> stored = changed.empty() ? getBytes(value) : ArrayRef(changed);
  if (n < fewestColumns || static_cast<int64_t>(stored.size()) != k * n)
    return std::nullopt;
  weights.sums.resize(n);
  sumColumns(stored, k, n, weights.transposed, weights.sums);
  if (!changed.empty())
    weights.matrix = arith::ConstantOp::create(
        builder, loc,
        DenseResourceElementsAttr::get(
            RankedTensorType::get(shape, builder.getI8Type()), "codes",
            HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef(changed))));
  return weights;
}

static Value createQuads(OpBuilder &builder, Location loc,
                         const Weights &weights) {
  auto type = cast<RankedTensorType>(weights.matrix.getType());
  int64_t k = type.getDimSize(weights.transposed ? 1 : 0);
  int64_t n = type.getDimSize(weights.transposed ? 0 : 1);
  int64_t width = PanelLayout::getWidth(n);
  SmallVector<int64_t> shape = {
      PanelLayout::getNumPanels(n, width),
      static_cast<int64_t>(llvm::divideCeil(k, PanelLayout::quad)), width,
      PanelLayout::quad};
  Value init =
      tensor::EmptyOp::create(builder, loc, shape, builder.getI8Type());
  return PackPanelsOp::create(builder, loc, weights.matrix, init,
                              weights.transposed)
      .getPanels();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A nest of parallel loops over m and n, or m alone, and a sum over k.
static Value
createLoops(OpBuilder &builder, Location loc, ValueRange inputs, Value init,
            ArrayRef<AffineMap> maps, bool sums,
            llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  if (sums)
    iterators[1] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             builder, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(b, loc, body(b, loc, arguments));
             })
      .getResult(0);
}

/// Signed codes plus half of their range.
static Value makeUnsigned(OpBuilder &builder, Location loc, Value codes) {
  auto type = cast<RankedTensorType>(codes.getType());
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, codes),
      type.getElementType());
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), codes, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               Value top =
                   arith::ConstantIntOp::create(b, loc, b.getI8Type(), -half);
               linalg::YieldOp::create(
                   b, loc,
                   arith::XOrIOp::create(b, loc, arguments[0], top)
                       .getResult());
             })
      .getResult(0);
}

/// The sum of each row of unsigned codes.
static Value sumRows(OpBuilder &builder, Location loc, Value x) {
  Type i32 = builder.getI32Type();
  Value init = tensor::EmptyOp::create(
      builder, loc,
      ArrayRef<OpFoldResult>{tensor::getMixedSize(builder, loc, x, 0)}, i32);
  Value zero = arith::ConstantIntOp::create(builder, loc, i32, 0);
  init = linalg::FillOp::create(builder, loc, zero, init).getResult(0);
  AffineMap rows =
      AffineMap::get(2, 0, getAffineDimExpr(0, builder.getContext()));
  return createLoops(
      builder, loc, x, init, {builder.getMultiDimIdentityMap(2), rows},
      /*sums=*/true, [&](OpBuilder &b, Location loc, ValueRange arguments) {
        Value code = arith::ExtUIOp::create(b, loc, i32, arguments[0]);
        return arith::AddIOp::create(b, loc, arguments[1], code).getResult();
      });
}

/// The sum over k of (x - zeroX) * (b - zeroB), of that of x * b:
///   sum - zeroX * (sum of b - K * zeroB) - zeroB * sum of x
static Value subtractZeroPoints(OpBuilder &builder, Location loc, Value sums,
                                Value x, const ZeroPoint &zeroX,
                                const Weights &weights) {
  const ZeroPoint &zeroB = weights.zero;
  if (zeroX.isZero() && zeroB.isZero())
    return sums;
  MLIRContext *context = builder.getContext();
  auto type = cast<RankedTensorType>(sums.getType());
  Type i32 = builder.getI32Type();
  int64_t k = cast<RankedTensorType>(x.getType()).getDimSize(1);
  AffineMap rows = AffineMap::get(2, 0, getAffineDimExpr(0, context));
  AffineMap columns = AffineMap::get(2, 0, getAffineDimExpr(1, context));
  Value columnSums = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(RankedTensorType::get({type.getDimSize(1)}, i32),
                             ArrayRef(weights.sums)));
  SmallVector<Value> inputs = {sums, columnSums};
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(2), columns};
  auto read = [&](Value tensor, AffineMap map) {
    inputs.push_back(tensor);
    maps.push_back(map);
    return inputs.size() - 1;
  };
  size_t atX = zeroX.tensor ? read(zeroX.tensor, zeroX.map) : 0;
  size_t atB = zeroB.tensor ? read(zeroB.tensor, zeroB.map) : 0;
  size_t atRow = zeroB.isZero() ? 0 : read(sumRows(builder, loc, x), rows);
  maps.push_back(maps[0]);
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, sums), i32);
  return createLoops(
      builder, loc, inputs, init, maps, /*sums=*/false,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantIntOp::create(b, loc, i32, value);
        };
        auto get = [&](const ZeroPoint &zero, size_t at) -> Value {
          if (!zero.tensor)
            return number(zero.number);
          Value code = arguments[at];
          code = zero.isUnsigned
                     ? arith::ExtUIOp::create(b, loc, i32, code).getResult()
                     : arith::ExtSIOp::create(b, loc, i32, code).getResult();
          return b.createOrFold<arith::AddIOp>(loc, code, number(zero.number));
        };
        auto mul = [&](Value a, Value c) {
          return b.createOrFold<arith::MulIOp>(loc, a, c);
        };
        auto sub = [&](Value a, Value c) {
          return b.createOrFold<arith::SubIOp>(loc, a, c);
        };
        Value y = arguments[0];
        Value ofX = get(zeroX, atX), ofB = get(zeroB, atB);
        if (!zeroX.isZero()) {
          Value column = sub(arguments[1], mul(number(k), ofB));
          y = sub(y, mul(ofX, column));
        }
        if (!zeroB.isZero())
          y = sub(y, mul(ofB, arguments[atRow]));
        return y;
      });
}

/// `codes` as the product reads what was made of them, `value`: with its rows
/// in one dim.
static Value reshapeLike(OpBuilder &builder, Location loc, Value codes,
                         Operation *reshape) {
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(reshape))
    return tensor::CollapseShapeOp::create(builder, loc, codes,
                                           collapse.getReassociationIndices());
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(reshape))
    return tensor::ExpandShapeOp::create(
        builder, loc,
        RankedTensorType::get(expand.getResultType().getShape(),
                              builder.getI8Type()),
        codes, expand.getReassociationIndices(), expand.getMixedOutputShape());
  return codes;
}

bool packCodeProduct(linalg::GenericOp op) {
  if (op.getNumLoops() != 3 || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() ||
      !isIntegerMultiplyAdd(*op.getBlock()))
    return false;
  MLIRContext *context = op.getContext();
  AffineExpr m = getAffineDimExpr(0, context), k = getAffineDimExpr(1, context),
             n = getAffineDimExpr(2, context);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  bool transposed = maps[1].getResults() == ArrayRef{n, k};
  if (reductions != SmallVector<unsigned>{1} ||
      maps[0].getResults() != ArrayRef{m, k} ||
      maps[2].getResults() != ArrayRef{m, n} ||
      (!transposed && maps[1].getResults() != ArrayRef{k, n}))
    return false;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  auto typeA = cast<RankedTensorType>(op.getInputs()[0].getType());
  if (!fill || !matchPattern(fill.getInputs()[0], m_Zero()) ||
      type.isDynamicDim(1) || typeA.isDynamicDim(1))
    return false;
  Value a = op.getInputs()[0];
  Operation *reshape = a.getDefiningOp();
  if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(reshape))
    a = reshape->getOperand(0);
  std::optional<Codes> codes = matchCodes(a);
  if (!codes || !codes->map.isIdentity() || !moveZeroPoint(codes->zero, 1, m) ||
      (a != op.getInputs()[0] && codes->zero.tensor &&
       !codes->zero.map.isConstant() && codes->zero.map.getNumResults() != 0))
    return false;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  std::optional<Weights> weights =
      matchWeights(builder, op.getInputs()[1], transposed);
  if (!weights)
    return false;
  Value x = codes->tensor;
  if (!codes->isUnsigned) {
    x = makeUnsigned(builder, loc, x);
    codes->zero.number += half;
  }
  x = reshapeLike(builder, loc, x, reshape);
  auto product = CodeMatmulOp::create(
      builder, loc, type, x, createQuads(builder, loc, *weights),
      fill.getOutputs()[0], KernelAttr::get(context, "generic.codes", {}));
  product->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.getResult(0).replaceAllUsesWith(subtractZeroPoints(
      builder, loc, product.getY(), x, codes->zero, *weights));
  op.erase();
  return true;
}

} // namespace bit
