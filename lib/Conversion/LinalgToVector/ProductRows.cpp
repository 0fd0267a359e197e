// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions before one innermost parallel loop: a matrix product with the
// iterators m, k, n. Lanes run over outputs, so that each output is one chain
// in the order of the plain loops, whatever the tile.

#include "Patterns.h"
#include "Rows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace bit::rows;

/// Steps of k between two visits of an output in memory. Values pass through
/// memory unchanged, so the bits do not depend on them.
constexpr int64_t deep = 128, shallow = 8;

/// parallel..., reduction..., parallel.
static bool hasProductLoops(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  auto isParallel = [](utils::IteratorType type) {
    return type == utils::IteratorType::parallel;
  };
  if (!isParallel(iterators.back()))
    return false;
  ArrayRef<utils::IteratorType> rest = ArrayRef(iterators).drop_back();
  rest = rest.drop_while(isParallel);
  return !rest.empty() && llvm::none_of(rest, isParallel);
}

namespace {
/// One block of outputs: rows from ivs[rowLoop] on, columns from ivs.back() on.
struct Tile {
  int64_t rows, vectors;
  Value mask;
};

struct ProductWriter {
  RowWriter &rows;
  /// The first reduction; the loop before it, if any, is that of the rows.
  unsigned firstReduction;
  /// One variable a loop; those of reductions are set inside a tile.
  SmallVector<Value> ivs = {};
  /// The part of the first reduction that tiles go through.
  Value kFrom = {}, kTo = {};

  bool hasRowLoop() const { return firstReduction > 0; }
  unsigned rowLoop() const { return firstReduction - 1; }

  void writeColumns(Value from, Value to, int64_t tileRows, int64_t vectors);
  void writeRows(int64_t tileRows, int64_t vectors, Value mask);
  void writeTile(const Tile &tile);
  SmallVector<Value> accumulate(const Tile &tile, unsigned loop,
                                ValueRange sums);
  SmallVector<Value> step(const Tile &tile, ValueRange sums);
  SmallVector<Value> at(int64_t row, int64_t vector);
};
} // namespace

SmallVector<Value> ProductWriter::at(int64_t row, int64_t vector) {
  SmallVector<Value> moved = ivs;
  auto add = [&](Value &iv, int64_t offset) {
    if (offset != 0)
      iv = arith::AddIOp::create(rows.b, iv, rows.index(offset));
  };
  if (hasRowLoop())
    add(moved[rowLoop()], row);
  add(moved.back(), vector * lanes);
  return moved;
}

SmallVector<Value> ProductWriter::step(const Tile &tile, ValueRange sums) {
  SmallVector<Value> next;
  auto outputs = rows.op.getRegionOutputArgs();
  SmallVector<IRMapping> ofRow(tile.rows), ofVector(tile.vectors);
  IRMapping ofTile;
  for (int64_t row = 0; row < tile.rows; ++row)
    for (int64_t vector = 0; vector < tile.vectors; ++vector) {
      IRMapping values;
      values.map(ValueRange(outputs), sums.take_front(outputs.size()));
      sums = sums.drop_front(outputs.size());
      SmallVector<Value> position = at(row, vector);
      for (OpOperand *input : rows.op.getDpsInputOperands()) {
        BlockArgument argument = rows.op.getMatchingBlockArgument(input);
        if (argument.use_empty())
          continue;
        // An element of a row serves all vectors, a vector all rows.
        bool byRow = hasRowLoop() && rows.uses(*input, rowLoop());
        bool byVector = rows.uses(*input, rows.innermost());
        IRMapping &shared = byRow      ? (byVector ? values : ofRow[row])
                            : byVector ? ofVector[vector]
                                       : ofTile;
        rows.mapArgument(*input, shared, position, tile.mask);
        values.map(argument, shared.lookup(argument));
      }
      llvm::append_range(next, rows.evaluate(values));
    }
  return next;
}

SmallVector<Value> ProductWriter::accumulate(const Tile &tile, unsigned loop,
                                             ValueRange sums) {
  if (loop == rows.innermost())
    return step(tile, sums);
  bool first = loop == firstReduction;
  return rows.loop(first ? kFrom : rows.index(0),
                   first ? kTo : rows.sizes[loop], rows.index(1), sums,
                   [&](Value iv, ValueRange carried) {
                     ivs[loop] = iv;
                     return accumulate(tile, loop + 1, carried);
                   });
}

void ProductWriter::writeTile(const Tile &tile) {
  SmallVector<Value> sums;
  auto forEachOutput = [&](function_ref<void(OpOperand &, ValueRange)> visit) {
    for (int64_t row = 0; row < tile.rows; ++row)
      for (int64_t vector = 0; vector < tile.vectors; ++vector)
        for (OpOperand &output : rows.op.getDpsInitsMutable())
          visit(output, at(row, vector));
  };
  forEachOutput([&](OpOperand &output, ValueRange position) {
    sums.push_back(rows.load(output, position, tile.mask));
  });
  sums = accumulate(tile, firstReduction, sums);
  ArrayRef<Value> remaining = sums;
  forEachOutput([&](OpOperand &output, ValueRange position) {
    rows.store(remaining.front(), output, position, tile.mask);
    remaining = remaining.drop_front();
  });
}

void ProductWriter::writeRows(int64_t tileRows, int64_t vectors, Value mask) {
  if (!hasRowLoop())
    return writeTile({1, vectors, mask});
  Value count = rows.sizes[rowLoop()];
  Value whole = rows.wholeBlocks(count, tileRows);
  auto writeFrom = [&](Value from, Value to, int64_t height) {
    rows.loop(from, to, rows.index(height), [&](Value row) {
      ivs[rowLoop()] = row;
      writeTile({height, vectors, mask});
    });
  };
  if (tileRows > 1)
    writeFrom(rows.index(0), whole, tileRows);
  writeFrom(tileRows > 1 ? whole : rows.index(0), count, 1);
}

void ProductWriter::writeColumns(Value from, Value to, int64_t tileRows,
                                 int64_t vectors) {
  rows.loop(from, to, rows.index(vectors * lanes), [&](Value column) {
    ivs.back() = column;
    writeRows(tileRows, vectors, /*mask=*/{});
  });
}

static void write(linalg::LinalgOp op, ImplicitLocOpBuilder &b,
                  int64_t tileRows, int64_t tileVectors) {
  RowWriter rows(op, b);
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  ProductWriter writer{rows, reductions.front()};

  Value size = rows.sizes.back();
  Value wide = rows.wholeBlocks(size, tileVectors * lanes);
  Value whole = rows.wholeBlocks(size, lanes);
  Value rest = arith::SubIOp::create(b, size, whole);
  Value mask = rows.maskOf(rest);
  // Blocks of k outside columns outside rows: a panel of the right operand
  // stays in the cache for all rows. With few rows it is read once, so the
  // panel is flat, to follow the rows of the operand as they lie in memory.
  Value depth = rows.sizes[writer.firstReduction];
  Value block = rows.index(shallow);
  if (writer.hasRowLoop()) {
    Value many = arith::CmpIOp::create(b, arith::CmpIPredicate::uge,
                                       rows.sizes[writer.rowLoop()],
                                       rows.index(2 * tileRows));
    block = arith::SelectOp::create(b, many, rows.index(deep), block);
  }
  unsigned outer = writer.hasRowLoop() ? writer.rowLoop() : 0;
  SmallVector<Value> ivs;
  rows.loopNest(0, outer, ivs, [&] {
    writer.ivs = ivs;
    writer.ivs.resize(op.getNumLoops());
    rows.loop(rows.index(0), depth, block, [&](Value from) {
      writer.kFrom = from;
      Value end = arith::AddIOp::create(b, from, block);
      writer.kTo = arith::MinUIOp::create(b, end, depth);
      writer.writeColumns(rows.index(0), wide, tileRows, tileVectors);
      if (tileVectors > 1)
        writer.writeColumns(wide, whole, tileRows, 1);
      rows.ifAny(rest, {}, [&] {
        writer.ivs.back() = whole;
        writer.writeRows(tileRows, 1, mask);
        return SmallVector<Value>();
      });
    });
  });
}

namespace {
struct ProductRows : OpInterfaceRewritePattern<linalg::LinalgOp> {
  ProductRows(MLIRContext *context, int64_t tileRows, int64_t tileVectors)
      : OpInterfaceRewritePattern(context), tileRows(tileRows),
        tileVectors(tileVectors) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumLoops() == 0 || !hasProductLoops(op) || !hasRows(op))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    write(op, b, tileRows, tileVectors);
    rewriter.eraseOp(op);
    return success();
  }

  int64_t tileRows, tileVectors;
};
} // namespace

void bit::rows::populateProductRows(RewritePatternSet &patterns,
                                    int64_t tileRows, int64_t tileVectors) {
  patterns.add<ProductRows>(patterns.getContext(), tileRows, tileVectors);
}
