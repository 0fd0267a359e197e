// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of float matrices that are computed from panels.

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

/// y = a * b, each result one chain of fma from 0 in ascending k.
struct FloatProduct {
  linalg::GenericOp op;
  Value a, b, init;
  bool transposed; ///< b is N x K
};

} // namespace

/// The block argument that a factor of a body is, as it is or widened to f32.
static BlockArgument getFactor(Value value) {
  if (auto extended = value.getDefiningOp<arith::ExtFOp>())
    value = extended.getIn();
  return dyn_cast<BlockArgument>(value);
}

/// Whether a body yields fma(argument 0, argument 1, argument 2) in f32.
static bool isMultiplyAdd(Block &body) {
  auto yield = cast<linalg::YieldOp>(body.getTerminator());
  auto fma = yield.getOperand(0).getDefiningOp<math::FmaOp>();
  if (!fma || !fma.getType().isF32() || fma.getC() != body.getArgument(2))
    return false;
  BlockArgument a = getFactor(fma.getA()), b = getFactor(fma.getB());
  if (!a || !b)
    return false;
  if (a.getArgNumber() > b.getArgNumber())
    std::swap(a, b);
  return a == body.getArgument(0) && b == body.getArgument(1);
}

static std::optional<FloatProduct> matchProduct(linalg::GenericOp op) {
  using utils::IteratorType;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getIteratorTypesArray() !=
          SmallVector<IteratorType>{IteratorType::parallel,
                                    IteratorType::reduction,
                                    IteratorType::parallel})
    return std::nullopt;
  AffineExpr m, k, n;
  bindDims(op.getContext(), m, k, n);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto is = [&](unsigned operand, AffineExpr first, AffineExpr second) {
    return maps[operand].getResults() == ArrayRef<AffineExpr>{first, second};
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

/// A constant with a value for each element, none of whose dims is 0.
static bool isWeight(Value value) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || attr.getNumElements() == 0)
    return false;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  return !dense || !dense.isSplat();
}

/// `x` with elements of f32.
static Value widen(OpBuilder &builder, Location loc, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  Type f32 = builder.getF32Type();
  if (type.getElementType() == f32)
    return x;
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, x), f32);
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), x, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(
                   b, loc,
                   arith::ExtFOp::create(b, loc, f32, arguments[0])
                       .getResult());
             })
      .getResult(0);
}

static void pack(FloatProduct product) {
  OpBuilder builder(product.op);
  Location loc = product.op.getLoc();
  auto type = cast<RankedTensorType>(product.b.getType());
  int64_t k = type.getDimSize(product.transposed ? 1 : 0);
  int64_t n = type.getDimSize(product.transposed ? 0 : 1);
  int64_t width = PanelLayout::getWidth(n);
  Value init = tensor::EmptyOp::create(
      builder, loc, {PanelLayout::getNumPanels(n, width), k, width},
      type.getElementType());
  Value panels =
      PackPanelsOp::create(builder, loc, product.b, init, product.transposed)
          .getPanels();
  auto matmul = PanelMatmulOp::create(
      builder, loc, widen(builder, loc, product.a), panels, /*bias=*/nullptr,
      product.init, KernelAttr::get(builder.getContext(), "generic.panel", {}));
  matmul->setDiscardableAttrs(product.op->getDiscardableAttrDictionary());
  product.op.getResult(0).replaceAllUsesWith(matmul.getY());
  product.op.erase();
}

namespace {

struct PackProducts : impl::PackProductsBase<PackProducts> {
  void runOnOperation() override {
    SmallVector<FloatProduct> products;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (std::optional<FloatProduct> product = matchProduct(op))
        products.push_back(*product);
    });
    for (FloatProduct product : products) {
      if (!isWeight(product.b)) {
        ++numDeclined;
        continue;
      }
      pack(product);
      ++numPacked;
    }
  }
};

} // namespace

} // namespace bit
