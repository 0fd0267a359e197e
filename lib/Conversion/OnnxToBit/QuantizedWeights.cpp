// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values of weights that a matmul-like node takes in a layout of its own.

#include "Product.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace mlir;
using llvm::createStringError;
using llvm::Expected;

namespace bit {

static Expected<onnx::HostTensor> evaluateOperand(Value value, StringRef what) {
  Expected<onnx::HostTensor> tensor = onnx::evaluate(value);
  if (!tensor)
    return createStringError(
        what + " is not constant: " + llvm::toString(tensor.takeError()));
  return tensor;
}

static Expected<onnx::HostTensor> allocateFloats(MLIRContext *context,
                                                 ArrayRef<int64_t> shape) {
  return onnx::HostTensor::allocate(
      RankedTensorType::get(shape, Float32Type::get(context)));
}

/// Element `index` of bytes that hold several, the first in the low bits.
static unsigned getBits(ArrayRef<double> bytes, int64_t index, int64_t bits) {
  unsigned byte = unsigned(bytes[index * bits / 8]);
  return (byte >> (index * bits % 8)) & ((1u << bits) - 1);
}

Expected<onnx::HostTensor> dequantize(onnx::MSMatMulNBitsOp op) {
  int64_t n = op.getN(), k = op.getK(), bits = op.getBits();
  int64_t block = op.getBlockSize();
  if ((bits != 2 && bits != 4 && bits != 8) || n <= 0 || k <= 0 || block < 8)
    return createStringError("its weights are of a layout that is not known");
  if (op.getGIdx())
    return createStringError("its groups are permuted by g_idx");
  Expected<onnx::HostTensor> codes = evaluateOperand(op.getB(), "weight");
  if (!codes)
    return codes;
  Expected<onnx::HostTensor> scales =
      evaluateOperand(op.getScales(), "scale of its weight");
  if (!scales)
    return scales;
  onnx::HostTensor zeros;
  if (Value value = op.getZeroPoints()) {
    Expected<onnx::HostTensor> given =
        evaluateOperand(value, "zero point of its weight");
    if (!given)
      return given;
    zeros = *given;
  }
  int64_t blocks = llvm::divideCeil(k, block);
  int64_t rowBytes = blocks * (block * bits / 8);
  bool isPacked = zeros.getType() && !onnx::isFloat(zeros.getFormat());
  int64_t zeroBytes =
      isPacked ? int64_t(llvm::divideCeil(blocks * bits, 8)) : blocks;
  if (codes->size() != n * rowBytes || scales->size() != n * blocks ||
      (zeros.getType() && zeros.size() != n * zeroBytes))
    return createStringError("its weights have another size than N and K say");
  Expected<onnx::HostTensor> result = allocateFloats(op.getContext(), {n, k});
  if (!result)
    return result;
  parallelFor(op.getContext(), 0, n, [&](size_t row) {
    std::vector<double> bytes(rowBytes), scale(blocks), values(k);
    std::vector<double> zero(zeroBytes, double(1 << (bits - 1)));
    codes->load(row * rowBytes, bytes);
    scales->load(row * blocks, scale);
    if (zeros.getType())
      zeros.load(row * zeroBytes, zero);
    for (int64_t i = 0; i < k; ++i) {
      int64_t b = i / block;
      double offset = isPacked ? getBits(zero, b, bits) : zero[b];
      values[i] = (getBits(bytes, i, bits) - offset) * scale[b];
    }
    result->store(row * k, values);
  });
  return result;
}

Expected<onnx::HostTensor> subtractZeroPoint(onnx::MatMulIntegerOp op) {
  Expected<onnx::HostTensor> codes = evaluateOperand(op.getB(), "weight");
  if (!codes)
    return codes;
  if (codes->getShape().size() != 2)
    return createStringError("its weight is not a matrix");
  int64_t k = codes->getShape()[0], n = codes->getShape()[1];
  std::vector<double> zero(n, 0.0);
  if (Value value = op.getBZeroPoint()) {
    Expected<onnx::HostTensor> given =
        evaluateOperand(value, "zero point of its weight");
    if (!given)
      return given;
    if (given->size() != 1 && given->size() != n)
      return createStringError("the zero points of its weight are neither one "
                               "nor one for each column");
    for (int64_t c = 0; c < n; ++c)
      zero[c] = given->at(given->size() == 1 ? 0 : c);
  }
  Expected<onnx::HostTensor> result = allocateFloats(op.getContext(), {k, n});
  if (!result)
    return result;
  parallelFor(op.getContext(), 0, k, [&](size_t row) {
    std::vector<double> values(n);
    codes->load(row * n, values);
    for (int64_t c = 0; c < n; ++c)
      values[c] -= zero[c];
    result->store(row * n, values);
  });
  return result;
}

} // namespace bit
