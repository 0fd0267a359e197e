// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit.attention as one pass over the keys in blocks of 16: products, running
// softmax and values of a block before the next one, so that no matrix of
// scores is ever stored. docs/numerics.md has the order of every operation.

#include "ParallelRange.h"
#include "Patterns.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <functional>
#include <limits>

using namespace mlir;

namespace {

constexpr int64_t lanes = 16;
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Rows that one thread takes at a time: queries of all the heads that share
/// keys. Their state must stay in a near cache.
constexpr int64_t mostRows = 32;

/// Rows that make up for transposing keys.
constexpr int64_t manyRows = 8;

/// Vectors in registers that hold the sums of two rows, not only of one.
constexpr int64_t manyVectors = 32;

class Emitter {
public:
  Emitter(OpBuilder &builder, bit::AttentionOp op);

  void emit();

private:
  void emitItem();
  void storePlace(Value row);
  void emitBounds();
  void emitBlock(Value key);
  void emitRows(Value key, Value row);
  void emitTiles(Value key);
  void transposeKeys(Value key);
  SmallVector<Value> emitScores(Value key, ArrayRef<Value> rows);
  SmallVector<Value> emitTransposedScores(ArrayRef<Value> rows);
  std::pair<Value, Value> emitGreatest(Value place, Value score);
  Value adjust(Value score, Value key, Value row, Value isKey);
  Value emitIsKey(Value key, Value row);
  std::pair<Value, Value> getKeysOfBlock(Value key, Value row);
  void emitValues(Value key, ArrayRef<Value> rows, ArrayRef<Value> factors);
  void addValues(Value key, ArrayRef<int64_t> tile, Value from, Value to,
                 int64_t e, int64_t width, SmallVectorImpl<Value> &y);
  void emitResult(Value row);
  Value emitIsHidden(Value row, Value greatest);

  // Short forms.
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  template <typename OpTy, typename... Args> Value make(Args &&...args) {
    return builder.createOrFold<OpTy>(loc, std::forward<Args>(args)...);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  Value number(float value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(vectorType, builder.getF32FloatAttr(value)));
  }
  Value isLowest(Value x) {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, x,
                                 number(-infinity));
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
  Value size(Value buffer, int64_t dim) {
    return make<memref::DimOp>(buffer, dim);
  }
  Value load(Value buffer, ValueRange where) {
    return vector::LoadOp::create(builder, loc, vectorType, buffer, where);
  }
  void store(Value value, Value buffer, ValueRange where) {
    vector::StoreOp::create(builder, loc, value, buffer, where);
  }
  Value allocate(ArrayRef<int64_t> shape, Type type) {
    return memref::AllocaOp::create(builder, loc, MemRefType::get(shape, type));
  }
  Value shuffle(Value a, Value b, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(builder, loc, a, b, mask);
  }
  /// All lanes combined by halves, in every lane.
  template <typename OpTy> Value fold(Value x) {
    for (int64_t half : {8, 4, 2, 1}) {
      SmallVector<int64_t> mask;
      for (int64_t i = 0; i < lanes; ++i)
        mask.push_back((i + half) % lanes);
      x = make<OpTy>(x, shuffle(x, x, mask));
    }
    return x;
  }
  scf::ForOp loop(Value from, Value to, int64_t step, ValueRange init = {}) {
    return scf::ForOp::create(builder, loc, from, to, index(step), init);
  }
  Value loadBound(Value row, int64_t which) {
    return memref::LoadOp::create(builder, loc, bounds,
                                  ValueRange{row, index(which)});
  }
  Value loadPlace(Value row, int64_t which) {
    return memref::LoadOp::create(builder, loc, places,
                                  ValueRange{row, index(which)});
  }
  Value headOf(Value row) { return loadPlace(row, 0); }
  Value queryOf(Value row) { return loadPlace(row, 1); }

  OpBuilder &builder;
  bit::AttentionOp op;
  Location loc;
  VectorType vectorType;
  int64_t keyVectors, valueVectors; ///< vectors of D and of E
  int64_t tileRows;     ///< rows whose products share the loads of keys
  int64_t laneTileRows; ///< the same where lanes are keys
  int64_t tileVectors;  ///< vectors of E that are summed at once
  int64_t rowsOfItem;
  bool transposes; ///< keys, where there are many rows

  Value queries, keys, groupSize, rowCount, lastRow;
  // Of the item that is being emitted.
  Value batch, head, firstRow, rowsLeft, firstKey, endKey;
  // The state of its rows.
  Value sums, greatest, weights, powers, bounds;
  Value places;              ///< their heads and queries: divisions take long
  Value partials;            ///< sums of a tile's products
  Value keysByLane;          ///< of a block
  bool isTransposed = false; ///< in what is being emitted
};

} // namespace

Emitter::Emitter(OpBuilder &builder, bit::AttentionOp op)
    : builder(builder), op(op), loc(op.getLoc()),
      vectorType(VectorType::get(lanes, builder.getF32Type())),
      keyVectors(op.getKeySize() / lanes),
      valueVectors(op.getValueSize() / lanes) {
  const bool isWide =
      bit::getRegisterFile(op).getCapacity(lanes) >= manyVectors;
  tileRows = isWide ? 2 : 1;
  tileVectors = isWide ? 8 : 4;
  rowsOfItem = mostRows;
  auto q = cast<MemRefType>(op.getQ().getType());
  int64_t shared = op.getK().getType().getDimSize(1);
  if (!q.isDynamicDim(1) && !q.isDynamicDim(2) &&
      !ShapedType::isDynamic(shared))
    rowsOfItem = std::clamp<int64_t>(q.getDimSize(1) / shared * q.getDimSize(2),
                                     1, mostRows);
  tileRows = std::min(tileRows, rowsOfItem);
  transposes = isWide && rowsOfItem >= manyRows;
  if (transposes)
    laneTileRows = valueVectors <= 4 ? 4 : 2;
  else
    laneTileRows = tileRows;
}

void Emitter::emit() {
  OpBuilder::InsertionGuard guard(builder);
  Value batches = size(op.getQ(), 0), heads = size(op.getK(), 1);
  queries = size(op.getQ(), 2);
  keys = size(op.getK(), 2);
  // Heads are checked before; without, an empty loop must not divide by zero.
  groupSize = make<arith::DivUIOp>(size(op.getQ(), 1),
                                   make<arith::MaxUIOp>(heads, index(1)));
  rowCount = make<arith::MulIOp>(groupSize, queries);
  Value tiles = make<arith::CeilDivUIOp>(rowCount, index(rowsOfItem));
  lastRow = make<arith::SubIOp>(rowCount, index(1));
  Value pairs = make<arith::MulIOp>(batches, heads);
  Value count = make<arith::MulIOp>(pairs, tiles);
  Value work = make<arith::MulIOp>(
      keys, index(rowsOfItem * lanes * (keyVectors + valueVectors)));
  // About 10 us are worth another thread.
  Value item =
      bit::emitParallelRange(builder, loc, count, work, int64_t(1) << 18);
  Value pair = make<arith::DivUIOp>(item, tiles);
  firstRow =
      make<arith::MulIOp>(make<arith::RemUIOp>(item, tiles), index(rowsOfItem));
  batch = make<arith::DivUIOp>(pair, heads);
  head = make<arith::RemUIOp>(pair, heads);
  emitItem();
}

/// All keys for the rows of one item.
void Emitter::emitItem() {
  rowsLeft = make<arith::MinUIOp>(make<arith::SubIOp>(rowCount, firstRow),
                                  index(rowsOfItem));
  // A tile of rows may reach past the last.
  int64_t rows = llvm::alignTo(rowsOfItem, laneTileRows);
  Type f32 = builder.getF32Type();
  sums = allocate({rows, valueVectors * lanes}, f32);
  greatest = allocate({rows, lanes}, f32);
  weights = allocate({rows, lanes}, f32);
  powers = allocate({laneTileRows, lanes}, f32);
  if (transposes) {
    keysByLane = allocate({keyVectors * lanes, lanes}, f32);
    partials = allocate({laneTileRows, lanes / 4, lanes}, f32);
  }
  places = allocate({rows, 2}, builder.getIndexType());
  {
    OpBuilder::InsertionGuard guard(builder);
    auto each = loop(index(0), index(rows), 1);
    builder.setInsertionPointToStart(each.getBody());
    Value row = each.getInductionVar();
    storePlace(row);
    store(number(-infinity), greatest, {row, index(0)});
    store(number(0), weights, {row, index(0)});
    for (int64_t e = 0; e < valueVectors; ++e)
      store(number(0), sums, {row, index(e * lanes)});
  }
  firstKey = index(0);
  endKey = keys;
  if (op.getRange()) {
    bounds = allocate({rows, 2}, builder.getIndexType());
    emitBounds();
  }
  {
    OpBuilder::InsertionGuard guard(builder);
    auto blocks = loop(firstKey, endKey, lanes);
    builder.setInsertionPointToStart(blocks.getBody());
    emitBlock(blocks.getInductionVar());
  }
  auto each = loop(index(0), rowsLeft, 1);
  builder.setInsertionPointToStart(each.getBody());
  emitResult(each.getInductionVar());
}

/// The head and the query of a row. Past the last one it is that: its result is
/// computed again, to the same bits.
void Emitter::storePlace(Value row) {
  Value clamped =
      make<arith::MinUIOp>(make<arith::AddIOp>(firstRow, row), lastRow);
  Value inGroup = make<arith::DivUIOp>(clamped, queries);
  Value query = make<arith::RemUIOp>(clamped, queries);
  Value queryHead =
      make<arith::AddIOp>(make<arith::MulIOp>(head, groupSize), inGroup);
  memref::StoreOp::create(builder, loc, queryHead, places,
                          ValueRange{row, index(0)});
  memref::StoreOp::create(builder, loc, query, places,
                          ValueRange{row, index(1)});
}

/// The keys of each row, and of all of them together.
void Emitter::emitBounds() {
  OpBuilder::InsertionGuard guard(builder);
  auto rows = cast<MemRefType>(bounds.getType()).getDimSize(0);
  auto each = loop(index(0), index(rows), 1, {keys, index(0)});
  builder.setInsertionPointToStart(each.getBody());
  Value row = each.getInductionVar(), query = queryOf(row);
  SmallVector<Value> ends;
  for (int64_t which : {0, 1}) {
    Value bound = memref::LoadOp::create(
        builder, loc, op.getRange(), ValueRange{batch, query, index(which)});
    bound =
        arith::IndexCastOp::create(builder, loc, builder.getIndexType(), bound);
    bound = make<arith::MaxSIOp>(bound, index(0));
    bound = make<arith::MinSIOp>(bound, keys);
    memref::StoreOp::create(builder, loc, bound, bounds,
                            ValueRange{row, index(which)});
    ends.push_back(bound);
  }
  // A row without keys asks for none.
  Value isEmpty = compare(arith::CmpIPredicate::uge, ends[0], ends[1]);
  Value low = select(isEmpty, keys, ends[0]);
  Value high = select(isEmpty, index(0), ends[1]);
  scf::YieldOp::create(
      builder, loc,
      ValueRange{make<arith::MinUIOp>(each.getRegionIterArg(0), low),
                 make<arith::MaxUIOp>(each.getRegionIterArg(1), high)});
  builder.setInsertionPointAfter(each);
  Value block = make<arith::DivUIOp>(each.getResult(0), index(lanes));
  firstKey = make<arith::MulIOp>(block, index(lanes));
  endKey = each.getResult(1);
}

/// 16 keys for all rows. For many rows the keys are transposed first, so that a
/// lane is a key and nothing has to be shuffled.
void Emitter::emitBlock(Value key) {
  if (!transposes)
    return emitTiles(key);
  OpBuilder::InsertionGuard guard(builder);
  Value isMany = compare(arith::CmpIPredicate::uge, rowsLeft, index(manyRows));
  auto branch = scf::IfOp::create(builder, loc, isMany, /*withElse=*/true);
  builder.setInsertionPointToStart(branch.elseBlock());
  emitTiles(key);
  builder.setInsertionPointToStart(branch.thenBlock());
  transposeKeys(key);
  isTransposed = true;
  std::swap(tileRows, laneTileRows);
  emitTiles(key);
  std::swap(tileRows, laneTileRows);
  isTransposed = false;
}

/// A vector for each d, its lanes the block's keys; past the last one, that.
void Emitter::transposeKeys(Value key) {
  OpBuilder::InsertionGuard guard(builder);
  Value lastKey = make<arith::SubIOp>(keys, index(1));
  auto each = loop(index(0), index(keyVectors * lanes), lanes);
  builder.setInsertionPointToStart(each.getBody());
  Value d = each.getInductionVar();
  SmallVector<Value> rows;
  for (int64_t j = 0; j < lanes; ++j) {
    Value place =
        make<arith::MinUIOp>(make<arith::AddIOp>(key, index(j)), lastKey);
    rows.push_back(load(op.getK(), {batch, head, place, d}));
  }
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes / 2; ++i) {
    low.append({i, i + lanes});
    high.append({i + lanes / 2, i + lanes + lanes / 2});
  }
  // Each step interleaves the first half of the rows with the second.
  for (int64_t done = 1; done < lanes; done *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < lanes / 2; ++i)
      for (ArrayRef<int64_t> part : {ArrayRef(low), ArrayRef(high)})
        next.push_back(shuffle(rows[i], rows[i + lanes / 2], part));
    rows = std::move(next);
  }
  for (auto [i, row] : llvm::enumerate(rows))
    store(row, keysByLane, {make<arith::AddIOp>(d, index(i)), index(0)});
}

void Emitter::emitTiles(Value key) {
  OpBuilder::InsertionGuard guard(builder);
  auto tiles = loop(index(0), rowsLeft, tileRows);
  builder.setInsertionPointToStart(tiles.getBody());
  Value row = tiles.getInductionVar();
  if (!op.getRange())
    return emitRows(key, row);
  // Causal rows have no keys in most blocks after their own.
  Value isNeeded;
  Value end = make<arith::AddIOp>(key, index(lanes));
  for (int64_t i = 0; i < tileRows; ++i) {
    Value place = make<arith::AddIOp>(row, index(i));
    Value low = loadBound(place, 0);
    Value high = loadBound(place, 1);
    Value has =
        make<arith::AndIOp>(compare(arith::CmpIPredicate::ult, low, end),
                            compare(arith::CmpIPredicate::ugt, high, key));
    isNeeded = isNeeded ? make<arith::OrIOp>(isNeeded, has) : has;
  }
  auto branch = scf::IfOp::create(builder, loc, isNeeded, /*withElse=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitRows(key, row);
}

/// The lanes that are keys of `row`.
Value Emitter::emitIsKey(Value key, Value row) {
  auto type = VectorType::get(lanes, builder.getI1Type());
  auto firstLanes = [&](Value count) -> Value {
    return vector::CreateMaskOp::create(builder, loc, type, ValueRange(count));
  };
  auto [from, to] = getKeysOfBlock(key, row);
  if (!op.getRange())
    return firstLanes(to);
  Value all = arith::ConstantOp::create(builder, loc,
                                        DenseElementsAttr::get(type, true));
  return make<arith::AndIOp>(firstLanes(to),
                             make<arith::XOrIOp>(firstLanes(from), all));
}

/// Which lane of two vectors one step of the tree takes for `lane`.
static int64_t getPairLane(int64_t lane, int64_t width, bool second) {
  // Lanes with bit `width` clear come from the first operand, the others from
  // the second; both add what lies `width` apart.
  int64_t base = lane / (2 * width) * (2 * width), offset = lane % width;
  bool fromSecond = (lane / width) % 2 != 0;
  return base + offset + (fromSecond ? lanes : 0) + (second ? width : 0);
}

/// Scores of a block before scale and mask, a vector a row: for each key 16
/// partial sums over d, then halves. The keys come in the order of the tree
/// that transposes and adds them, which keeps few partial sums alive.
SmallVector<Value> Emitter::emitScores(Value key, ArrayRef<Value> rows) {
  SmallVector<SmallVector<Value>> q(rows.size());
  for (auto [i, row] : llvm::enumerate(rows)) {
    Value head = headOf(row), query = queryOf(row);
    for (int64_t d = 0; d < keyVectors; ++d)
      q[i].push_back(load(op.getQ(), {batch, head, query, index(d * lanes)}));
  }
  Value lastKey = make<arith::SubIOp>(keys, index(1));
  std::function<SmallVector<Value>(int64_t, int64_t)> build =
      [&](int64_t j, int64_t width) -> SmallVector<Value> {
    SmallVector<Value> result;
    if (width == lanes) {
      Value place =
          make<arith::MinUIOp>(make<arith::AddIOp>(key, index(j)), lastKey);
      for (int64_t d = 0; d < keyVectors; ++d) {
        Value k = load(op.getK(), {batch, head, place, index(d * lanes)});
        for (size_t i = 0; i < rows.size(); ++i)
          if (d == 0)
            result.push_back(make<arith::MulFOp>(q[i][d], k));
          else
            result[i] = make<math::FmaOp>(q[i][d], k, result[i]);
      }
      return result;
    }
    SmallVector<Value> a = build(j, 2 * width), b = build(j + width, 2 * width);
    SmallVector<int64_t> first, second;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      first.push_back(getPairLane(lane, width, false));
      second.push_back(getPairLane(lane, width, true));
    }
    for (auto [x, y] : llvm::zip(a, b))
      result.push_back(
          make<arith::AddFOp>(shuffle(x, y, first), shuffle(x, y, second)));
    return result;
  };
  return build(0, 1);
}

/// The same from transposed keys: the same sums in the same order. A loop over
/// quarters of the partial sums, as LLVM would load all keys for each row.
SmallVector<Value> Emitter::emitTransposedScores(ArrayRef<Value> rows) {
  constexpr int64_t quarter = lanes / 4;
  SmallVector<std::pair<Value, Value>> places;
  for (Value row : rows)
    places.emplace_back(headOf(row), queryOf(row));
  auto each = loop(index(0), index(quarter), 1);
  Value first = each.getInductionVar();
  // The partial sums of all d that are `first` + `offset` modulo 16.
  auto sumPart = [&](int64_t offset) {
    SmallVector<Value> result;
    for (int64_t i = 0; i < keyVectors; ++i) {
      Value d = make<arith::AddIOp>(first, index(offset + i * lanes));
      Value k = load(keysByLane, {d, index(0)});
      for (auto [row, place] : llvm::enumerate(places)) {
        Value q = vector::BroadcastOp::create(
            builder, loc, vectorType,
            memref::LoadOp::create(
                builder, loc, op.getQ(),
                ValueRange{batch, place.first, place.second, d}));
        if (i == 0)
          result.push_back(make<arith::MulFOp>(q, k));
        else
          result[row] = make<math::FmaOp>(q, k, result[row]);
      }
    }
    return result;
  };
  auto addAll = [&](ArrayRef<Value> a, ArrayRef<Value> b) {
    SmallVector<Value> result;
    for (auto [x, y] : llvm::zip_equal(a, b))
      result.push_back(make<arith::AddFOp>(x, y));
    return result;
  };
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(each.getBody());
    SmallVector<Value> low = addAll(sumPart(0), sumPart(2 * quarter));
    SmallVector<Value> high = addAll(sumPart(quarter), sumPart(3 * quarter));
    for (auto [row, sum] : llvm::enumerate(addAll(low, high)))
      store(sum, partials, {index(row), first, index(0)});
  }
  SmallVector<Value> scores;
  for (size_t row = 0; row < rows.size(); ++row) {
    SmallVector<Value> part;
    for (int64_t i = 0; i < quarter; ++i)
      part.push_back(load(partials, {index(row), index(i), index(0)}));
    scores.push_back(
        make<arith::AddFOp>(make<arith::AddFOp>(part[0], part[2]),
                            make<arith::AddFOp>(part[1], part[3])));
  }
  return scores;
}

/// Scale, softcap, mask, range.
Value Emitter::adjust(Value score, Value key, Value row, Value isKey) {
  score = make<arith::MulFOp>(
      score, number(static_cast<float>(op.getScale().convertToDouble())));
  if (op.getSoftcap()) {
    Value cap = number(static_cast<float>(op.getSoftcap()->convertToDouble()));
    Value bent = make<math::TanhOp>(make<arith::DivFOp>(score, cap));
    score = make<arith::MulFOp>(bent, cap);
  }
  if (Value mask = op.getMask()) {
    auto type = cast<MemRefType>(mask.getType());
    SmallVector<Value> where = {batch, headOf(row), queryOf(row), key};
    for (int64_t dim = 0; dim < 3; ++dim)
      if (type.getDimSize(dim) == 1)
        where[dim] = index(0);
    Value added = vector::MaskedLoadOp::create(builder, loc, vectorType, mask,
                                               where, isKey, number(-infinity));
    score = select(isLowest(added), number(-infinity),
                   make<arith::AddFOp>(score, added));
  }
  return select(isKey, score, number(-infinity));
}

/// What is subtracted from a row's scores, and what its sums so far are
/// multiplied by: 1 in most blocks, which have no greater score. An infinite
/// one makes the sums NaN.
std::pair<Value, Value> Emitter::emitGreatest(Value place, Value score) {
  Value before = load(greatest, {place, index(0)});
  Value isGreater = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::UGT, score, before);
  Value isInfinite = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OEQ, before, number(infinity));
  Value any =
      vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR,
                                  make<arith::OrIOp>(isGreater, isInfinite));
  auto branch =
      scf::IfOp::create(builder, loc, TypeRange{vectorType, vectorType}, any,
                        /*withElseRegion=*/true);
  // Before the first key that is not hidden everything is exp(-inf).
  auto getOrigin = [&](Value top) {
    return select(isLowest(top), number(0), top);
  };
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, ValueRange{getOrigin(before), number(1)});
  builder.setInsertionPointToStart(branch.thenBlock());
  Value after = make<arith::MaximumFOp>(before, fold<arith::MaximumFOp>(score));
  store(after, greatest, {place, index(0)});
  Value origin = getOrigin(after);
  Value factor = make<math::ExpOp>(make<arith::SubFOp>(before, origin));
  scf::YieldOp::create(builder, loc, ValueRange{origin, factor});
  return {branch.getResult(0), branch.getResult(1)};
}

/// One tile of rows for 16 keys.
void Emitter::emitRows(Value key, Value row) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> rows;
  for (int64_t i = 0; i < tileRows; ++i)
    rows.push_back(make<arith::AddIOp>(row, index(i)));
  SmallVector<Value> scores =
      isTransposed ? emitTransposedScores(rows) : emitScores(key, rows);
  SmallVector<Value> factors;
  for (auto [i, place, score] : llvm::enumerate(rows, scores)) {
    score = adjust(score, key, place, emitIsKey(key, place));
    auto [origin, factor] = emitGreatest(place, score);
    Value power = make<math::ExpOp>(make<arith::SubFOp>(score, origin));
    Value weight = load(weights, {place, index(0)});
    store(make<math::FmaOp>(weight, factor, power), weights, {place, index(0)});
    store(power, powers, {index(i), index(0)});
    factors.push_back(factor);
  }
  emitValues(key, rows, factors);
}

/// Where the keys of `row` begin and end within a block.
std::pair<Value, Value> Emitter::getKeysOfBlock(Value key, Value row) {
  auto toLane = [&](Value bound) {
    Value lane = make<arith::SubIOp>(bound, key);
    lane = make<arith::MaxSIOp>(lane, index(0));
    return make<arith::MinSIOp>(lane, index(lanes));
  };
  if (!op.getRange())
    return {index(0), toLane(keys)};
  return {toLane(loadBound(row, 0)), toLane(loadBound(row, 1))};
}

/// Adds the values of a block. Those that are hidden from a row are never
/// multiplied: one may be infinite.
void Emitter::emitValues(Value key, ArrayRef<Value> rows,
                         ArrayRef<Value> factors) {
  SmallVector<int64_t> all;
  SmallVector<std::pair<Value, Value>> ends;
  for (auto [i, row] : llvm::enumerate(rows)) {
    all.push_back(i);
    ends.push_back(getKeysOfBlock(key, row));
  }
  for (int64_t e = 0; e < valueVectors; e += tileVectors) {
    int64_t width = std::min(tileVectors, valueVectors - e);
    SmallVector<Value> y;
    for (auto [row, factor] : llvm::zip(rows, factors))
      for (int64_t v = 0; v < width; ++v)
        y.push_back(make<arith::MulFOp>(
            load(sums, {row, index((e + v) * lanes)}), factor));
    if (!op.getRange() || rows.size() == 1) {
      addValues(key, all, ends[0].first, ends[0].second, e, width, y);
    } else {
      // The keys that all rows have, between those that one has alone.
      Value from = ends[0].first, to = ends[0].second;
      for (auto [first, last] : ArrayRef(ends).drop_front()) {
        from = make<arith::MaxUIOp>(from, first);
        to = make<arith::MinUIOp>(to, last);
      }
      to = make<arith::MaxUIOp>(to, from);
      for (int64_t i : all)
        addValues(key, i, ends[i].first,
                  make<arith::MinUIOp>(from, ends[i].second), e, width, y);
      addValues(key, all, from, to, e, width, y);
      for (int64_t i : all)
        addValues(key, i, make<arith::MaxUIOp>(to, ends[i].first),
                  ends[i].second, e, width, y);
    }
    for (auto [i, row] : llvm::enumerate(rows))
      for (int64_t v = 0; v < width; ++v)
        store(y[i * width + v], sums, {row, index((e + v) * lanes)});
  }
}

/// The keys from..to of a block for the rows of `tile`: `y` has `width` vectors
/// a row, from vector `e` on.
void Emitter::addValues(Value key, ArrayRef<int64_t> tile, Value from, Value to,
                        int64_t e, int64_t width, SmallVectorImpl<Value> &y) {
  SmallVector<Value> init;
  for (int64_t i : tile)
    for (int64_t v = 0; v < width; ++v)
      init.push_back(y[i * width + v]);
  auto each = loop(from, to, 1, init);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(each.getBody());
    Value j = each.getInductionVar();
    Value place = make<arith::AddIOp>(key, j);
    SmallVector<Value> next(init.size()), power;
    for (int64_t i : tile) {
      Value scalar =
          memref::LoadOp::create(builder, loc, powers, ValueRange{index(i), j});
      power.push_back(
          vector::BroadcastOp::create(builder, loc, vectorType, scalar));
    }
    for (int64_t v = 0; v < width; ++v) {
      Value value =
          load(op.getV(), {batch, head, place, index((e + v) * lanes)});
      for (size_t i = 0; i < tile.size(); ++i)
        next[i * width + v] = make<math::FmaOp>(
            power[i], value, each.getRegionIterArg(i * width + v));
    }
    scf::YieldOp::create(builder, loc, next);
  }
  for (auto [i, row] : llvm::enumerate(tile))
    for (int64_t v = 0; v < width; ++v)
      y[row * width + v] = each.getResult(i * width + v);
}

/// Whether a row whose greatest score is -inf has no key at all, or a mask that
/// hides all of them.
Value Emitter::emitIsHidden(Value row, Value top) {
  Value low = index(0), high = keys;
  if (op.getRange()) {
    low = loadBound(row, 0);
    high = loadBound(row, 1);
  }
  Value isEmpty = compare(arith::CmpIPredicate::uge, low, high);
  Value mask = op.getMask();
  if (!mask || op.getKeepNan())
    return isEmpty;
  Value lowest = arith::ConstantOp::create(builder, loc,
                                           builder.getF32FloatAttr(-infinity));
  auto isEqual = [&](Value x) -> Value {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, x,
                                 lowest);
  };
  Value first = vector::ExtractOp::create(builder, loc, top, 0);
  auto branch = scf::IfOp::create(builder, loc, builder.getI1Type(),
                                  isEqual(first), /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, isEmpty);
  builder.setInsertionPointToStart(branch.thenBlock());
  Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
  SmallVector<Value> where = {batch, headOf(row), queryOf(row), Value()};
  auto type = cast<MemRefType>(mask.getType());
  for (int64_t dim = 0; dim < 3; ++dim)
    if (type.getDimSize(dim) == 1)
      where[dim] = index(0);
  auto each = loop(low, high, 1, yes);
  scf::YieldOp::create(builder, loc, each.getResult(0));
  builder.setInsertionPointToStart(each.getBody());
  where[3] = each.getInductionVar();
  Value element = memref::LoadOp::create(builder, loc, mask, where);
  scf::YieldOp::create(
      builder, loc,
      make<arith::AndIOp>(each.getRegionIterArg(0), isEqual(element)));
  return branch.getResult(0);
}

/// Divides by the sum of the weights and stores.
void Emitter::emitResult(Value row) {
  Value weight = fold<arith::AddFOp>(load(weights, {row, index(0)}));
  Value hidden;
  if (op.getZeroNan())
    hidden = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UEQ,
                                   weight, number(0));
  else
    hidden = emitIsHidden(row, load(greatest, {row, index(0)}));
  Value head = headOf(row), query = queryOf(row);
  for (int64_t e = 0; e < valueVectors; ++e) {
    Value y = make<arith::DivFOp>(load(sums, {row, index(e * lanes)}), weight);
    y = select(hidden, number(0), y);
    store(y, op.getInit(), {batch, head, query, index(e * lanes)});
  }
}

namespace {

struct LowerAttention final : OpRewritePattern<bit::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getQ().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    if (!op.hasKernel())
      return rewriter.notifyMatchFailure(op, "has no kernel");
    Emitter(rewriter, op).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populateAttentionToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
