// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops around a tile of planes and its epilogue.

#include "bit/Conversion/BitToVector/PackedMatmul.h"
#include "Epilogue.h"
#include "ParallelRange.h"
#include "Patterns.h"
#include "TableProduct.h"
#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit {

namespace {

constexpr int64_t lanes = PlaneLayout::rowsPerGroup;
/// About 1 us of multiplications is worth another thread, which spins; with
/// larger pieces the last one is waited for.
constexpr int64_t pieceWork = 1 << 17;
/// Tokens that share tables, unless fewer are left.
constexpr int64_t tableTokens = 32;
/// Units of tables that are enough for a thread: the last ones may leave others
/// idle.
constexpr int64_t manyUnits = 4;
/// Row blocks that are worth tables of their own.
constexpr int64_t leastBlocks = 4;

/// Emits one packed_matmul: rows blocks in parallel, then tokens, then what of
/// the block one tile does not hold.
class Emitter {
public:
  Emitter(OpBuilder &builder, const PlaneKernel &kernel, PackedMatmulOp op,
          BlockUnpacker unpack)
      : builder(builder), kernel(kernel), op(op), unpack(unpack),
        loc(op.getLoc()), isFloat(op.hasFloatActivations()),
        hasGroups(op.hasGroupScales()),
        tables(unpack ? std::nullopt : kernel.chooseTables(op)),
        maxTokens(kernel.getTokens(op)) {}

  void emit();
  void storeSums(Value token, Value group, int64_t rows, Value sums);

private:
  int64_t getStaticFirstToken(int64_t m) const {
    return tables ? m - m % tables->lanes : 0;
  }
  void emitTables();
  Value emitNumUnits(Value tiles, int64_t fewest, int64_t most);
  void emitTables(Value first, Value tiles, int64_t tokens);
  void locateBlock(Value number);
  void emitBlock(int64_t rows);
  SmallVector<int64_t> getRestTiles() const;
  void emitRest(Value token, Value rest);
  void emitTokens(Value token, int64_t tokens);
  SmallVector<Value> loadScales(const PlaneTile &tile, Value group,
                                int64_t firstGroup);
  SmallVector<Value> emitTile(PlaneTile &tile, Value group, int64_t firstGroup,
                              ValueRange addends);
  SmallVector<Value> emitGroups(PlaneTile tile, int64_t firstGroup,
                                ArrayRef<Value> addends);
  void storeRows(Value y, Value token, Value first, int64_t rows,
                 ArrayRef<Value> inputs);
  void emitStores(const PlaneTile &tile, int64_t firstGroup, ValueRange y);

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
  Value load(Value source, ValueRange where, int64_t rows);
  SmallVector<Value> loadInputs(Value first, int64_t rows);
  Value loadXScale(Value token);

  OpBuilder &builder;
  const PlaneKernel &kernel;
  PackedMatmulOp op;
  BlockUnpacker unpack; ///< null where the op's weights are of layout P2
  Location loc;
  bool isFloat, hasGroups;
  std::optional<SumTables> tables; ///< for whole tiles of tokens
  int64_t maxTokens;

  // Of the row block that is being emitted.
  Value firstToken; ///< the first that tables leave over
  Value block, firstRow, packed, firstByte;
  int64_t blockRows = 0;
  SmallVector<Value> weightScales, biases; ///< of each 16 rows
};

} // namespace

/// `rows` elements of `source`. What is past the last row is zero and its sums
/// are dropped.
Value Emitter::load(Value source, ValueRange where, int64_t rows) {
  auto type = VectorType::get(lanes, builder.getF32Type());
  Value loaded = vector::LoadOp::create(
      builder, loc, VectorType::get(rows, builder.getF32Type()), source, where);
  if (rows == lanes)
    return loaded;
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return vector::InsertStridedSliceOp::create(
      builder, loc, loaded, zero, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
}

/// The epilogue's inputs for `rows` rows; null for those of the shape of y.
SmallVector<Value> Emitter::loadInputs(Value first, int64_t rows) {
  return llvm::map_to_vector(op.getEpilogueInputs(), [&](Value input) -> Value {
    EpilogueAccess access = getEpilogueAccess(input);
    if (access == EpilogueAccess::Element)
      return nullptr;
    if (access == EpilogueAccess::Channel)
      return load(input, first, rows);
    return broadcast(memref::LoadOp::create(builder, loc, input, ValueRange()));
  });
}

/// The scale of a token's codes, for all lanes.
Value Emitter::loadXScale(Value token) {
  ValueRange where;
  if (op.getXScale().getType().getRank() != 0)
    where = token;
  return broadcast(memref::LoadOp::create(builder, loc, op.getXScale(), where));
}

/// The weights' scales of a tile.
SmallVector<Value> Emitter::loadScales(const PlaneTile &tile, Value group,
                                       int64_t firstGroup) {
  if (!group)
    return llvm::to_vector(
        ArrayRef(weightScales).slice(firstGroup, tile.groups));
  SmallVector<Value> scales;
  for (int64_t g = 0; g < tile.groups; ++g)
    scales.push_back(vector::LoadOp::create(
        builder, loc, VectorType::get(lanes, builder.getF32Type()),
        op.getWScale(),
        ValueRange{block, group, index((firstGroup + g) * lanes)}));
  return scales;
}

/// The sums of a tile, scaled and added to `addends`, if there are any. `group`
/// says which scale along K it has, null where there is one.
SmallVector<Value> Emitter::emitTile(PlaneTile &tile, Value group,
                                     int64_t firstGroup, ValueRange addends) {
  tile.start.clear();
  if (!isFloat) {
    // The tile sums (w + 1) * x.
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
    for (int64_t t = 0; t < tile.tokens; ++t) {
      SmallVector<Value> where = {add(tile.token, t)};
      if (group)
        where.push_back(group);
      Value sum = memref::LoadOp::create(builder, loc, op.getSum(), where);
      tile.start.push_back(arith::SubIOp::create(builder, loc, zero, sum));
    }
  }
  SmallVector<Value> y = kernel.buildTile(builder, loc, tile);
  // Not before the tile, which needs all registers.
  SmallVector<Value> scales = loadScales(tile, group, firstGroup);
  auto floatType = VectorType::get(lanes, builder.getF32Type());
  for (int64_t t = 0; t < tile.tokens; ++t) {
    Value xScale;
    if (!isFloat)
      xScale = loadXScale(add(tile.token, t));
    for (int64_t g = 0; g < tile.groups; ++g) {
      Value &out = y[t * tile.groups + g];
      Value scale = scales[g];
      if (!isFloat) {
        out = arith::SIToFPOp::create(builder, loc, floatType, out);
        scale = arith::MulFOp::create(builder, loc, xScale, scale);
      }
      if (addends.empty())
        out = arith::MulFOp::create(builder, loc, out, scale);
      else
        out = math::FmaOp::create(builder, loc, out, scale,
                                  addends[t * tile.groups + g]);
    }
  }
  return y;
}

/// A tile for each scale along K, one added to the other in ascending order.
SmallVector<Value> Emitter::emitGroups(PlaneTile tile, int64_t firstGroup,
                                       ArrayRef<Value> addends) {
  tile.k = op.getSpec().getSummedK();
  SmallVector<Value> init(addends);
  if (init.empty()) {
    // To -0 fma adds a product without changing it.
    auto type = VectorType::get(lanes, builder.getF32Type());
    Value zero = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getF32FloatAttr(-0.0f)));
    init.assign(tile.tokens * tile.groups, zero);
  }
  Value firstByte = tile.offset;
  int64_t bytes = llvm::divideCeil(tile.k, tile.stepK) * tile.blockGroups *
                  PlaneLayout::bytesPerGroup;
  auto loop = scf::ForOp::create(builder, loc, index(0), index(op.getGroups()),
                                 index(1), init);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value group = loop.getInductionVar();
  tile.firstK = arith::MulIOp::create(builder, loc, group, index(tile.k));
  tile.offset = arith::AddIOp::create(
      builder, loc, firstByte,
      arith::MulIOp::create(builder, loc, group, index(bytes)));
  SmallVector<Value> y =
      emitTile(tile, group, firstGroup, loop.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, y);
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// Stores what the epilogue makes of those of `y` that are rows. `inputs` has
/// vectors of its inputs, null for those with an element for each result.
void Emitter::storeRows(Value y, Value token, Value first, int64_t rows,
                        ArrayRef<Value> inputs) {
  SmallVector<Value> where = {token, first};
  SmallVector<Value> loaded(inputs);
  for (auto [value, input] : llvm::zip_equal(loaded, op.getEpilogueInputs()))
    if (!value)
      value = load(input, where, rows);
  y = emitEpilogue(builder, loc, op.getEpilogue(), y, loaded);
  if (rows != lanes)
    y = vector::ExtractStridedSliceOp::create(
        builder, loc, y, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{rows},
        ArrayRef<int64_t>{1});
  vector::StoreOp::create(builder, loc, y, op.getInit(), where);
}

void Emitter::emitStores(const PlaneTile &tile, int64_t firstGroup,
                         ValueRange y) {
  SmallVector<SmallVector<Value>> ofGroups;
  for (int64_t g = 0; g < tile.groups; ++g)
    ofGroups.push_back(loadInputs(add(firstRow, (firstGroup + g) * lanes),
                                  getRowsOfGroup(firstGroup + g)));
  for (int64_t t = 0; t < tile.tokens; ++t)
    for (int64_t g = 0; g < tile.groups; ++g)
      storeRows(y[t * tile.groups + g], add(tile.token, t),
                add(firstRow, (firstGroup + g) * lanes),
                getRowsOfGroup(firstGroup + g), ofGroups[g]);
}

/// All groups of the block for `tokens` tokens.
void Emitter::emitTokens(Value token, int64_t tokens) {
  int64_t tileGroups = kernel.getGroups(op, tokens);
  for (int64_t g = 0; g < getBlockGroups(); g += tileGroups) {
    PlaneTile tile;
    tile.x = op.getX();
    tile.packed = packed;
    tile.token = token;
    tile.offset = add(firstByte, g * PlaneLayout::bytesPerGroup);
    tile.tokens = tokens;
    tile.groups = std::min(tileGroups, getBlockGroups() - g);
    tile.blockGroups = unpack ? PlaneLayout::groupsPerBlock : getBlockGroups();
    tile.stepK = kernel.getStepK();
    tile.k = op.getK();
    SmallVector<Value> addends;
    if (op.getBias())
      for (int64_t t = 0; t < tokens; ++t)
        llvm::append_range(addends, ArrayRef(biases).slice(g, tile.groups));
    emitStores(tile, g,
               hasGroups ? emitGroups(tile, g, addends)
                         : emitTile(tile, /*group=*/nullptr, g, addends));
  }
}

/// Row block `number` is the one that is emitted next.
void Emitter::locateBlock(Value number) {
  block = number;
  if (unpack) {
    packed = unpack(block);
    firstByte = index(0);
    return;
  }
  packed = op.getPacked();
  auto layout = PlaneLayout::get(kernel.getBits(), op.getN(), op.getK());
  firstByte = arith::MulIOp::create(
      builder, loc, block,
      index(layout->getNumSteps() * PlaneLayout::groupsPerBlock *
            PlaneLayout::bytesPerGroup));
}

void Emitter::emitBlock(int64_t rows) {
  blockRows = rows;
  firstRow = arith::MulIOp::create(builder, loc, block,
                                   index(PlaneLayout::rowsPerBlock));
  weightScales.clear();
  biases.clear();
  bool oneScale = !hasGroups && op.getWScale().getType().getNumElements() == 1;
  for (int64_t g = 0; g < getBlockGroups(); ++g) {
    Value first = add(firstRow, g * lanes);
    if (op.getBias())
      biases.push_back(load(op.getBias(), first, getRowsOfGroup(g)));
    if (hasGroups)
      continue;
    if (!oneScale)
      weightScales.push_back(load(op.getWScale(), first, getRowsOfGroup(g)));
    else if (g == 0)
      weightScales.push_back(broadcast(memref::LoadOp::create(
          builder, loc, op.getWScale(), ValueRange(index(0)))));
    else
      weightScales.push_back(weightScales[0]);
  }

  // Whole token tiles in a loop.
  int64_t m = cast<MemRefType>(op.getX().getType()).getDimSize(0);
  if (!ShapedType::isDynamic(m)) {
    int64_t begin = getStaticFirstToken(m);
    int64_t whole = m - (m - begin) % maxTokens;
    if (whole - begin == maxTokens) {
      emitTokens(index(begin), maxTokens);
    } else if (whole != begin) {
      auto loop = scf::ForOp::create(builder, loc, index(begin), index(whole),
                                     index(maxTokens));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      emitTokens(loop.getInductionVar(), maxTokens);
    }
    for (int64_t tokens : getRestTiles())
      for (; whole + tokens <= m; whole += tokens)
        emitTokens(index(whole), tokens);
    return;
  }
  Value count = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value left = arith::SubIOp::create(builder, loc, count, firstToken);
  Value rest = arith::RemUIOp::create(builder, loc, left, index(maxTokens));
  Value whole = arith::SubIOp::create(builder, loc, count, rest);
  OpBuilder::InsertionGuard guard(builder);
  auto loop =
      scf::ForOp::create(builder, loc, firstToken, whole, index(maxTokens));
  builder.setInsertionPointToStart(loop.getBody());
  emitTokens(loop.getInductionVar(), maxTokens);
  builder.setInsertionPointAfter(loop);
  emitRest(whole, rest);
}

/// The sizes of tiles that what is left of whole ones has, the largest first.
SmallVector<int64_t> Emitter::getRestTiles() const {
  SmallVector<int64_t> sizes;
  for (int64_t tokens = maxTokens - 1; tokens > 0; --tokens)
    if (kernel.hasRestTile(tokens))
      sizes.push_back(tokens);
  return sizes;
}

/// `rest` tokens from `token` on, fewer than a whole tile has.
void Emitter::emitRest(Value token, Value rest) {
  int64_t most = maxTokens - 1;
  for (int64_t tokens : getRestTiles())
    // Once for each size, unless twice as many tokens may be left.
    for (; most >= tokens; most = std::max(most - tokens, tokens - 1)) {
      Value fits = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::uge, rest, index(tokens));
      auto branch = scf::IfOp::create(builder, loc, fits, /*withElse=*/false);
      {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(branch.thenBlock());
        emitTokens(token, tokens);
      }
      Value done =
          arith::SelectOp::create(builder, loc, fits, index(tokens), index(0));
      token = arith::AddIOp::create(builder, loc, token, done);
      rest = arith::SubIOp::create(builder, loc, rest, done);
    }
}

void Emitter::storeSums(Value token, Value group, int64_t rows, Value sums) {
  Value first = arith::MulIOp::create(builder, loc, group, index(lanes));
  Value scale;
  if (op.getWScale().getType().getNumElements() == 1)
    scale = broadcast(memref::LoadOp::create(builder, loc, op.getWScale(),
                                             ValueRange(index(0))));
  else
    scale = load(op.getWScale(), first, rows);
  auto floatType = VectorType::get(lanes, builder.getF32Type());
  Value y = arith::SIToFPOp::create(builder, loc, floatType, sums);
  scale = arith::MulFOp::create(builder, loc, loadXScale(token), scale);
  if (op.getBias())
    y = math::FmaOp::create(builder, loc, y, scale,
                            load(op.getBias(), first, rows));
  else
    y = arith::MulFOp::create(builder, loc, y, scale);
  storeRows(y, token, first, rows, loadInputs(first, rows));
}

/// Into how many units, between `fewest` and `most`, the rows of each of
/// `tiles` tiles are split. Each unit has tables of its own, so there are no
/// more than fill all threads evenly.
Value Emitter::emitNumUnits(Value tiles, int64_t fewest, int64_t most) {
  Value threads =
      emitNumThreads(builder, loc, op->getParentOfType<func::FuncOp>());
  Value count = arith::MulIOp::create(builder, loc, tiles, index(fewest));
  Value rest = arith::RemUIOp::create(builder, loc, count, threads);
  Value many = arith::MulIOp::create(builder, loc, threads, index(manyUnits));
  Value fills = arith::OrIOp::create(
      builder, loc,
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, rest,
                            index(0)),
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, count,
                            many));
  Value split = arith::MinUIOp::create(
      builder, loc, index(most),
      arith::MulIOp::create(builder, loc, threads, index(fewest)));
  return arith::SelectOp::create(builder, loc, fills, index(fewest), split);
}

/// `tiles` tiles of so many tokens, shared by threads.
void Emitter::emitTables(Value first, Value tiles, int64_t tokens) {
  int64_t blocks = llvm::divideCeil(op.getN(), PlaneLayout::rowsPerBlock);
  // Sums of fewer tokens leave the cache room for more rows.
  int64_t maxRows = tables->maxRows * (tableTokens / tokens);
  int64_t most = llvm::divideCeil(
      blocks, llvm::divideCeil(blocks, maxRows / PlaneLayout::rowsPerBlock));
  int64_t fewest = llvm::divideCeil(blocks, most);
  OpBuilder::InsertionGuard guard(builder);
  Value units =
      emitNumUnits(tiles, fewest, std::max(fewest, blocks / leastBlocks));
  Value unitBlocks =
      arith::CeilDivUIOp::create(builder, loc, index(blocks), units);
  units = arith::CeilDivUIOp::create(builder, loc, index(blocks), unitBlocks);
  Value count = arith::MulIOp::create(builder, loc, tiles, units);
  Value work = arith::MulIOp::create(
      builder, loc, unitBlocks,
      index(tokens * PlaneLayout::rowsPerBlock * op.getK()));
  Value unit = emitParallelRange(builder, loc, count, work, pieceWork);
  // Tiles of the same rows follow each other, so that these stay in the cache.
  Value tile = arith::RemUIOp::create(builder, loc, unit, tiles);
  Value rows = arith::DivUIOp::create(builder, loc, unit, tiles);

  TableProduct product;
  product.x = op.getX();
  product.packed = op.getPacked();
  product.n = op.getN();
  product.k = op.getK();
  product.y = op.getInit();
  product.lanes = tables->lanes;
  product.tokens = tokens;
  product.maxRows = most * PlaneLayout::rowsPerBlock;
  product.token = arith::AddIOp::create(
      builder, loc, first,
      arith::MulIOp::create(builder, loc, tile, index(tokens)));
  product.block = arith::MulIOp::create(builder, loc, rows, unitBlocks);
  product.endBlock = arith::MinUIOp::create(
      builder, loc,
      arith::AddIOp::create(builder, loc, product.block, unitBlocks),
      index(blocks));
  product.emit(builder, loc,
               [&](Value token, Value group, int64_t rows, Value sums) {
                 storeSums(token, group, rows, sums);
               });
}

/// Multiplies as many tokens as tables are for.
void Emitter::emitTables() {
  int64_t m = cast<MemRefType>(op.getX().getType()).getDimSize(0);
  bool isStatic = !ShapedType::isDynamic(m);
  Value count = memref::DimOp::create(builder, loc, op.getX(), 0);
  auto divide = [&](Value value, int64_t by) -> Value {
    return arith::DivUIOp::create(builder, loc, value, index(by));
  };
  if (!isStatic || m >= tableTokens)
    emitTables(index(0), divide(count, tableTokens), tableTokens);
  int64_t least = tables->lanes;
  Value rest = arith::RemUIOp::create(builder, loc, count, index(tableTokens));
  if (least < tableTokens && (!isStatic || m % tableTokens >= least))
    emitTables(arith::SubIOp::create(builder, loc, count, rest),
               divide(rest, least), least);
  firstToken = arith::SubIOp::create(
      builder, loc, count,
      arith::RemUIOp::create(builder, loc, count, index(least)));
}

void Emitter::emit() {
  int64_t m = cast<MemRefType>(op.getX().getType()).getDimSize(0);
  firstToken = index(0);
  if (tables)
    emitTables();
  if (!ShapedType::isDynamic(m) && m != 0 && getStaticFirstToken(m) == m)
    return;
  int64_t n = op.getN();
  int64_t whole = n / PlaneLayout::rowsPerBlock;
  int64_t rest = n % PlaneLayout::rowsPerBlock;
  int64_t blocks = whole + (rest != 0);
  if (blocks == 1) {
    locateBlock(index(0));
    return emitBlock(n);
  }
  OpBuilder::InsertionGuard guard(builder);
  Value tokens = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value work = arith::MulIOp::create(
      builder, loc, tokens, index(PlaneLayout::rowsPerBlock * op.getK()));
  locateBlock(emitParallelRange(builder, loc, index(blocks), work, pieceWork));
  if (rest == 0)
    return emitBlock(PlaneLayout::rowsPerBlock);
  Value isWhole = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                        block, index(whole));
  auto branch = scf::IfOp::create(builder, loc, isWhole, /*withElse=*/true);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitBlock(PlaneLayout::rowsPerBlock);
  builder.setInsertionPointToStart(branch.elseBlock());
  emitBlock(rest);
}

void PlaneKernel::lower(OpBuilder &builder, PackedMatmulOp op) const {
  emitPackedMatmul(builder, *this, op);
}

void emitPackedMatmul(OpBuilder &builder, const PlaneKernel &kernel,
                      PackedMatmulOp op, BlockUnpacker unpack) {
  Emitter(builder, kernel, op, unpack).emit();
}

void emitPackedSums(OpBuilder &builder, const PlaneKernel &kernel,
                    PackedMatmulOp op, Value token, Value group, int64_t rows,
                    Value sums) {
  Emitter(builder, kernel, op, nullptr).storeSums(token, group, rows, sums);
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
