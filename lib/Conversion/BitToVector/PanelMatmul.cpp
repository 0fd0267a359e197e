// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products by panels: tiles of rows and vectors whose sums stay in registers
// over all k.

#include "Epilogue.h"
#include "ParallelRange.h"
#include "Patterns.h"
#include "RowTiles.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// Rows that threads share out beside panels, or as many tiles as they have.
constexpr int64_t floatRows = 96;
/// The same where a block converts what it reads.
constexpr int64_t storedRows = 192;

/// Rows of a tile whose stores are branches, as where there are no masks.
constexpr int64_t branchedRows = 2;

/// About 10 us of multiplications are worth another thread.
constexpr int64_t pieceWork = 1 << 19;

/// Whether many rows of x gain from floats that are made before.
bool isConvertible(bit::PanelMatmulOp op) {
  int64_t k = op.getX().getType().getShape().back();
  return !op.isUnpacked() && !ShapedType::isDynamic(k) && k > 0 &&
         !op.getPanels().getType().getElementType().isF32();
}

class Emitter : bit::IndexMath {
public:
  Emitter(ImplicitLocOpBuilder &b, bit::PanelMatmulOp op,
          const bit::PanelKernel &kernel)
      : IndexMath(b, op.getLoc()), b(b), op(op), lanes(kernel.lanes),
        tileRows(kernel.rows), tileVectors(kernel.vectors),
        width(op.getWidth()), kernel(kernel) {
    if (ArrayRef<int64_t> tile = op.getKernel().getTile(); tile.size() == 2) {
      tileRows = tile[0];
      tileVectors = tile[1];
    }
    blockRows = isConvertible(op) ? storedRows : floatRows;
    blockRows -= blockRows % tileRows;
  }

  void emit();

private:
  void emitPanel(Value from, Value to, Value n);
  void emitRows(Value from, Value to);
  void emitTiles(Value row, int64_t rows);
  void emitTile(Value row, int64_t rows, int64_t firstVector, int64_t vectors);
  void emitConverted(Value from, Value to);
  void convertPanel();
  SmallVector<Value> loadSums(ArrayRef<Value> rows, ArrayRef<int64_t> columns);
  void finishSums(ArrayRef<Value> sums, ArrayRef<Value> rows,
                  ArrayRef<int64_t> columns);
  SmallVector<Value> emitSums(ArrayRef<Value> rows, ArrayRef<int64_t> columns);
  void addProducts(Value k, int64_t steps, ArrayRef<Value> rows,
                   ArrayRef<int64_t> columns, MutableArrayRef<Value> sums);
  Value loadWeight(Value k, int64_t vector);
  Value toFloat(Value weight, int64_t vector);
  void loadScales();
  Value load(Value source, ValueRange where, Value mask);
  void store(Value y, ValueRange where, Value mask);
  void prefetchInputs(ArrayRef<Value> rows, ArrayRef<int64_t> columns);
  SmallVector<Value> loadInputs(ValueRange where, Value mask,
                                ArrayRef<Value> known);

  Value dim(Value memref, int64_t fromEnd) {
    int64_t rank = cast<MemRefType>(memref.getType()).getRank();
    return b.createOrFold<memref::DimOp>(memref, rank - fromEnd);
  }
  SmallVector<Value> at(ValueRange indices) {
    SmallVector<Value> all(batch.begin(), batch.end());
    llvm::append_range(all, indices);
    return all;
  }
  /// The vectors that a tile of so many rows has.
  int64_t getVectors(int64_t rows) {
    int64_t all = width / lanes;
    int64_t vectors = std::min(all, tileRows * tileVectors / rows);
    while (all % vectors != 0)
      --vectors;
    return vectors;
  }

  ImplicitLocOpBuilder &b;
  bit::PanelMatmulOp op;
  int64_t lanes, tileRows, tileVectors, width, blockRows;
  const bit::PanelKernel &kernel;

  // Of the panel that is being emitted.
  SmallVector<Value, 1> batch;
  Value panel, firstColumn;
  SmallVector<Value> masks;  ///< of each vector; none if all columns are there
  SmallVector<Value> scales; ///< of each vector; none if the op has none

  // Of the part of the panel that many rows read as floats, if they do.
  Value floats, firstK, endK;
};

} // namespace

/// Rows of a panel that are floats at a time: 32 KiB.
constexpr int64_t convertedRows = 256;

/// A vector of the panel at `k`, as it is stored.
Value Emitter::loadWeight(Value k, int64_t vector) {
  auto type = VectorType::get(lanes, op.getPanels().getType().getElementType());
  if (!op.isUnpacked())
    return vector::LoadOp::create(b, type, op.getPanels(),
                                  at({panel, k, index(vector * lanes)}));
  SmallVector<Value> where = at({k, add(firstColumn, vector * lanes)});
  if (masks.empty())
    return vector::LoadOp::create(b, type, op.getPanels(), where);
  return vector::MaskedLoadOp::create(
      b, type, op.getPanels(), where, masks[vector],
      arith::ConstantOp::create(b, b.getZeroAttr(type)));
}

Value Emitter::toFloat(Value weight, int64_t vector) {
  auto type = VectorType::get(lanes, b.getF32Type());
  Type element = op.getPanels().getType().getElementType();
  if (element.isF32())
    return weight;
  if (isa<FloatType>(element))
    return arith::ExtFOp::create(b, type, weight);
  weight = arith::SIToFPOp::create(b, type, weight);
  if (scales.empty())
    return weight;
  return arith::MulFOp::create(b, weight, scales[vector]);
}

/// A lane is a column: its scale stays where it is over all k.
void Emitter::loadScales() {
  if (!op.getScales())
    return;
  auto type = VectorType::get(lanes, b.getF32Type());
  bool isOne = op.getScales().getType().getShape() == ArrayRef<int64_t>{1};
  for (int64_t v = 0; v < width / lanes; ++v)
    scales.push_back(
        isOne
            ? vector::BroadcastOp::create(
                  b, type, memref::LoadOp::create(b, op.getScales(), index(0)))
            : load(op.getScales(), add(firstColumn, v * lanes),
                   masks.empty() ? Value() : masks[v]));
}

/// Adds the products of `steps` k from `k` on to the sums of a tile. Elements
/// of x that are one load are lanes of it, which the target's products take as
/// they are.
void Emitter::addProducts(Value k, int64_t steps, ArrayRef<Value> rows,
                          ArrayRef<int64_t> columns,
                          MutableArrayRef<Value> sums) {
  Location loc = b.getLoc();
  auto sumType = VectorType::get(lanes, b.getF32Type());
  auto getWeight = [&](Value k, int64_t vector) -> Value {
    if (!floats)
      return toFloat(loadWeight(k, vector), vector);
    Value at = arith::SubIOp::create(b, k, firstK);
    return vector::LoadOp::create(b, sumType, floats,
                                  ValueRange{at, index(vector * lanes)});
  };
  SmallVector<Value> loaded; // of each row
  for (size_t i = 0; steps > 1 && i < rows.size(); ++i)
    loaded.push_back(
        vector::LoadOp::create(b, VectorType::get(steps, b.getF32Type()),
                               op.getX(), at({rows[i], k})));
  auto getX = [&](size_t row, Value k, int64_t step) -> Value {
    if (steps > 1)
      return vector::ShuffleOp::create(b, loaded[row], loaded[row],
                                       SmallVector<int64_t>(lanes, step));
    Value element = memref::LoadOp::create(b, op.getX(), at({rows[row], k}));
    if (kernel.hold)
      element = kernel.hold(b, loc, element);
    return vector::BroadcastOp::create(b, sumType, element);
  };
  auto accumulate = [&](size_t row, size_t column, Value x, Value weight) {
    Value &sum = sums[row * columns.size() + column];
    sum = math::FmaOp::create(b, x, weight, sum);
  };
  for (int64_t step = 0; step < steps; ++step) {
    Value at = add(k, step);
    // Of the factors, the fewer stay in registers, so that the sums do, too.
    if (rows.size() < columns.size()) {
      SmallVector<Value> xs;
      for (size_t i = 0; i < rows.size(); ++i)
        xs.push_back(getX(i, at, step));
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value weight = getWeight(at, column);
        for (auto [i, x] : llvm::enumerate(xs))
          accumulate(i, j, x, weight);
      }
      continue;
    }
    SmallVector<Value> weights;
    for (int64_t column : columns)
      weights.push_back(getWeight(at, column));
    for (size_t i = 0; i < rows.size(); ++i) {
      Value x = getX(i, at, step);
      for (auto [j, weight] : llvm::enumerate(weights))
        accumulate(i, j, x, weight);
    }
  }
}

/// One chain of fma for each row and vector, from 0 in ascending k.
SmallVector<Value> Emitter::emitSums(ArrayRef<Value> rows,
                                     ArrayRef<int64_t> columns) {
  auto sumType = VectorType::get(lanes, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sumType));
  SmallVector<Value> sums(rows.size() * columns.size(), zero);
  if (floats)
    sums = loadSums(rows, columns);
  auto addAll = [&](Value from, Value to, int64_t steps) {
    auto loop = scf::ForOp::create(b, from, to, index(steps), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    sums.assign(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
    addProducts(loop.getInductionVar(), steps, rows, columns, sums);
    scf::YieldOp::create(b, sums);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  };
  Value from = floats ? firstK : index(0);
  Value to = floats ? endK : dim(op.getX(), 1);
  if (kernel.steps > 1) {
    Value count = b.createOrFold<arith::SubIOp>(to, from);
    Value rest = b.createOrFold<arith::RemUIOp>(count, index(kernel.steps));
    Value whole = b.createOrFold<arith::SubIOp>(to, rest);
    addAll(from, whole, kernel.steps);
    if (getConstantIntValue(rest) == 0)
      return sums;
    from = whole;
  }
  addAll(from, to, 1);
  return sums;
}

Value Emitter::load(Value source, ValueRange where, Value mask) {
  auto type = VectorType::get(lanes, b.getF32Type());
  if (!mask)
    return vector::LoadOp::create(b, type, source, where);
  return vector::MaskedLoadOp::create(
      b, type, source, where, mask,
      arith::ConstantOp::create(b, b.getZeroAttr(type)));
}

/// Fetches what the epilogue reads of y's shape before the tile's sums.
void Emitter::prefetchInputs(ArrayRef<Value> rows, ArrayRef<int64_t> columns) {
  constexpr int64_t line = 16;
  for (Value input : op.getEpilogueInputs()) {
    if (bit::getEpilogueAccess(input) != bit::EpilogueAccess::Element)
      continue;
    for (Value row : rows)
      for (int64_t column : columns)
        if (column * lanes % line == 0)
          memref::PrefetchOp::create(
              b, input, at({row, add(firstColumn, column * lanes)}),
              /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }
}

/// Vectors of the epilogue's inputs at `where`, the column only or all indices
/// of y. Of those of each element there is none without the others; the others
/// are taken from `known`, where there is one.
SmallVector<Value> Emitter::loadInputs(ValueRange where, Value mask,
                                       ArrayRef<Value> known) {
  SmallVector<Value> inputs;
  for (auto [i, input] : llvm::enumerate(op.getEpilogueInputs())) {
    bit::EpilogueAccess access = bit::getEpilogueAccess(input);
    if (access == bit::EpilogueAccess::Element)
      inputs.push_back(where.size() > 1 ? load(input, where, mask) : Value());
    else if (!known.empty())
      inputs.push_back(known[i]);
    else if (access == bit::EpilogueAccess::Channel)
      inputs.push_back(load(input, where, mask));
    else
      inputs.push_back(
          vector::BroadcastOp::create(b, VectorType::get(lanes, b.getF32Type()),
                                      memref::LoadOp::create(b, input)));
  }
  return inputs;
}

void Emitter::emitTile(Value row, int64_t rows, int64_t firstVector,
                       int64_t vectors) {
  SmallVector<Value> rowIndices;
  for (int64_t i = 0; i < rows; ++i)
    rowIndices.push_back(add(row, i));
  auto columns =
      llvm::to_vector(llvm::seq<int64_t>(firstVector, firstVector + vectors));
  prefetchInputs(rowIndices, columns);
  SmallVector<Value> sums = emitSums(rowIndices, columns);
  if (!floats)
    return finishSums(sums, rowIndices, columns);
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, endK,
                                       dim(op.getX(), 1));
  auto branch = scf::IfOp::create(b, isLast, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  finishSums(sums, rowIndices, columns);
  b.setInsertionPointToStart(branch.elseBlock());
  for (auto [i, row] : llvm::enumerate(rowIndices))
    for (auto [j, column] : llvm::enumerate(columns))
      store(sums[i * columns.size() + j],
            at({row, add(firstColumn, column * lanes)}),
            masks.empty() ? Value() : masks[column]);
}

void Emitter::store(Value y, ValueRange where, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, op.getInit(), where, mask, y);
  else
    vector::StoreOp::create(b, y, op.getInit(), where);
}

/// What the k before have added up to.
SmallVector<Value> Emitter::loadSums(ArrayRef<Value> rows,
                                     ArrayRef<int64_t> columns) {
  auto type = VectorType::get(lanes, b.getF32Type());
  SmallVector<Type> types(rows.size() * columns.size(), type);
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, firstK, index(0));
  auto branch = scf::IfOp::create(b, types, isFirst, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  scf::YieldOp::create(b, SmallVector<Value>(types.size(), zero));
  b.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> sums;
  for (Value row : rows)
    for (int64_t column : columns)
      sums.push_back(load(op.getInit(),
                          at({row, add(firstColumn, column * lanes)}),
                          masks.empty() ? Value() : masks[column]));
  scf::YieldOp::create(b, sums);
  return llvm::to_vector_of<Value>(branch.getResults());
}

/// Stores the epilogue of sums over all k.
void Emitter::finishSums(ArrayRef<Value> sums, ArrayRef<Value> rows,
                         ArrayRef<int64_t> columns) {
  for (auto [v, vector] : llvm::enumerate(columns)) {
    Value column = add(firstColumn, vector * lanes);
    Value mask = masks.empty() ? Value() : masks[vector];
    Value bias;
    if (op.getBias())
      bias = load(op.getBias(), column, mask);
    SmallVector<Value> ofColumn = loadInputs(column, mask, {});
    for (auto [i, row] : llvm::enumerate(rows)) {
      Value y = sums[i * columns.size() + v];
      if (bias)
        y = arith::AddFOp::create(b, y, bias);
      SmallVector<Value> where = at({row, column});
      y = bit::emitEpilogue(b, b.getLoc(), op.getEpilogue(), y,
                            loadInputs(where, mask, ofColumn));
      store(y, where, mask);
    }
  }
}

void Emitter::emitTiles(Value row, int64_t rows) {
  int64_t vectors = getVectors(rows);
  for (int64_t v = 0; v < width / lanes; v += vectors)
    emitTile(row, rows, v, vectors);
}

void Emitter::emitRows(Value from, Value to) {
  loadScales();
  auto emitDirect = [&] {
    bit::emitRowTiles(b, from, to, tileRows,
                      [&](Value row, int64_t rows) { emitTiles(row, rows); });
  };
  // Three tiles and more gain from converting once.
  int64_t least = 2 * tileRows + 1;
  int64_t all = op.getX().getType().getShape().end()[-2];
  if (!isConvertible(op) || (!ShapedType::isDynamic(all) && all < least))
    return emitDirect();
  if (!ShapedType::isDynamic(all) && all <= blockRows)
    return emitConverted(from, to);
  Value isMany =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge,
                            arith::SubIOp::create(b, to, from), index(least));
  auto branch = scf::IfOp::create(b, isMany, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitConverted(from, to);
  b.setInsertionPointToStart(branch.elseBlock());
  emitDirect();
}

/// Makes floats of some rows of the panel after the other, each once for all
/// rows of x. Sums wait in y between two of those: they are f32 there, too.
void Emitter::emitConverted(Value from, Value to) {
  OpBuilder::InsertionGuard guard(b);
  Value k = dim(op.getX(), 1);
  floats = memref::AllocaOp::create(
      b, MemRefType::get({convertedRows, width}, b.getF32Type()),
      b.getI64IntegerAttr(64));
  auto loop = scf::ForOp::create(b, index(0), k, index(convertedRows));
  b.setInsertionPointToStart(loop.getBody());
  firstK = loop.getInductionVar();
  endK = arith::MinUIOp::create(b, add(firstK, convertedRows), k);
  convertPanel();
  bit::emitRowTiles(
      b, from, to, tileRows,
      [&](Value row, int64_t rows) { emitTiles(row, rows); },
      /*overlap=*/false);
  floats = firstK = endK = Value();
}

void Emitter::convertPanel() {
  auto loop = scf::ForOp::create(b, firstK, endK, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value k = loop.getInductionVar();
  Value row = arith::SubIOp::create(b, k, firstK);
  for (int64_t v = 0; v < width / lanes; ++v)
    vector::StoreOp::create(b, toFloat(loadWeight(k, v), v), floats,
                            ValueRange{row, index(v * lanes)});
}

/// What is read of a matrix as it is has to be masked where its last columns
/// do not fill a panel, which costs where there are few registers.
void Emitter::emitPanel(Value from, Value to, Value n) {
  int64_t columns = op.getInit().getType().getShape().back();
  if (!ShapedType::isDynamic(columns) && columns % width == 0)
    return emitRows(from, to);
  auto emitMasked = [&] {
    for (int64_t v = 0; v < width; v += lanes) {
      Value left = arith::SubIOp::create(b, n, add(firstColumn, v));
      masks.push_back(vector::CreateMaskOp::create(
          b, VectorType::get(lanes, b.getI1Type()), left));
    }
    emitRows(from, to);
  };
  const bool hasMasks = bit::getRegisterFile(op).hasMasks;
  if (!op.isUnpacked() && hasMasks)
    return emitMasked();
  Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                        add(firstColumn, width), n);
  auto branch = scf::IfOp::create(b, isWhole, /*withElse=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  emitRows(from, to);
  scales.clear();
  b.setInsertionPointToStart(branch.elseBlock());
  if (!hasMasks)
    tileRows = std::min(tileRows, branchedRows);
  emitMasked();
}

void Emitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  bool isBatch = op.getX().getType().getRank() == 3;
  Value rows = dim(op.getX(), 2), n = dim(op.getInit(), 1);
  Value panels = op.isUnpacked()
                     ? b.createOrFold<arith::CeilDivUIOp>(n, index(width))
                     : dim(op.getPanels(), 3);
  Value blocks = b.createOrFold<arith::CeilDivUIOp>(rows, index(blockRows));
  Value count = arith::MulIOp::create(b, panels, blocks);
  if (isBatch)
    count = arith::MulIOp::create(b, count, dim(op.getX(), 3));
  Value work = arith::MulIOp::create(
      b, dim(op.getX(), 1),
      mul(arith::MinUIOp::create(b, rows, index(blockRows)), width));
  // One panel after the other, so that it is still cached for all its rows.
  Value item = bit::emitParallelRange(b, b.getLoc(), count, work, pieceWork);
  Value block = arith::RemUIOp::create(b, item, blocks);
  panel = arith::DivUIOp::create(b, item, blocks);
  if (isBatch) {
    batch.push_back(arith::DivUIOp::create(b, panel, panels));
    panel = arith::RemUIOp::create(b, panel, panels);
  }
  firstColumn = mul(panel, width);
  Value from = mul(block, blockRows);
  Value to = arith::MinUIOp::create(b, add(from, blockRows), rows);
  if (int64_t m = op.getX().getType().getShape()[isBatch];
      !ShapedType::isDynamic(m) && m <= blockRows) {
    // So that only the tiles are emitted that there are.
    from = index(0);
    to = index(m);
  }
  emitPanel(from, to, n);
}

namespace {

struct LowerPanelMatmul final : OpRewritePattern<bit::PanelMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::PanelMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    auto *dialect = getContext()->getLoadedDialect<bit::BitDialect>();
    const bit::PanelKernel *kernel =
        dialect->getKernels().lookupPanel(op.getKernel().getName());
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "has no registered kernel");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Emitter(b, op, *kernel).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populatePanelsToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPanelMatmul>(patterns.getContext());
  populatePackPanelsToVectorPatterns(patterns);
}
