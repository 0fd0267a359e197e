// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators that are a copy between two shapes of more dims than their operand
// and result have: Tile, DepthToSpace, SpaceToDepth.

#include "Indexing.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

static Value identity(OpBuilder &, Location, ValueRange x) { return x.front(); }

/// Each dim of the operand gets a dim in front of it that counts the copies.
static LogicalResult tile(TileOp op, TileOp::Adaptor operands,
                          Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  Dims dims = getDims(rewriter, loc, input);
  if (rankOf(operands.getRepeats()) != 1)
    return op.emitOpError("expects repeats of rank 1, got rank ")
           << rankOf(operands.getRepeats());
  FailureOr<Value> counts =
      withLength(rewriter, op, operands.getRepeats(), 0, dims.size(),
                 "expects one repeat for each dim");
  if (failed(counts))
    return failure();
  FailureOr<Dims> repeats = readSizes(rewriter, op, *counts);
  if (failed(repeats))
    return failure();
  Dims sizes;
  SmallVector<AffineExpr> source;
  SmallVector<ReassociationIndices> groups;
  for (auto [dim, repeat] : llvm::zip(dims, *repeats)) {
    groups.emplace_back();
    if (getConstant(repeat) != 1) {
      groups.back().push_back(sizes.size());
      sizes.push_back(repeat);
    }
    groups.back().push_back(sizes.size());
    source.push_back(rewriter.getAffineDimExpr(sizes.size()));
    sizes.push_back(dim);
  }
  if (sizes.size() == dims.size()) {
    results.push_back(input);
    return success();
  }
  // Of no elements, which the loops' dims would not be known to have.
  if (llvm::any_of(sizes,
                   [](OpFoldResult size) { return getConstant(size) == 0; })) {
    Dims whole;
    for (ArrayRef<int64_t> group : groups) {
      OpFoldResult size = rewriter.getIndexAttr(1);
      for (int64_t i : group)
        size = getConstant(size) == 0 || getConstant(sizes[i]) == 0
                   ? OpFoldResult(rewriter.getIndexAttr(0))
                   : mulDims(rewriter, loc, size, sizes[i]);
      whole.push_back(size);
    }
    results.push_back(
        tensor::EmptyOp::create(rewriter, loc, whole, elementType(input)));
    return success();
  }
  AffineMap map =
      AffineMap::get(sizes.size(), 0, source, rewriter.getContext());
  Value copies = createPointwise(rewriter, loc, LoopOperand{input, map, {}},
                                 sizes, elementType(input), identity);
  results.push_back(
      tensor::CollapseShapeOp::create(rewriter, loc, copies, groups));
  return success();
}

/// Splits dims, permutes them and joins neighbours. `split` has the sizes that
/// each dim of `input` becomes.
static Value rearrange(OpBuilder &builder, Location loc, Value input,
                       ArrayRef<Dims> split, ArrayRef<int64_t> permutation,
                       ArrayRef<ReassociationIndices> joined) {
  Dims sizes;
  SmallVector<ReassociationIndices> groups;
  for (const Dims &parts : split) {
    groups.emplace_back();
    for (OpFoldResult part : parts) {
      groups.back().push_back(sizes.size());
      sizes.push_back(part);
    }
  }
  Value expanded = tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(sizes, elementType(input)), input, groups,
      sizes);
  Dims permuted;
  SmallVector<AffineExpr> source(sizes.size());
  for (auto [to, from] : llvm::enumerate(permutation)) {
    permuted.push_back(sizes[from]);
    source[from] = builder.getAffineDimExpr(to);
  }
  AffineMap map = AffineMap::get(sizes.size(), 0, source, builder.getContext());
  Value copied = createPointwise(builder, loc, LoopOperand{expanded, map, {}},
                                 permuted, elementType(input), identity);
  return tensor::CollapseShapeOp::create(builder, loc, copied, joined);
}

/// dim / divisor, checked to have no remainder.
static FailureOr<OpFoldResult> divideExactly(OpBuilder &builder, Operation *op,
                                             OpFoldResult dim, int64_t divisor,
                                             StringRef what) {
  IndexBuilder index{builder, op->getLoc()};
  std::string message =
      ("expects " + what + " divisible by " + Twine(divisor)).str();
  if (std::optional<int64_t> known = getConstant(dim)) {
    if (*known % divisor != 0) {
      op->emitOpError() << message << ", got " << *known;
      return failure();
    }
    return OpFoldResult(builder.getIndexAttr(*known / divisor));
  }
  Value size = toValue(builder, op->getLoc(), dim);
  Value by = index.constant(divisor);
  emitCheck(builder, op->getLoc(),
            index.equal(index.rem(size, by), index.constant(0)), message);
  return OpFoldResult(index.div(size, by));
}

/// The block size, or none with an error.
template <typename OpTy> static std::optional<int64_t> getBlock(OpTy op) {
  int64_t block = op.getBlocksize();
  // Its square has to be an index.
  if (block >= 1 && block < (int64_t(1) << 31)) {
    if (rankOf(op.getInput()) == 4)
      return block;
    op.emitOpError("expects an input of rank 4, got rank ")
        << rankOf(op.getInput());
    return std::nullopt;
  }
  op.emitOpError("expects a blocksize of 1 or more, got ") << block;
  return std::nullopt;
}

static LogicalResult depthToSpace(DepthToSpaceOp op,
                                  DepthToSpaceOp::Adaptor operands,
                                  Rewriter &rewriter,
                                  SmallVectorImpl<Value> &results) {
  std::optional<int64_t> block = getBlock(op);
  if (!block)
    return failure();
  const bool isDcr = op.getMode() == "DCR";
  if (!isDcr && op.getMode() != "CRD")
    return op.emitOpError("expects mode DCR or CRD, got ") << op.getMode();
  Value input = stripStaticCasts(operands.getInput());
  Dims dims = getDims(rewriter, op.getLoc(), input);
  FailureOr<OpFoldResult> depth = divideExactly(
      rewriter, op, dims[1], *block * *block, "a number of channels");
  if (failed(depth))
    return failure();
  OpFoldResult b = rewriter.getIndexAttr(*block);
  Dims channels = isDcr ? Dims{b, b, *depth} : Dims{*depth, b, b};
  // From N, (two block dims and depth), H, W.
  SmallVector<int64_t> permutation = {0, 3, 4, 1, 5, 2};
  if (!isDcr)
    permutation = {0, 1, 4, 2, 5, 3};
  results.push_back(rearrange(rewriter, op.getLoc(), input,
                              {{dims[0]}, channels, {dims[2]}, {dims[3]}},
                              permutation, {{0}, {1}, {2, 3}, {4, 5}}));
  return success();
}

static LogicalResult spaceToDepth(SpaceToDepthOp op,
                                  SpaceToDepthOp::Adaptor operands,
                                  Rewriter &rewriter,
                                  SmallVectorImpl<Value> &results) {
  std::optional<int64_t> block = getBlock(op);
  if (!block)
    return failure();
  Value input = stripStaticCasts(operands.getInput());
  Dims dims = getDims(rewriter, op.getLoc(), input);
  auto height = divideExactly(rewriter, op, dims[2], *block, "a height");
  auto width = divideExactly(rewriter, op, dims[3], *block, "a width");
  if (failed(height) || failed(width))
    return failure();
  OpFoldResult b = rewriter.getIndexAttr(*block);
  results.push_back(rearrange(rewriter, op.getLoc(), input,
                              {{dims[0]}, {dims[1]}, {*height, b}, {*width, b}},
                              {0, 3, 5, 1, 2, 4}, {{0}, {1, 2, 3}, {4}, {5}}));
  return success();
}

void bit::onnx::addRearrangePatterns(PatternList &list) {
  list.add<TileOp>(tile);
  list.add<DepthToSpaceOp>(depthToSpace);
  list.add<SpaceToDepthOp>(spaceToDepth);
}
