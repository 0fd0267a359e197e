// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An evaluation has three steps: list the operations that the value depends on
// (in order), decide which elementwise ones need no tensor of their own, then
// compute the others one after the other, dropping each tensor after its last
// use.

#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "DataMovement.h"
#include "Expression.h"
#include "Reductions.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Threading.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit::onnx {
namespace {

/// More operations than any exporter's weight chain has. A bound keeps the
/// search for constants short in deep networks that have none.
constexpr size_t kMaxOps = 1024;

/// Operations in one expression: bounds its recursion and its registers.
constexpr unsigned kMaxFused = 48;

/// Returns what `op` computes with, nothing if it is not evaluated.
std::optional<OperandRange> getEvaluatedOperands(Operation *op) {
  if (isa<ConstantOp>(op))
    return op->getOperands();
  if (std::optional<Elementwise> step = getElementwise(op))
    return op->getOperands().take_front(step->info.numInputs);
  if (isReduction(op))
    return op->getOperands().take_front(1);
  if (isDataMovement(op))
    return op->getOperands().take_front(getNumDataOperands(op));
  return std::nullopt;
}

OperandRange getDataOperands(Operation *op) {
  return getEvaluatedOperands(op).value_or(op->getOperands());
}

/// Scales and zero points of an axis or of blocks along it.
bool isAlongAxis(Operation *op, Value operand) {
  return isa<DequantizeLinearOp, QuantizeLinearOp>(op) &&
         operand != op->getOperand(0) &&
         cast<ShapedType>(operand.getType()).getRank() > 0;
}

/// Repeats each element along `axis` `block` times, up to `shape`.
Expected<HostTensor> repeatBlocks(const HostTensor &tensor, int64_t axis,
                                  int64_t block, ArrayRef<int64_t> shape) {
  Builder builder(tensor.getType().getContext());
  Expected<HostTensor> result =
      HostTensor::allocate(RankedTensorType::get(shape, builder.getF64Type()));
  if (!result)
    return result.takeError();
  int64_t outer = computeProduct(shape.take_front(axis));
  int64_t inner = computeProduct(shape.drop_front(axis + 1));
  std::vector<double> row(inner);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < shape[axis]; ++i) {
      int64_t source = o * tensor.getShape()[axis] + i / block;
      tensor.load(source * inner, row);
      result->store((o * shape[axis] + i) * inner, row);
    }
  return result;
}

/// Adds what isAlongAxis to `expression`, stretched over the shape of `op`.
Expected<unsigned> addAlongAxis(Operation *op, HostTensor tensor,
                                ArrayRef<int64_t> shape,
                                Expression &expression) {
  auto quantize = dyn_cast<QuantizeLinearOp>(op);
  int64_t axis =
      quantize ? quantize.getAxis() : cast<DequantizeLinearOp>(op).getAxis();
  int64_t block = quantize ? quantize.getBlockSize()
                           : cast<DequantizeLinearOp>(op).getBlockSize();
  int64_t rank = shape.size();
  axis += axis < 0 ? rank : 0;
  if (tensor.size() == 1)
    return expression.addLeaf(tensor.reshaped({}), shape);
  if (axis < 0 || axis >= rank)
    return createStringError("its axis is out of range");
  ArrayRef<int64_t> own = tensor.getShape();
  if (own.size() == 1) {
    // A vector along one axis, not along the last as in broadcasts.
    SmallVector<int64_t> column(rank - axis, 1);
    column[0] = tensor.size();
    return expression.addLeaf(tensor.reshaped(column), shape);
  }
  SmallVector<int64_t> blocks(shape);
  if (block > 0)
    blocks[axis] = llvm::divideCeil(shape[axis], block);
  if (block <= 0 || own != ArrayRef(blocks))
    return createStringError("its scales are not one a block");
  if (shape[axis] % block != 0) {
    // The last block is cut off, which no shape says.
    Expected<HostTensor> repeated = repeatBlocks(tensor, axis, block, shape);
    if (!repeated)
      return repeated.takeError();
    return expression.addLeaf(*repeated, shape);
  }
  // Blocks are a dimension of their own that the scale has not.
  SmallVector<int64_t> split(shape);
  blocks.insert(blocks.begin() + axis + 1, 1);
  split[axis] /= block;
  split.insert(split.begin() + axis + 1, block);
  return expression.addLeaf(tensor.reshaped(blocks), split);
}

Error describeSource(BlockArgument argument) {
  auto function =
      dyn_cast_or_null<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (function && argument.getOwner()->isEntryBlock())
    if (auto name = function.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), "onnx.name"))
      return createStringError(
          "it depends on the graph input '" + name.getValue().str() +
          (function.getArgAttr(argument.getArgNumber(), "onnx.has_default")
               ? "', whose initializer is a default that callers may replace"
               : "'"));
  return createStringError("it depends on a value known only at run time");
}

/// Lists what `root` is computed from, operands before users. That a value is
/// known only at run time is a better reason than an operator in between, but
/// takes a search through all that is before it: not unless asked to `explain`.
Error collect(Value root, llvm::SetVector<Operation *> &order,
              bool explain = true) {
  struct Visit {
    Operation *op;
    OperandRange operands;
    unsigned next;
  };
  SmallVector<Visit> stack;
  llvm::DenseSet<Operation *> seen;
  Operation *notEvaluated = nullptr;
  auto visit = [&](Value value) -> Error {
    Operation *op = value.getDefiningOp();
    if (!op)
      return describeSource(cast<BlockArgument>(value));
    if (!seen.insert(op).second)
      return Error::success();
    if (seen.size() > kMaxOps)
      return createStringError("it depends on too many operations");
    std::optional<OperandRange> operands = getEvaluatedOperands(op);
    if (!operands && !notEvaluated)
      notEvaluated = op;
    stack.push_back({op, operands.value_or(op->getOperands()), 0});
    return Error::success();
  };
  if (Error error = visit(root))
    return error;
  while (!stack.empty() && (explain || !notEvaluated)) {
    Visit &last = stack.back();
    if (last.next == last.operands.size()) {
      order.insert(last.op);
      stack.pop_back();
      continue;
    }
    if (Error error = visit(last.operands[last.next++]))
      return error;
  }
  if (notEvaluated)
    return createStringError("it depends on " +
                             notEvaluated->getName().stripDialect().str() +
                             ", which is not evaluated at compile time");
  return Error::success();
}

class Evaluation {
public:
  Evaluation(Value root) : root(root) {}
  /// Computes everything but the expression that ends in the root.
  Expected<Expression> run();

private:
  Error checkSizes();
  void chooseFused();
  void findLastUses();
  bool canFuseInto(Value value, Operation *user) const;
  void forEachLeaf(Value value, llvm::function_ref<void(Value)> fn) const;
  Expected<unsigned> build(Value value, ArrayRef<int64_t> shape,
                           Expression &expression,
                           llvm::DenseMap<Value, unsigned> &registers) const;
  Error compute(Operation *op);

  Value root;
  llvm::SetVector<Operation *> order;
  /// Elementwise results without a tensor of their own, with the number of
  /// operations in their expression.
  llvm::DenseMap<Value, unsigned> fused;
  llvm::DenseMap<Value, HostTensor> tensors;
  /// Values that are not needed after an operation.
  llvm::DenseMap<Operation *, SmallVector<Value, 2>> lastUses;
};

int64_t count(Value value) {
  return cast<ShapedType>(value.getType()).getNumElements();
}

/// A few bytes of a file may claim gigabytes: nothing may grow far beyond what
/// the constants really hold.
Error Evaluation::checkSizes() {
  int64_t sources = 0;
  for (Operation *op : order)
    for (Value value : op->getResults()) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (!type || !type.hasStaticShape())
        return createStringError("the shape of " +
                                 op->getName().stripDialect().str() +
                                 " in it is not known at compile time");
      int64_t elements = 1;
      for (int64_t dim : type.getShape())
        if (llvm::MulOverflow(elements, dim, elements))
          return createStringError("its size overflows");
      auto constant = dyn_cast<ConstantOp>(op);
      if (constant && !constant.getValue().isSplat())
        sources += elements;
    }
  for (Operation *op : order)
    for (Value value : op->getResults())
      if (count(value) > (int64_t(1) << 20) + 16 * sources)
        return createStringError("it is far larger than its constants");
  return Error::success();
}

/// True if `user` reads `value` once an element, in its own order.
bool Evaluation::canFuseInto(Value value, Operation *user) const {
  if (isReduction(user))
    return user->getOperand(0) == value;
  return getElementwise(user) && !isAlongAxis(user, value) &&
         count(user->getResult(0)) == count(value);
}

void Evaluation::chooseFused() {
  for (Operation *op : order) {
    if (isa<ConstantOp>(op) || !getElementwise(op))
      continue;
    Value value = op->getResult(0);
    unsigned size = 1;
    for (Value operand : getDataOperands(op))
      size += fused.lookup(operand);
    bool isFused = value != root && size <= kMaxFused;
    for (Operation *user : value.getUsers())
      if (order.contains(user))
        isFused &= canFuseInto(value, user);
    if (isFused)
      fused[value] = size;
  }
}

void Evaluation::forEachLeaf(Value value,
                             llvm::function_ref<void(Value)> fn) const {
  if (!fused.contains(value))
    return fn(value);
  for (Value operand : getDataOperands(value.getDefiningOp()))
    forEachLeaf(operand, fn);
}

void Evaluation::findLastUses() {
  llvm::DenseMap<Value, Operation *> last;
  for (Operation *op : order)
    if (op->getNumResults() != 1 || !fused.contains(op->getResult(0)))
      for (Value operand : getDataOperands(op))
        forEachLeaf(operand, [&](Value leaf) { last[leaf] = op; });
  for (auto [value, op] : last)
    lastUses[op].push_back(value);
}

Expected<unsigned>
Evaluation::build(Value value, ArrayRef<int64_t> shape, Expression &expression,
                  llvm::DenseMap<Value, unsigned> &registers) const {
  Operation *op = value.getDefiningOp();
  if (!fused.contains(value) && tensors.contains(value))
    return expression.addLeaf(tensors.lookup(value), shape);
  if (auto it = registers.find(value); it != registers.end())
    return it->second;
  Elementwise step = *getElementwise(op);
  ArrayRef<int64_t> own = cast<ShapedType>(value.getType()).getShape();
  SmallVector<unsigned, 3> inputs;
  for (Value operand : getDataOperands(op)) {
    if (isAlongAxis(op, operand)) {
      Expected<unsigned> input =
          addAlongAxis(op, tensors.lookup(operand), own, expression);
      if (!input)
        return input;
      inputs.push_back(*input);
      continue;
    }
    Expected<unsigned> input = build(operand, own, expression, registers);
    if (!input)
      return input;
    inputs.push_back(*input);
  }
  return registers[value] = expression.addStep(step, inputs);
}

/// Fills `result` with the values of `expression`, some blocks a task.
void computeFloats(MLIRContext *context, const Expression &expression,
                   HostTensor &result) {
  constexpr int64_t taskSize = 16 * kFloatBlockSize;
  float *out = nullptr;
  if (std::optional<ArrayRef<float>> floats = result.getFloats())
    out = reinterpret_cast<float *>(result.getMutableBytes().data());
  int64_t size = result.size();
  parallelFor(context, 0, llvm::divideCeil(size, taskSize), [&](size_t task) {
    FloatRun run(expression);
    int64_t end = std::min<int64_t>(size, (task + 1) * taskSize);
    for (int64_t i = task * taskSize; i < end; i += kFloatBlockSize) {
      int64_t count = std::min(kFloatBlockSize, end - i);
      ArrayRef<float> part = run.run(i, count, out ? out + i : nullptr);
      if (!out)
        result.storeFloats(i, part);
    }
  });
}

/// Computes all elements of `expression` into a tensor of `type`.
Expected<HostTensor> computeAll(ShapedType type, const Expression &expression) {
  Expected<HostTensor> result = HostTensor::allocate(type);
  if (!result)
    return result;
  int64_t size = result->size();
  MLIRContext *context = type.getContext();
  if (expression.isFloat()) {
    computeFloats(context, expression, *result);
    return result;
  }
  parallelFor(context, 0, llvm::divideCeil(size, kBlockSize),
              [&](size_t block) {
                double values[kBlockSize];
                int64_t begin = block * kBlockSize;
                MutableArrayRef<double> part(
                    values, std::min(kBlockSize, size - begin));
                expression.run(begin, part);
                result->store(begin, part);
              });
  return result;
}

Error Evaluation::compute(Operation *op) {
  Expression expression;
  llvm::DenseMap<Value, unsigned> registers;
  if (isReduction(op)) {
    Value operand = op->getOperand(0);
    Expected<unsigned> input =
        build(operand, cast<ShapedType>(operand.getType()).getShape(),
              expression, registers);
    if (!input)
      return input.takeError();
    Expected<HostTensor> result = reduce(op, expression);
    if (!result)
      return result.takeError();
    tensors[op->getResult(0)] = *result;
    return Error::success();
  }
  if (!getElementwise(op)) {
    SmallVector<HostTensor> inputs;
    for (Value operand : getDataOperands(op))
      inputs.push_back(tensors.lookup(operand));
    Expected<SmallVector<HostTensor>> results = moveData(op, inputs);
    if (!results)
      return results.takeError();
    for (auto [value, result] : llvm::zip_equal(op->getResults(), *results))
      tensors[value] = result;
    return Error::success();
  }
  auto type = cast<ShapedType>(op->getResult(0).getType());
  Expected<unsigned> last =
      build(op->getResult(0), type.getShape(), expression, registers);
  if (!last)
    return last.takeError();
  Expected<HostTensor> result = computeAll(type, expression);
  if (!result)
    return result.takeError();
  tensors[op->getResult(0)] = *result;
  return Error::success();
}

Expected<Expression> Evaluation::run() {
  if (Error error = collect(root, order))
    return std::move(error);
  if (Error error = checkSizes())
    return std::move(error);
  chooseFused();
  findLastUses();
  for (Operation *op : order) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      Expected<HostTensor> tensor = HostTensor::borrow(constant.getValue());
      if (!tensor)
        return tensor.takeError();
      tensors[constant] = *tensor;
      continue;
    }
    if (op->getNumResults() == 1 && fused.contains(op->getResult(0)))
      continue;
    auto explain = [&](Error error) {
      return createStringError(
          op->getName().stripDialect().str() +
          " is not evaluated: " + llvm::toString(std::move(error)));
    };
    if (op == root.getDefiningOp() && getElementwise(op)) {
      Expression expression;
      llvm::DenseMap<Value, unsigned> registers;
      Expected<unsigned> last =
          build(root, cast<ShapedType>(root.getType()).getShape(), expression,
                registers);
      if (!last)
        return explain(last.takeError());
      return expression;
    }
    if (Error error = compute(op))
      return explain(std::move(error));
    for (Value value : lastUses[op])
      if (value != root)
        tensors.erase(value);
  }
  Expression expression;
  HostTensor tensor = tensors.lookup(root);
  Expected<unsigned> leaf = expression.addLeaf(tensor, tensor.getShape());
  if (!leaf)
    return leaf.takeError();
  return expression;
}

} // namespace

Expected<SmallVector<Value>> getConstantSources(Value value) {
  llvm::SetVector<Operation *> order;
  if (Error error = collect(value, order))
    return std::move(error);
  SmallVector<Value> sources;
  for (Operation *op : order)
    if (isa<ConstantOp>(op))
      sources.push_back(op->getResult(0));
  return sources;
}

bool isComputable(Value value) {
  llvm::SetVector<Operation *> order;
  Error error = collect(value, order, /*explain=*/false);
  const bool succeeded = !error;
  llvm::consumeError(std::move(error));
  return succeeded;
}

Expected<HostTensor> evaluate(Value value) {
  Expected<Expression> expression = Evaluation(value).run();
  if (!expression)
    return expression.takeError();
  if (std::optional<HostTensor> tensor = expression->getOnlyLeaf())
    return *tensor;
  Expected<HostTensor> result =
      computeAll(cast<ShapedType>(value.getType()), *expression);
  if (!result)
    return createStringError(
        value.getDefiningOp()->getName().stripDialect().str() +
        " is not evaluated: " + llvm::toString(result.takeError()));
  return result;
}

Chain::Chain(ShapedType type, Expression &&expression)
    : type(type), format(*onnx::getFormat(type.getElementType())),
      expression(std::make_unique<Expression>(std::move(expression))) {}
Chain::Chain(Chain &&other) = default;
Chain &Chain::operator=(Chain &&other) = default;
Chain::~Chain() = default;

bool Chain::isReadable() const { return expression->isFloat(); }

Expected<HostTensor> Chain::evaluate() const {
  if (std::optional<HostTensor> tensor = expression->getOnlyLeaf())
    return *tensor;
  return computeAll(type, *expression);
}

ChainReader::ChainReader(const Chain &chain)
    : run(std::make_unique<FloatRun>(*chain.expression)) {
  static_assert(kMaxSize == kFloatBlockSize);
}
ChainReader::~ChainReader() = default;

ArrayRef<float> ChainReader::read(int64_t begin, size_t size) {
  return run->run(begin, size);
}

Expected<Chain> evaluateChain(Value value) {
  Expected<Expression> expression = Evaluation(value).run();
  if (!expression)
    return expression.takeError();
  return Chain(cast<ShapedType>(value.getType()), std::move(*expression));
}

std::optional<double> evaluateScalar(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() != 1)
    return std::nullopt;
  Expected<HostTensor> tensor = evaluate(value);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return std::nullopt;
  }
  return tensor->at(0);
}

std::optional<SmallVector<int64_t>> getConstantIntegers(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!dense || !dense.getElementType().isInteger(64) || dense.size() > 64)
    return std::nullopt;
  SmallVector<int64_t> values;
  constexpr int64_t limit = int64_t(1) << 53;
  for (const APInt &element : dense.getValues<APInt>())
    values.push_back(std::clamp(element.getSExtValue(), -limit, limit));
  return values;
}

} // namespace bit::onnx
