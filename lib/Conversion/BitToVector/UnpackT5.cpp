// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From five weights a byte to four: bytes are interleaved so that a row's four
// stand side by side, then lose their digits of base 3, each of which is two
// bits of a byte of P2. Digits of a balanced number are comparisons: one is 1
// where what is left is greater than all of the lower ones could be.

#include "bit/Conversion/BitToVector/T5Kernel.h"
#include "bit/Layout/Planes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace bit {

namespace {

constexpr int64_t trits = T5Layout::tritsPerByte;
constexpr int64_t bytesPerStep = T5Layout::bytesPerStep;
constexpr int64_t groups = PlaneLayout::groupsPerBlock;
constexpr int64_t planes = 4; ///< weights of a byte of P2
/// 4 steps are 80 k, 5 steps of P2.
constexpr int64_t stepsAtOnce = 4;
constexpr int64_t p2StepsAtOnce =
    stepsAtOnce * T5Layout::kPerStep / PlaneLayout::getStepK(2);
constexpr int64_t p2StepBytes = groups * PlaneLayout::bytesPerGroup;
static_assert(T5Layout::stepsPerPanel % stepsAtOnce == 0);

class Unpacker {
public:
  Unpacker(OpBuilder &builder, Location loc, const T5Layout &layout,
           Value packed, Value unit, int64_t bytes)
      : builder(builder), loc(loc), layout(layout), packed(packed), unit(unit),
        type(VectorType::get(bytes, builder.getI8Type())) {}

  Value emit();

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
  Value splat(int64_t value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            type, builder.getI8IntegerAttr(static_cast<int8_t>(value))));
  }
  /// `value` plus `amount` where `where` holds.
  Value addWhere(Value where, Value value, int64_t amount) {
    Value term =
        arith::SelectOp::create(builder, loc, where, splat(amount), splat(0));
    return arith::AddIOp::create(builder, loc, value, term);
  }

  Value interleave(Value a, Value b, int64_t unit, bool high);
  SmallVector<Value> loadGroups(const T5Place &place, int64_t step);
  void unpackByte(Value code, int64_t firstQuad, MutableArrayRef<Value> out);
  void emitSteps(Value number, int64_t steps);
  void emitSteps(Value number, Value first, int64_t steps);

  OpBuilder &builder;
  Location loc;
  const T5Layout &layout;
  Value packed, unit;
  VectorType type;
  Value block; ///< of layout P2
};

} // namespace

/// Interleaves `unit` bytes of a and b, of the low or high halves of each 16.
Value Unpacker::interleave(Value a, Value b, int64_t unit, bool high) {
  SmallVector<int64_t> mask;
  int64_t bytes = type.getNumElements();
  for (int64_t i = 0; i < bytes; ++i) {
    int64_t place = i % 16 / (2 * unit) * unit + i % unit + (high ? 8 : 0);
    bool second = i / unit % 2 != 0;
    mask.push_back(i / 16 * 16 + place + (second ? bytes : 0));
  }
  return vector::ShuffleOp::create(builder, loc, a, b, mask);
}

/// The bytes of one step for each group of 16 rows: 4 of a row side by side.
SmallVector<Value> Unpacker::loadGroups(const T5Place &place, int64_t step) {
  SmallVector<Value> bytes;
  for (int64_t g = 0; g < bytesPerStep; ++g) {
    Value from = add(place.byte, mul(place.distance, step * bytesPerStep + g));
    bytes.push_back(vector::LoadOp::create(builder, loc, type, packed, from));
  }
  SmallVector<Value> result;
  for (bool high : {false, true}) {
    Value low = interleave(bytes[0], bytes[1], 1, high);
    Value top = interleave(bytes[2], bytes[3], 1, high);
    result.push_back(interleave(low, top, 2, false));
    result.push_back(interleave(low, top, 2, true));
  }
  return result;
}

/// Adds the five weights of each byte to those of `out`: weight p is plane
/// (firstQuad + p) % 4 of a vector, whose bytes have code 1 in all planes.
void Unpacker::unpackByte(Value code, int64_t firstQuad,
                          MutableArrayRef<Value> out) {
  auto compare = [&](arith::CmpIPredicate predicate, Value a, int64_t b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, splat(b));
  };
  Value magnitude =
      arith::AndIOp::create(builder, loc, code, splat(T5Layout::signBit - 1));
  Value negated = arith::SubIOp::create(builder, loc, splat(0), magnitude);
  Value rest = arith::SelectOp::create(
      builder, loc, compare(arith::CmpIPredicate::slt, code, 0), negated,
      magnitude);
  int64_t power = 81;
  for (int64_t p = trits - 1; p >= 0; --p, power /= 3) {
    int64_t lower = (power - 1) / 2;
    Value isOne = compare(arith::CmpIPredicate::sgt, rest, lower);
    Value isMinusOne = compare(arith::CmpIPredicate::slt, rest, -lower);
    Value &planesOf = out[(firstQuad + p) / planes];
    int64_t one = int64_t(1) << 2 * ((firstQuad + p) % planes);
    planesOf = addWhere(isOne, addWhere(isMinusOne, planesOf, -one), one);
    if (p != 0)
      rest = addWhere(isOne, addWhere(isMinusOne, rest, power), -power);
  }
}

/// `steps` steps, at most 4, from step 4 * `number` on.
void Unpacker::emitSteps(Value number, int64_t steps) {
  int64_t bytes = type.getNumElements();
  if (bytes == PlaneLayout::bytesPerGroup)
    return emitSteps(number, index(0), steps);
  auto loop = scf::ForOp::create(
      builder, loc, index(0), index(PlaneLayout::bytesPerGroup), index(bytes));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  emitSteps(number, loop.getInductionVar(), steps);
}

/// The same for the bytes from `first` of each 64 on.
void Unpacker::emitSteps(Value number, Value first, int64_t steps) {
  T5Place place =
      buildT5Place(builder, loc, layout, unit, mul(number, stepsAtOnce));
  place.byte = add(place.byte, first);
  Value to = add(mul(number, p2StepsAtOnce * p2StepBytes), first);
  int64_t count = llvm::divideCeil(steps * trits, planes);
  SmallVector<SmallVector<Value>> out(
      groups, SmallVector<Value>(count, splat(PlaneLayout::getPaddingByte(2))));
  for (int64_t step = 0; step < steps; ++step)
    for (auto [bytes, sums] : llvm::zip_equal(loadGroups(place, step), out))
      unpackByte(bytes, step * trits, sums);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t s = 0; s < count; ++s)
      vector::StoreOp::create(
          builder, loc, out[g][s], block,
          add(to, index(s * p2StepBytes + g * PlaneLayout::bytesPerGroup)));
}

Value Unpacker::emit() {
  int64_t steps = layout.getNumSteps();
  int64_t whole = steps / stepsAtOnce, rest = steps % stepsAtOnce;
  // The last step may be longer than what P2 has of it.
  int64_t bytes =
      (whole * p2StepsAtOnce + llvm::divideCeil(rest * trits, planes)) *
      p2StepBytes;
  block = memref::AllocaOp::create(
      builder, loc, MemRefType::get(bytes, builder.getI8Type()),
      builder.getI64IntegerAttr(PlaneLayout::alignment));
  if (whole != 0) {
    auto loop =
        scf::ForOp::create(builder, loc, index(0), index(whole), index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitSteps(loop.getInductionVar(), stepsAtOnce);
  }
  if (rest != 0)
    emitSteps(index(whole), rest);
  return block;
}

T5Place buildT5Place(OpBuilder &builder, Location loc, const T5Layout &layout,
                     Value unit, Value step) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto mul = [&](Value a, Value b) -> Value {
    return arith::MulIOp::create(builder, loc, a, b);
  };
  auto divide = [&](Value value, int64_t by) {
    return std::pair<Value, Value>(
        arith::DivUIOp::create(builder, loc, value, index(by)),
        arith::RemUIOp::create(builder, loc, value, index(by)));
  };
  // `rest` for the last one, where it has less than `whole`.
  auto ofLast = [&](Value number, int64_t count, int64_t whole, int64_t rest) {
    if (rest == whole)
      return index(whole);
    Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                         number, index(count - 1));
    return arith::SelectOp::create(builder, loc, isLast, index(rest),
                                   index(whole))
        .getResult();
  };
  auto [block, unitOfBlock] = divide(unit, T5Layout::unitsPerBlock);
  auto [panel, stepOfPanel] = divide(step, T5Layout::stepsPerPanel);
  int64_t blocks = layout.getNumBlocks(), panels = layout.getNumPanels();
  Value rows = ofLast(block, blocks, T5Layout::rowsPerBlock,
                      layout.getRowsOfBlock(blocks - 1));
  Value steps = ofLast(panel, panels, T5Layout::stepsPerPanel,
                       layout.getStepsOfPanel(panels - 1));
  Value terms[] = {
      mul(panel, index(T5Layout::stepsPerPanel * T5Layout::bytesPerStep *
                       layout.getPaddedRows())),
      mul(mul(block, steps),
          index(T5Layout::rowsPerBlock * T5Layout::bytesPerStep)),
      mul(mul(stepOfPanel, rows), index(T5Layout::bytesPerStep)),
      mul(unitOfBlock, index(T5Layout::rowsPerUnit))};
  Value byte = terms[0];
  for (Value term : ArrayRef(terms).drop_front())
    byte = arith::AddIOp::create(builder, loc, byte, term);
  return {byte, rows};
}

Value unpackT5Unit(OpBuilder &builder, Location loc, const T5Layout &layout,
                   Value packed, Value unit, int64_t bytes) {
  return Unpacker(builder, loc, layout, packed, unit, bytes).emit();
}

} // namespace bit
