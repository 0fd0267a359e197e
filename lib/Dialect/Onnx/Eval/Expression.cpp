// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Expression.h"
#include "llvm/ADT/STLExtras.h"
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

FloatRun::FloatRun(const Expression &expression) : expression(expression) {
  ArrayRef<Expression::Register> registers = expression.registers;
  size_t count = registers.size();
  SmallVector<size_t> lastUse(count, 0);
  for (auto [index, reg] : llvm::enumerate(registers))
    for (unsigned input : reg.inputs)
      lastUse[input] = index;

  // A block is free again after the last step that reads it: outputs never
  // overlap inputs.
  SmallVector<size_t> numbers(count, 0), free;
  constexpr size_t none = ~size_t(0);
  size_t used = 0;
  for (auto [index, reg] : llvm::enumerate(registers)) {
    bool isNumber = !reg.step.function && isUniform(reg.tensor);
    if (!isNumber && !reg.step.function && reg.isLinear &&
        reg.tensor.getFloats())
      numbers[index] = none;
    else if (isNumber || free.empty())
      numbers[index] = used++;
    else
      numbers[index] = free.pop_back_val();
    SmallVector<unsigned, 3> inputs(reg.inputs.begin(), reg.inputs.end());
    llvm::sort(inputs);
    inputs.erase(llvm::unique(inputs), inputs.end());
    for (unsigned input : inputs) {
      const Expression::Register &from = registers[input];
      if (lastUse[input] == index && numbers[input] != none &&
          (from.step.function || !isUniform(from.tensor)))
        free.push_back(numbers[input]);
    }
  }
  memory.resize(used * kFloatBlockSize);
  blocks.resize(count, nullptr);
  values.resize(count, nullptr);
  for (auto [index, reg] : llvm::enumerate(registers)) {
    if (numbers[index] == none)
      continue;
    blocks[index] = memory.data() + numbers[index] * kFloatBlockSize;
    values[index] = blocks[index];
    if (!reg.step.function && isUniform(reg.tensor))
      std::fill_n(blocks[index], kFloatBlockSize, float(reg.tensor.at(0)));
  }
}

ArrayRef<float> FloatRun::run(int64_t begin, size_t size, float *out) {
  ArrayRef<Expression::Register> registers = expression.registers;
  for (auto [index, reg] : llvm::enumerate(registers)) {
    if (!reg.step.function) {
      if (isUniform(reg.tensor))
        continue;
      MutableArrayRef<float> target(blocks[index], size);
      if (!blocks[index])
        values[index] = reg.tensor.getFloats()->data() + begin;
      else if (reg.isLinear)
        reg.tensor.loadFloats(begin, target);
      else
        Expression::readBroadcast(reg, begin, target);
      continue;
    }
    SmallVector<const float *, 3> inputs;
    for (unsigned input : reg.inputs)
      inputs.push_back(values[input]);
    float *target = out && index + 1 == registers.size() ? out : blocks[index];
    values[index] = target;
    computeFloats(*reg.step.floatOp, reg.step.info, inputs.data(), target,
                  size);
  }
  return {values.back(), size};
}

} // namespace bit::onnx
