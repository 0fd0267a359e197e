// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loop and Scan become one scf.while that carries the number of the iteration,
// whether to go on, the graph's own values and the outputs stacked so far.

#include "ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {

/// A stack of at most so many bytes is allocated whole, even where the loop may
/// end before it is full.
constexpr int64_t smallStack = 1 << 20;

/// One output that gets a row an iteration.
struct Stack {
  RankedTensorType row; ///< what the body yields
  int64_t axis = 0;     ///< where the rows are stacked
  bool isReversed = false;
  /// Allocated whole before the loop. Else it grows by a row an iteration, and
  /// each iteration copies it.
  bool isWhole = false;

  RankedTensorType getType(int64_t size = ShapedType::kDynamic) const {
    SmallVector<int64_t> shape(row.getShape());
    shape.insert(shape.begin() + axis, size);
    return RankedTensorType::get(shape, row.getElementType());
  }
};

/// What a loop is made of, before it is built.
struct LoopParts {
  Operation *op = nullptr;
  Block *body = nullptr;
  Value limit;           ///< most iterations, an index
  Value goes;            ///< i1: whether the first one runs; null: it does
  bool asksEach = false; ///< each iteration says whether the next one runs
  SmallVector<Value> init;
  SmallVector<Stack> stacks;
  /// Where the carried values are among the body's arguments and the results
  /// among what it yields.
  unsigned firstCarried = 0, firstYielded = 0;
};

/// The size of a row of stack `index`, where it is known before the loop.
std::optional<OpFoldResult> getRowDim(OpBuilder &builder, Location loc,
                                      const LoopParts &parts, int64_t index,
                                      int64_t dim) {
  const Stack &stack = parts.stacks[index];
  if (!stack.row.isDynamicDim(dim))
    return builder.getIndexAttr(stack.row.getDimSize(dim));
  return getNamedDim(builder, loc, parts.op, parts.init.size() + index,
                     dim + (dim >= stack.axis));
}

class LoopLowering {
public:
  LoopLowering(LoopParts parts, Rewriter &rewriter)
      : parts(std::move(parts)), rewriter(rewriter),
        loc(this->parts.op->getLoc()) {}

  /// Makes the values of the body's other arguments.
  using ArgumentBuilder =
      function_ref<FailureOr<SmallVector<Value>>(Value iteration)>;

  FailureOr<SmallVector<Value>> build(ArgumentBuilder makeArguments);

private:
  LogicalResult collectInit(SmallVectorImpl<Value> &init);
  void buildCondition(scf::WhileOp loop, TypeRange types);
  LogicalResult buildBody(scf::WhileOp loop, TypeRange types,
                          ArgumentBuilder makeArguments);
  Value append(int64_t index, Value rows, Value row, Value iteration);
  Value grow(const Stack &stack, Value rows, Value row, Value iteration);
  Value insertRow(const Stack &stack, Value rows, Value row, Value position);

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  unsigned firstState() const { return parts.asksEach ? 2 : 1; }

  LoopParts parts;
  Rewriter &rewriter;
  Location loc;
};

} // namespace

/// The iteration's number, whether it runs, the carried values, the stacks.
LogicalResult LoopLowering::collectInit(SmallVectorImpl<Value> &init) {
  init.push_back(constant(0));
  if (parts.asksEach)
    init.push_back(parts.goes);
  for (auto [index, value] : llvm::enumerate(parts.init)) {
    Type type = parts.body->getArgument(parts.firstCarried + index).getType();
    FailureOr<Value> carried =
        carryAs(rewriter, parts.op, value, getStorageTensor(type),
                "carried value " + Twine(index));
    if (failed(carried))
      return failure();
    checkNamedDims(rewriter, parts.op, *carried, index,
                   "carried value " + Twine(index));
    init.push_back(*carried);
  }
  for (auto [index, stack] : llvm::enumerate(parts.stacks)) {
    Dims sizes;
    for (int64_t dim = 0; dim < stack.row.getRank(); ++dim)
      sizes.push_back(getRowDim(rewriter, loc, parts, index, dim)
                          .value_or(rewriter.getIndexAttr(0)));
    OpFoldResult rows = rewriter.getIndexAttr(0);
    if (stack.isWhole)
      rows = getAsOpFoldResult(
          rewriter.createOrFold<arith::MaxSIOp>(loc, parts.limit, constant(0)));
    sizes.insert(sizes.begin() + stack.axis, rows);
    Value empty = tensor::EmptyOp::create(rewriter, loc, sizes,
                                          stack.row.getElementType());
    auto type = stack.getType();
    init.push_back(
        empty.getType() == type
            ? empty
            : tensor::CastOp::create(rewriter, loc, type, empty).getResult());
  }
  return success();
}

void LoopLowering::buildCondition(scf::WhileOp loop, TypeRange types) {
  OpBuilder::InsertionGuard guard(rewriter);
  Block *before = rewriter.createBlock(
      &loop.getBefore(), {}, types, SmallVector<Location>(types.size(), loc));
  Value runs = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                     before->getArgument(0), parts.limit);
  if (parts.asksEach)
    runs = arith::AndIOp::create(rewriter, loc, runs, before->getArgument(1));
  scf::ConditionOp::create(rewriter, loc, runs, before->getArguments());
}

Value LoopLowering::insertRow(const Stack &stack, Value rows, Value row,
                              Value position) {
  Dims sizes = getDims(rewriter, loc, row);
  sizes.insert(sizes.begin() + stack.axis, rewriter.getIndexAttr(1));
  Dims offsets(sizes.size(), rewriter.getIndexAttr(0));
  offsets[stack.axis] = position;
  Dims strides(sizes.size(), rewriter.getIndexAttr(1));
  return tensor::InsertSliceOp::create(rewriter, loc, row, rows, offsets, sizes,
                                       strides);
}

/// A tensor of one row more. The first row says how large they are; the others
/// are checked to be like it.
Value LoopLowering::grow(const Stack &stack, Value rows, Value row,
                         Value iteration) {
  Dims old, sizes = getDims(rewriter, loc, row);
  for (int64_t dim = 0; dim <= stack.row.getRank(); ++dim)
    old.push_back(tensor::DimOp::create(rewriter, loc, rows, dim).getResult());
  Value isFirst = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                        iteration, constant(0));
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (!stack.row.isDynamicDim(dim)) {
      old[dim + (int64_t(dim) >= stack.axis)] = size;
      continue;
    }
    Value same = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::eq,
        toValue(rewriter, loc, old[dim + (int64_t(dim) >= stack.axis)]),
        toValue(rewriter, loc, size));
    emitCheck(rewriter, loc, arith::OrIOp::create(rewriter, loc, isFirst, same),
              "expects a scan output of one shape in all iterations");
  }
  Dims offsets(old.size(), rewriter.getIndexAttr(0));
  Dims strides(old.size(), rewriter.getIndexAttr(1));
  sizes.insert(
      sizes.begin() + stack.axis,
      addDims(rewriter, loc, old[stack.axis], rewriter.getIndexAttr(1)));
  Value longer =
      tensor::EmptyOp::create(rewriter, loc, sizes, stack.row.getElementType());
  if (stack.isReversed)
    offsets[stack.axis] = rewriter.getIndexAttr(1);
  longer = tensor::InsertSliceOp::create(rewriter, loc, rows, longer, offsets,
                                         old, strides);
  longer =
      insertRow(stack, longer, row, stack.isReversed ? constant(0) : iteration);
  return longer.getType() == stack.getType()
             ? longer
             : tensor::CastOp::create(rewriter, loc, stack.getType(), longer)
                   .getResult();
}

Value LoopLowering::append(int64_t index, Value rows, Value row,
                           Value iteration) {
  const Stack &stack = parts.stacks[index];
  // A row that is not as large as the import found would end up elsewhere.
  for (int64_t dim = 0; dim < stack.row.getRank(); ++dim)
    if (auto size = getRowDim(rewriter, loc, parts, index, dim))
      emitCheck(rewriter, loc,
                rewriter.createOrFold<arith::CmpIOp>(
                    loc, arith::CmpIPredicate::eq,
                    toValue(rewriter, loc, getDim(rewriter, loc, row, dim)),
                    toValue(rewriter, loc, *size)),
                "expects a scan output of one shape in all iterations");
  if (!stack.isWhole)
    return grow(stack, rows, row, iteration);
  Value position = iteration;
  if (stack.isReversed) {
    Value last = arith::SubIOp::create(rewriter, loc, parts.limit, constant(1));
    position = arith::SubIOp::create(rewriter, loc, last, iteration);
  }
  return insertRow(stack, rows, row, position);
}

LogicalResult LoopLowering::buildBody(scf::WhileOp loop, TypeRange types,
                                      ArgumentBuilder makeArguments) {
  OpBuilder::InsertionGuard guard(rewriter);
  Block *after = rewriter.createBlock(&loop.getAfter(), {}, types,
                                      SmallVector<Location>(types.size(), loc));
  Value iteration = after->getArgument(0);
  FailureOr<SmallVector<Value>> others = makeArguments(iteration);
  if (failed(others))
    return failure();
  SmallVector<Value> arguments = std::move(*others);
  unsigned carried = parts.init.size();
  for (unsigned i = 0; i < carried; ++i)
    arguments.insert(arguments.begin() + parts.firstCarried + i,
                     after->getArgument(firstState() + i));
  for (auto [value, argument] :
       llvm::zip_equal(arguments, parts.body->getArguments()))
    value = fromStorageTensor(rewriter, loc, value, argument.getType());
  // The conversion replaces the body's arguments when it has succeeded; what
  // is made here needs the new ones now.
  DenseMap<Value, Value> replaced;
  for (auto [value, argument] :
       llvm::zip_equal(arguments, parts.body->getArguments()))
    replaced[argument] = value;
  rewriter.inlineBlockBefore(parts.body, after, after->end(), arguments);

  auto yield = cast<YieldOp>(after->getTerminator());
  SmallVector<Value> outputs;
  for (Value output : yield.getOperands())
    outputs.push_back(replaced.lookup_or(output, output));
  rewriter.setInsertionPoint(yield);
  SmallVector<Value> next = {
      arith::AddIOp::create(rewriter, loc, iteration, constant(1))};
  if (parts.asksEach) {
    FailureOr<Value> goes =
        readScalar(rewriter, parts.op, outputs[0], "the body's condition");
    if (failed(goes))
      return failure();
    next.push_back(*goes);
  }
  auto yielded = ArrayRef(outputs).drop_front(parts.firstYielded);
  for (unsigned i = 0; i < yielded.size(); ++i) {
    Value value = toStorageTensor(rewriter, loc, yielded[i]);
    Value state = after->getArgument(firstState() + i);
    if (i >= carried) {
      next.push_back(append(i - carried, state, value, iteration));
      continue;
    }
    FailureOr<Value> same = carryAs(rewriter, parts.op, value,
                                    cast<RankedTensorType>(state.getType()),
                                    "carried value " + Twine(i));
    if (failed(same))
      return failure();
    checkNamedDims(rewriter, parts.op, *same, i, "carried value " + Twine(i));
    next.push_back(*same);
  }
  scf::YieldOp::create(rewriter, loc, next);
  rewriter.eraseOp(yield);
  return success();
}

FailureOr<SmallVector<Value>>
LoopLowering::build(ArgumentBuilder makeArguments) {
  SmallVector<Value> init;
  if (failed(collectInit(init)))
    return failure();
  SmallVector<Type> types = llvm::to_vector(ValueRange(init).getTypes());
  auto loop = scf::WhileOp::create(rewriter, loc, types, init);
  if (auto names = parts.op->getAttrOfType<ArrayAttr>(dimNamesAttr)) {
    SmallVector<Attribute> all(firstState(), rewriter.getArrayAttr({}));
    llvm::append_range(all, names);
    loop->setAttr(dimNamesAttr, rewriter.getArrayAttr(all));
  }
  buildCondition(loop, types);
  if (failed(buildBody(loop, types, makeArguments)))
    return failure();
  SmallVector<Value> results(loop.getResults().drop_front(firstState()));
  rewriter.setInsertionPointAfter(loop);
  for (auto [index, stack] : llvm::enumerate(parts.stacks)) {
    if (!stack.isWhole || !parts.asksEach)
      continue;
    // The loop may have ended before the stack was full.
    Value &rows = results[parts.init.size() + index];
    Dims sizes = getDims(rewriter, loc, rows);
    sizes[stack.axis] = loop.getResult(0);
    rows = tensor::ExtractSliceOp::create(
        rewriter, loc, rows, Dims(sizes.size(), rewriter.getIndexAttr(0)),
        sizes, Dims(sizes.size(), rewriter.getIndexAttr(1)));
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// Whether the loop goes on for as long as it could: its body hands on the
/// condition, or yields true.
static bool alwaysGoesOn(LoopOp op) {
  Block &body = op.getBody().front();
  Value goes = body.getTerminator()->getOperand(0);
  while (auto identity = goes.getDefiningOp<IdentityOp>())
    goes = identity.getInput();
  if (goes == body.getArgument(1))
    return true;
  auto constant = goes.getDefiningOp<ConstantOp>();
  if (!constant)
    return false;
  auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
  return value && value.isSplat() && value.getSplatValue<APInt>().isOne();
}

/// A tensor of one element and of `onnxType`, which may not know that.
static Value makeScalar(OpBuilder &builder, Location loc, Value element,
                        Type onnxType) {
  auto type = cast<RankedTensorType>(onnxType);
  SmallVector<int64_t> ones(type.getRank(), 1);
  auto storage = RankedTensorType::get(ones, element.getType());
  Value tensor = tensor::FromElementsOp::create(builder, loc, storage, element);
  auto wanted = getStorageTensor(type);
  return wanted == storage
             ? tensor
             : tensor::CastOp::create(builder, loc, wanted, tensor).getResult();
}

static int64_t countBytes(RankedTensorType type) {
  uint64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    bytes = llvm::SaturatingMultiply<uint64_t>(bytes, size);
  return std::min<uint64_t>(bytes, INT64_MAX);
}

static LogicalResult checkLoop(LoopOp op, unsigned carried) {
  Block &body = op.getBody().front();
  if (body.getNumArguments() != carried + 2)
    return op.emitOpError("expects a body of ")
           << carried + 2 << " inputs, got " << body.getNumArguments();
  if (op.getNumResults() < carried)
    return op.emitOpError("expects at least ")
           << carried << " results, got " << op.getNumResults();
  for (int64_t i : {0, 1})
    if (auto type = cast<RankedTensorType>(body.getArgument(i).getType());
        type.hasStaticShape() && type.getNumElements() != 1)
      return op.emitOpError("expects one element in input ")
             << i << " of its body, got " << type;
  return success();
}

static LogicalResult lowerLoop(LoopOp op, LoopOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  LoopParts parts;
  parts.op = op;
  parts.body = &op.getBody().front();
  parts.init = llvm::to_vector(operands.getVInitial());
  parts.firstCarried = 2;
  parts.firstYielded = 1;
  if (failed(checkLoop(op, parts.init.size())))
    return failure();

  parts.limit = arith::ConstantIndexOp::create(rewriter, loc, INT64_MAX);
  if (operands.getM()) {
    FailureOr<Value> trips =
        readScalar(rewriter, op, operands.getM(), "the trip count");
    if (failed(trips))
      return failure();
    parts.limit = rewriter.createOrFold<arith::IndexCastOp>(
        loc, rewriter.getIndexType(), *trips);
  }
  if (operands.getCond()) {
    FailureOr<Value> goes =
        readScalar(rewriter, op, operands.getCond(), "the condition");
    if (failed(goes))
      return failure();
    parts.goes = *goes;
    parts.asksEach = !alwaysGoesOn(op);
    if (!parts.asksEach)
      parts.limit = rewriter.createOrFold<arith::SelectOp>(
          loc, parts.goes, parts.limit,
          arith::ConstantIndexOp::create(rewriter, loc, 0));
  }
  std::optional<int64_t> known = getConstant(getAsOpFoldResult(parts.limit));
  for (Value row : parts.body->getTerminator()->getOperands().drop_front(
           1 + parts.init.size())) {
    Stack stack{getStorageTensor(row.getType())};
    parts.stacks.push_back(stack);
    bool isKnown = true;
    for (int64_t dim = 0; dim < stack.row.getRank(); ++dim)
      isKnown &= getRowDim(rewriter, loc, parts, parts.stacks.size() - 1, dim)
                     .has_value();
    parts.stacks.back().isWhole =
        isKnown &&
        ((operands.getM() && !parts.asksEach) ||
         (known && countBytes(stack.getType(std::max<int64_t>(*known, 0))) <=
                       smallStack));
  }

  bool asksEach = parts.asksEach;
  Block *body = parts.body;
  auto arguments = [&](Value iteration) -> FailureOr<SmallVector<Value>> {
    Value number = arith::IndexCastOp::create(rewriter, loc,
                                              rewriter.getI64Type(), iteration);
    // Where the loop does not ask, it runs because the condition holds.
    Value runs =
        asksEach
            ? iteration.getParentBlock()->getArgument(1)
            : arith::ConstantIntOp::create(rewriter, loc, 1, 1).getResult();
    return SmallVector<Value>{
        makeScalar(rewriter, loc, number, body->getArgument(0).getType()),
        makeScalar(rewriter, loc, runs, body->getArgument(1).getType())};
  };
  FailureOr<SmallVector<Value>> made =
      LoopLowering(std::move(parts), rewriter).build(arguments);
  if (failed(made))
    return failure();
  results = std::move(*made);
  return success();
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

static int64_t valueOr(std::optional<ArrayRef<int64_t>> list, size_t index,
                       int64_t otherwise) {
  return list && index < list->size() ? (*list)[index] : otherwise;
}

/// What `tensor` holds at `position` of `axis`.
static Value readRow(OpBuilder &builder, Location loc, Value tensor,
                     int64_t axis, Value position) {
  Dims sizes = getDims(builder, loc, tensor);
  sizes[axis] = builder.getIndexAttr(1);
  Dims offsets(sizes.size(), builder.getIndexAttr(0));
  offsets[axis] = position;
  Dims strides(sizes.size(), builder.getIndexAttr(1));
  Dims kept(sizes);
  kept.erase(kept.begin() + axis);
  auto type = getTensorType(kept, elementType(tensor));
  return tensor::ExtractSliceOp::create(builder, loc, type, tensor, offsets,
                                        sizes, strides);
}

static LogicalResult lowerScan(ScanOp op, ScanOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  LoopParts parts;
  parts.op = op;
  parts.body = &op.getBody().front();
  ValueRange all = operands.getOperands();
  int64_t numInputs = op.getNumScanInputs();
  if (numInputs < 1 || numInputs > static_cast<int64_t>(all.size()))
    return op.emitOpError("expects from 1 to ")
           << all.size() << " scan inputs, got " << numInputs;
  int64_t numStates = all.size() - numInputs;
  parts.init = llvm::to_vector(all.take_front(numStates));
  parts.firstCarried = 0;
  parts.firstYielded = 0;
  if (parts.body->getNumArguments() != all.size())
    return op.emitOpError("expects a body of ")
           << all.size() << " inputs, got " << parts.body->getNumArguments();
  if (static_cast<int64_t>(op.getNumResults()) < numStates)
    return op.emitOpError("expects at least ")
           << numStates << " results, got " << op.getNumResults();

  SmallVector<Value> inputs;
  SmallVector<int64_t> axes;
  for (auto [index, operand] : llvm::enumerate(all.drop_front(numStates))) {
    Value input = stripStaticCasts(operand);
    std::optional<int64_t> axis = normalizeAxis(
        op, valueOr(op.getScanInputAxes(), index, 0), rankOf(input));
    if (!axis)
      return failure();
    OpFoldResult length = getDim(rewriter, loc, input, *axis);
    if (index == 0)
      parts.limit = toValue(rewriter, loc, length);
    else if (!checkSameDim(rewriter, loc, getAsOpFoldResult(parts.limit),
                           length, "expects scan inputs of one length"))
      return op.emitOpError("expects scan inputs of one length");
    inputs.push_back(input);
    axes.push_back(*axis);
  }
  for (auto [index, row] : llvm::enumerate(
           parts.body->getTerminator()->getOperands().drop_front(numStates))) {
    Stack stack{getStorageTensor(row.getType())};
    std::optional<int64_t> axis = normalizeAxis(
        op, valueOr(op.getScanOutputAxes(), index, 0), stack.row.getRank() + 1);
    if (!axis)
      return failure();
    stack.axis = *axis;
    stack.isReversed = valueOr(op.getScanOutputDirections(), index, 0) == 1;
    stack.isWhole = stack.row.hasStaticShape();
    parts.stacks.push_back(stack);
  }

  Value limit = parts.limit;
  Block *body = parts.body;
  auto arguments = [&](Value iteration) -> FailureOr<SmallVector<Value>> {
    SmallVector<Value> rows;
    for (auto [index, input] : llvm::enumerate(inputs)) {
      Value position = iteration;
      if (valueOr(op.getScanInputDirections(), index, 0) == 1) {
        Value last = arith::SubIOp::create(
            rewriter, loc, limit,
            arith::ConstantIndexOp::create(rewriter, loc, 1));
        position = arith::SubIOp::create(rewriter, loc, last, iteration);
      }
      Type type = body->getArgument(numStates + index).getType();
      FailureOr<Value> row = carryAs(
          rewriter, op, readRow(rewriter, loc, input, axes[index], position),
          getStorageTensor(type), "scan input " + Twine(index));
      if (failed(row))
        return failure();
      rows.push_back(*row);
    }
    return rows;
  };
  FailureOr<SmallVector<Value>> made =
      LoopLowering(std::move(parts), rewriter).build(arguments);
  if (failed(made))
    return failure();
  results = std::move(*made);
  return success();
}

void bit::onnx::addLoopPatterns(PatternList &list) {
  list.add<LoopOp>(lowerLoop);
  list.add<ScanOp>(lowerScan);
}
