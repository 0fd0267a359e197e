// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Pieces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit::onnx {

static bool isEmpty(const Dims &sizes) {
  return llvm::any_of(sizes,
                      [](OpFoldResult size) { return getConstant(size) == 0; });
}

Value takePiece(OpBuilder &builder, Location loc, Value tensor,
                const Dims &offsets, const Dims &sizes, const Dims &strides) {
  auto type = cast<RankedTensorType>(tensor.getType());
  // What has no elements has no place to begin at, whatever the sizes.
  if (isEmpty(sizes) || llvm::is_contained(type.getShape(), 0))
    return tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return tensor::ExtractSliceOp::create(builder, loc, tensor, offsets, sizes,
                                        strides);
}

Value putPiece(OpBuilder &builder, Location loc, Value piece, Value tensor,
               const Dims &offsets, const Dims &sizes) {
  if (isEmpty(sizes))
    return tensor;
  Dims strides(sizes.size(), builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, loc, piece, tensor, offsets,
                                       sizes, strides);
}

} // namespace bit::onnx
