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

void Expression::readBroadcast(const Register &leaf, int64_t begin,
                               MutableArrayRef<double> out) {
  if (leaf.tensor.size() == 1)
    return std::fill(out.begin(), out.end(), leaf.tensor.at(0));
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
    MutableArrayRef<double> part = out.slice(done, run);
    if (leaf.strides[rank - 1] == 0)
      std::fill(part.begin(), part.end(), leaf.tensor.at(offset));
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

} // namespace bit::onnx
