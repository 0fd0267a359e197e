// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Turns.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

namespace {

constexpr int64_t lanes = 8;
constexpr int64_t line = PlaneLayout::bytesPerGroup;

class Emitter : IndexMath {
public:
  Emitter(OpBuilder &builder, Location loc, const PlaneTile &tile,
          const Turns &turns, ValueRange init, TurnBody body)
      : IndexMath(builder, loc), builder(builder), loc(loc), tile(tile),
        turns(turns), init(init), body(body),
        type(VectorType::get(lanes, builder.getI32Type())) {}

  SmallVector<Value> emit();

private:
  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> emitBody);

  int64_t getSums() const { return static_cast<int64_t>(init.size()); }
  /// Where sum `i` from those of half `half` of a group on is.
  Value getPlace(Value half, int64_t i) {
    return add(mul(half, getSums() * lanes), index(i * lanes));
  }
  void emitTurn(Value group, int64_t half, int64_t halves, Value lower,
                Value upper, int64_t whole, int64_t rest);
  void emitGroups(Value group, int64_t groups, Value lower, Value upper,
                  int64_t whole, int64_t rest);
  void emitSteps(Value lower, Value upper, int64_t whole, int64_t rest);

  OpBuilder &builder;
  Location loc;
  const PlaneTile &tile;
  const Turns &turns;
  ValueRange init;
  TurnBody body;
  VectorType type;
  Value sums; ///< [half][sum][lane]
};

} // namespace

void Emitter::loop(Value from, Value to, int64_t step,
                   llvm::function_ref<void(Value)> emitBody) {
  auto loop = scf::ForOp::create(builder, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  emitBody(loop.getInductionVar());
}

/// The turn of `halves` halves from half `half` of `group` on.
void Emitter::emitTurn(Value group, int64_t half, int64_t halves, Value lower,
                       Value upper, int64_t whole, int64_t rest) {
  Turn turn{builder, loc,   tile,
            halves,  lower, upper,
            whole,   rest,  /*fetched=*/nullptr};
  turn.tile.offset =
      add(tile.offset, add(mul(group, line), index(half * halfBytes)));
  // All turns over these steps together fetch as many lines as they read, in
  // their order in memory: a line for each step and group.
  if (turns.ahead != 0 && half % 2 == 0 && whole != 0) {
    Value before = mul(lower, (tile.blockGroups - 1) * line);
    turn.fetched = add(add(tile.offset, before),
                       add(mul(group, whole * line), index(turns.ahead)));
  }
  turn.sums = sums;
  turn.first = mul(add(mul(group, 2), index(half)), getSums() * lanes);
  turn.count = halves * getSums();
  for (auto [i, sum] : llvm::enumerate(body(turn)))
    vector::StoreOp::create(builder, loc, sum, sums,
                            add(turn.first, index(i * lanes)));
}

/// The turns of `groups` groups from `group` on.
void Emitter::emitGroups(Value group, int64_t groups, Value lower, Value upper,
                         int64_t whole, int64_t rest) {
  int64_t halves = std::min(turns.halves, 2 * groups);
  for (int64_t half = 0; half < 2 * groups; half += halves)
    emitTurn(group, half, halves, lower, upper, whole, rest);
}

/// All groups for whole steps [lower, upper), and a last one of `rest` k.
void Emitter::emitSteps(Value lower, Value upper, int64_t whole, int64_t rest) {
  int64_t atOnce = std::max<int64_t>(turns.halves / 2, 1);
  int64_t last = tile.groups % atOnce;
  if (tile.groups != last)
    loop(index(0), index(tile.groups - last), atOnce, [&](Value group) {
      emitGroups(group, atOnce, lower, upper, whole, rest);
    });
  if (last != 0)
    emitGroups(index(tile.groups - last), last, lower, upper, whole, rest);
}

SmallVector<Value> Emitter::emit() {
  int64_t halves = 2 * tile.groups;
  sums = memref::AllocaOp::create(
      builder, loc,
      MemRefType::get(halves * getSums() * lanes, builder.getI32Type()),
      builder.getI64IntegerAttr(line));
  loop(index(0), index(halves), 1, [&](Value half) {
    for (auto [i, value] : llvm::enumerate(init))
      vector::StoreOp::create(builder, loc, value, sums, getPlace(half, i));
  });
  int64_t whole = tile.k / tile.stepK, rest = tile.k % tile.stepK;
  int64_t even = whole - whole % turns.steps;
  if (even != 0)
    loop(index(0), index(even), turns.steps, [&](Value first) {
      emitSteps(first, add(first, index(turns.steps)), turns.steps, 0);
    });
  if (even != whole || rest != 0)
    emitSteps(index(even), index(whole), whole - even, rest);
  SmallVector<Value> result;
  for (int64_t half = 0; half < halves; ++half)
    for (int64_t i = 0; i < getSums(); ++i)
      result.push_back(vector::LoadOp::create(builder, loc, type, sums,
                                              getPlace(index(half), i)));
  return result;
}

void Turn::prefetch(const PlaneStep &step) const {
  auto at = [&](int64_t bytes) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, bytes);
  };
  Value here = arith::MulIOp::create(builder, loc, step.getNumber(), at(line));
  here = arith::AddIOp::create(builder, loc, fetched, here);
  for (int64_t half = 0; half < halves; half += 2)
    memref::PrefetchOp::create(
        builder, loc, tile.packed,
        ValueRange{arith::AddIOp::create(builder, loc, here,
                                         at(half / 2 * whole * line))},
        /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
}

SmallVector<Value> Turn::loadSums() const {
  auto type = VectorType::get(lanes, builder.getI32Type());
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < count; ++i) {
    Value place = arith::AddIOp::create(
        builder, loc, first,
        arith::ConstantIndexOp::create(builder, loc, i * lanes));
    loaded.push_back(vector::LoadOp::create(builder, loc, type, sums, place));
  }
  return loaded;
}

SmallVector<Value> Turn::build(ValueRange init, PlaneStepBody body) const {
  SmallVector<Value> sums(init);
  if (whole != 0)
    sums = buildPlaneStepLoop(builder, loc, tile, lower, upper, sums,
                              [&](const PlaneStep &step, ValueRange carried) {
                                if (fetched)
                                  prefetch(step);
                                return body(step, carried);
                              });
  if (rest != 0)
    sums = body(PlaneStep(builder, loc, tile, upper, rest), sums);
  return sums;
}

SmallVector<Value> buildTurns(OpBuilder &builder, Location loc,
                              const PlaneTile &tile, const Turns &turns,
                              ValueRange init, TurnBody body) {
  return Emitter(builder, loc, tile, turns, init, body).emit();
}

} // namespace bit::x86
