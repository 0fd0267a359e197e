// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops around a P2 tile and its epilogue.

#include "ParallelRange.h"
#include "Patterns.h"
#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Layout/P2.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit {

namespace {

constexpr int64_t lanes = P2Layout::rowsPerGroup;

/// Emits one packed_matmul: rows blocks in parallel, then tokens, then what of
/// the block one tile does not hold.
class Emitter {
public:
  Emitter(OpBuilder &builder, const P2Kernel &kernel, PackedMatmulOp op)
      : builder(builder), kernel(kernel), op(op), loc(op.getLoc()),
        isFloat(op.hasFloatActivations()), maxTokens(kernel.getTokens(op)) {}

  void emit();

private:
  void emitBlock(Value block, int64_t rows);
  void emitTokens(Value token, int64_t tokens);
  void emitEpilogue(Value token, int64_t firstGroup, int64_t tokens,
                    int64_t groups, ArrayRef<Value> sums);

  /// The rows of the block that group `group` has, 16 but in the last group.
  int64_t getRowsOfGroup(int64_t group) const {
    return std::min(lanes, blockRows - group * lanes);
  }
  int64_t getBlockGroups() const { return llvm::divideCeil(blockRows, lanes); }

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value add(Value value, int64_t offset) {
    return offset == 0
               ? value
               : arith::AddIOp::create(builder, loc, value, index(offset));
  }
  Value broadcast(Value scalar) {
    return vector::BroadcastOp::create(
        builder, loc, VectorType::get(lanes, scalar.getType()), scalar);
  }
  Value loadRows(Value source, int64_t group);
  Value scaleOf(Value token, int64_t group);

  OpBuilder &builder;
  const P2Kernel &kernel;
  PackedMatmulOp op;
  Location loc;
  bool isFloat;
  int64_t maxTokens;

  // Of the row block that is being emitted.
  Value firstRow, firstByte;
  int64_t blockRows = 0;
  SmallVector<Value> weightScales, biases;
};

} // namespace

/// The elements of `source`, one a row, of a group. What is past the last row
/// is zero and its sums are dropped.
Value Emitter::loadRows(Value source, int64_t group) {
  int64_t rows = getRowsOfGroup(group);
  auto type = VectorType::get(lanes, builder.getF32Type());
  Value loaded = vector::LoadOp::create(
      builder, loc, VectorType::get(rows, builder.getF32Type()), source,
      add(firstRow, group * lanes));
  if (rows == lanes)
    return loaded;
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return vector::InsertStridedSliceOp::create(
      builder, loc, loaded, zero, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
}

/// x_scale * w_scale, or w_scale where the activations have none.
Value Emitter::scaleOf(Value token, int64_t group) {
  Value weight = weightScales[group];
  if (isFloat)
    return weight;
  ValueRange where;
  if (op.getXScale().getType().getRank() != 0)
    where = token;
  Value x = memref::LoadOp::create(builder, loc, op.getXScale(), where);
  return arith::MulFOp::create(builder, loc, broadcast(x), weight);
}

void Emitter::emitEpilogue(Value token, int64_t firstGroup, int64_t tokens,
                           int64_t groups, ArrayRef<Value> sums) {
  auto floatType = VectorType::get(lanes, builder.getF32Type());
  for (int64_t t = 0; t < tokens; ++t) {
    Value m = add(token, t);
    Value codeSum;
    if (!isFloat)
      codeSum = broadcast(memref::LoadOp::create(builder, loc, op.getSum(), m));
    for (int64_t g = 0; g < groups; ++g) {
      int64_t group = firstGroup + g;
      Value acc = sums[t * groups + g];
      if (!isFloat) {
        // The tile summed (w + 1) * x.
        acc = arith::SubIOp::create(builder, loc, acc, codeSum);
        acc = arith::SIToFPOp::create(builder, loc, floatType, acc);
      }
      Value scale = scaleOf(m, group);
      Value y =
          op.getBias()
              ? math::FmaOp::create(builder, loc, acc, scale, biases[group])
                    .getResult()
              : arith::MulFOp::create(builder, loc, acc, scale).getResult();
      int64_t rows = getRowsOfGroup(group);
      if (rows != lanes)
        y = vector::ExtractStridedSliceOp::create(
            builder, loc, y, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{rows},
            ArrayRef<int64_t>{1});
      vector::StoreOp::create(builder, loc, y, op.getInit(),
                              ValueRange{m, add(firstRow, group * lanes)});
    }
  }
}

/// All groups of the block for `tokens` tokens.
void Emitter::emitTokens(Value token, int64_t tokens) {
  int64_t tileGroups = kernel.getGroups(op, tokens);
  for (int64_t g = 0; g < getBlockGroups(); g += tileGroups) {
    P2Tile tile;
    tile.x = op.getX();
    tile.packed = op.getPacked();
    tile.token = token;
    tile.offset = add(firstByte, g * P2Layout::bytesPerGroup);
    tile.tokens = tokens;
    tile.groups = std::min(tileGroups, getBlockGroups() - g);
    tile.blockGroups = getBlockGroups();
    tile.k = op.getK();
    SmallVector<Value> sums = kernel.buildTile(builder, loc, tile);
    emitEpilogue(token, g, tokens, tile.groups, sums);
  }
}

void Emitter::emitBlock(Value block, int64_t rows) {
  blockRows = rows;
  firstRow =
      arith::MulIOp::create(builder, loc, block, index(P2Layout::rowsPerBlock));
  auto layout = P2Layout::get(op.getN(), op.getK());
  firstByte = arith::MulIOp::create(
      builder, loc, block,
      index(layout->getNumSteps() * P2Layout::groupsPerBlock *
            P2Layout::bytesPerGroup));
  weightScales.clear();
  biases.clear();
  bool oneScale = op.getWScale().getType().getNumElements() == 1;
  for (int64_t g = 0; g < getBlockGroups(); ++g) {
    if (!oneScale)
      weightScales.push_back(loadRows(op.getWScale(), g));
    else if (g == 0)
      weightScales.push_back(broadcast(memref::LoadOp::create(
          builder, loc, op.getWScale(), ValueRange(index(0)))));
    else
      weightScales.push_back(weightScales[0]);
    if (op.getBias())
      biases.push_back(loadRows(op.getBias(), g));
  }

  // Whole token tiles in a loop, the rest by a tile of its own for each count.
  int64_t m = cast<MemRefType>(op.getX().getType()).getDimSize(0);
  if (!ShapedType::isDynamic(m)) {
    int64_t whole = m - m % maxTokens;
    if (whole == maxTokens) {
      emitTokens(index(0), maxTokens);
    } else if (whole != 0) {
      auto loop = scf::ForOp::create(builder, loc, index(0), index(whole),
                                     index(maxTokens));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      emitTokens(loop.getInductionVar(), maxTokens);
    }
    if (m != whole)
      emitTokens(index(whole), m - whole);
    return;
  }
  Value count = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value rest = arith::RemUIOp::create(builder, loc, count, index(maxTokens));
  Value whole = arith::SubIOp::create(builder, loc, count, rest);
  OpBuilder::InsertionGuard guard(builder);
  auto loop =
      scf::ForOp::create(builder, loc, index(0), whole, index(maxTokens));
  builder.setInsertionPointToStart(loop.getBody());
  emitTokens(loop.getInductionVar(), maxTokens);
  builder.setInsertionPointAfter(loop);
  for (int64_t tokens = 1; tokens < maxTokens; ++tokens) {
    Value is = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                     rest, index(tokens));
    auto branch = scf::IfOp::create(builder, loc, is, /*withElse=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
    emitTokens(whole, tokens);
    builder.setInsertionPointAfter(branch);
  }
}

void Emitter::emit() {
  int64_t n = op.getN();
  int64_t whole = n / P2Layout::rowsPerBlock;
  int64_t rest = n % P2Layout::rowsPerBlock;
  int64_t blocks = whole + (rest != 0);
  if (blocks == 1)
    return emitBlock(index(0), n);
  // About 10 us of multiplications are worth another thread.
  constexpr int64_t pieceWork = 1 << 20;
  OpBuilder::InsertionGuard guard(builder);
  Value tokens = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value work = arith::MulIOp::create(builder, loc, tokens,
                                     index(P2Layout::rowsPerBlock * op.getK()));
  Value block = emitParallelRange(builder, loc, index(blocks), work, pieceWork);
  if (rest == 0)
    return emitBlock(block, P2Layout::rowsPerBlock);
  Value isWhole = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                        block, index(whole));
  auto branch = scf::IfOp::create(builder, loc, isWhole, /*withElse=*/true);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitBlock(block, P2Layout::rowsPerBlock);
  builder.setInsertionPointToStart(branch.elseBlock());
  emitBlock(block, rest);
}

void P2Kernel::lower(OpBuilder &builder, PackedMatmulOp op) const {
  Emitter(builder, *this, op).emit();
}

} // namespace bit

namespace {

struct LowerPackedMatmul final : OpRewritePattern<bit::PackedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::PackedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    auto *dialect = getContext()->getLoadedDialect<bit::BitDialect>();
    const bit::Kernel *kernel =
        dialect->getKernels().lookup(op.getKernel().getName());
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "has no registered kernel");
    kernel->lower(rewriter, op);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populatePackedMatmulToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPackedMatmul>(patterns.getContext());
}
