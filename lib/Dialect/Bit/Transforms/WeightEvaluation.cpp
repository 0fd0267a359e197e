// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightEvaluation.h"
#include "bit/Dialect/Bit/IR/WeightQuantizer.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/Alignment.h"

using namespace mlir;
using llvm::Expected;

namespace bit {
namespace {

/// The floats of a weight: those of the model where they lie there as they are
/// needed, else a copy.
class Floats {
public:
  explicit Floats(onnx::HostTensor values) : tensor(std::move(values)) {
    ArrayRef<char> bytes = tensor.getBytes();
    bool isInPlace =
        !tensor.isSplat() && tensor.getFormat() == onnx::Format::F32 &&
        llvm::isAddrAligned(llvm::Align::Of<float>(), bytes.data());
    if (isInPlace) {
      floats = ArrayRef(reinterpret_cast<const float *>(bytes.data()),
                        tensor.size());
      return;
    }
    copy.resize(tensor.size());
    std::vector<double> part;
    for (int64_t i = 0; i < tensor.size(); i += kBlock) {
      part.resize(std::min(kBlock, tensor.size() - i));
      tensor.load(i, part);
      llvm::copy(part, copy.begin() + i);
    }
    floats = copy;
  }

  ArrayRef<float> get() const { return floats; }

private:
  static constexpr int64_t kBlock = 4096;

  onnx::HostTensor tensor;
  std::vector<float> copy;
  ArrayRef<float> floats;
};

Expected<onnx::HostTensor> getValues(QuantizeWeightOp op) {
  ElementsAttr constant;
  if (matchPattern(op.getW(), m_Constant(&constant)))
    return onnx::HostTensor::borrow(constant);
  return onnx::evaluate(op.getW());
}

/// The op of the layer that carries `bit.layer`: the product, or what rescales
/// its sums.
Operation *getLayer(Operation *product) {
  if (isa<TernaryMatmulOp>(product) && product->hasOneUse())
    return *product->getUsers().begin();
  return product;
}

void noteError(QuantizeWeightOp op, double error) {
  Builder builder(op.getContext());
  for (Operation *user : op.getCodes().getUsers()) {
    Operation *layer = getLayer(user);
    auto entries = layer->getAttrOfType<DictionaryAttr>("bit.layer");
    if (!entries)
      continue;
    NamedAttrList list(entries);
    list.set("weight_error", builder.getF64FloatAttr(error));
    layer->setAttr("bit.layer", list.getDictionary(op.getContext()));
  }
}

/// Folds the multiples of `scales`, which has become a constant. The ops stay,
/// without users: whoever lists layers may still know their results.
void foldMultiples(Value scales) {
  SmallVector<Value> constants = {scales};
  while (!constants.empty())
    for (Operation *user : constants.pop_back_val().getUsers()) {
      SmallVector<Value> results;
      OpBuilder builder(user);
      if (!isa<arith::MulFOp, arith::DivFOp>(user) ||
          failed(builder.tryFold(user, results)))
        continue;
      user->getResult(0).replaceAllUsesWith(results.front());
      constants.push_back(results.front());
    }
}

} // namespace

bool isScaleOf(Value scale, QuantizeWeightOp op) {
  while (scale != op.getScales()) {
    Operation *multiple = scale.getDefiningOp();
    // Folded when another layer was packed by the same weight.
    if (matchPattern(scale, m_Constant()))
      return true;
    if (!multiple || !isa<arith::MulFOp, arith::DivFOp>(multiple) ||
        !matchPattern(multiple->getOperand(1), m_Constant()))
      return false;
    scale = multiple->getOperand(0);
  }
  return true;
}

bool isConstantWeight(QuantizeWeightOp op) {
  if (matchPattern(op.getW(), m_Constant()))
    return true;
  Expected<SmallVector<Value>> sources = onnx::getConstantSources(op.getW());
  if (sources)
    return true;
  llvm::consumeError(sources.takeError());
  return false;
}

FailureOr<std::vector<int8_t>> evaluateCodes(QuantizeWeightOp op) {
  Expected<onnx::HostTensor> values = getValues(op);
  if (!values)
    return op.emitOpError()
           << "cannot read its weights: " << llvm::toString(values.takeError());
  Floats floats(std::move(*values));
  ArrayRef<float> weights = floats.get();
  if (std::optional<size_t> index = findNonFinite(weights)) {
    int64_t k = op.getW().getType().getDimSize(1);
    return op.emitOpError()
           << "expects finite weights, got " << weights[*index] << " at ["
           << *index / k << ", " << *index % k << "]";
  }
  std::vector<int8_t> codes(weights.size());
  std::vector<float> scales(op.getScales().getType().getNumElements());
  op.evaluate(weights, codes, scales);
  noteError(op, getWeightError(weights, codes, scales, op.getContext()));
  OpBuilder builder(op);
  Value constant = arith::ConstantOp::create(
      builder, op.getLoc(),
      DenseElementsAttr::get(op.getScales().getType(),
                             ArrayRef<float>(scales)));
  op.getScales().replaceAllUsesWith(constant);
  foldMultiples(constant);
  return codes;
}

void eraseWeight(QuantizeWeightOp op) {
  SmallVector<Value> dead = {op.getW()};
  op.erase();
  while (!dead.empty()) {
    Operation *producer = dead.pop_back_val().getDefiningOp();
    if (!producer || !isOpTriviallyDead(producer))
      continue;
    llvm::append_range(dead, producer->getOperands());
    producer->erase();
  }
}

} // namespace bit
