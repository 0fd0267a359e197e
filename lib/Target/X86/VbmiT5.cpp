// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout T5 by tables: for one token, each five activations have a table of
// their sums by all weights, and a byte of weights is its index. A sum t is
// 32 h + l in two tables of bytes, as vpermi2b looks 64 bytes up in 128; the
// other 121 sums are these, negated.

#include "Intrinsics.h"
#include "Kernels.h"
#include "bit/Conversion/BitToVector/PackedMatmul.h"
#include "bit/Conversion/BitToVector/T5Kernel.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit::x86 {

namespace {

constexpr int64_t lanes = 16;       ///< i32 in a register
constexpr int64_t bytes = 64;       ///< i8 in a register
constexpr int64_t tableBytes = 256; ///< l of 128 entries, then h of them
constexpr int64_t groupsPerPanel =
    T5Layout::stepsPerPanel * T5Layout::bytesPerStep;
/// Bytes of rows are sums of this many l or h: 6 * 20 of h.
constexpr int64_t groupsPerSum = 6;
/// Words are sums of a panel.
static_assert(groupsPerPanel * 640 < 32768 &&
              groupsPerPanel % groupsPerSum == 0);

/// The tables are on the stack of the thread that calls: 384 KB.
constexpr int64_t maxLookupSteps = 32 * T5Layout::stepsPerPanel;
/// Blocks of 256 rows that read a panel's tables one after another: all but the
/// first from the nearest cache.
constexpr int64_t blocksPerUnit = 10;
/// Fewer are not worth a second thread.
constexpr int64_t leastSharedBlocks = 8;

class VbmiT5 final : public T5Kernel {
public:
  VbmiT5() : T5Kernel("x86.vbmi_t5", createVnniPlanes(2), /*bytes=*/64) {}

  ArrayRef<StringRef> getFeatures() const override {
    static constexpr StringRef features[] = {"avx512f", "avx512bw", "avx512vl",
                                             "avx512vnni", "avx512vbmi"};
    return features;
  }

  void lower(OpBuilder &builder, PackedMatmulOp op) const override;
};

class Lookup {
public:
  Lookup(OpBuilder &builder, const PlaneKernel &inner, PackedMatmulOp op)
      : builder(builder), inner(inner), op(op), loc(op.getLoc()),
        layout(*T5Layout::get(op.getN(), op.getK())),
        byteType(VectorType::get(bytes, builder.getI8Type())),
        wordType(VectorType::get(bytes / 2, builder.getI16Type())),
        sumType(VectorType::get(lanes, builder.getI32Type())) {}

  /// Multiplies token 0 by all rows.
  void emit();

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b);
  }
  Value mul(Value a, int64_t b) {
    return arith::MulIOp::create(builder, loc, a, index(b));
  }
  Value zeros(VectorType type) {
    return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  }
  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            type, builder.getIntegerAttr(type.getElementType(), value)));
  }
  Value allocate(int64_t size, Type type) {
    return memref::AllocaOp::create(builder, loc, MemRefType::get(size, type),
                                    builder.getI64IntegerAttr(bytes));
  }
  Value load(VectorType type, Value from, Value where) {
    return vector::LoadOp::create(builder, loc, type, from, where);
  }
  void loop(Value from, Value to, llvm::function_ref<void(Value)> body);
  Value interleave(Value a, Value b, bool high);

  Value loadPair(ArrayRef<Value> codes, int64_t first);
  void buildTable(ArrayRef<Value> codes, Value table);
  void buildTables(Value step, int64_t width);
  void addGroups(Value weights, Value group, int64_t units, int64_t count,
                 SmallVector<Value> &sums);
  void addPanel(Value panel, int64_t groups, Value block, int64_t units);
  void addBlocks(Value panel, int64_t groups);
  void storeSums();

  OpBuilder &builder;
  const PlaneKernel &inner;
  PackedMatmulOp op;
  Location loc;
  T5Layout layout;
  VectorType byteType, wordType, sumType;
  int64_t unitBlocks;
  Value tables;          ///< of all steps
  Value sums;            ///< of the unit's rows, i32
  Value firstBlock, end; ///< of the unit
};

/// The weight of activation `trit` in table entry `entry`.
int getDigit(int64_t entry, int64_t trit) {
  // Entries past the last one are not used.
  int64_t rest = std::min<int64_t>(entry, 121) + 121;
  for (; trit > 0; --trit)
    rest /= 3;
  return static_cast<int>(rest % 3) - 1;
}

/// The entry of word `word` of register `half` of two, which are packed to one
/// of bytes in each 16 bytes.
int64_t getEntry(int64_t half, int64_t word) {
  return half / 2 * bytes + word / 8 * 16 + half % 2 * 8 + word % 8;
}

} // namespace

void Lookup::loop(Value from, Value to, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(builder, loc, from, to, index(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

/// Interleaves elements of a and b, of the low or high halves of each 16 bytes.
Value Lookup::interleave(Value a, Value b, bool high) {
  int64_t count = cast<VectorType>(a.getType()).getNumElements();
  int64_t part = count / 4;
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < count; ++i)
    mask.push_back(i / part * part + i % part / 2 + (high ? part / 2 : 0) +
                   (i % 2 ? count : 0));
  return vector::ShuffleOp::create(builder, loc, a, b, mask);
}

/// Codes `first` and the next one, if there is one, in each word of a register:
/// plus 128, as the instruction wants them without a sign.
Value Lookup::loadPair(ArrayRef<Value> codes, int64_t first) {
  Type i16 = builder.getI16Type();
  auto constant = [&](int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 16);
  };
  Value word = arith::ExtUIOp::create(builder, loc, i16, codes[first]);
  if (first + 1 < T5Layout::tritsPerByte) {
    Value next = arith::ExtUIOp::create(builder, loc, i16, codes[first + 1]);
    next = arith::ShLIOp::create(builder, loc, next, constant(8));
    word = arith::OrIOp::create(builder, loc, word, next);
  }
  word = arith::XOrIOp::create(builder, loc, word,
                               constant(static_cast<int16_t>(0x8080)));
  Value words = vector::BroadcastOp::create(builder, loc, wordType, word);
  return vector::BitCastOp::create(builder, loc, byteType, words);
}

/// The table of five codes.
void Lookup::buildTable(ArrayRef<Value> codes, Value table) {
  constexpr int64_t trits = T5Layout::tritsPerByte, halves = 4;
  SmallVector<Value> pairs;
  for (int64_t first = 0; first < trits; first += 2)
    pairs.push_back(loadPair(codes, first));
  SmallVector<Value> low, high;
  for (int64_t half = 0; half < halves; ++half) {
    // Half of 32, so that l is rounded to -16..15; and what 128 adds.
    SmallVector<int16_t> start(bytes / 2, 16);
    for (int64_t word = 0; word < bytes / 2; ++word)
      for (int64_t trit = 0; trit < trits; ++trit)
        start[word] -= 128 * getDigit(getEntry(half, word), trit);
    Value sum = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(wordType, ArrayRef(start)));
    for (auto [i, pair] : llvm::enumerate(pairs)) {
      SmallVector<int8_t> digits;
      for (int64_t byte = 0; byte < bytes; ++byte) {
        int64_t trit = 2 * static_cast<int64_t>(i) + byte % 2;
        digits.push_back(trit < trits ? getDigit(getEntry(half, byte / 2), trit)
                                      : 0);
      }
      Value weights = arith::ConstantOp::create(
          builder, loc, DenseElementsAttr::get(byteType, ArrayRef(digits)));
      sum = arith::AddIOp::create(builder, loc, sum,
                                  vpmaddubsw512(builder, loc, pair, weights));
    }
    low.push_back(
        arith::AndIOp::create(builder, loc, sum, splat(wordType, 31)));
    high.push_back(
        arith::ShRSIOp::create(builder, loc, sum, splat(wordType, 5)));
  }
  auto store = [&](Value value, int64_t place) {
    vector::StoreOp::create(builder, loc, value, tables,
                            add(table, index(place * bytes)));
  };
  for (int64_t part = 0; part < 2; ++part) {
    Value l = vpacksswb(builder, loc, low[2 * part], low[2 * part + 1]);
    store(arith::SubIOp::create(builder, loc, l, splat(byteType, 16)), part);
    store(vpacksswb(builder, loc, high[2 * part], high[2 * part + 1]),
          2 + part);
  }
}

/// The tables of a step, `width` k of which exist.
void Lookup::buildTables(Value step, int64_t width) {
  Value firstK = mul(step, T5Layout::kPerStep);
  Value first = mul(step, T5Layout::bytesPerStep * tableBytes);
  for (int64_t g = 0; g < T5Layout::bytesPerStep; ++g) {
    SmallVector<Value> codes;
    for (int64_t k = g; k < T5Layout::kPerStep; k += T5Layout::bytesPerStep) {
      if (k >= width)
        codes.push_back(arith::ConstantIntOp::create(builder, loc, 0, 8));
      else
        codes.push_back(memref::LoadOp::create(
            builder, loc, op.getX(),
            ValueRange{index(0), add(firstK, index(k))}));
    }
    buildTable(codes, add(first, index(g * tableBytes)));
  }
}

/// Adds `count` groups, at most 6, to `sums`: two registers of i16 for each 64
/// rows.
void Lookup::addGroups(Value weights, Value table, int64_t units, int64_t count,
                       SmallVector<Value> &sums) {
  SmallVector<Value> low(units), high(units);
  Value zero = zeros(byteType);
  for (int64_t group = 0; group < count; ++group) {
    SmallVector<Value> parts;
    for (int64_t part = 0; part < 4; ++part)
      parts.push_back(
          load(byteType, tables,
               add(table, index(group * tableBytes + part * bytes))));
    for (int64_t u = 0; u < units; ++u) {
      Value codes = load(byteType, op.getPacked(),
                         add(weights, index((group * units + u) * bytes)));
      Value negative = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::slt, codes, zero);
      auto addPart = [&](Value &sum, Value a, Value b) {
        Value entry = vpermi2b(builder, loc, a, codes, b);
        Value before = sum ? sum : zero;
        Value plus = arith::AddIOp::create(builder, loc, before, entry);
        Value minus = arith::SubIOp::create(builder, loc, before, entry);
        sum = arith::SelectOp::create(builder, loc, negative, minus, plus);
      };
      addPart(low[u], parts[0], parts[1]);
      addPart(high[u], parts[2], parts[3]);
    }
  }
  // l + 32 h.
  SmallVector<int8_t> factors;
  for (int64_t i = 0; i < bytes; ++i)
    factors.push_back(i % 2 ? 32 : 1);
  Value weight = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(byteType, ArrayRef(factors)));
  for (int64_t u = 0; u < units; ++u)
    for (bool top : {false, true}) {
      Value pairs = interleave(low[u], high[u], top);
      Value &sum = sums[2 * u + top];
      sum = arith::AddIOp::create(builder, loc, sum,
                                  vpmaddubsw512(builder, loc, weight, pairs));
    }
}

/// Adds what a panel of `groups` groups makes of a block of `units` * 64 rows.
void Lookup::addPanel(Value panel, int64_t groups, Value block, int64_t units) {
  Value weights = add(mul(panel, groupsPerPanel * layout.getPaddedRows()),
                      mul(block, groups * T5Layout::rowsPerBlock));
  Value table = mul(panel, groupsPerPanel * tableBytes);
  SmallVector<Value> narrow(2 * units, zeros(wordType));
  int64_t whole = groups / groupsPerSum, rest = groups % groupsPerSum;
  auto addAt = [&](Value number, int64_t count, SmallVector<Value> &to) {
    addGroups(add(weights, mul(number, groupsPerSum * units * bytes)),
              add(table, mul(number, groupsPerSum * tableBytes)), units, count,
              to);
  };
  if (whole != 0) {
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(whole), index(1), narrow,
        [&](OpBuilder &, Location, Value number, ValueRange carried) {
          SmallVector<Value> next(carried);
          addAt(number, groupsPerSum, next);
          scf::YieldOp::create(builder, loc, next);
        });
    narrow = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (rest != 0)
    addAt(index(whole), rest, narrow);

  Value row = mul(arith::SubIOp::create(builder, loc, block, firstBlock),
                  T5Layout::rowsPerBlock);
  for (int64_t u = 0; u < units; ++u)
    for (int64_t i = 0; i < 4; ++i) {
      // Words twice, shifted: with their signs.
      Value words = narrow[2 * u + i / 2];
      Value wide = vector::BitCastOp::create(
          builder, loc, sumType, interleave(words, words, i % 2 != 0));
      wide = arith::ShRSIOp::create(builder, loc, wide, splat(sumType, 16));
      Value place = add(row, index(u * bytes + i * lanes));
      vector::StoreOp::create(
          builder, loc, add(load(sumType, sums, place), wide), sums, place);
    }
}

/// Adds what a panel makes of the unit's blocks.
void Lookup::addBlocks(Value panel, int64_t groups) {
  int64_t whole = layout.getNumUnits() / T5Layout::unitsPerBlock;
  int64_t rest = layout.getNumUnits() % T5Layout::unitsPerBlock;
  Value last = end;
  if (rest != 0)
    last = arith::MinUIOp::create(builder, loc, end, index(whole));
  if (whole != 0)
    loop(firstBlock, last, [&](Value block) {
      addPanel(panel, groups, block, T5Layout::unitsPerBlock);
    });
  // At most one.
  if (rest != 0)
    loop(last, end, [&](Value block) { addPanel(panel, groups, block, rest); });
}

void Lookup::storeSums() {
  constexpr int64_t groupsPerBlock = T5Layout::rowsPerBlock / lanes;
  int64_t whole = op.getN() / lanes, rest = op.getN() % lanes;
  Value first = mul(firstBlock, groupsPerBlock);
  Value last = arith::MinUIOp::create(builder, loc, mul(end, groupsPerBlock),
                                      index(whole));
  auto store = [&](Value group, int64_t rows) {
    Value place = mul(arith::SubIOp::create(builder, loc, group, first), lanes);
    emitPackedSums(builder, inner, op, index(0), group, rows,
                   load(sumType, sums, place));
  };
  loop(first, last, [&](Value group) { store(group, lanes); });
  if (rest == 0)
    return;
  Value hasRest = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        end, index(layout.getNumBlocks()));
  auto branch = scf::IfOp::create(builder, loc, hasRest, /*withElse=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  store(index(whole), rest);
}

void Lookup::emit() {
  int64_t steps = layout.getNumSteps(), k = op.getK();
  tables = allocate(steps * T5Layout::bytesPerStep * tableBytes,
                    builder.getI8Type());
  int64_t wholeSteps = k / T5Layout::kPerStep;
  if (wholeSteps != 0)
    loop(index(0), index(wholeSteps),
         [&](Value step) { buildTables(step, T5Layout::kPerStep); });
  if (wholeSteps != steps)
    buildTables(index(wholeSteps), k % T5Layout::kPerStep);

  int64_t blocks = layout.getNumBlocks();
  int64_t units = std::max<int64_t>(llvm::divideCeil(blocks, blocksPerUnit),
                                    blocks >= leastSharedBlocks ? 2 : 1);
  unitBlocks = llvm::divideCeil(blocks, units);
  OpBuilder::InsertionGuard guard(builder);
  firstBlock = index(0);
  end = index(blocks);
  if (units != 1) {
    auto shared = scf::ForallOp::create(
        builder, loc, ArrayRef<OpFoldResult>{builder.getIndexAttr(units)},
        /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
    builder.setInsertionPointToStart(shared.getBody());
    firstBlock = mul(shared.getInductionVar(0), unitBlocks);
    end = arith::MinUIOp::create(
        builder, loc, add(firstBlock, index(unitBlocks)), index(blocks));
  }
  int64_t rows = unitBlocks * T5Layout::rowsPerBlock;
  sums = allocate(rows, builder.getI32Type());
  Value zero = zeros(sumType);
  loop(index(0), index(rows / lanes), [&](Value group) {
    vector::StoreOp::create(builder, loc, zero, sums, mul(group, lanes));
  });
  int64_t groups = steps * T5Layout::bytesPerStep;
  int64_t whole = groups / groupsPerPanel, rest = groups % groupsPerPanel;
  if (whole != 0)
    loop(index(0), index(whole),
         [&](Value panel) { addBlocks(panel, groupsPerPanel); });
  if (rest != 0)
    addBlocks(index(whole), rest);
  storeSums();
}

void VbmiT5::lower(OpBuilder &builder, PackedMatmulOp op) const {
  auto layout = T5Layout::get(op.getN(), op.getK());
  int64_t m = cast<MemRefType>(op.getX().getType()).getDimSize(0);
  bool isOne = m == 1, isDynamic = ShapedType::isDynamic(m);
  if (op.hasFloatActivations() || op.hasGroupScales() ||
      layout->getNumSteps() > maxLookupSteps || (!isOne && !isDynamic) ||
      !op.getKernel().getTile().empty())
    return T5Kernel::lower(builder, op);
  if (isOne)
    return Lookup(builder, getInner(), op).emit();
  Location loc = op.getLoc();
  Value tokens = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value is = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                   tokens, one);
  auto branch = scf::IfOp::create(builder, loc, is, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  Lookup(builder, getInner(), op).emit();
  builder.setInsertionPointToStart(branch.elseBlock());
  T5Kernel::lower(builder, op);
}

std::unique_ptr<Kernel> createVbmiT5() { return std::make_unique<VbmiT5>(); }

} // namespace bit::x86
