// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GroupScales.h"
#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit {

std::optional<ElementsAttr> blockGroupScales(ElementsAttr scales,
                                             int64_t rows) {
  int64_t n = scales.getShapedType().getDimSize(0);
  int64_t groups = scales.getShapedType().getDimSize(1);
  llvm::Expected<onnx::HostTensor> tensor = onnx::HostTensor::borrow(scales);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return std::nullopt;
  }
  int64_t blocks = llvm::divideCeil(n, rows);
  std::vector<float> blocked(blocks * groups * rows);
  std::vector<double> row(groups);
  for (int64_t i = 0; i < n; ++i) {
    tensor->load(i * groups, row);
    for (int64_t g = 0; g < groups; ++g)
      blocked[(i / rows * groups + g) * rows + i % rows] =
          static_cast<float>(row[g]);
  }
  auto type = RankedTensorType::get({blocks, groups, rows},
                                    Float32Type::get(scales.getContext()));
  return DenseElementsAttr::get(type, ArrayRef<float>(blocked));
}

Value buildGroupSums(OpBuilder &builder, Location loc, Value codes,
                     int64_t groups) {
  auto type = cast<RankedTensorType>(codes.getType());
  int64_t m = type.getDimSize(0), size = type.getDimSize(1) / groups;
  OpFoldResult tokens = tensor::getMixedSize(builder, loc, codes, 0);
  Value split = tensor::ExpandShapeOp::create(
      builder, loc, type.clone(ArrayRef<int64_t>{m, groups, size}), codes,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}},
      ArrayRef<OpFoldResult>{tokens, builder.getIndexAttr(groups),
                             builder.getIndexAttr(size)});
  Type i32 = builder.getI32Type();
  Value empty = tensor::EmptyOp::create(
      builder, loc,
      ArrayRef<OpFoldResult>{tokens, builder.getIndexAttr(groups)}, i32);
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  AffineMap all = builder.getMultiDimIdentityMap(3);
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::parallel,
                                                utils::IteratorType::reduction};
  return linalg::GenericOp::create(
             builder, loc, init.getType(), split, init,
             ArrayRef<AffineMap>{all, all.dropResult(2)}, iterators,
             [](OpBuilder &nested, Location loc, ValueRange v) {
               Value code = arith::ExtSIOp::create(nested, loc,
                                                   nested.getI32Type(), v[0]);
               Value sum = arith::AddIOp::create(nested, loc, v[1], code);
               linalg::YieldOp::create(nested, loc, sum);
             })
      .getResult(0);
}

} // namespace bit
