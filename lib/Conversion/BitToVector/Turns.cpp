// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/Turns.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit {

namespace {

constexpr int64_t line = PlaneLayout::bytesPerGroup;

class Emitter : IndexMath {
public:
  Emitter(OpBuilder &builder, Location loc, const PlaneTile &tile,
          const Turns &turns, ValueRange init, TurnBody body,
          TurnPrologue prologue)
      : IndexMath(builder, loc), builder(builder), loc(loc), tile(tile),
        turns(turns), init(init), body(body), prologue(prologue),
        type(VectorType::get(turns.rows, builder.getI32Type())) {}

  SmallVector<Value> emit();

private:
  Value hide(Value number);
  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> emitBody);

  int64_t getSums() const { return static_cast<int64_t>(init.size()); }
  /// Where sum `i` from those of a part on is.
  Value getPlace(Value part, int64_t i) {
    return add(mul(part, getSums() * turns.rows), index(i * turns.rows));
  }
  void emitTurn(Value group, int64_t part, int64_t parts, Value lower,
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
  TurnPrologue prologue;
  VectorType type;
  Value sums; ///< [part][sum][lane]
};

} // namespace

void Emitter::loop(Value from, Value to, int64_t step,
                   llvm::function_ref<void(Value)> emitBody) {
  auto loop = scf::ForOp::create(builder, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  emitBody(loop.getInductionVar());
}

/// A number that LLVM does not know: it would unroll the loop over groups, keep
/// the sums of all of them in registers, and spill in the inner loops.
Value Emitter::hide(Value number) {
  auto none = LLVM::TailCallKindAttr::get(builder.getContext(),
                                          LLVM::TailCallKind::None);
  Type i64 = builder.getI64Type();
  Value word = arith::IndexCastOp::create(builder, loc, i64, number);
  Value hidden =
      LLVM::InlineAsmOp::create(
          builder, loc, i64, word, builder.getStringAttr(""),
          /*constraints=*/builder.getStringAttr("=r,0"),
          /*has_side_effects=*/UnitAttr(), /*is_align_stack=*/UnitAttr(), none,
          /*asm_dialect=*/LLVM::AsmDialectAttr(),
          /*operand_attrs=*/ArrayAttr())
          .getRes();
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    hidden);
}

/// The turn of `parts` parts from part `part` of `group` on.
void Emitter::emitTurn(Value group, int64_t part, int64_t parts, Value lower,
                       Value upper, int64_t whole, int64_t rest) {
  int64_t count = parts * getSums();
  Value first = mul(add(mul(group, turns.getPartsOfGroup()), index(part)),
                    getSums() * turns.rows);
  Turn turn{builder, loc,   turns, tile, parts,
            lower,   upper, whole, rest, /*fetched=*/nullptr,
            sums,    first, count};
  turn.tile.offset = add(
      tile.offset, add(mul(group, line), index(part * turns.getPartBytes())));
  // All turns over these steps together fetch as many lines as they read, in
  // their order in memory: a line for each step and group.
  if (turns.ahead != 0 && part % turns.getPartsOfGroup() == 0 && whole != 0) {
    Value before = mul(lower, (tile.blockGroups - 1) * line);
    turn.fetched = add(add(tile.offset, before),
                       add(mul(group, whole * line), index(turns.ahead)));
  }
  for (auto [i, sum] : llvm::enumerate(body(turn)))
    vector::StoreOp::create(builder, loc, sum, sums,
                            add(turn.first, index(i * turns.rows)));
}

/// The turns of `groups` groups from `group` on.
void Emitter::emitGroups(Value group, int64_t groups, Value lower, Value upper,
                         int64_t whole, int64_t rest) {
  int64_t all = groups * turns.getPartsOfGroup();
  int64_t parts = std::min(turns.parts, all);
  for (int64_t part = 0; part < all; part += parts)
    emitTurn(group, part, parts, lower, upper, whole, rest);
}

/// All groups for whole steps [lower, upper), and a last one of `rest` k.
void Emitter::emitSteps(Value lower, Value upper, int64_t whole, int64_t rest) {
  if (prologue)
    prologue(lower, whole, rest);
  int64_t atOnce = std::max<int64_t>(turns.parts / turns.getPartsOfGroup(), 1);
  int64_t last = tile.groups % atOnce;
  if (tile.groups != last) {
    Value end = index(tile.groups - last);
    loop(index(0), turns.hidesGroups ? hide(end) : end, atOnce,
         [&](Value group) {
           emitGroups(group, atOnce, lower, upper, whole, rest);
         });
  }
  if (last != 0)
    emitGroups(index(tile.groups - last), last, lower, upper, whole, rest);
}

SmallVector<Value> Emitter::emit() {
  int64_t parts = turns.getPartsOfGroup() * tile.groups;
  sums = allocateForTurns(builder, loc, parts * getSums() * turns.rows,
                          builder.getI32Type());
  loop(index(0), index(parts), 1, [&](Value part) {
    for (auto [i, value] : llvm::enumerate(init))
      vector::StoreOp::create(builder, loc, value, sums, getPlace(part, i));
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
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t i = 0; i < getSums(); ++i)
      result.push_back(vector::LoadOp::create(builder, loc, type, sums,
                                              getPlace(index(part), i)));
  return result;
}

void Turn::prefetch(const PlaneStep &step) const {
  if (!fetched)
    return;
  auto at = [&](int64_t bytes) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, bytes);
  };
  Value here = arith::MulIOp::create(builder, loc, step.getNumber(), at(line));
  here = arith::AddIOp::create(builder, loc, fetched, here);
  int64_t ofGroup = turns.getPartsOfGroup();
  for (int64_t part = 0; part < parts; part += ofGroup)
    memref::PrefetchOp::create(
        builder, loc, tile.packed,
        ValueRange{arith::AddIOp::create(builder, loc, here,
                                         at(part / ofGroup * whole * line))},
        /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
}

SmallVector<Value> Turn::loadSums() const {
  auto type = VectorType::get(turns.rows, builder.getI32Type());
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < count; ++i) {
    Value place = arith::AddIOp::create(
        builder, loc, first,
        arith::ConstantIndexOp::create(builder, loc, i * turns.rows));
    loaded.push_back(vector::LoadOp::create(builder, loc, type, sums, place));
  }
  return loaded;
}

SmallVector<Value> Turn::build(ValueRange init, PlaneStepBody body) const {
  SmallVector<Value> sums(init);
  if (whole != 0)
    sums = buildPlaneStepLoop(builder, loc, tile, lower, upper, sums,
                              [&](const PlaneStep &step, ValueRange carried) {
                                prefetch(step);
                                return body(step, carried);
                              });
  if (rest != 0)
    sums = body(PlaneStep(builder, loc, tile, upper, rest), sums);
  return sums;
}

Value allocateForTurns(OpBuilder &builder, Location loc,
                       ArrayRef<int64_t> shape, Type type) {
  OpBuilder::InsertionGuard guard(builder);
  Operation *scope = builder.getInsertionBlock()->getParentOp();
  if (!scope->hasTrait<OpTrait::AutomaticAllocationScope>())
    scope = scope->getParentWithTrait<OpTrait::AutomaticAllocationScope>();
  builder.setInsertionPointToStart(&scope->getRegion(0).front());
  return memref::AllocaOp::create(builder, loc, MemRefType::get(shape, type),
                                  builder.getI64IntegerAttr(line));
}

SmallVector<Value> buildTurns(OpBuilder &builder, Location loc,
                              const PlaneTile &tile, const Turns &turns,
                              ValueRange init, TurnBody body,
                              TurnPrologue prologue) {
  return Emitter(builder, loc, tile, turns, init, body, prologue).emit();
}

} // namespace bit
