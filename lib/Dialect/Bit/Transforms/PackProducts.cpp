// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of floats that are computed from panels.

#include "PanelProducts.h"
#include "StoredMatrix.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_PACKPRODUCTS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

namespace {

/// y = a * b, each result one chain of fma from 0 in ascending k; with any
/// number of batch dims before those of the matrices.
struct FloatProduct {
  linalg::GenericOp op;
  Value a, b, init;
  bool transposed;   ///< b is N x K
  Value scales = {}; ///< of the columns of b, where it has codes

  int64_t getBatchRank() { return op.getNumLoops() - 3; }
};

} // namespace

static std::optional<FloatProduct> matchProduct(linalg::GenericOp op) {
  unsigned loops = op.getNumLoops();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || loops < 3)
    return std::nullopt;
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  if (reductions != SmallVector<unsigned>{loops - 2})
    return std::nullopt;
  SmallVector<AffineExpr> dims;
  for (unsigned i = 0; i < loops; ++i)
    dims.push_back(getAffineDimExpr(i, op.getContext()));
  ArrayRef<AffineExpr> batch = ArrayRef(dims).drop_back(3);
  AffineExpr m = dims[loops - 3], k = dims[loops - 2], n = dims[loops - 1];
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto is = [&](unsigned operand, AffineExpr first, AffineExpr second) {
    SmallVector<AffineExpr> expected(batch);
    expected.append({first, second});
    return maps[operand].getResults() == ArrayRef(expected);
  };
  bool transposed = is(1, n, k);
  if (!is(0, m, k) || !is(2, m, n) || (!transposed && !is(1, k, n)) ||
      !isMultiplyAdd(op.getRegion().front()))
    return std::nullopt;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_PosZeroFloat()))
    return std::nullopt;
  return FloatProduct{op, op.getInputs()[0], op.getInputs()[1],
                      fill.getOutputs()[0], transposed};
}

/// The panels of a matrix or of a batch of those.
static Value createPanels(OpBuilder &builder, Location loc, Value b,
                          bool transposed) {
  auto type = cast<RankedTensorType>(b.getType());
  int64_t rank = type.getRank();
  int64_t kDim = rank - (transposed ? 1 : 2);
  int64_t nDim = rank - (transposed ? 2 : 1);
  int64_t n = type.getDimSize(nDim);
  int64_t width = PanelLayout::maxWidth;
  SmallVector<OpFoldResult> sizes;
  if (rank == 3)
    sizes.push_back(tensor::getMixedSize(builder, loc, b, 0));
  if (ShapedType::isDynamic(n)) {
    Value columns = tensor::DimOp::create(builder, loc, b, nDim);
    Value widthValue = arith::ConstantIndexOp::create(builder, loc, width);
    sizes.push_back(
        arith::CeilDivUIOp::create(builder, loc, columns, widthValue)
            .getResult());
  } else {
    width = type.getElementType().isInteger(8) ? PanelLayout::getCodeWidth(n)
                                               : PanelLayout::getWidth(n);
    sizes.push_back(builder.getIndexAttr(PanelLayout::getNumPanels(n, width)));
  }
  sizes.push_back(tensor::getMixedSize(builder, loc, b, kDim));
  sizes.push_back(builder.getIndexAttr(width));
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return PackPanelsOp::create(builder, loc, b, init, transposed).getPanels();
}

/// All batch dims of a tensor as one.
static Value collapseBatch(OpBuilder &builder, Location loc, Value tensor,
                           int64_t batchRank) {
  if (batchRank <= 1)
    return tensor;
  SmallVector<ReassociationIndices> groups(3);
  for (int64_t i = 0; i < batchRank + 2; ++i)
    groups[std::max<int64_t>(0, i - batchRank + 1)].push_back(i);
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

static Value expandBatch(OpBuilder &builder, Location loc, Value tensor,
                         Value like, int64_t batchRank) {
  if (batchRank <= 1)
    return tensor;
  SmallVector<ReassociationIndices> groups(3);
  for (int64_t i = 0; i < batchRank + 2; ++i)
    groups[std::max<int64_t>(0, i - batchRank + 1)].push_back(i);
  return tensor::ExpandShapeOp::create(
      builder, loc, like.getType(), tensor, groups,
      tensor::getMixedSizes(builder, loc, like));
}

/// Whether a body yields the sum of arguments 0 and 1.
static bool isSum(Block &body) {
  auto yield = cast<linalg::YieldOp>(body.getTerminator());
  auto sum = yield.getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value a = body.getArgument(0), b = body.getArgument(1);
  return (sum.getLhs() == a && sum.getRhs() == b) ||
         (sum.getLhs() == b && sum.getRhs() == a);
}

/// The vector along the last dim that `op` adds to `y` and to nothing else;
/// null if it does something else.
static Value matchBias(linalg::GenericOp op, Value y) {
  if (!op || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      op.getResult(0).getType() != y.getType() ||
      !isSum(op.getRegion().front()))
    return nullptr;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned bias = op.getInputs()[0] == y ? 1 : 0;
  AffineExpr last = getAffineDimExpr(op.getNumLoops() - 1, op.getContext());
  bool fits = op.getInputs()[1 - bias] == y && maps[1 - bias].isIdentity() &&
              maps[2].isIdentity() &&
              maps[bias].getResults() == ArrayRef<AffineExpr>{last};
  return fits ? op.getInputs()[bias] : Value();
}

/// Gives the product the bias that is the only thing done to its result, if
/// need be after the result has got more dims.
static void fuseBias(PanelMatmulOp matmul) {
  Value y = matmul.getY();
  if (!y.hasOneUse())
    return;
  Operation *user = *y.user_begin();
  auto expand = dyn_cast<tensor::ExpandShapeOp>(user);
  if (expand) {
    if (!expand->hasOneUse() ||
        expand.getReassociationIndices().back().size() != 1)
      return;
    y = expand.getResult();
    user = *y.user_begin();
  }
  auto add = dyn_cast<linalg::GenericOp>(user);
  Value bias = matchBias(add, y);
  int64_t n = cast<RankedTensorType>(y.getType()).getShape().back();
  if (!bias || cast<RankedTensorType>(bias.getType()).getDimSize(0) != n ||
      ShapedType::isDynamic(n) || isWithoutBytes(bias))
    return;
  // The bias may be computed after the product.
  matmul->moveBefore(add);
  matmul.getBiasMutable().assign(bias);
  if (expand)
    expand->moveBefore(add);
  add.getResult(0).replaceAllUsesWith(y);
  add.erase();
}

/// Reads the constant that b is computed of, if the kernel can compute b.
static void readStored(FloatProduct &product) {
  if (product.getBatchRank() != 0 || matchPattern(product.b, m_Constant()))
    return;
  std::optional<StoredMatrix> stored = matchStoredMatrix(product.b);
  if (!stored)
    return;
  OpBuilder builder(product.op);
  int64_t n = product.transposed ? 0 : 1;
  if (stored->scales && failed(stored->arrangeScales(builder, n)))
    return;
  product.b = stored->matrix;
  product.scales = stored->scales;
  product.transposed ^= stored->transposed;
}

/// How a product reads its right operand.
enum class Form { Panels, Unpacked, Declined };

static Form getForm(FloatProduct product) {
  if (isWithoutBytes(product.a) || isWithoutBytes(product.b))
    return Form::Declined;
  if (product.getBatchRank() == 0 && matchPattern(product.b, m_Constant()))
    return Form::Panels;
  // Panels of what is computed are made in every run. They pay off where many
  // rows read them and the columns of a tile do not fit the nearest cache.
  constexpr int64_t longK = 256, manyRows = 32, someRows = 4;
  auto x = cast<RankedTensorType>(product.a.getType());
  int64_t k = x.getShape().back(), m = x.getDimSize(x.getRank() - 2);
  auto has = [&](int64_t rows) {
    return ShapedType::isDynamic(m) || m >= rows;
  };
  if (product.transposed)
    return has(someRows) ? Form::Panels : Form::Declined;
  bool isLong = !ShapedType::isDynamic(k) && k > longK;
  return isLong && has(manyRows) ? Form::Panels : Form::Unpacked;
}

static void replaceProduct(FloatProduct product, Form form) {
  OpBuilder builder(product.op);
  Location loc = product.op.getLoc();
  int64_t batch = product.getBatchRank();
  Value x = collapseBatch(builder, loc, widen(builder, loc, product.a), batch);
  Value b = collapseBatch(builder, loc, product.b, batch);
  if (form == Form::Panels)
    b = createPanels(builder, loc, b, product.transposed);
  else
    b = widen(builder, loc, b);
  auto matmul = PanelMatmulOp::create(
      builder, loc, x, b, product.scales, /*bias=*/nullptr,
      collapseBatch(builder, loc, product.init, batch),
      KernelAttr::get(builder.getContext(), "generic.panel", {}));
  matmul->setDiscardableAttrs(product.op->getDiscardableAttrDictionary());
  product.op.getResult(0).replaceAllUsesWith(
      expandBatch(builder, loc, matmul.getY(), product.init, batch));
  product.op.erase();
  fuseBias(matmul);
}

namespace {

struct PackProducts : impl::PackProductsBase<PackProducts> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> products;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (matchProduct(op))
        products.push_back(op);
    });
    numConvolutions += packConvolutions();
    numCodeProducts += packCodeProducts();
    for (linalg::GenericOp op : products) {
      // Anew, because it may read a product that was replaced.
      FloatProduct product = *matchProduct(op);
      readStored(product);
      Form form = getForm(product);
      ++(form == Form::Declined ? numDeclined : numPacked);
      if (form != Form::Declined)
        replaceProduct(product, form);
    }
  }

  int64_t packCodeProducts() {
    SmallVector<linalg::GenericOp> candidates;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() == 1 && !matchProduct(op))
        candidates.push_back(op);
    });
    return llvm::count_if(candidates, packCodeProduct);
  }

  int64_t packConvolutions() {
    SmallVector<linalg::GenericOp> candidates;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() > 1)
        candidates.push_back(op);
    });
    return llvm::count_if(candidates, packConvolution);
  }
};

} // namespace

} // namespace bit
