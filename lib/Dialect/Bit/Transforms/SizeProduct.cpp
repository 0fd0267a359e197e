// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SizeProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using bit::SizeProduct;

static LogicalResult addDim(Value source, int64_t dim, SizeProduct &product);

/// The dimension that `op` asks for, none where the buffer has none such or it
/// is not known how many it has.
static std::optional<int64_t> getDimIndex(memref::DimOp op) {
  auto type = dyn_cast<MemRefType>(op.getSource().getType());
  std::optional<int64_t> index = op.getConstantIndex();
  return type && index && *index >= 0 && *index < type.getRank() ? index
                                                                 : std::nullopt;
}

/// Multiplies `product` by `size`, by its factors where it has some.
static LogicalResult addSize(OpFoldResult size, SizeProduct &product) {
  if (std::optional<int64_t> constant = getConstantIntValue(size)) {
    product.number *= *constant;
    return success();
  }
  auto value = cast<Value>(size);
  if (auto mul = value.getDefiningOp<arith::MulIOp>())
    return success(succeeded(addSize(mul.getLhs(), product)) &&
                   succeeded(addSize(mul.getRhs(), product)));
  if (auto dim = value.getDefiningOp<memref::DimOp>())
    if (std::optional<int64_t> index = getDimIndex(dim)) {
      SizeProduct more = product; // A failure may leave a part of it.
      if (succeeded(addDim(dim.getSource(), *index, more))) {
        product = std::move(more);
        return success();
      }
    }
  product.values.push_back(value);
  return success();
}

/// The same by a size of `source`; fails where no value says it.
static LogicalResult addDim(Value source, int64_t dim, SizeProduct &product) {
  auto type = cast<MemRefType>(source.getType());
  if (!type.isDynamicDim(dim)) {
    product.number *= type.getDimSize(dim);
    return success();
  }
  if (auto alloc = source.getDefiningOp<memref::AllocOp>())
    return addSize(alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)],
                   product);
  if (auto cast = source.getDefiningOp<memref::CastOp>();
      cast && isa<MemRefType>(cast.getSource().getType()))
    return addDim(cast.getSource(), dim, product);
  if (auto expand = source.getDefiningOp<memref::ExpandShapeOp>())
    return addSize(expand.getMixedOutputShape()[dim], product);
  if (auto collapse = source.getDefiningOp<memref::CollapseShapeOp>()) {
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (int64_t inner : groups[dim])
      if (failed(addDim(collapse.getSrc(), inner, product)))
        return failure();
    return success();
  }
  // Of equal ones CSE has left the first.
  for (Operation *user : source.getUsers())
    if (auto size = dyn_cast<memref::DimOp>(user))
      if (size.getConstantIndex() == dim) {
        product.values.push_back(size);
        return success();
      }
  return failure();
}

FailureOr<SizeProduct> bit::getRowCount(Value source, int64_t rowDims) {
  SizeProduct rows;
  for (int64_t i = 0; i < rowDims; ++i)
    if (failed(addDim(source, i, rows)))
      return failure();
  llvm::sort(rows.values, [](Value a, Value b) {
    return a.getAsOpaquePointer() < b.getAsOpaquePointer();
  });
  return rows;
}
