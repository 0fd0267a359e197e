// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which NaN arithmetic makes is the processor's and the code generator's
// choice: the sign of 0 / 0, which operand's digits a sum of two NaNs has.
// Where somebody could see it, it becomes the one of math functions.

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

namespace bit {
#define GEN_PASS_DEF_SETTLENANS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

static bool hasNans(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return element.isF16() || element.isBF16() || element.isF32() ||
         element.isF64();
}

/// Whether the bits of `op`'s result follow from its operands' alone: numbers
/// that are no NaN, what is made of integers, and math functions, whose NaN is
/// the settled one.
static bool isSettled(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<arith::SIToFPOp, arith::UIToFPOp, arith::BitcastOp>(op) ||
         (isa_and_present<math::MathDialect>(op->getDialect()) &&
          !isa<math::AbsFOp, math::CeilOp, math::ClampFOp, math::CopySignOp,
               math::FloorOp, math::FmaOp, math::PowFOp, math::RoundEvenOp,
               math::RoundOp, math::TruncOp>(op));
}

/// What a scalar or tensor operation takes whole elements from, if it does no
/// more than choose between them or change their signs.
static std::optional<SmallVector<Value>> getMoved(Operation *op) {
  using Values = SmallVector<Value>;
  return TypeSwitch<Operation *, std::optional<Values>>(op)
      .Case([](arith::SelectOp op) {
        return Values{op.getTrueValue(), op.getFalseValue()};
      })
      .Case<arith::NegFOp, math::AbsFOp>(
          [](auto op) { return Values{op.getOperand()}; })
      .Case<tensor::CastOp, tensor::ExtractSliceOp, tensor::ReshapeOp>(
          [](auto op) { return Values{op.getSource()}; })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
          [](auto op) { return Values{op.getSrc()}; })
      .Case([](tensor::ExtractOp op) { return Values{op.getTensor()}; })
      .Case([](tensor::InsertOp op) {
        return Values{op.getScalar(), op.getDest()};
      })
      .Case([](tensor::InsertSliceOp op) {
        return Values{op.getSource(), op.getDest()};
      })
      .Case([](tensor::PadOp op) {
        Values moved{op.getSource()};
        moved.push_back(op.getBody()->getTerminator()->getOperand(0));
        return moved;
      })
      .Case([](tensor::GenerateOp op) {
        return Values{op.getBody().front().getTerminator()->getOperand(0)};
      })
      .Case<tensor::ConcatOp, tensor::FromElementsOp>(
          [](auto op) { return Values(op->getOperands()); })
      .Case([](tensor::SplatOp op) { return Values{op.getInput()}; })
      .Case([](linalg::FillOp op) { return Values{op.getInputs()[0]}; })
      .Case([](linalg::CopyOp op) { return Values{op.getInputs()[0]}; })
      .Case<linalg::TransposeOp, linalg::BroadcastOp>(
          [](auto op) { return Values{op.getInput()}; })
      .Case([](tensor::EmptyOp) { return Values(); })
      .Default([](Operation *) { return std::nullopt; });
}

/// `value`, or the settled NaN of its type.
static Value buildSettled(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<FloatType>(value.getType());
  Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO,
                                      value, value);
  Value nan = arith::ConstantOp::create(
      builder, loc,
      FloatAttr::get(type, APFloat::getQNaN(type.getFloatSemantics())));
  return arith::SelectOp::create(builder, loc, isNan, nan, value);
}

/// The same of a value that a block yields; before it is rounded to 16 bits,
/// which no target compares.
static Value buildYielded(OpBuilder &builder, Location loc, Value value) {
  auto round = value.getDefiningOp<arith::TruncFOp>();
  if (!round || value.getType().getIntOrFloatBitWidth() > 16 ||
      !isa<FloatType>(round.getIn().getType()))
    return buildSettled(builder, loc, value);
  Value settled = buildSettled(builder, loc, round.getIn());
  return arith::TruncFOp::create(builder, loc, value.getType(), settled);
}

namespace {

/// Goes from what somebody sees back to what made it.
class Settler {
public:
  void add(Value value) {
    if (hasNans(value) && seen.insert(value).second)
      pending.push_back(value);
  }
  void run() {
    while (!pending.empty())
      visit(pending.pop_back_val());
  }
  /// Of an operand that an operation in a body reads as bits.
  void settleOperand(OpOperand &operand);

  int64_t numSettled = 0, numLoops = 0;

private:
  void visit(Value value);
  bool visitCarried(Value value);
  void visitGeneric(linalg::GenericOp op, OpResult result);
  template <typename OpT> bool settleKernel(OpT kernel);
  void settleAfter(Value value);
  bool collect(Value value, Block *body, SmallVectorImpl<Value> &sources);

  SmallVector<Value> pending;
  DenseSet<Value> seen;
};

} // namespace

/// A computation of its own behind the one that made `value`.
void Settler::settleAfter(Value value) {
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses())
    uses.push_back(&use);
  Value settled;
  if (auto type = dyn_cast<RankedTensorType>(value.getType())) {
    ++numLoops;
    Value init = tensor::EmptyOp::create(
        builder, loc, tensor::getMixedSizes(builder, loc, value),
        type.getElementType());
    AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(
        builder, loc, type, value, init, ArrayRef<AffineMap>{map, map}, loops,
        [](OpBuilder &b, Location loc, ValueRange elements) {
          linalg::YieldOp::create(b, loc, buildSettled(b, loc, elements[0]));
        });
    settled = generic.getResult(0);
  } else if (isa<FloatType>(value.getType())) {
    ++numSettled;
    settled = buildSettled(builder, loc, value);
  } else {
    return;
  }
  seen.insert(settled);
  for (OpOperand *use : uses)
    use->set(settled);
}

/// Collects the operands of `body`'s operation, and the values from outside,
/// that `value` is moved from; false where it is computed.
bool Settler::collect(Value value, Block *body,
                      SmallVectorImpl<Value> &sources) {
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == body) {
    auto generic = dyn_cast<linalg::GenericOp>(body->getParentOp());
    if (!generic)
      return false;
    sources.push_back(generic->getOperand(argument.getArgNumber()));
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != body) {
    // From outside, unless the body has regions of its own.
    if (body->getParent()->isAncestor(value.getParentRegion()))
      return false;
    sources.push_back(value);
    return true;
  }
  if (isSettled(op))
    return true;
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    sources.push_back(extract.getTensor());
    return true;
  }
  if (!isa<arith::SelectOp, arith::NegFOp, math::AbsFOp>(op))
    return false;
  return llvm::all_of(*getMoved(op), [&](Value moved) {
    return collect(moved, body, sources);
  });
}

void Settler::visitGeneric(linalg::GenericOp op, OpResult result) {
  Block *body = op.getBlock();
  OpOperand &yielded =
      body->getTerminator()->getOpOperand(result.getResultNumber());
  SmallVector<Value> sources;
  if (collect(yielded.get(), body, sources)) {
    for (Value source : sources)
      add(source);
    return;
  }
  // In a reduction it would be repeated, and hide what is reduced how.
  if (op.getNumParallelLoops() != op.getNumLoops())
    return settleAfter(result);
  ++numSettled;
  OpBuilder builder(body->getTerminator());
  yielded.set(buildYielded(builder, op.getLoc(), yielded.get()));
}

template <typename OpT> bool Settler::settleKernel(OpT kernel) {
  auto type = cast<ShapedType>(kernel.getInit().getType());
  if (!type.getElementType().isF32())
    return false;
  OpBuilder builder(kernel);
  Location loc = kernel.getLoc();
  if (kernel.getEpilogue().empty()) {
    Block *body = builder.createBlock(&kernel.getEpilogue(), {},
                                      {builder.getF32Type()}, {loc});
    bit::YieldOp::create(builder, loc, body->getArgument(0));
  }
  auto yield = cast<bit::YieldOp>(kernel.getEpilogue().front().getTerminator());
  builder.setInsertionPoint(yield);
  yield.getValueMutable().assign(buildSettled(builder, loc, yield.getValue()));
  ++numSettled;
  return true;
}

/// What loops and branches yield; false for other values.
bool Settler::visitCarried(Value value) {
  Operation *op = value.getDefiningOp();
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument)
    op = argument.getOwner()->getParentOp();
  unsigned number = argument ? argument.getArgNumber()
                             : cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    number -= argument ? loop.getNumInductionVars() : 0;
    add(loop.getInitArgs()[number]);
    add(loop.getYieldedValues()[number]);
    return true;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    if (argument && argument.getOwner() == loop.getBeforeBody()) {
      add(loop.getInits()[number]);
      add(loop.getYieldOp().getOperand(number));
    } else {
      add(loop.getConditionOp().getArgs()[number]);
    }
    return true;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op); branch && !argument) {
    add(branch.thenYield().getOperand(number));
    add(branch.elseYield().getOperand(number));
    return true;
  }
  // What is given to the model is the caller's.
  return argument && isa<func::FuncOp>(op);
}

void Settler::visit(Value value) {
  if (visitCarried(value))
    return;
  Operation *op = value.getDefiningOp();
  if (!op)
    return settleAfter(value);
  if (isSettled(op))
    return;
  if (auto moved = getMoved(op)) {
    for (Value source : *moved)
      add(source);
    return;
  }
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return visitGeneric(generic, cast<OpResult>(value));
  bool isInKernel =
      TypeSwitch<Operation *, bool>(op)
          .Case<bit::PackedMatmulOp, bit::PanelConvOp, bit::PanelMatmulOp>(
              [&](auto kernel) { return settleKernel(kernel); })
          .Default(false);
  if (!isInKernel)
    settleAfter(value);
}

void Settler::settleOperand(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (!isa<FloatType>(operand.get().getType()))
    return add(operand.get());
  SmallVector<Value> sources;
  if (collect(operand.get(), op->getBlock(), sources)) {
    for (Value source : sources)
      add(source);
    return;
  }
  ++numSettled;
  OpBuilder builder(op);
  operand.set(buildYielded(builder, op->getLoc(), operand.get()));
}

namespace {

struct SettleNans : bit::impl::SettleNansBase<SettleNans> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Settler settler;
    SmallVector<OpOperand *> seenAsBits;
    function.walk([&](arith::BitcastOp op) {
      if (hasNans(op.getIn()) && !hasNans(op.getOut()))
        seenAsBits.push_back(&op->getOpOperand(0));
    });
    for (OpOperand *operand : seenAsBits)
      settler.settleOperand(*operand);
    if (function.isPublic())
      function.walk([&](func::ReturnOp op) {
        for (Value result : op.getOperands())
          settler.add(result);
      });
    settler.run();
    numSettled += settler.numSettled;
    numLoops += settler.numLoops;
  }
};

} // namespace
