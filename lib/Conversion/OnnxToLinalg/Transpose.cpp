// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Transpose.h"
#include "OnnxPattern.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace bit::onnx;

/// Above this a constant becomes a resource.
static constexpr size_t maxAttributeBytes = 4096;

/// The bytes of a constant, row-major; empty where it has none or one value
/// stands for all.
static ArrayRef<char> getBytes(ElementsAttr elements) {
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    return dense.isSplat() ? ArrayRef<char>() : dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

static void permuteBytes(ArrayRef<char> source, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> strides, size_t size,
                         MutableArrayRef<char> target) {
  SmallVector<int64_t> index(shape.size(), 0);
  const char *from = source.data();
  for (char *to = target.begin(); to != target.end(); to += size) {
    std::memcpy(to, from, size);
    for (size_t dim = shape.size(); dim-- > 0;) {
      from += strides[dim] * size;
      if (++index[dim] < shape[dim])
        break;
      from -= strides[dim] * shape[dim] * size;
      index[dim] = 0;
    }
  }
}

Value bit::onnx::transposeConstant(OpBuilder &builder, Location loc,
                                   Value tensor,
                                   ArrayRef<int64_t> permutation) {
  auto constant = stripCasts(tensor).getDefiningOp<arith::ConstantOp>();
  auto elements =
      constant ? dyn_cast<ElementsAttr>(constant.getValue()) : ElementsAttr();
  if (!elements)
    return nullptr;
  auto type = cast<RankedTensorType>(elements.getType());
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  RankedTensorType result = type.clone(shape);
  if (auto splat = dyn_cast<SplatElementsAttr>(elements))
    return arith::ConstantOp::create(builder, loc, splat.resizeSplat(result));
  ArrayRef<char> bytes = getBytes(elements);
  unsigned width = type.getElementTypeBitWidth();
  if (width % 8 || bytes.empty() ||
      static_cast<int64_t>(bytes.size()) != type.getNumElements() * width / 8)
    return nullptr;
  SmallVector<int64_t> strides = applyPermutation(
      ArrayRef<int64_t>(computeStrides(type.getShape())), permutation);

  if (bytes.size() <= maxAttributeBytes) {
    SmallVector<char> buffer(bytes.size());
    permuteBytes(bytes, shape, strides, width / 8, buffer);
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::getFromRawBuffer(result, buffer));
  }
  // A resource is neither hashed nor compared.
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes.size(), 64,
                                                       /*dataIsMutable=*/true);
  permuteBytes(bytes, shape, strides, width / 8, blob.getMutableData());
  auto transposed =
      DenseResourceElementsAttr::get(result, "transposed", std::move(blob));
  return arith::ConstantOp::create(builder, loc, transposed);
}

static LogicalResult transpose(TransposeOp op, TransposeOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Value input = stripStaticCasts(operands.getData());
  int64_t rank = rankOf(input);
  SmallVector<int64_t> permutation;
  if (std::optional<ArrayRef<int64_t>> perm = op.getPerm()) {
    permutation.assign(perm->begin(), perm->end());
    if (!isPermutationVector(permutation) ||
        static_cast<int64_t>(permutation.size()) != rank)
      return op.emitOpError("expects perm to be a permutation of the dims");
  } else {
    for (int64_t i = rank - 1; i >= 0; --i)
      permutation.push_back(i);
  }
  if (isIdentityPermutation(permutation)) {
    results.push_back(input);
    return success();
  }
  if (Value constant =
          transposeConstant(rewriter, op.getLoc(), input, permutation)) {
    results.push_back(constant);
    return success();
  }
  Dims dims = getDims(rewriter, op.getLoc(), input);
  Dims sizes = applyPermutation(ArrayRef<OpFoldResult>(dims), permutation);
  AffineMap map = inversePermutation(
      AffineMap::getPermutationMap(permutation, op.getContext()));
  results.push_back(createPointwise(
      rewriter, op.getLoc(), LoopOperand{input, map, {}}, sizes,
      elementType(input),
      [](OpBuilder &, Location, ValueRange x) { return x.front(); }));
  return success();
}

void bit::onnx::addTransposePatterns(PatternList &list) {
  list.add<TransposeOp>(transpose);
}
