// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numpy's broadcasting where sizes may be known only at run time: two dynamic
// dims are either the same value, or one of them may turn out to be 1.

#include "Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace bit::onnx;

/// The sizes that meet in one dim of the result, without those that are 1 and
/// without repetitions.
static SmallVector<OpFoldResult>
distinctSizes(ArrayRef<OpFoldResult> candidates) {
  SmallVector<OpFoldResult> distinct;
  for (OpFoldResult size : candidates)
    if (getConstant(size) != 1 &&
        llvm::none_of(distinct, [&](OpFoldResult other) {
          return isSameDim(size, other);
        }))
      distinct.push_back(size);
  return distinct;
}

/// The result's size of one dim; null with an error where it has none.
static OpFoldResult joinSizes(OpBuilder &builder, Operation *op,
                              ArrayRef<OpFoldResult> candidates) {
  Location loc = op->getLoc();
  SmallVector<OpFoldResult> distinct = distinctSizes(candidates);
  if (distinct.empty())
    return builder.getIndexAttr(1);
  OpFoldResult known;
  for (OpFoldResult size : distinct) {
    if (!getConstant(size))
      continue;
    if (known) {
      op->emitOpError("expects dims that broadcast, got ")
          << *getConstant(known) << " and " << *getConstant(size);
      return {};
    }
    known = size;
  }
  if (distinct.size() == 1)
    return distinct.front();
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto isOne = [&](Value size) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, size,
                                 one);
  };
  // The first that is not 1 decides.
  Value joined = toValue(builder, loc, known ? known : distinct.front());
  if (!known)
    for (OpFoldResult size : ArrayRef(distinct).drop_front())
      joined = arith::SelectOp::create(builder, loc, isOne(joined),
                                       toValue(builder, loc, size), joined);
  for (OpFoldResult size : distinct) {
    if (getConstant(size))
      continue;
    Value fits = arith::OrIOp::create(
        builder, loc, isOne(cast<Value>(size)),
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                              cast<Value>(size), joined));
    emitCheck(builder, loc, fits, "expects dims that broadcast");
  }
  return known ? known : OpFoldResult(joined);
}

LogicalResult bit::onnx::broadcastDims(OpBuilder &builder, Operation *op,
                                       ArrayRef<Dims> operands, Dims &sizes,
                                       SmallVectorImpl<DimsUse> &uses) {
  size_t rank = 0;
  for (const Dims &dims : operands)
    rank = std::max(rank, dims.size());
  for (size_t i = 0; i < rank; ++i) {
    SmallVector<OpFoldResult> candidates;
    // Dims are aligned at the last one.
    for (const Dims &dims : operands)
      if (i + dims.size() >= rank)
        candidates.push_back(dims[i + dims.size() - rank]);
    sizes.push_back(joinSizes(builder, op, candidates));
    if (!sizes.back())
      return failure();
  }
  for (const Dims &dims : operands) {
    DimsUse use;
    size_t offset = rank - dims.size();
    for (auto [dim, size] : llvm::enumerate(dims)) {
      OpFoldResult joined = sizes[offset + dim];
      const bool isOne = getConstant(size) == 1;
      const bool isStretched = isOne && getConstant(joined) != 1;
      use.exprs.push_back(isStretched ? builder.getAffineConstantExpr(0)
                                      : builder.getAffineDimExpr(offset + dim));
      use.maybeOne.push_back(!isOne && !isSameDim(size, joined));
    }
    uses.push_back(std::move(use));
  }
  return success();
}

FailureOr<Broadcast>
bit::onnx::broadcast(OpBuilder &builder, Operation *op, ValueRange tensors,
                     std::optional<ArrayRef<OpFoldResult>> shape) {
  SmallVector<Dims> dims;
  for (Value tensor : tensors)
    dims.push_back(getDims(builder, op->getLoc(), tensor));
  if (shape)
    dims.emplace_back(shape->begin(), shape->end());
  Broadcast result;
  SmallVector<DimsUse> uses;
  if (failed(broadcastDims(builder, op, dims, result.sizes, uses)))
    return failure();
  for (auto [tensor, use] : llvm::zip(tensors, uses))
    result.operands.push_back({tensor,
                               AffineMap::get(result.sizes.size(), 0, use.exprs,
                                              builder.getContext()),
                               use.maybeOne});
  return result;
}

FailureOr<Broadcast> bit::onnx::broadcastToFirst(OpBuilder &builder,
                                                 Operation *op,
                                                 ValueRange tensors) {
  constexpr const char *expectation =
      "expects operands that broadcast to the first's shape";
  FailureOr<Broadcast> result = broadcast(builder, op, tensors);
  if (failed(result))
    return failure();
  Dims first = getDims(builder, op->getLoc(), tensors.front());
  if (result->sizes.size() != first.size())
    return op->emitOpError(expectation) << ", got rank " << result->sizes.size()
                                        << " for rank " << first.size();
  for (auto [i, sizes] : llvm::enumerate(llvm::zip(result->sizes, first))) {
    auto [size, expected] = sizes;
    if (!checkSameDim(builder, op->getLoc(), size, expected, expectation))
      return op->emitOpError(expectation)
             << ", got " << *getConstant(size) << " for "
             << *getConstant(expected) << " in axis " << i;
  }
  return result;
}
