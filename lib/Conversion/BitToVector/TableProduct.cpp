// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why bytes of P2 as they are? Each holds four weights of one row, so it is the
// index of a table of all sums of four codes: 81 of its 171 entries exist, and
// what lies between them is never touched. An addition of 16 i16 then does the
// work of 64 multiplications.

#include "TableProduct.h"
#include "bit/Layout/P2.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit {

namespace {

constexpr int64_t lanes = 16;
constexpr int64_t tables = 4; ///< of a step: one for each byte
constexpr int64_t width = P2Layout::kPerStep;
constexpr auto noWrap =
    arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw;

class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, const TableProduct &product)
      : builder(builder), loc(loc), product(product),
        layout(*P2Layout::get(product.n, product.k)) {}

  void emit(TableProduct::Consumer consume);

private:
  using Body = llvm::function_ref<void(Value)>;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b, noWrap);
  }
  Value add(Value a, int64_t b) { return b == 0 ? a : add(a, index(b)); }
  Value mul(Value a, int64_t b) {
    return arith::MulIOp::create(builder, loc, a, index(b), noWrap);
  }
  VectorType vectorOf(Type type) { return VectorType::get(lanes, type); }
  Value zeros(Type type) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getZeroAttr(vectorOf(type)));
  }
  Value load(Type type, Value from, ValueRange where) {
    return vector::LoadOp::create(builder, loc, vectorOf(type), from, where);
  }
  void store(Value value, Value to, ValueRange where) {
    vector::StoreOp::create(builder, loc, value, to, where);
  }
  Value allocate(ArrayRef<int64_t> shape, Type type) {
    return memref::AllocaOp::create(builder, loc, MemRefType::get(shape, type),
                                    builder.getI64IntegerAttr(64));
  }
  void loop(Value from, Value to, int64_t step, Body body);
  void loopLanes(Body body) {
    loop(index(0), index(product.tokens), lanes, body);
  }

  void transpose(SmallVector<Value> &vectors);
  void arrangeCodes(Value step, Value firstK);
  void buildTables(int64_t steps);
  void addRow(Value row, ValueRange bytes);
  void addRows(Value step, int64_t steps);
  void addSteps(Value from, Value to, int64_t steps);
  void widen();
  void consumeGroup(Value group, int64_t rows, TableProduct::Consumer consume);

  OpBuilder &builder;
  Location loc;
  const TableProduct &product;
  P2Layout layout;
  Type i8 = builder.getI8Type(), i16 = builder.getIntegerType(16),
       i32 = builder.getI32Type();

  Value rows;         ///< of the unit, a multiple of 16
  Value codes;        ///< of a step: [k][token] i16
  Value sums;         ///< [table][entry][token] i16
  Value narrow, wide; ///< [row][token] i16 and i32
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
    loopLanes([&](Value first) {
      SmallVector<Value> vectors;
      for (int64_t t = 0; t < lanes; ++t)
        vectors.push_back(loadToken(add(add(product.token, first), t)));
      transpose(vectors);
      for (auto [k, vector] : llvm::enumerate(vectors))
        store(arith::ExtSIOp::create(builder, loc, vectorOf(i16), vector),
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
    loopLanes([&](Value first) {
      Value none = zeros(i16);
      std::array<std::array<Value, 3>, 4> terms;
      for (int64_t plane = 0; plane < 4; ++plane) {
        Value x = load(i16, codes, {add(firstK, 4 * plane), first});
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
  for (int64_t first = 0; first < product.tokens; first += lanes) {
    Value sum = load(i16, narrow, {row, index(first)});
    for (auto [table, entry] : llvm::enumerate(chosen))
      sum = arith::AddIOp::create(
          builder, loc, sum,
          load(i16, sums, {index(table), entry, index(first)}));
    store(sum, narrow, {row, index(first)});
  }
}

void Emitter::addRows(Value step, int64_t steps) {
  constexpr int64_t bytesPerRow =
      P2Layout::bytesPerGroup / P2Layout::rowsPerGroup;
  constexpr int64_t unroll = 2;
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
    Value bytes =
        add(first, arith::MulIOp::create(builder, loc, distance, step, noWrap));
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

/// As many of the steps [from, to) as can be taken `steps` at once.
void Emitter::addSteps(Value from, Value to, int64_t steps) {
  loop(from, to, steps, [&](Value step) {
    loop(index(0), index(steps), 1,
         [&](Value i) { arrangeCodes(add(step, i), mul(i, width)); });
    buildTables(steps);
    addRows(step, steps);
  });
}

void Emitter::widen() {
  loop(index(0), rows, 1, [&](Value row) {
    for (int64_t first = 0; first < product.tokens; first += lanes) {
      SmallVector<Value> where = {row, index(first)};
      Value sum = arith::ExtSIOp::create(builder, loc, vectorOf(i32),
                                         load(i16, narrow, where));
      store(arith::AddIOp::create(builder, loc, load(i32, wide, where), sum),
            wide, where);
      store(zeros(i16), narrow, where);
    }
  });
}

/// `group` counts from the unit's first.
void Emitter::consumeGroup(Value group, int64_t groupRows,
                           TableProduct::Consumer consume) {
  Value global = add(group, mul(product.block, P2Layout::groupsPerBlock));
  loopLanes([&](Value first) {
    SmallVector<Value> vectors;
    for (int64_t row = 0; row < lanes; ++row)
      vectors.push_back(load(i32, wide, {add(mul(group, lanes), row), first}));
    transpose(vectors);
    for (auto [t, sums] : llvm::enumerate(vectors))
      consume(add(add(product.token, first), t), global, groupRows, sums);
  });
}

void Emitter::emit(TableProduct::Consumer consume) {
  // Tables of two steps for 16 tokens, of one for 32, fill the L1 cache.
  int64_t atOnce = 32 / product.tokens;
  // An entry of 2 in each of four fields of 2 bits is the last, but then used
  // entries of all tables would lie in the same sets of the L1 cache. These
  // distances spread them best (tried: all) over 64 sets of lines of 64 bytes.
  int64_t entries = product.tokens == 32 ? 205 : 174;
  int64_t maxRows = std::min(TableProduct::maxRows,
                             layout.getNumGroups() * P2Layout::rowsPerGroup);
  // bit-outline-parallel moves these to the start of the thread's function.
  codes = allocate({atOnce * width, product.tokens}, i16);
  sums = allocate({atOnce * tables, entries, product.tokens}, i16);
  narrow = allocate({maxRows, product.tokens}, i16);
  wide = allocate({maxRows, product.tokens}, i32);

  Value endGroup = arith::MinUIOp::create(
      builder, loc, mul(product.endBlock, P2Layout::groupsPerBlock),
      index(layout.getNumGroups()));
  Value groups = arith::SubIOp::create(
      builder, loc, endGroup, mul(product.block, P2Layout::groupsPerBlock));
  rows = mul(groups, P2Layout::rowsPerGroup);
  loop(index(0), rows, 1, [&](Value row) {
    for (int64_t first = 0; first < product.tokens; first += lanes) {
      store(zeros(i16), narrow, {row, index(first)});
      store(zeros(i32), wide, {row, index(first)});
    }
  });

  // Sums of i16 take so many steps before they could overflow.
  int64_t period = 32767 / (width * std::max<int64_t>(product.largest, 1));
  period -= period % atOnce;
  Value steps = index(layout.getNumSteps());
  loop(index(0), steps, period, [&](Value from) {
    Value to = arith::MinUIOp::create(builder, loc, add(from, period), steps);
    Value whole = to;
    if (atOnce != 1) {
      Value rest = arith::RemUIOp::create(
          builder, loc, arith::SubIOp::create(builder, loc, to, from),
          index(atOnce));
      whole = arith::SubIOp::create(builder, loc, to, rest);
    }
    addSteps(from, whole, atOnce);
    if (atOnce != 1)
      addSteps(whole, to, 1);
    widen();
  });

  int64_t rest = product.n % P2Layout::rowsPerGroup;
  if (rest == 0)
    return loop(index(0), groups, 1, [&](Value group) {
      consumeGroup(group, P2Layout::rowsPerGroup, consume);
    });
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       endGroup, index(layout.getNumGroups()));
  Value ragged = arith::IndexCastUIOp::create(builder, loc,
                                              builder.getIndexType(), isLast);
  Value whole = arith::SubIOp::create(builder, loc, groups, ragged);
  loop(index(0), whole, 1, [&](Value group) {
    consumeGroup(group, P2Layout::rowsPerGroup, consume);
  });
  loop(whole, groups, 1,
       [&](Value group) { consumeGroup(group, rest, consume); });
}

void TableProduct::emit(OpBuilder &builder, Location loc,
                        Consumer consume) const {
  Emitter(builder, loc, *this).emit(consume);
}

} // namespace bit
