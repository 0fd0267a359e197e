// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PanelProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace bit {

/// The block argument that a factor of a body is, as it is or widened to f32.
static BlockArgument getFactor(Value value) {
  if (auto extended = value.getDefiningOp<arith::ExtFOp>())
    value = extended.getIn();
  return dyn_cast<BlockArgument>(value);
}

bool isMultiplyAdd(Block &body) {
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

bool isWithoutBytes(Value value) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return false;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  return attr.getNumElements() == 0 || (dense && dense.isSplat());
}

Value widen(OpBuilder &builder, Location loc, Value x) {
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

} // namespace bit
