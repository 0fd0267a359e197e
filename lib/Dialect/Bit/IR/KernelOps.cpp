// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ops that kernels compute, on tensors or on memrefs.

#include "KernelOps.h"
#include "Shapes.h"
#include "Verify.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace bit {

//===----------------------------------------------------------------------===//
// absmax_quantize
//===----------------------------------------------------------------------===//

void AbsmaxQuantizeOp::build(OpBuilder &builder, OperationState &state, Value x,
                             Value codesInit, Value scaleInit, Value sumInit,
                             QuantizerAttr quantizer) {
  state.addOperands({x, codesInit, scaleInit, sumInit});
  addResults(state, {codesInit, scaleInit, sumInit});
  int32_t size = state.types.empty() ? 0 : 1;
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setQuantizer(quantizer);
  properties.resultSegmentSizes = {size, size, size};
}

LogicalResult AbsmaxQuantizeOp::verify() {
  // C1
  ArrayRef<int64_t> x = getX().getType().getShape();
  if (x.empty())
    return emitOpError() << "expects x of rank 1 or more, got rank 0";
  // C2
  if (!shapesMatch(getCodesInit().getType().getShape(), x))
    return emitOpError() << "expects codes of " << printShape(x) << ", got "
                         << printShape(getCodesInit().getType().getShape());
  // C3
  ArrayRef<int64_t> scale = x.drop_back();
  if (getQuantizer().getGranularity() == ActivationGranularity::Tensor)
    scale = {};
  else if (getQuantizer().getGranularity() == ActivationGranularity::Channel)
    scale = x.take_back();
  if (!shapesMatch(getScaleInit().getType().getShape(), scale))
    return emitOpError() << "expects scale of " << printShape(scale)
                         << " for granularity "
                         << stringifyEnum(getQuantizer().getGranularity())
                         << ", got "
                         << printShape(getScaleInit().getType().getShape());
  // C4
  if (!shapesMatch(getSumInit().getType().getShape(), x.drop_back()))
    return emitOpError() << "expects sum of " << printShape(x.drop_back())
                         << ", got "
                         << printShape(getSumInit().getType().getShape());
  // C5
  if (!ShapedType::isDynamic(x.back()) &&
      failed(verifyAccumulation(*this, x.back(), getQuantizer().getClampLow(),
                                getQuantizer().getClampHigh())))
    return failure();
  // C6
  if (getQuantizer().getGranularity() == ActivationGranularity::Sample &&
      x.size() < 2)
    return emitOpError() << "expects x of rank 2 or more for granularity "
                            "sample, got "
                         << printShape(x);
  // C7
  return verifyDestinations(*this);
}

void AbsmaxQuantizeOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability AbsmaxQuantizeOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
AbsmaxQuantizeOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

//===----------------------------------------------------------------------===//
// packed_matmul
//===----------------------------------------------------------------------===//

void PackedMatmulOp::build(OpBuilder &builder, OperationState &state, Value x,
                           Value packed, Value wScale, Value xScale, Value sum,
                           Value bias, Value init, int64_t n, int64_t k,
                           WeightKind weights, DenseI64ArrayAttr range,
                           KernelAttr kernel) {
  SmallVector<Type, 1> types;
  if (isa<RankedTensorType>(init.getType()))
    types.push_back(init.getType());
  build(builder, state, types, x, packed, wScale, xScale, sum, bias,
        /*epilogueInputs=*/ValueRange(), init, builder.getI64IntegerAttr(n),
        builder.getI64IntegerAttr(k),
        WeightKindAttr::get(builder.getContext(), weights), range, kernel);
}

PackedMatmulSpec PackedMatmulOp::getSpec() {
  PackedMatmulSpec spec;
  spec.n = getN();
  spec.k = getK();
  spec.groups = getGroups();
  spec.weights = getWeights();
  spec.floatActivations = hasFloatActivations();
  spec.tile = getKernel().getTile();
  if (std::optional<ArrayRef<int64_t>> range = getRange()) {
    spec.low = (*range)[0];
    spec.high = (*range)[1];
  }
  return spec;
}

SmallVector<StringRef> getMissingFeatures(Operation *op,
                                          ArrayRef<StringRef> features) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  if (!function)
    return {};
  llvm::StringSet<> has;
  if (auto passthrough = function->getAttrOfType<ArrayAttr>("passthrough")) {
    for (Attribute entry : passthrough) {
      auto pair = dyn_cast<ArrayAttr>(entry);
      if (!pair || pair.size() != 2 ||
          pair[0] != StringAttr::get(op->getContext(), "target-features"))
        continue;
      auto features = dyn_cast<StringAttr>(pair[1]);
      if (!features)
        continue;
      for (StringRef feature : llvm::split(features.getValue(), ','))
        if (feature.consume_front("+"))
          has.insert(feature);
    }
  }
  return llvm::filter_to_vector(
      features, [&](StringRef feature) { return !has.contains(feature); });
}

SmallVector<StringRef> getMissingFeatures(Operation *op, const Kernel &kernel) {
  ArrayRef<StringRef> others = kernel.getOtherFeatures();
  if (!others.empty() && getMissingFeatures(op, others).empty())
    return {};
  return getMissingFeatures(op, kernel.getFeatures());
}

SmallVector<StringRef> getMissingFeatures(Operation *op,
                                          const CodeKernel &kernel) {
  if (!kernel.otherFeatures.empty() &&
      getMissingFeatures(op, kernel.otherFeatures).empty())
    return {};
  return getMissingFeatures(op, kernel.features);
}

RegisterFile getRegisterFile(Operation *op) {
  RegisterFile best{{}, /*lanes=*/4, /*count=*/16};
  auto *dialect = op->getContext()->getLoadedDialect<BitDialect>();
  if (!dialect || !op->getParentOfType<FunctionOpInterface>())
    return best;
  for (const RegisterFile &file : dialect->getKernels().getRegisters())
    if (getMissingFeatures(op, file.features).empty())
      best = file;
  return best;
}

/// C11 to C15.
static LogicalResult verifyKernel(PackedMatmulOp op) {
  auto *dialect = cast<BitDialect>(op->getDialect());
  StringRef name = op.getKernel().getName();
  // C11
  const Kernel *kernel = dialect->getKernels().lookup(name);
  if (!kernel)
    return op.emitOpError()
           << "expects a registered kernel, got '" << name << "'";
  // C13
  PackedMatmulSpec spec = op.getSpec();
  if (failed(kernel->supports(spec, [&] { return op.emitOpError(); })))
    return failure();
  // C12
  int64_t bytes = kernel->getPackedBytes(op.getN(), op.getK());
  ArrayRef<int64_t> packed = op.getPacked().getType().getShape();
  if (packed.size() != 1 || !dimsMatch(packed[0], bytes))
    return op.emitOpError()
           << "expects packed weights of " << bytes << " bytes for kernel '"
           << name << "', got " << printShape(packed);
  if (op.hasGroupScales() &&
      op.getWScale().getType().getDimSize(2) != kernel->getScaleRows())
    return op.emitOpError()
           << "expects weight scales in blocks of " << kernel->getScaleRows()
           << " rows for kernel '" << name << "', got "
           << printShape(op.getWScale().getType().getShape());
  // C14
  if (!spec.floatActivations) {
    int64_t maxK = kernel->getMaxK(spec.low, spec.high);
    if (spec.getSummedK() > maxK)
      return op.emitOpError()
             << "expects k of at most " << maxK << " for kernel '" << name
             << "' and codes in [" << spec.low << ", " << spec.high << "], got "
             << spec.getSummedK();
  }
  // C15
  SmallVector<StringRef> missing = getMissingFeatures(op, *kernel);
  if (!missing.empty())
    return op.emitOpError()
           << "expects a function with the target features of kernel '" << name
           << "', got one without " << llvm::join(missing, ", ");
  return success();
}

LogicalResult PackedMatmulOp::verify() {
  // C1
  int64_t n = getN(), k = getK();
  if (n <= 0 || k <= 0)
    return emitOpError() << "expects positive n and k, got " << n << " and "
                         << k;
  // C2
  ArrayRef<int64_t> x = getX().getType().getShape();
  if (x.size() != 2 || !dimsMatch(x[1], k))
    return emitOpError() << "expects x of M x K = " << k << ", got "
                         << printShape(x);
  // C6
  ArrayRef<int64_t> scale = getWScale().getType().getShape();
  bool isVector = scale.size() == 1 && (scale[0] == 1 || scale[0] == n);
  bool isBlocks = scale.size() == 3 && scale[1] > 0 && scale[2] > 0 &&
                  scale[0] == llvm::divideCeilSigned(n, scale[2]) &&
                  k % scale[1] == 0;
  if (!isVector && !isBlocks)
    return emitOpError() << "expects w_scale of 1 or N = " << n
                         << " elements or of R x G x B, where R = ceil(N / B) "
                            "and G divides K = "
                         << k << ", got " << printShape(scale);
  // C3
  bool quantized = !hasFloatActivations();
  if (bool(getXScale()) != quantized || bool(getSum()) != quantized ||
      getRange().has_value() != quantized)
    return emitOpError() << "expects x_scale, sum and range with i8 codes and "
                            "only there, got x of "
                         << getX().getType().getElementType();
  if (quantized) {
    // C4
    if (failed(verifyActivationScale(*this, getXScale().getType(), x[0])))
      return failure();
    // C5
    ArrayRef<int64_t> sum = getSum().getType().getShape();
    SmallVector<int64_t> sums = {x[0]};
    if (hasGroupScales())
      sums.push_back(getGroups());
    if (!shapesMatch(sum, sums))
      return emitOpError() << "expects sum of " << printShape(sums)
                           << " elements, got " << printShape(sum);
    // C10
    if (failed(verifyRange(*this, *getRange())))
      return failure();
  }
  // C7
  if (failed(verifyBias(*this, getBias(), n)))
    return failure();
  // C8
  int64_t y[] = {x[0], n};
  if (!shapesMatch(getInit().getType().getShape(), y))
    return emitOpError() << "expects an init of " << printShape(y) << ", got "
                         << printShape(getInit().getType().getShape());
  // C9
  if (failed(verifyDestinations(*this)))
    return failure();
  if (failed(verifyKernel(*this)))
    return failure();
  // C16
  return verifyEpilogue(*this, getEpilogueInputs(), getEpilogue(),
                        getInit().getType(), getChannelDim());
}

void PackedMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability PackedMatmulOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
PackedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

} // namespace bit
