// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All loops parallel.

#include "Patterns.h"
#include "Rows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace bit::rows;

/// Whether the operation runs over its operands as they lie in memory, so that
/// all its loops are one.
static bool isFlat(linalg::LinalgOp op) {
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    return !type || map.getNumResults() == 0 ||
           (map.isIdentity() && type.getLayout().isIdentity());
  });
}

/// The same operation with one loop: short inner dimensions fill vectors, too.
static linalg::GenericOp flatten(linalg::LinalgOp op, ImplicitLocOpBuilder &b) {
  ReassociationIndices all =
      llvm::to_vector(llvm::seq<int64_t>(0, op.getNumLoops()));
  SmallVector<AffineMap> maps;
  auto flat = [&](OpOperand &operand) -> Value {
    bool stays = op.getMatchingIndexingMap(&operand).getNumResults() == 0;
    maps.push_back(stays ? AffineMap::get(1, 0, b.getContext())
                         : b.getMultiDimIdentityMap(1));
    if (stays)
      return operand.get();
    return memref::CollapseShapeOp::create(b, operand.get(),
                                           ArrayRef<ReassociationIndices>(all));
  };
  SmallVector<Value> inputs, outputs;
  for (OpOperand *input : op.getDpsInputOperands())
    inputs.push_back(flat(*input));
  for (OpOperand &output : op.getDpsInitsMutable())
    outputs.push_back(flat(output));
  auto generic = linalg::GenericOp::create(b, inputs, outputs, maps,
                                           utils::IteratorType::parallel);
  b.cloneRegionBefore(op->getRegion(0), generic.getRegion(),
                      generic.getRegion().end());
  return generic;
}

static void write(linalg::LinalgOp op, ImplicitLocOpBuilder &b) {
  RowWriter rows(op, b);
  Value size = rows.sizes.back();
  Value whole = rows.wholeBlocks(size, lanes);
  Value rest = arith::SubIOp::create(b, size, whole);
  Value mask = rows.maskOf(rest);

  SmallVector<Value> ivs;
  rows.loopNest(0, rows.innermost(), ivs, [&] {
    // What stands still is read once a row.
    IRMapping still;
    for (OpOperand *input : op.getDpsInputOperands())
      if (!rows.uses(*input, rows.innermost()))
        rows.mapArgument(*input, still, ivs, /*mask=*/{});
    auto step = [&](Value at, Value stepMask) {
      IRMapping values = still;
      ivs.push_back(at);
      for (OpOperand &operand : op->getOpOperands())
        rows.mapArgument(operand, values, ivs, stepMask);
      SmallVector<Value> results = rows.evaluate(values);
      for (auto [result, output] :
           llvm::zip_equal(results, op.getDpsInitsMutable()))
        rows.store(result, output, ivs, stepMask);
      ivs.pop_back();
    };
    rows.loop(rows.index(0), whole, rows.index(lanes),
              [&](Value at) { step(at, /*stepMask=*/{}); });
    rows.ifAny(rest, {}, [&] {
      step(whole, mask);
      return SmallVector<Value>();
    });
  });
}

namespace {
struct ElementwiseRows : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumParallelLoops() != op.getNumLoops() || !hasRows(op))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (op.getNumLoops() > 1 && isFlat(op)) {
      linalg::GenericOp flat = flatten(op, b);
      b.setInsertionPoint(flat);
      write(flat, b);
      rewriter.eraseOp(flat);
    } else {
      write(op, b);
    }
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void bit::rows::populateElementwiseRows(RewritePatternSet &patterns) {
  patterns.add<ElementwiseRows>(patterns.getContext());
}
