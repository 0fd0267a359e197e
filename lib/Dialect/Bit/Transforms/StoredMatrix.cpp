// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StoredMatrix.h"
#include "PanelProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace {

/// An element of a tensor: the tensor, and where in it the matrix' element is.
struct Place {
  Value tensor;
  AffineMap map;
};

/// Follows elements through elementwise operations to constants.
class Tracer {
public:
  bool trace(Place place);

  bit::StoredMatrix result;

private:
  bool traceScalar(Value value, linalg::GenericOp op, AffineMap map);
  bool traceFactors(Value code, Value scale, linalg::GenericOp op,
                    AffineMap map);
  bool takeMatrix(Place place);
  /// `value` without widenings of integers, which change no code.
  static Value skipExtensions(Value value) {
    while (auto extension = value.getDefiningOp<arith::ExtSIOp>())
      value = extension.getIn();
    return value;
  }
};

} // namespace

/// Where an argument of the body of `op` is read from.
static std::optional<Place> getPlace(Value value, linalg::GenericOp op,
                                     AffineMap map) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != op.getBlock())
    return std::nullopt;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  if (!op.isDpsInput(operand))
    return std::nullopt;
  return Place{operand->get(), op.getMatchingIndexingMap(operand).compose(map)};
}

bool Tracer::takeMatrix(Place place) {
  auto type = cast<RankedTensorType>(place.tensor.getType());
  Type element = type.getElementType();
  bool isStored = element.isF32() || element.isF16() || element.isBF16() ||
                  element.isInteger(8);
  MLIRContext *context = type.getContext();
  AffineExpr row = getAffineDimExpr(0, context);
  AffineExpr column = getAffineDimExpr(1, context);
  ArrayRef<AffineExpr> dims = place.map.getResults();
  result.matrix = place.tensor;
  result.transposed = dims == ArrayRef{column, row};
  return isStored && (result.transposed || dims == ArrayRef{row, column}) &&
         !bit::isWithoutBytes(place.tensor);
}

bool Tracer::trace(Place place) {
  if (matchPattern(place.tensor, m_Constant()))
    return takeMatrix(place);
  auto op = place.tensor.getDefiningOp<linalg::GenericOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return false;
  auto yield = cast<linalg::YieldOp>(op.getBlock()->getTerminator());
  return traceScalar(yield.getOperand(0), op, place.map);
}

/// Codes, floats, or floats as which they are read.
bool Tracer::traceScalar(Value value, linalg::GenericOp op, AffineMap map) {
  if (std::optional<Place> place = getPlace(value, op, map))
    return trace(*place);
  if (auto extension = value.getDefiningOp<arith::ExtFOp>();
      extension && extension.getType().isF32())
    return traceScalar(extension.getIn(), op, map);
  if (auto conversion = value.getDefiningOp<arith::SIToFPOp>();
      conversion && conversion.getType().isF32())
    return traceScalar(skipExtensions(conversion.getIn()), op, map);
  if (auto product = value.getDefiningOp<arith::MulFOp>();
      product && product.getType().isF32())
    return traceFactors(product.getLhs(), product.getRhs(), op, map) ||
           traceFactors(product.getRhs(), product.getLhs(), op, map);
  return false;
}

bool Tracer::traceFactors(Value code, Value scale, linalg::GenericOp op,
                          AffineMap map) {
  // A second factor would be rounded on its own.
  if (result.scales)
    return false;
  Place place{scale, AffineMap()};
  if (std::optional<Place> found = getPlace(scale, op, map))
    place = *found;
  if (!matchPattern(place.tensor, m_Constant()))
    return false;
  result.scales = place.tensor;
  result.scaleMap = place.map;
  if (traceScalar(code, op, map) &&
      getElementTypeOrSelf(result.matrix.getType()).isInteger(8))
    return true;
  result = {};
  return false;
}

std::optional<bit::StoredMatrix> bit::matchStoredMatrix(Value matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  if (type.getRank() != 2)
    return std::nullopt;
  Tracer tracer;
  if (!tracer.trace(
          {matrix, AffineMap::getMultiDimIdentityMap(2, matrix.getContext())}))
    return std::nullopt;
  return tracer.result;
}

LogicalResult bit::StoredMatrix::arrangeScales(OpBuilder &builder,
                                               int64_t dim) {
  Location loc = scales.getLoc();
  Attribute value;
  matchPattern(scales, m_Constant(&value));
  auto getType = [&](int64_t size) {
    return RankedTensorType::get({size}, builder.getF32Type());
  };
  TypedAttr arranged;
  if (auto number = dyn_cast<FloatAttr>(value)) {
    arranged = DenseElementsAttr::get(getType(1), number.getValue());
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value);
             dense && dense.isSplat()) {
    arranged =
        DenseElementsAttr::get(getType(1), dense.getSplatValue<APFloat>());
  } else {
    // All elements, in the order of `dim`.
    auto type = cast<RankedTensorType>(scales.getType());
    int64_t size = type.getNumElements();
    auto expected = getAffineDimExpr(dim, builder.getContext());
    for (auto [length, expr] :
         llvm::zip(type.getShape(), scaleMap.getResults()))
      if (length != 1 && (length != size || expr != expected))
        return failure();
    if (dense)
      arranged = dense.reshape(getType(size));
    else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
      arranged = DenseResourceElementsAttr::get(getType(size),
                                                resource.getRawHandle());
  }
  if (!arranged)
    return failure();
  scales = arith::ConstantOp::create(builder, loc, arranged);
  return success();
}
