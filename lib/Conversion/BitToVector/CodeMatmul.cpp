// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes by panels of quads: tiles of rows and registers whose sums
// stay in registers over all k.

#include "ParallelRange.h"
#include "Patterns.h"
#include "RowTiles.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// Rows that threads share out beside panels, or as many tiles as they have.
constexpr int64_t mostRows = 96;

/// Rows of a tile whose stores are branches, as where there are no masks.
constexpr int64_t branchedRows = 2;

/// About 10 us of products are worth another thread.
constexpr int64_t pieceWork = 1 << 21;

constexpr int64_t quad = bit::PanelLayout::quad;

/// The dims of panels that are one where they are read.
const ReassociationIndices quadGroups[] = {{0}, {1}, {2, 3}};

class Emitter : bit::IndexMath {
public:
  Emitter(ImplicitLocOpBuilder &b, bit::CodeMatmulOp op,
          const bit::CodeKernel &kernel)
      : IndexMath(b, op.getLoc()), b(b), op(op), kernel(kernel),
        width(op.getWidth()), blockRows(mostRows - mostRows % kernel.rows),
        sumType(VectorType::get(kernel.columns * kernel.partials,
                                b.getI32Type())) {}

  void emit();

private:
  void emitTiles(Value row, int64_t rows);
  void emitTile(Value row, int64_t rows, int64_t firstVector, int64_t vectors,
                ArrayRef<Value> starts);
  SmallVector<Value> emitStarts(Value row, int64_t rows);
  SmallVector<Value> loadWords(Value row, Value at, int64_t steps);
  void addQuad(Value at, ArrayRef<Value> words, int64_t firstVector,
               int64_t vectors, MutableArrayRef<Value> sums);
  Value loadWord(Value row, Value k, int64_t codes);
  Value addPartials(Value sum);
  void store(Value sum, Value row, Value column);

  ImplicitLocOpBuilder &b;
  bit::CodeMatmulOp op;
  const bit::CodeKernel &kernel;
  int64_t width, blockRows;
  VectorType sumType;
  Value panels; ///< P x ceil(K / 4) x 4 W, as vectors have one dim
  Value panel, firstColumn;
  bool isWhole; ///< all of the panel's columns exist
};

} // namespace

/// `codes` codes of x, one to four, as bytes of a word; others are 0. No byte
/// past them is read.
Value Emitter::loadWord(Value row, Value k, int64_t codes) {
  Type i32 = b.getI32Type();
  if (codes == quad) {
    auto bytes = VectorType::get(quad, b.getI8Type());
    Value four =
        vector::LoadOp::create(b, bytes, op.getX(), ValueRange{row, k});
    Value word = vector::BitCastOp::create(b, VectorType::get(1, i32), four);
    return vector::ExtractOp::create(b, word, int64_t(0));
  }
  Value word;
  for (int64_t i = 0; i < codes; ++i) {
    Value code =
        memref::LoadOp::create(b, op.getX(), ValueRange{row, add(k, i)});
    Value wide = arith::ExtUIOp::create(b, i32, code);
    Value amount = arith::ConstantIntOp::create(b, i32, 8 * i);
    wide = arith::ShLIOp::create(b, wide, amount);
    word = word ? arith::OrIOp::create(b, word, wide).getResult() : wide;
  }
  return word;
}

/// The words of `steps` quads of a row from quad `at` on: one load.
SmallVector<Value> Emitter::loadWords(Value row, Value at, int64_t steps) {
  if (steps == 1)
    return {loadWord(row, mul(at, quad), quad)};
  auto bytes = VectorType::get(steps * quad, b.getI8Type());
  Value loaded = vector::LoadOp::create(b, bytes, op.getX(),
                                        ValueRange{row, mul(at, quad)});
  loaded = vector::BitCastOp::create(b, VectorType::get(steps, b.getI32Type()),
                                     loaded);
  SmallVector<Value> words;
  for (int64_t i = 0; i < steps; ++i)
    words.push_back(vector::ExtractOp::create(b, loaded, i));
  return words;
}

/// Adds the products of one quad, a word of each row, to the sums of a tile.
void Emitter::addQuad(Value at, ArrayRef<Value> words, int64_t firstVector,
                      int64_t vectors, MutableArrayRef<Value> sums) {
  auto type = VectorType::get(kernel.columns * quad, b.getI8Type());
  Location loc = b.getLoc();
  SmallVector<Value> xs;
  for (Value word : words)
    xs.push_back(kernel.broadcast(b, loc, word));
  for (int64_t v = 0; v < vectors; ++v) {
    Value column = index((firstVector + v) * kernel.columns * quad);
    Value quads =
        vector::LoadOp::create(b, type, panels, ValueRange{panel, at, column});
    for (auto [i, x] : llvm::enumerate(xs)) {
      Value &sum = sums[i * vectors + v];
      sum = kernel.dot(b, loc, sum, quads, x);
    }
  }
}

/// What the sums of a row start from where `dot` adds `bias` to each weight:
/// -bias times the sum of the row, by the kernel's own products of 1.
SmallVector<Value> Emitter::emitStarts(Value row, int64_t rows) {
  Location loc = b.getLoc();
  const int64_t size = kernel.columns * quad;
  auto bytes = VectorType::get(size, b.getI8Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sumType));
  SmallVector<Value> sums(rows, zero);
  // All columns of weight 1, or of 0 but the first.
  auto getOnes = [&](bool all) -> Value {
    SmallVector<int8_t> ones(size, static_cast<int8_t>(-kernel.bias));
    for (int64_t i = 0; i < (all ? size : quad); ++i)
      ++ones[i];
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(ones)));
  };
  int64_t whole = op.getK() / size * size;
  if (whole > 0) {
    Value ones = getOnes(true);
    auto loop =
        scf::ForOp::create(b, index(0), index(whole), index(size), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    for (int64_t i = 0; i < rows; ++i) {
      Value x = vector::LoadOp::create(
          b, bytes, op.getX(), ValueRange{add(row, i), loop.getInductionVar()});
      sums[i] = kernel.dot(b, loc, loop.getRegionIterArg(i), ones, x);
    }
    scf::YieldOp::create(b, sums);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  for (int64_t k = whole; k < op.getK(); k += quad) {
    int64_t codes = std::min(quad, op.getK() - k);
    for (int64_t i = 0; i < rows; ++i) {
      Value word = loadWord(add(row, i), index(k), codes);
      sums[i] = kernel.dot(b, loc, sums[i], getOnes(false),
                           kernel.broadcast(b, loc, word));
    }
  }
  auto i32 = b.getI32Type();
  for (Value &sum : sums) {
    Value all = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
    all = arith::MulIOp::create(
        b, all, arith::ConstantIntOp::create(b, i32, -kernel.bias));
    // Of the partial sums of a column, one starts from it.
    sum = vector::BroadcastOp::create(b, sumType, all);
    if (kernel.partials == 1)
      continue;
    SmallVector<int32_t> first(sumType.getNumElements(), 0);
    for (size_t i = 0; i < first.size(); i += kernel.partials)
      first[i] = -1;
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(sumType, ArrayRef<int32_t>(first)));
    sum = arith::AndIOp::create(b, sum, mask);
  }
  return sums;
}

/// The sums of columns, of which each lies in neighbouring lanes.
Value Emitter::addPartials(Value sum) {
  for (int64_t left = kernel.partials; left > 1; left /= 2) {
    SmallVector<int64_t> even, odd;
    for (int64_t i = 0; i < kernel.columns * left; i += 2) {
      even.push_back(i);
      odd.push_back(i + 1);
    }
    Value first = vector::ShuffleOp::create(b, sum, sum, even);
    Value second = vector::ShuffleOp::create(b, sum, sum, odd);
    sum = arith::AddIOp::create(b, first, second);
  }
  return sum;
}

void Emitter::store(Value sum, Value row, Value column) {
  SmallVector<Value> where = {row, column};
  if (isWhole) {
    vector::StoreOp::create(b, sum, op.getInit(), where);
    return;
  }
  // A column past the last one leaves nothing.
  Value left = arith::SubIOp::create(b, index(op.getN()), column);
  Value mask = vector::CreateMaskOp::create(
      b, VectorType::get(kernel.columns, b.getI1Type()), left);
  vector::MaskedStoreOp::create(b, op.getInit(), where, mask, sum);
}

void Emitter::emitTile(Value row, int64_t rows, int64_t firstVector,
                       int64_t vectors, ArrayRef<Value> starts) {
  // Few sums are chains that wait for each other: more of them split k.
  int64_t size = rows * vectors;
  int64_t chains = std::max<int64_t>(1, kernel.chains / size);
  int64_t quads = op.getK() / quad, rest = op.getK() % quad;
  int64_t steps = quads < kernel.steps ? 1 : kernel.steps;
  chains = std::min(chains, std::max<int64_t>(quads / steps, 1));
  int64_t block = chains * steps, whole = quads / block * block;
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sumType));
  SmallVector<Value> sums(size * chains, zero);
  for (int64_t i = 0; !starts.empty() && i < size; ++i)
    sums[i] = starts[i / vectors];
  auto addTo = [&](Value at, int64_t chain, int64_t steps) {
    SmallVector<SmallVector<Value>> words;
    for (int64_t i = 0; i < rows; ++i)
      words.push_back(loadWords(add(row, i), at, steps));
    for (int64_t step = 0; step < steps; ++step)
      addQuad(add(at, step),
              llvm::map_to_vector(words, [&](auto &row) { return row[step]; }),
              firstVector, vectors,
              MutableArrayRef(sums).slice(chain * size, size));
  };
  if (whole > 0) {
    auto loop =
        scf::ForOp::create(b, index(0), index(whole), index(block), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    sums.assign(loop.getRegionIterArgs().begin(),
                loop.getRegionIterArgs().end());
    for (int64_t chain = 0; chain < chains; ++chain)
      addTo(add(loop.getInductionVar(), chain * steps), chain, steps);
    scf::YieldOp::create(b, sums);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  for (int64_t at = whole; at < quads; ++at)
    addTo(index(at), (at - whole) % chains, 1);
  if (rest != 0) {
    SmallVector<Value> words;
    for (int64_t i = 0; i < rows; ++i)
      words.push_back(loadWord(add(row, i), index(quads * quad), rest));
    addQuad(index(quads), words, firstVector, vectors,
            MutableArrayRef(sums).take_front(size));
  }
  for (int64_t i = 0; i < size; ++i) {
    Value sum = sums[i];
    for (int64_t chain = 1; chain < chains; ++chain)
      sum = arith::AddIOp::create(b, sum, sums[chain * size + i]);
    store(addPartials(sum), add(row, i / vectors),
          add(firstColumn, (firstVector + i % vectors) * kernel.columns));
  }
}

void Emitter::emitTiles(Value row, int64_t rows) {
  int64_t all = width / kernel.columns;
  int64_t vectors = std::min(all, kernel.rows * kernel.vectors / rows);
  while (all % vectors != 0)
    --vectors;
  SmallVector<Value> starts;
  if (kernel.bias != 0)
    starts = emitStarts(row, rows);
  for (int64_t v = 0; v < all; v += vectors)
    emitTile(row, rows, v, vectors, starts);
}

void Emitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  Value rows = b.createOrFold<memref::DimOp>(op.getX(), 0);
  panels = memref::CollapseShapeOp::create(b, op.getPanels(), quadGroups);
  Value numPanels = b.createOrFold<memref::DimOp>(op.getPanels(), 0);
  Value blocks = b.createOrFold<arith::CeilDivUIOp>(rows, index(blockRows));
  Value count = arith::MulIOp::create(b, numPanels, blocks);
  Value work =
      mul(arith::MinUIOp::create(b, rows, index(blockRows)), width * op.getK());
  // One panel after the other, so that it is still cached for all its rows.
  Value item = bit::emitParallelRange(b, b.getLoc(), count, work, pieceWork);
  panel = arith::DivUIOp::create(b, item, blocks);
  firstColumn = mul(panel, width);
  Value from = mul(arith::RemUIOp::create(b, item, blocks), blockRows);
  Value to = arith::MinUIOp::create(b, add(from, blockRows), rows);
  if (int64_t m = op.getX().getType().getShape()[0];
      !ShapedType::isDynamic(m) && m <= blockRows) {
    // So that only the tiles are emitted that there are.
    from = index(0);
    to = index(m);
  }
  auto emitRows = [&](bool whole, int64_t tileRows) {
    isWhole = whole;
    bit::emitRowTiles(b, from, to, tileRows,
                      [&](Value row, int64_t rows) { emitTiles(row, rows); });
  };
  const bool hasMasks = bit::getRegisterFile(op).hasMasks;
  if (op.getN() % width == 0 || hasMasks)
    return emitRows(op.getN() % width == 0, kernel.rows);
  auto emitRagged = [&] {
    emitRows(false, std::min(kernel.rows, branchedRows));
  };
  if (op.getN() < width)
    return emitRagged();
  Value exists = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ule, add(firstColumn, width), index(op.getN()));
  auto branch = scf::IfOp::create(b, exists, /*withElse=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  emitRows(true, kernel.rows);
  b.setInsertionPointToStart(branch.elseBlock());
  emitRagged();
}

namespace {

struct LowerCodeMatmul final : OpRewritePattern<bit::CodeMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::CodeMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    auto *dialect = getContext()->getLoadedDialect<bit::BitDialect>();
    const bit::CodeKernel *kernel =
        dialect->getKernels().lookupCodes(op.getKernel().getName());
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "has no registered kernel");
    if (!memref::CollapseShapeOp::isGuaranteedCollapsible(
            cast<MemRefType>(op.getPanels().getType()), quadGroups))
      return rewriter.notifyMatchFailure(op, "has gaps in its panels");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Emitter(b, op, *kernel).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populateCodeMatmulToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCodeMatmul>(patterns.getContext());
}
