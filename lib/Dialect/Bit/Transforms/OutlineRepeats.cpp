// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RepeatedRuns.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <map>

namespace bit {
#define GEN_PASS_DEF_OUTLINEREPEATS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// The values that correspond, one for each repetition.
using Tuple = SmallVector<Value>;

/// What can be computed anywhere where its operands are.
bool isComputation(Operation *op) {
  return op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         !op->hasTrait<OpTrait::IsTerminator>();
}

/// Returns the operations of `block` whose order matters. Checks of sizes and
/// the making of outputs are not among them: they need no data.
SmallVector<Operation *> collectSteps(Block &block) {
  SmallVector<Operation *> steps;
  DenseSet<Operation *> ofData; // what computes with a step's result
  for (Operation &op : block.without_terminator()) {
    bool usesData = llvm::any_of(op.getOperands(), [&](Value operand) {
      return ofData.contains(operand.getDefiningOp());
    });
    bool isStep = !isComputation(&op) &&
                  (usesData || !isa<cf::AssertOp, bit::OutputOp>(op));
    if (isStep)
      steps.push_back(&op);
    if (isStep || usesData)
      ofData.insert(&op);
  }
  return steps;
}

/// Whether `op` ends a run: its failure leaves the model's function and says at
/// which node, or it is a call that this pass made.
bool isNeverRepeated(Operation *op) {
  return isa<cf::AssertOp, bit::AllocateOp, bit::OutputOp, bit::ReserveOp>(
             op) ||
         op->hasAttr("bit.layers");
}

/// Turns one run into calls.
class Outliner {
public:
  Outliner(func::FuncOp caller, SymbolTable &symbols,
           ArrayRef<Operation *> steps, bit::RepeatedRun run)
      : caller(caller), symbols(symbols), builder(caller.getContext()) {
    for (size_t t = 0; t < run.count; ++t) {
      repetitions.push_back(
          steps.slice(run.start + t * run.period, run.period));
      for (auto [index, op] : llvm::enumerate(repetitions.back()))
        places[op] = {t, index};
    }
  }

  /// Returns false, with all as it was, where that is not possible.
  bool outline() {
    if (!llvm::all_of(places, [&](const auto &entry) {
          return staysInside(entry.first, entry.second.first);
        }))
      return false;
    if (!buildFunction() || !canMoveArguments()) {
      function.erase();
      return false;
    }
    symbols.insert(function);
    moveChecks();
    for (size_t t = 0; t < repetitions.size(); ++t)
      createCall(t);
    eraseSteps();
    return true;
  }

private:
  /// Whether only repetition `t` uses what `op` computes.
  bool staysInside(Operation *op, size_t t) {
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      user = caller.front().findAncestorOpInBlock(*user);
      auto place = places.find(user);
      if (place != places.end())
        return place->second.first == t;
      // A computation that two repetitions share has been asked for the other.
      auto [asked, isNew] = usingRepetition.try_emplace(user, t);
      return isComputation(user) &&
             (isNew ? staysInside(user, t) : asked->second == t);
    });
  }

  bool usesRun(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (places.contains(op))
      return true;
    auto [known, isNew] = usingRun.try_emplace(op, false);
    if (isNew) {
      bool uses = llvm::any_of(op->getOperands(),
                               [&](Value operand) { return usesRun(operand); });
      usingRun[op] = uses;
      return uses;
    }
    return known->second;
  }

  bool buildFunction() {
    Location loc = repetitions.front().front()->getLoc();
    function =
        func::FuncOp::create(loc, "layer", builder.getFunctionType({}, {}));
    function.setPrivate();
    Block *entry = function.addEntryBlock();
    entry->addArgument(caller.getArgument(0).getType(), loc);
    builder.setInsertionPointToEnd(entry);
    for (size_t i = 0, e = repetitions.front().size(); i < e; ++i) {
      Operation *op = repetitions.front()[i];
      IRMapping mapping;
      for (unsigned k = 0; k < op->getNumOperands(); ++k) {
        Tuple operands;
        for (ArrayRef<Operation *> steps : repetitions)
          operands.push_back(steps[i]->getOperand(k));
        Value inside = getInside(operands);
        if (!inside)
          return false;
        mapping.map(operands.front(), inside);
        // One value here may be two in another repetition.
        newOperands.push_back(inside);
      }
      Operation *copy = builder.clone(*op, mapping);
      copy->setOperands(newOperands);
      newOperands.clear();
      copies.push_back(copy);
    }
    func::ReturnOp::create(builder, loc);
    function.setFunctionType(
        builder.getFunctionType(entry->getArgumentTypes(), {}));
    return true;
  }

  /// Returns the function's value for what each repetition has, null if there
  /// can be none.
  Value getInside(const Tuple &values) {
    std::vector<const void *> key;
    for (Value value : values)
      key.push_back(value.getAsOpaquePointer());
    if (auto known = insides.find(key); known != insides.end())
      return known->second;
    Value inside = makeInside(values);
    insides[key] = inside;
    return inside;
  }

  Value makeInside(const Tuple &values) {
    Value first = values.front();
    Operation *op = first.getDefiningOp();
    bool isSame = llvm::all_equal(values);
    if (isSame && first == caller.getArgument(0))
      return function.getArgument(0);
    if (op && places.contains(op))
      return getResult(values);
    if (isSame && op && op->hasTrait<OpTrait::ConstantLike>())
      return builder.clone(*op)->getResult(0);
    // Numbers become arguments; what describes memory is made of numbers.
    if (isa<MemRefType>(first.getType()) || usesRun(first)) {
      if (areEqualComputations(values) && (isSame || op->getNumOperands() > 0))
        return compute(values);
      if (llvm::any_of(values, [&](Value value) { return usesRun(value); }))
        return nullptr;
      if (Value weight = getWeight(values))
        return weight;
    }
    return addArgument(values);
  }

  /// The result of the same step of each repetition.
  Value getResult(const Tuple &values) {
    auto [t, index] = places.lookup(values.front().getDefiningOp());
    auto result = cast<OpResult>(values.front()).getResultNumber();
    for (auto [i, value] : llvm::enumerate(values)) {
      Operation *op = value.getDefiningOp();
      auto place = places.find(op);
      if (place == places.end() || place->second != Place{i, index} ||
          cast<OpResult>(value).getResultNumber() != result)
        return nullptr;
    }
    return copies[index]->getResult(result);
  }

  bool areEqualComputations(const Tuple &values) {
    Operation *first = values.front().getDefiningOp();
    return llvm::all_of(values, [&](Value value) {
      Operation *op = value.getDefiningOp();
      return op && first && isComputation(op) &&
             cast<OpResult>(value).getResultNumber() ==
                 cast<OpResult>(values.front()).getResultNumber() &&
             op->getOperandTypes() == first->getOperandTypes() &&
             OperationEquivalence::isEquivalentTo(
                 op, first, OperationEquivalence::ignoreValueEquivalence,
                 nullptr, OperationEquivalence::IgnoreLocations);
    });
  }

  Value compute(const Tuple &values) {
    Operation *first = values.front().getDefiningOp();
    SmallVector<Value> operands;
    for (unsigned k = 0; k < first->getNumOperands(); ++k) {
      Tuple tuple;
      for (Value value : values)
        tuple.push_back(value.getDefiningOp()->getOperand(k));
      operands.push_back(getInside(tuple));
      if (!operands.back())
        return nullptr;
    }
    Operation *copy = builder.clone(*first);
    copy->setOperands(operands);
    return copy->getResult(cast<OpResult>(values.front()).getResultNumber());
  }

  /// The place of the weight that `value` is, if it has one.
  std::optional<int64_t> getOffset(Value value) {
    auto get = value.getDefiningOp<bit::GetWeightOp>();
    auto weight =
        get ? symbols.lookup<bit::WeightOp>(get.getWeight()) : nullptr;
    return weight ? weight.getOffset() : std::nullopt;
  }

  /// Different weights of one type: the first one's place becomes an argument.
  /// What lies as far from it in every repetition is found from there.
  Value getWeight(const Tuple &values) {
    SmallVector<int64_t> offsets;
    for (Value value : values) {
      std::optional<int64_t> offset = getOffset(value);
      if (!offset || value.getType() != values.front().getType())
        return nullptr;
      offsets.push_back(*offset);
    }
    Location loc = values.front().getLoc();
    Value place;
    for (auto &[base, argument] : bases) {
      int64_t distance = offsets.front() - base.front();
      if (!llvm::all_of(llvm::zip(offsets, base), [&](auto pair) {
            return std::get<0>(pair) - std::get<1>(pair) == distance;
          }))
        continue;
      place = arith::AddIOp::create(
          builder, loc, argument,
          arith::ConstantIndexOp::create(builder, loc, distance));
      break;
    }
    if (!place) {
      place = function.front().addArgument(builder.getIndexType(), loc);
      bases.push_back({offsets, place});
      arguments.push_back(values);
    }
    return bit::WeightAtOp::create(builder, loc, values.front().getType(),
                                   function.getArgument(0), place);
  }

  Value addArgument(const Tuple &values) {
    Type type = values.front().getType();
    if (!llvm::all_of(values,
                      [&](Value value) { return value.getType() == type; }))
      return nullptr;
    arguments.push_back(values);
    return function.front().addArgument(type, values.front().getLoc());
  }

  /// Whether `value` is, or can be computed, before `point`. What is known to
  /// be is in `movable`.
  bool canMove(Value value, Operation *point, DenseSet<Operation *> &movable) {
    Operation *op = value.getDefiningOp();
    if (!op || movable.contains(op))
      return true;
    bool result = op->isBeforeInBlock(point)
                      ? !places.contains(op)
                      : (isComputation(op) || isa<bit::OutputOp>(op)) &&
                            llvm::all_of(op->getOperands(), [&](Value operand) {
                              return canMove(operand, point, movable);
                            });
    if (result)
      movable.insert(op);
    return result;
  }

  bool canMoveArguments() {
    for (auto [t, steps] : llvm::enumerate(repetitions)) {
      DenseSet<Operation *> movable;
      for (const Tuple &values : arguments)
        if (!canMove(values[t], steps.front(), movable))
          return false;
    }
    return true;
  }

  /// Moves `op`, and what it needs, before `point` if it is not there.
  void moveBefore(Operation *op, Operation *point) {
    if (!op || op->isBeforeInBlock(point))
      return;
    for (Value operand : op->getOperands())
      moveBefore(operand.getDefiningOp(), point);
    op->moveBefore(point);
  }

  /// Moves the checks of sizes in a repetition to where its call will be.
  void moveChecks() {
    SmallVector<std::pair<Operation *, Operation *>> moves;
    Operation *point = nullptr;
    for (Operation &op : caller.front()) {
      if (auto place = places.find(&op); place != places.end())
        point = repetitions[place->second.first].front();
      else if (&op != &caller.front().back() && point &&
               isa<cf::AssertOp>(op) && op.isBeforeInBlock(lastStep()))
        moves.push_back({&op, point});
    }
    for (auto [op, to] : moves)
      moveBefore(op, to);
  }

  Operation *lastStep() { return repetitions.back().back(); }

  void createCall(size_t t) {
    Operation *point = repetitions[t].front();
    for (const Tuple &values : arguments)
      if (!isWeightArgument(values))
        moveBefore(values[t].getDefiningOp(), point);
    builder.setInsertionPoint(point);
    SmallVector<Value> operands = {caller.getArgument(0)};
    for (const Tuple &values : arguments)
      operands.push_back(
          isWeightArgument(values)
              ? arith::ConstantIndexOp::create(builder, point->getLoc(),
                                               *getOffset(values[t]))
                    .getResult()
              : values[t]);
    auto call =
        func::CallOp::create(builder, point->getLoc(), function, operands);
    // What the report says of layers.
    SmallVector<Attribute> layers;
    for (Operation *op : repetitions[t])
      if (Attribute layer = op->getDiscardableAttr("bit.layer"))
        layers.push_back(layer);
    call->setAttr("bit.layers", builder.getArrayAttr(layers));
  }

  /// A weight's place has another type than the weight.
  bool isWeightArgument(const Tuple &values) {
    size_t index = &values - arguments.data();
    return function.getArgument(index + 1).getType() !=
           values.front().getType();
  }

  void eraseSteps() {
    Operation *op = caller.front().getTerminator()->getPrevNode();
    while (op) {
      Operation *previous = op->getPrevNode();
      if (places.contains(op) || isOpTriviallyDead(op))
        op->erase();
      op = previous;
    }
  }

  func::FuncOp caller, function;
  SymbolTable &symbols;
  OpBuilder builder;
  SmallVector<ArrayRef<Operation *>> repetitions;
  using Place = std::pair<size_t, size_t>; ///< repetition, index in it
  DenseMap<Operation *, Place> places;
  DenseMap<Operation *, bool> usingRun;
  /// Of computations with steps' results: which repetition's.
  DenseMap<Operation *, size_t> usingRepetition;
  SmallVector<Operation *> copies; ///< of the steps, in the function
  SmallVector<Value> newOperands;
  std::map<std::vector<const void *>, Value> insides;
  SmallVector<Tuple> arguments; ///< of the calls, after the first
  /// Places of a weight in each repetition, and the argument that says which.
  SmallVector<std::pair<SmallVector<int64_t>, Value>> bases;
};

struct OutlineRepeats : bit::impl::OutlineRepeatsBase<OutlineRepeats> {
  using OutlineRepeatsBase::OutlineRepeatsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function.isPublic() && !function.isDeclaration() &&
          function.getBody().hasOneBlock() && function.getNumArguments() > 0 &&
          isa<bit::CallType>(function.getArgument(0).getType()))
        outlineAll(function, symbols);
  }

  void outlineAll(func::FuncOp function, SymbolTable &symbols) {
    DenseSet<Operation *> declined;
    while (true) {
      SmallVector<Operation *> steps = collectSteps(function.front());
      bit::RepeatedRun run =
          bit::findLongestRun(bit::numberEqual(steps, [&](Operation *op) {
            return declined.contains(op) || isNeverRepeated(op);
          }));
      if (run.getSaved() < static_cast<size_t>(std::max<int64_t>(1, minOps)))
        return;
      if (Outliner(function, symbols, steps, run).outline()) {
        ++numOutlined;
        numCalls += run.count;
        continue;
      }
      ++numDeclined;
      for (size_t i = 0; i < run.count * run.period; ++i)
        declined.insert(steps[run.start + i]);
    }
  }
};

} // namespace
