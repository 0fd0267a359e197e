// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why bytes of P2 as they are? Each holds four weights of one row, so it is the
// index of a table of all sums of four codes: 81 of its 171 entries exist, and
// what lies between them is never touched. An addition of 16 i16 then does the
// work of 64 multiplications, one of 32 that of 128.

#include "TableProduct.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "bit/Layout/Planes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit {

namespace {

using P2Layout = PlaneLayout;                     ///< of 2 bits
constexpr int64_t lanes = P2Layout::rowsPerGroup; ///< of what is transposed
constexpr int64_t tables = 4; ///< of a step: one for each byte
constexpr int64_t width = P2Layout::getStepK(2);

class Emitter : IndexMath {
public:
  Emitter(OpBuilder &builder, Location loc, const TableProduct &product)
      : IndexMath(builder, loc), builder(builder), loc(loc), product(product),
        layout(*P2Layout::get(2, product.n, product.k)) {}

  void emit(TableProduct::Consumer consume);

private:
  using Body = llvm::function_ref<void(Value)>;

  Value zeros(Type type, int64_t count = lanes) {
    return arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(VectorType::get(count, type)));
  }
  Value load(Type type, Value from, ValueRange where, int64_t count = lanes) {
    return vector::LoadOp::create(builder, loc, VectorType::get(count, type),
                                  from, where);
  }
  void store(Value value, Value to, ValueRange where) {
    vector::StoreOp::create(builder, loc, value, to, where);
  }
  Value allocate(ArrayRef<int64_t> shape, Type type) {
    return memref::AllocaOp::create(builder, loc, MemRefType::get(shape, type),
                                    builder.getI64IntegerAttr(64));
  }
  void loop(Value from, Value to, int64_t step, Body body);
  void loopTokens(int64_t step, Body body) {
    loop(index(0), index(product.tokens), step, body);
  }
  void loopGroups(llvm::function_ref<void(Value, int64_t)> body);

  void transpose(SmallVector<Value> &vectors);
  void arrangeCodes(Value step, Value firstK);
  void buildTables(int64_t steps);
  void addRow(Value row, ValueRange bytes);
  void prefetch(Value bytes, Value groups);
  void addRows(Value step, int64_t steps);
  Value combineMagnitudes(Value buffer, Value rows, vector::CombiningKind kind);
  Value isAbove(Value magnitudes, int64_t limit);
  SmallVector<Value> addSteps(Value from, Value to, int64_t steps,
                              ValueRange state);
  std::pair<Value, SmallVector<Value>> getPlace(Value first, int64_t rowInGroup,
                                                Value row, int64_t rows);
  void flush(Value isKept, TableProduct::Consumer consume);

  OpBuilder &builder;
  Location loc;
  const TableProduct &product;
  P2Layout layout;
  Type i8 = builder.getI8Type(), i16 = builder.getIntegerType(16),
       i32 = builder.getI32Type();

  Value groups; ///< of 16 rows that the unit has
  Value codes;  ///< of a step: [k][token] i16
  Value sums;   ///< [table][entry][token] i16
  Value narrow; ///< [row][token] i16, what is not yet in y
  Value ragged; ///< [line][token], the same as y for the last rows
};

} // namespace

void Emitter::loop(Value from, Value to, int64_t step, Body body) {
  auto loop = scf::ForOp::create(builder, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

/// Transposes 16 vectors of 16. Interleaving vector i with i + 8 rotates the
/// bits of an element's place, vector before lane, by one.
void Emitter::transpose(SmallVector<Value> &vectors) {
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes / 2; ++i) {
    low.append({i, lanes + i});
    high.append({lanes / 2 + i, lanes + lanes / 2 + i});
  }
  for (int64_t round = 0; round < 4; ++round) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < lanes / 2; ++i)
      for (ArrayRef<int64_t> mask : {ArrayRef(low), ArrayRef(high)})
        next.push_back(vector::ShuffleOp::create(builder, loc, vectors[i],
                                                 vectors[i + lanes / 2], mask));
    vectors = std::move(next);
  }
}

/// The codes of a step, transposed and as i16, from `firstK` on; 0 past the end
/// of K.
void Emitter::arrangeCodes(Value step, Value firstK) {
  int64_t rest = product.k % width;
  auto loadWhole = [&](Value token) {
    return load(i8, product.x, {token, mul(step, width)});
  };
  auto loadRest = [&](Value token) -> Value {
    Value loaded =
        vector::LoadOp::create(builder, loc, VectorType::get(rest, i8),
                               product.x, ValueRange{token, mul(step, width)});
    return vector::InsertStridedSliceOp::create(builder, loc, loaded, zeros(i8),
                                                ArrayRef<int64_t>{0},
                                                ArrayRef<int64_t>{1});
  };
  auto arrange = [&](llvm::function_ref<Value(Value)> loadToken) {
    loopTokens(lanes, [&](Value first) {
      SmallVector<Value> vectors;
      for (int64_t t = 0; t < lanes; ++t)
        vectors.push_back(loadToken(add(add(product.token, first), t)));
      transpose(vectors);
      for (auto [k, vector] : llvm::enumerate(vectors))
        store(arith::ExtSIOp::create(builder, loc, VectorType::get(lanes, i16),
                                     vector),
              codes, {add(firstK, k), first});
    });
  };
  if (rest == 0)
    return arrange(loadWhole);
  Value isWhole = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                        step, index(layout.getNumSteps() - 1));
  auto branch = scf::IfOp::create(builder, loc, isWhole, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  arrange(loadWhole);
  builder.setInsertionPointToStart(branch.elseBlock());
  arrange(loadRest);
}

/// Table j of a step: for bytes of fields f, the sums of (f_p - 1) *
/// x[4 p + j].
void Emitter::buildTables(int64_t steps) {
  loop(index(0), index(steps * tables), 1, [&](Value table) {
    Value inStep = arith::RemUIOp::create(builder, loc, table, index(tables));
    Value step = arith::DivUIOp::create(builder, loc, table, index(tables));
    Value firstK = add(mul(step, width), inStep);
    loopTokens(product.lanes, [&](Value first) {
      Value none = zeros(i16, product.lanes);
      std::array<std::array<Value, 3>, 4> terms;
      for (int64_t plane = 0; plane < 4; ++plane) {
        Value x =
            load(i16, codes, {add(firstK, 4 * plane), first}, product.lanes);
        terms[plane] = {arith::SubIOp::create(builder, loc, none, x), none, x};
      }
      auto sum = [&](Value a, Value b) -> Value {
        return arith::AddIOp::create(builder, loc, a, b);
      };
      std::array<Value, 9> lower;
      for (int64_t i = 0; i < 9; ++i)
        lower[i] = sum(terms[0][i % 3], terms[1][i / 3]);
      for (int64_t j = 0; j < 9; ++j) {
        Value upper = sum(terms[2][j % 3], terms[3][j / 3]);
        for (int64_t i = 0; i < 9; ++i) {
          int64_t entry = i % 3 + i / 3 * 4 + j % 3 * 16 + j / 3 * 64;
          store(sum(lower[i], upper), sums, {table, index(entry), first});
        }
      }
    });
  });
}

/// Adds the entries that a row's bytes, four of each step, choose to its sums.
void Emitter::addRow(Value row, ValueRange bytes) {
  Type i64 = builder.getI64Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  SmallVector<Value> chosen;
  for (Value place : bytes) {
    Value loaded = vector::LoadOp::create(
        builder, loc, VectorType::get(tables, i8), product.packed, place);
    Value word = vector::ExtractOp::create(
        builder, loc,
        vector::BitCastOp::create(builder, loc, VectorType::get(1, i32),
                                  loaded),
        0);
    word = arith::ExtUIOp::create(builder, loc, i64, word);
    for (int64_t table = 0; table < tables; ++table) {
      Value entry =
          arith::ShRUIOp::create(builder, loc, word, constant(8 * table));
      entry = arith::AndIOp::create(builder, loc, entry, constant(255));
      chosen.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getIndexType(), entry));
    }
  }
  for (int64_t first = 0; first < product.tokens; first += product.lanes) {
    Value sum = load(i16, narrow, {row, index(first)}, product.lanes);
    for (auto [table, entry] : llvm::enumerate(chosen))
      sum = arith::AddIOp::create(
          builder, loc, sum,
          load(i16, sums, {index(table), entry, index(first)}, product.lanes));
    store(sum, narrow, {row, index(first)});
  }
}

/// Fetches the bytes of a block in a step: from one block to the next the CPU
/// cannot guess.
void Emitter::prefetch(Value bytes, Value groups) {
  loop(index(0), groups, 1, [&](Value group) {
    memref::PrefetchOp::create(
        builder, loc, product.packed,
        ValueRange{add(bytes, mul(group, P2Layout::bytesPerGroup))},
        /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  });
}

void Emitter::addRows(Value step, int64_t steps) {
  constexpr int64_t bytesPerRow =
      P2Layout::bytesPerGroup / P2Layout::rowsPerGroup;
  constexpr int64_t unroll = 2;
  constexpr int64_t stepsAhead = 2;
  SmallVector<Value> ahead;
  for (int64_t i = 0; i < steps; ++i)
    ahead.push_back(arith::MinUIOp::create(builder, loc,
                                           add(step, stepsAhead + i),
                                           index(layout.getNumSteps() - 1)));
  loop(product.block, product.endBlock, 1, [&](Value block) {
    // The last block has only the groups it needs.
    Value groups = index(P2Layout::groupsPerBlock);
    if (layout.getNumGroups() % P2Layout::groupsPerBlock != 0)
      groups = arith::MinUIOp::create(
          builder, loc, groups,
          arith::SubIOp::create(builder, loc, index(layout.getNumGroups()),
                                mul(block, P2Layout::groupsPerBlock)));
    Value first = mul(block, layout.getNumSteps() * P2Layout::groupsPerBlock *
                                 P2Layout::bytesPerGroup);
    Value distance = mul(groups, P2Layout::bytesPerGroup);
    auto bytesOf = [&](Value step) -> Value {
      return add(first, mul(distance, step));
    };
    Value bytes = bytesOf(step);
    for (Value later : ahead)
      prefetch(bytesOf(later), groups);
    Value firstRow =
        mul(arith::SubIOp::create(builder, loc, block, product.block),
            P2Layout::rowsPerBlock);
    loop(index(0), mul(groups, P2Layout::rowsPerGroup), unroll, [&](Value row) {
      for (int64_t i = 0; i < unroll; ++i) {
        SmallVector<Value> places = {
            add(add(bytes, mul(row, bytesPerRow)), i * bytesPerRow)};
        while (static_cast<int64_t>(places.size()) < steps)
          places.push_back(add(places.back(), distance));
        addRow(add(add(firstRow, row), i), places);
      }
    });
  });
}

/// For each token the magnitudes of the first `rows` rows of a buffer of i16,
/// [row][token], combined: their sum or the largest.
Value Emitter::combineMagnitudes(Value buffer, Value rows,
                                 vector::CombiningKind kind) {
  auto loop = scf::ForOp::create(
      builder, loc, index(0), rows, index(1),
      ValueRange(zeros(i16, product.tokens)),
      [&](OpBuilder &, Location, Value row, ValueRange carried) {
        Value x = load(i16, buffer, {row, index(0)}, product.tokens);
        Value magnitude = arith::MaxSIOp::create(
            builder, loc, x,
            arith::SubIOp::create(builder, loc, zeros(i16, product.tokens), x));
        Value combined = vector::makeArithReduction(builder, loc, kind,
                                                    carried[0], magnitude);
        scf::YieldOp::create(builder, loc, combined);
      });
  return loop.getResult(0);
}

/// Whether one of the magnitudes, unsigned, is above the limit.
Value Emitter::isAbove(Value magnitudes, int64_t limit) {
  Value largest = vector::ReductionOp::create(
      builder, loc, vector::CombiningKind::MAXUI, magnitudes);
  return arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ugt, largest,
      arith::ConstantIntOp::create(builder, loc, limit, 16));
}

/// As many of the steps [from, to) as can be taken `steps` at once. The state
/// is what bounds each token's sums of i16, and whether y has the rest of them.
///
/// A bound that would pass i16 is replaced by what the sums really are: weights
/// of both signs cancel, so that they grow as the square root of what is added.
/// Only sums that are large are moved to y.
SmallVector<Value> Emitter::addSteps(Value from, Value to, int64_t steps,
                                     ValueRange state) {
  constexpr int64_t limit = 32767;
  // Above this, the next look would come too soon to be worth one.
  constexpr int64_t large = 24576;
  auto loop = scf::ForOp::create(
      builder, loc, from, to, index(steps), state,
      [&](OpBuilder &, Location, Value step, ValueRange carried) {
        this->loop(index(0), index(steps), 1,
                   [&](Value i) { arrangeCodes(add(step, i), mul(i, width)); });
        // What these steps add to any sum is at most that of the codes.
        Value added = combineMagnitudes(codes, index(steps * width),
                                        vector::CombiningKind::ADD);
        // Unsigned, at most 32,767 + 2 * 2,048.
        Value total = arith::AddIOp::create(builder, loc, carried[0], added);
        Value isKept = carried[1];
        auto branch = scf::IfOp::create(
            builder, loc, isAbove(total, limit),
            [&](OpBuilder &, Location) {
              Value found =
                  combineMagnitudes(narrow, mul(groups, P2Layout::rowsPerGroup),
                                    vector::CombiningKind::MAXSI);
              auto move = scf::IfOp::create(
                  builder, loc, isAbove(found, large),
                  [&](OpBuilder &, Location) {
                    flush(isKept, /*consume=*/nullptr);
                    Value yes =
                        arith::ConstantIntOp::create(builder, loc, 1, 1);
                    scf::YieldOp::create(builder, loc, ValueRange{added, yes});
                  },
                  [&](OpBuilder &, Location) {
                    Value sum =
                        arith::AddIOp::create(builder, loc, found, added);
                    scf::YieldOp::create(builder, loc, ValueRange{sum, isKept});
                  });
              scf::YieldOp::create(builder, loc, move.getResults());
            },
            [&](OpBuilder &, Location) {
              scf::YieldOp::create(builder, loc, ValueRange{total, isKept});
            });
        buildTables(steps);
        addRows(step, steps);
        scf::YieldOp::create(builder, loc, branch.getResults());
      });
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// Calls `body` with each group's number in the unit and the number of its rows
/// that exist.
void Emitter::loopGroups(llvm::function_ref<void(Value, int64_t)> body) {
  int64_t rest = product.n % P2Layout::rowsPerGroup;
  Value whole = groups;
  if (rest != 0) {
    Value endGroup = add(groups, mul(product.block, P2Layout::groupsPerBlock));
    Value isLast =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, endGroup,
                              index(layout.getNumGroups()));
    Value ragged = arith::IndexCastUIOp::create(builder, loc,
                                                builder.getIndexType(), isLast);
    whole = arith::SubIOp::create(builder, loc, groups, ragged);
  }
  loop(index(0), whole, 1,
       [&](Value group) { body(group, P2Layout::rowsPerGroup); });
  if (rest != 0)
    loop(whole, groups, 1, [&](Value group) { body(group, rest); });
}

/// Where the sums of a row and 16 tokens from `first` on are kept: y has as
/// much memory for 16 rows and these tokens, but not for fewer rows.
std::pair<Value, SmallVector<Value>>
Emitter::getPlace(Value first, int64_t rowInGroup, Value row, int64_t rows) {
  Value line = add(first, rowInGroup);
  if (rows != lanes)
    return {ragged, {line, index(0)}};
  return {product.y, {add(product.token, line), row}};
}

/// Adds the sums of i16 to those kept in y, if any are, and clears them; for
/// `consume`, if it is given, they are transposed instead.
void Emitter::flush(Value isKept, TableProduct::Consumer consume) {
  Type f32 = builder.getF32Type();
  auto wide = VectorType::get(lanes, i32);
  Value firstGroup = mul(product.block, P2Layout::groupsPerBlock);
  loopGroups([&](Value group, int64_t rows) {
    Value global = add(group, firstGroup);
    Value firstRow = mul(global, P2Layout::rowsPerGroup);
    loopTokens(lanes, [&](Value first) {
      auto placeOf = [&](int64_t i) {
        return getPlace(first, i, firstRow, rows);
      };
      auto kept = scf::IfOp::create(
          builder, loc, isKept,
          [&](OpBuilder &, Location) {
            SmallVector<Value> loaded;
            for (int64_t i = 0; i < lanes; ++i) {
              auto [from, place] = placeOf(i);
              loaded.push_back(vector::BitCastOp::create(
                  builder, loc, wide, load(f32, from, place)));
            }
            scf::YieldOp::create(builder, loc, loaded);
          },
          [&](OpBuilder &, Location) {
            scf::YieldOp::create(builder, loc,
                                 SmallVector<Value>(lanes, zeros(i32)));
          });
      SmallVector<Value> vectors;
      for (int64_t i = 0; i < lanes; ++i) {
        SmallVector<Value> where = {add(mul(group, lanes), i), first};
        Value sums = arith::AddIOp::create(
            builder, loc, kept.getResult(i),
            arith::ExtSIOp::create(builder, loc, wide,
                                   load(i16, narrow, where)));
        vectors.push_back(sums);
        if (consume)
          continue;
        auto [to, place] = placeOf(i);
        store(vector::BitCastOp::create(builder, loc,
                                        VectorType::get(lanes, f32), sums),
              to, place);
        store(zeros(i16), narrow, where);
      }
      if (!consume)
        return;
      transpose(vectors);
      for (auto [t, sums] : llvm::enumerate(vectors))
        consume(add(add(product.token, first), t), global, rows, sums);
    });
  });
}

void Emitter::emit(TableProduct::Consumer consume) {
  // Tables of two steps for 16 tokens, of one for 32, fill the L1 cache.
  int64_t atOnce = 32 / product.tokens;
  // An entry of 2 in each of four fields of 2 bits is the last, but then used
  // entries of all tables would lie in the same sets of the L1 cache. These
  // distances spread them best (tried: all) over 64 sets of lines of 64 bytes.
  int64_t entries = product.tokens == 32 ? 205 : 174;
  // bit-outline-parallel moves these to the start of the thread's function.
  codes = allocate({atOnce * width, product.tokens}, i16);
  sums = allocate({atOnce * tables, entries, product.tokens}, i16);
  narrow = allocate({product.maxRows, product.tokens}, i16);
  if (product.n % P2Layout::rowsPerGroup != 0)
    ragged = allocate({product.tokens, lanes}, builder.getF32Type());

  Value endGroup = arith::MinUIOp::create(
      builder, loc, mul(product.endBlock, P2Layout::groupsPerBlock),
      index(layout.getNumGroups()));
  groups = arith::SubIOp::create(builder, loc, endGroup,
                                 mul(product.block, P2Layout::groupsPerBlock));
  loop(index(0), mul(groups, P2Layout::rowsPerGroup), 1, [&](Value row) {
    for (int64_t first = 0; first < product.tokens; first += product.lanes)
      store(zeros(i16, product.lanes), narrow, {row, index(first)});
  });
  Value steps = index(layout.getNumSteps());
  Value whole = index(layout.getNumSteps() / atOnce * atOnce);
  SmallVector<Value> state = {zeros(i16, product.tokens),
                              arith::ConstantIntOp::create(builder, loc, 0, 1)};
  state = addSteps(index(0), whole, atOnce, state);
  if (layout.getNumSteps() % atOnce != 0)
    state = addSteps(whole, steps, 1, state);
  flush(state[1], consume);
}

void TableProduct::emit(OpBuilder &builder, Location loc,
                        Consumer consume) const {
  Emitter(builder, loc, *this).emit(consume);
}

} // namespace bit
