// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Expression.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include <vector>

using namespace mlir;
using llvm::Expected;

namespace bit::onnx {

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

Expected<unsigned> Expression::addLeaf(HostTensor tensor,
                                       ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> own = tensor.getShape();
  Register leaf;
  // Same elements in the same order: the shapes do not matter.
  leaf.isLinear = tensor.size() == product(shape) || tensor.isSplat();
  if (!leaf.isLinear) {
    if (own.size() > shape.size())
      return llvm::createStringError("its operands do not broadcast");
    leaf.shape.assign(shape.begin(), shape.end());
    leaf.strides.assign(shape.size(), 0);
    int64_t stride = 1;
    for (size_t i = 0; i < own.size(); ++i) {
      int64_t dim = own[own.size() - 1 - i];
      size_t at = shape.size() - 1 - i;
      if (dim != 1 && dim != shape[at])
        return llvm::createStringError("its operands do not broadcast");
      leaf.strides[at] = dim == 1 ? 0 : stride;
      stride *= dim;
    }
  }
  leaf.tensor = std::move(tensor);
  registers.push_back(std::move(leaf));
  return registers.size() - 1;
}

unsigned Expression::addStep(const Elementwise &step,
                             ArrayRef<unsigned> inputs) {
  Register result;
  result.step = step;
  result.inputs.assign(inputs.begin(), inputs.end());
  registers.push_back(std::move(result));
  return registers.size() - 1;
}

template <typename T>
void Expression::readBroadcast(const Register &leaf, int64_t begin,
                               MutableArrayRef<T> out) {
  if (leaf.tensor.size() == 1)
    return std::fill(out.begin(), out.end(), T(leaf.tensor.at(0)));
  // An odometer over the coordinates, which moves the offset along.
  size_t rank = leaf.shape.size();
  SmallVector<int64_t, 4> at(rank);
  int64_t offset = 0;
  for (size_t d = rank; d-- > 0;) {
    at[d] = begin % leaf.shape[d];
    begin /= leaf.shape[d];
    offset += at[d] * leaf.strides[d];
  }
  for (size_t done = 0; done < out.size();) {
    size_t run = std::min<size_t>(out.size() - done,
                                  leaf.shape[rank - 1] - at[rank - 1]);
    MutableArrayRef<T> part = out.slice(done, run);
    if (leaf.strides[rank - 1] == 0)
      std::fill(part.begin(), part.end(), T(leaf.tensor.at(offset)));
    else if constexpr (std::is_same_v<T, float>)
      leaf.tensor.loadFloats(offset, part);
    else
      leaf.tensor.load(offset, part);
    done += run;
    at[rank - 1] += run;
    offset += run * leaf.strides[rank - 1];
    for (size_t d = rank; d-- > 1 && at[d] == leaf.shape[d];) {
      offset += leaf.strides[d - 1] - at[d] * leaf.strides[d];
      at[d] = 0;
      ++at[d - 1];
    }
  }
}

void Expression::run(int64_t begin, MutableArrayRef<double> out) const {
  std::vector<double> scratch(registers.size() * out.size());
  for (auto [index, reg] : llvm::enumerate(registers)) {
    MutableArrayRef<double> target =
        index + 1 == registers.size()
            ? out
            : MutableArrayRef<double>(&scratch[index * out.size()], out.size());
    if (!reg.step.function) {
      if (reg.isLinear)
        reg.tensor.load(begin, target);
      else
        readBroadcast(reg, begin, target);
      continue;
    }
    SmallVector<const double *, 3> inputs;
    for (unsigned input : reg.inputs)
      inputs.push_back(&scratch[input * out.size()]);
    reg.step.function(reg.step.info, inputs.data(), target.data(), out.size());
    roundTo(reg.step.info.format, target);
  }
}

bool Expression::dropAbs() {
  size_t count = registers.size();
  const Register &last = registers.back();
  if (last.step.floatOp != FloatOp::Abs || last.inputs.front() + 2 != count)
    return false;
  registers.pop_back();
  return true;
}

std::optional<HostTensor> Expression::getOnlyLeaf() const {
  if (registers.size() != 1 || registers.front().step.function)
    return std::nullopt;
  return registers.front().tensor;
}

bool Expression::isFloat() const {
  return llvm::all_of(registers, [](const Register &reg) {
    return reg.step.function ? reg.step.floatOp.has_value()
                             : fitsFloat(reg.tensor.getFormat());
  });
}

/// One number, whatever the index.
static bool isUniform(const HostTensor &tensor) {
  return tensor.isSplat() || tensor.size() == 1;
}

/// Appends a step to the last task if it can be computed with that, else to the
/// list of tasks.
void FloatRun::extend(unsigned index, ArrayRef<unsigned> uses) {
  const Expression::Register &reg = expression.registers[index];
  auto makeStep = [&](unsigned input) -> std::optional<ChainStep> {
    if (llvm::count(reg.inputs, input) != 1)
      return std::nullopt;
    return getChainStep(*reg.step.floatOp, reg.step.info,
                        reg.inputs.front() == input);
  };
  unsigned input = reg.inputs.front();
  std::optional<ChainStep> step;
  if (!tasks.empty() && !tasks.back().chain.empty()) {
    unsigned before = tasks.back().getResult();
    if (uses[before] == 1 && (step = makeStep(before)))
      input = before;
  }
  if (!step) {
    tasks.emplace_back();
    tasks.back().input = input;
    step = makeStep(input);
  }
  Task &task = tasks.back();
  task.registers.push_back(index);
  if (!step)
    return;
  task.chain.push_back(*step);
  task.operands.emplace_back();
  for (unsigned other : reg.inputs)
    if (other != input)
      task.operands.back().push_back(other);
}

/// Leaves come first, so that they do not break chains.
void FloatRun::schedule() {
  ArrayRef<Expression::Register> registers = expression.registers;
  SmallVector<unsigned> uses(registers.size(), 0);
  for (auto [index, reg] : llvm::enumerate(registers)) {
    for (unsigned input : reg.inputs)
      ++uses[input];
    if (!reg.step.function && !isUniform(reg.tensor)) {
      tasks.emplace_back();
      tasks.back().registers = {unsigned(index)};
    }
  }
  for (auto [index, reg] : llvm::enumerate(registers))
    if (reg.step.function)
      extend(index, uses);
}

/// Gives each register that has to lie in memory a block.
void FloatRun::allocate() {
  ArrayRef<Expression::Register> registers = expression.registers;
  constexpr size_t none = ~size_t(0);
  SmallVector<size_t> numbers(registers.size(), none), free;
  SmallVector<size_t> lastUse(registers.size(), 0);
  auto forEachRead = [&](const Task &task, auto fn) {
    for (unsigned index : task.registers)
      for (unsigned input : registers[index].inputs)
        if (!llvm::is_contained(task.registers, input))
          fn(input);
  };
  for (auto [at, task] : llvm::enumerate(tasks))
    forEachRead(task, [&](unsigned input) { lastUse[input] = at; });

  size_t used = 0;
  for (auto [index, reg] : llvm::enumerate(registers))
    if (!reg.step.function && isUniform(reg.tensor))
      numbers[index] = used++;
  // A block is free again after the last task that reads it: outputs never
  // overlap inputs.
  for (auto [at, task] : llvm::enumerate(tasks)) {
    const Expression::Register &reg = registers[task.getResult()];
    bool isInPlace =
        !reg.step.function && reg.isLinear && reg.tensor.getFloats();
    if (!isInPlace)
      numbers[task.getResult()] = free.empty() ? used++ : free.pop_back_val();
    llvm::SmallSetVector<unsigned, 4> dead;
    forEachRead(task, [&, at = at](unsigned input) {
      bool isNumber =
          !registers[input].step.function && isUniform(registers[input].tensor);
      if (lastUse[input] == at && numbers[input] != none && !isNumber)
        dead.insert(input);
    });
    for (unsigned input : dead)
      free.push_back(numbers[input]);
  }
  memory.resize(used * kFloatBlockSize);
  blocks.resize(registers.size(), nullptr);
  for (auto [index, number] : llvm::enumerate(numbers))
    if (number != none)
      blocks[index] = memory.data() + number * kFloatBlockSize;
  values.assign(blocks.begin(), blocks.end());
}

FloatRun::FloatRun(const Expression &expression) : expression(expression) {
  schedule();
  allocate();
  for (auto [index, reg] : llvm::enumerate(expression.registers))
    if (!reg.step.function && isUniform(reg.tensor))
      std::fill_n(blocks[index], kFloatBlockSize, float(reg.tensor.at(0)));
}

ArrayRef<float> FloatRun::run(int64_t begin, size_t size, float *out) {
  ArrayRef<Expression::Register> registers = expression.registers;
  for (Task &task : tasks) {
    unsigned index = task.getResult();
    const Expression::Register &reg = registers[index];
    if (!reg.step.function) {
      MutableArrayRef<float> target(blocks[index], size);
      if (!blocks[index])
        values[index] = reg.tensor.getFloats()->data() + begin;
      else if (reg.isLinear)
        reg.tensor.loadFloats(begin, target);
      else
        Expression::readBroadcast(reg, begin, target);
      continue;
    }
    float *target = out && index + 1 == registers.size() ? out : blocks[index];
    values[index] = target;
    if (!task.chain.empty()) {
      for (auto [step, operands] : llvm::zip_equal(task.chain, task.operands))
        for (auto [i, operand] : llvm::enumerate(operands))
          step.operands[i] = values[operand];
      computeChain(task.chain, values[task.input], target, size);
      continue;
    }
    SmallVector<const float *, 3> inputs;
    for (unsigned input : reg.inputs)
      inputs.push_back(values[input]);
    computeFloats(*reg.step.floatOp, reg.step.info, inputs.data(), target,
                  size);
  }
  return {values.back(), size};
}

} // namespace bit::onnx
