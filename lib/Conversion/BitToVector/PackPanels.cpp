// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels that are made while the model runs, of activations.

#include "ParallelRange.h"
#include "Patterns.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// About 10 us of copies are worth another thread.
constexpr int64_t pieceWork = 1 << 16;

class Emitter {
public:
  Emitter(ImplicitLocOpBuilder &b, bit::PackPanelsOp op) : b(b), op(op) {}

  void emit();

private:
  void copyRows(Value k);
  void gatherColumns(Value k);
  void gatherQuads(Value quad);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value dim(Value memref, int64_t fromEnd) {
    int64_t rank = cast<MemRefType>(memref.getType()).getRank();
    return b.createOrFold<memref::DimOp>(memref, rank - fromEnd);
  }
  SmallVector<Value> at(ValueRange indices) {
    SmallVector<Value> all(batch.begin(), batch.end());
    llvm::append_range(all, indices);
    return all;
  }
  Value maskOf(int64_t firstLane) {
    Value column = arith::AddIOp::create(b, firstColumn, index(firstLane));
    return vector::CreateMaskOp::create(
        b, VectorType::get(bit::PanelLayout::unit, b.getI1Type()),
        arith::SubIOp::create(b, n, column).getResult());
  }

  ImplicitLocOpBuilder &b;
  bit::PackPanelsOp op;
  SmallVector<Value, 1> batch;
  Value panel, firstColumn, n;
};

} // namespace

/// The columns of a panel lie side by side.
void Emitter::copyRows(Value k) {
  auto type = VectorType::get(bit::PanelLayout::unit,
                              op.getB().getType().getElementType());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  int64_t width = op.getInit().getType().getShape().back();
  for (int64_t lane = 0; lane < width; lane += bit::PanelLayout::unit) {
    Value column = arith::AddIOp::create(b, firstColumn, index(lane));
    Value row = vector::MaskedLoadOp::create(
        b, type, op.getB(), at({k, column}), maskOf(lane), zero);
    vector::StoreOp::create(b, row, op.getInit(), at({panel, k, index(lane)}));
  }
}

/// The columns of a panel are rows in memory.
void Emitter::gatherColumns(Value k) {
  Type element = op.getB().getType().getElementType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value last = arith::SubIOp::create(b, n, index(1));
  int64_t width = op.getInit().getType().getShape().back();
  for (int64_t lane = 0; lane < width; ++lane) {
    Value column = arith::AddIOp::create(b, firstColumn, index(lane));
    Value isThere =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column, n);
    Value value = memref::LoadOp::create(
        b, op.getB(), at({arith::MinUIOp::create(b, column, last), k}));
    value = arith::SelectOp::create(b, isThere, value, zero);
    memref::StoreOp::create(b, value, op.getInit(),
                            at({panel, k, index(lane)}));
  }
}

/// As scalars: only constants are arranged so, and not while a model runs.
void Emitter::gatherQuads(Value quad) {
  auto lane = scf::ForOp::create(b, index(0), index(op.getWidth()), index(1));
  b.setInsertionPointToStart(lane.getBody());
  Value column = arith::AddIOp::create(b, firstColumn, lane.getInductionVar());
  Value k = dim(op.getB(), op.getTransposed() ? 1 : 2);
  Value zero = arith::ConstantIntOp::create(b, b.getI8Type(), 0);
  Value nearest =
      arith::MinUIOp::create(b, column, arith::SubIOp::create(b, n, index(1)));
  for (int64_t i = 0; i < bit::PanelLayout::quad; ++i) {
    Value row = arith::AddIOp::create(
        b, arith::MulIOp::create(b, quad, index(bit::PanelLayout::quad)),
        index(i));
    Value isThere = arith::AndIOp::create(
        b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column, n),
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, k));
    SmallVector<Value> where = {
        arith::MinUIOp::create(b, row, arith::SubIOp::create(b, k, index(1))),
        nearest};
    if (op.getTransposed())
      std::swap(where[0], where[1]);
    Value value = memref::LoadOp::create(b, op.getB(), where);
    memref::StoreOp::create(
        b, arith::SelectOp::create(b, isThere, value, zero), op.getInit(),
        ValueRange{panel, quad, lane.getInductionVar(), index(i)});
  }
}

void Emitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  bool isBatch = op.getB().getType().getRank() == 3;
  int64_t width = op.getWidth();
  Value k = dim(op.getB(), op.getTransposed() ? 1 : 2);
  n = dim(op.getB(), op.getTransposed() ? 2 : 1);
  Value panels = dim(op.getInit(), op.hasQuads() ? 4 : 3);
  Value count = panels;
  if (isBatch)
    count = arith::MulIOp::create(b, count, dim(op.getB(), 3));
  Value work = arith::MulIOp::create(b, k, index(width));
  panel = bit::emitParallelRange(b, b.getLoc(), count, work, pieceWork);
  if (isBatch) {
    batch.push_back(arith::DivUIOp::create(b, panel, panels));
    panel = arith::RemUIOp::create(b, panel, panels);
  }
  firstColumn = arith::MulIOp::create(b, panel, index(width));
  Value steps = op.hasQuads() ? dim(op.getInit(), 3) : k;
  auto loop = scf::ForOp::create(b, index(0), steps, index(1));
  b.setInsertionPointToStart(loop.getBody());
  if (op.hasQuads())
    gatherQuads(loop.getInductionVar());
  else if (op.getTransposed())
    gatherColumns(loop.getInductionVar());
  else
    copyRows(loop.getInductionVar());
}

namespace {

struct LowerPackPanels final : OpRewritePattern<bit::PackPanelsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::PackPanelsOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getB().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Emitter(b, op).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populatePackPanelsToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPackPanels>(patterns.getContext());
}
