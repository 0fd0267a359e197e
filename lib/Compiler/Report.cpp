// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Report.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Packing.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using llvm::json::Array;
using llvm::json::Object;

namespace bit {

size_t Report::countPacked() const {
  return llvm::count_if(
      layers, [](const LayerReport &layer) { return !layer.kernel.empty(); });
}

void collectOperators(ModuleOp module, Report &report) {
  module.walk([&](Operation *op) {
    if (!isa_and_present<onnx::OnnxDialect>(op->getDialect()))
      return;
    if (std::optional<NodeInfo> info = getNodeInfo(op->getLoc()))
      ++report.operators[(info->domain + "." + info->opType).str()];
  });
}

/// Returns entry `key` of a layer's `bit.layer`, or `otherwise`.
template <typename AttrT>
static auto getEntry(DictionaryAttr layer, StringRef key,
                     decltype(std::declval<AttrT>().getValue()) otherwise) {
  auto value = layer ? layer.getAs<AttrT>(key) : AttrT();
  return value ? value.getValue() : otherwise;
}

/// A layer's name where recognition noted none: its node's.
static std::string getLayerName(Operation *op, DictionaryAttr layer) {
  StringRef name = getEntry<StringAttr>(layer, "name", "");
  if (!name.empty())
    return name.str();
  std::optional<NodeInfo> info = getNodeInfo(op->getLoc());
  return info ? info->name.str() : "";
}

static void setWeightError(DictionaryAttr layer, LayerReport &entry) {
  if (auto error = layer ? layer.getAs<FloatAttr>("weight_error") : nullptr)
    entry.weightError = error.getValueAsDouble();
}

void collectLayers(ModuleOp module, Report &report) {
  module.walk([&](LinearOp op) {
    auto layer = op->getAttrOfType<DictionaryAttr>("bit.layer");
    LayerReport entry;
    entry.name = getLayerName(op, layer);
    auto codes = cast<RankedTensorType>(op.getCodes().getType());
    entry.n = codes.getDimSize(0);
    entry.k = codes.getDimSize(1);
    entry.weightScheme = getEntry<StringAttr>(layer, "weight_scheme", "");
    entry.weightGranularity =
        getEntry<StringAttr>(layer, "weight_granularity", "");
    if (auto bytes = layer ? layer.getAs<IntegerAttr>("source_bytes") : nullptr)
      entry.sourceBytes = bytes.getInt();
    setWeightError(layer, entry);
    if (QuantizerAttr quantizer = op.getQuantizerAttr()) {
      entry.activationBits = quantizer.getBits();
      entry.activationGranularity =
          stringifyActivationGranularity(quantizer.getGranularity()).str();
    }
    if (auto reason = op->getAttrOfType<StringAttr>("bit.activations_declined"))
      entry.activationsDeclined = reason.str();
    report.layers.push_back(std::move(entry));
  });
  module.walk([&](Operation *op) {
    auto reason = op->getAttrOfType<StringAttr>("bit.declined");
    if (!reason)
      return;
    std::optional<NodeInfo> info = getNodeInfo(op->getLoc());
    report.rejected.push_back(
        {info ? info->name.str() : "", reason.getValue().str()});
  });
}

void collectPacked(ModuleOp module, Report &report) {
  std::map<std::string, LayerReport *> layers;
  for (LayerReport &layer : report.layers)
    layers[layer.name] = &layer;
  module.walk([&](Operation *op) {
    auto layer = op->getAttrOfType<DictionaryAttr>("bit.layer");
    auto found = layers.find(getLayerName(op, layer));
    if (found == layers.end() || !isa<LinearOp, RescaleOp, PackedMatmulOp>(op))
      return;
    LayerReport &entry = *found->second;
    setWeightError(layer, entry);
    auto packed = dyn_cast<PackedMatmulOp>(op);
    if (!packed)
      return;
    entry.kernel = packed.getKernel().getName().str();
    if (auto reason = op->getAttrOfType<StringAttr>(packingDeclinedName))
      entry.packingDeclined = reason.str();
    entry.packedBytes =
        cast<ShapedType>(packed.getPacked().getType()).getNumElements();
    entry.bitsPerWeight = 8.0 * entry.packedBytes / (entry.n * entry.k);
  });
}

void warnAboutErrors(ModuleOp module, const Report &report) {
  constexpr double limit = 0.2;
  const LayerReport *worst = nullptr;
  int64_t count = 0;
  for (const LayerReport &layer : report.layers) {
    if (layer.weightError <= limit)
      continue;
    ++count;
    if (!worst || layer.weightError > worst->weightError)
      worst = &layer;
  }
  if (worst)
    emitWarning(module.getLoc()) << llvm::formatv(
        "quantizing changed the weights of {0} of {1} layers by more than "
        "{2:P0}, most of all '{3}' ({4:P0}): check what the model answers",
        count, report.layers.size(), limit, worst->name, worst->weightError);
}

void collectSelected(ModuleOp module, Report &report) {
  std::map<std::string, LayerReport *> layers;
  for (LayerReport &layer : report.layers)
    layers[layer.name] = &layer;
  SymbolTable symbols(module);
  // Of `op`, the product of the layer `layer`.
  auto collectProduct = [&](func::CallOp call, PackedMatmulOp op,
                            DictionaryAttr layer) {
    auto found = layers.find(getLayerName(call, layer));
    if (!layer || found == layers.end())
      return;
    found->second->kernel = op.getKernel().getName().str();
    layers.erase(found);
  };
  // Of `call`, whose function is of one layer or has a product of each.
  auto collect = [&](func::CallOp call, Attribute layer) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!callee)
      return;
    auto all = dyn_cast_or_null<ArrayAttr>(layer);
    size_t next = 0;
    callee.walk([&](PackedMatmulOp op) {
      if (!all)
        collectProduct(call, op, dyn_cast_or_null<DictionaryAttr>(layer));
      else if (next < all.size())
        collectProduct(call, op, dyn_cast<DictionaryAttr>(all[next++]));
    });
  };
  module.walk([&](func::CallOp call) {
    auto all = call->getAttrOfType<ArrayAttr>("bit.layers");
    if (!all)
      return collect(call, call->getAttr("bit.layer"));
    // A repetition lists those of the calls in its function.
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    size_t next = 0;
    for (auto inner : callee.getOps<func::CallOp>())
      if (inner->hasAttr("bit.layer") && next < all.size())
        collect(inner, all[next++]);
  });
}

static Object toJSON(const LayerReport &layer) {
  return Object{{"name", layer.name},
                {"n", layer.n},
                {"k", layer.k},
                {"bits_per_weight", layer.bitsPerWeight},
                {"weight_scheme", layer.weightScheme},
                {"weight_granularity", layer.weightGranularity},
                {"activation_bits", layer.activationBits},
                {"activation_granularity", layer.activationGranularity},
                {"activations_declined", layer.activationsDeclined},
                {"weight_error", layer.weightError},
                {"kernel", layer.kernel},
                {"packing_declined", layer.packingDeclined},
                {"source_bytes", layer.sourceBytes},
                {"packed_bytes", layer.packedBytes}};
}

/// JSON has no infinity.
static llvm::json::Value toJSON(double number) {
  if (!std::isfinite(number))
    return nullptr;
  return number;
}

static llvm::json::Value
toJSON(const std::optional<Verification> &verification) {
  if (!verification)
    return nullptr;
  auto toArray = [](llvm::ArrayRef<std::string> texts) { return Array(texts); };
  Array outputs, quantizers;
  for (const OutputComparison &output : verification->outputs)
    outputs.push_back(Object{{"name", output.name},
                             {"elements", output.elements},
                             {"differing", output.differing},
                             {"worst_absolute", toJSON(output.worstAbsolute)},
                             {"worst_relative", toJSON(output.worstRelative)}});
  for (const OutputComparison &codes : verification->codes)
    quantizers.push_back(Object{{"name", codes.name},
                                {"codes", codes.elements},
                                {"flipped", codes.differing}});
  return Object{{"agrees", verification->agrees()},
                {"sets", verification->sets},
                {"skipped", toArray(verification->skipped)},
                {"levels", toArray(verification->levels)},
                {"levels_not_run", toArray(verification->lacking)},
                {"outputs", std::move(outputs)},
                {"quantizers", std::move(quantizers)},
                {"failures", toArray(verification->failures)}};
}

Object toJSON(const Report &report) {
  Array layers, rejected, stages, levels, errors, warnings;
  for (const LayerReport &layer : report.layers)
    layers.push_back(toJSON(layer));
  for (const RejectedReport &node : report.rejected)
    rejected.push_back(Object{{"node", node.node}, {"reason", node.reason}});
  Object operators;
  for (const auto &[name, count] : report.operators)
    operators[name] = count;
  for (const StageReport &stage : report.stages)
    stages.push_back(Object{{"name", stage.name}, {"seconds", stage.seconds}});
  for (const std::string &level : report.levels)
    levels.push_back(level);
  for (const std::string &error : report.errors)
    errors.push_back(error);
  for (const std::string &warning : report.warnings)
    warnings.push_back(warning);
  return Object{{"model", report.model},
                {"target", report.target},
                {"levels", std::move(levels)},
                {"bitlinear", Object{{"found", int64_t(report.layers.size())},
                                     {"packed", int64_t(report.countPacked())},
                                     {"layers", std::move(layers)},
                                     {"rejected", std::move(rejected)}}},
                {"operators", std::move(operators)},
                {"sizes", Object{{"source", report.sourceBytes},
                                 {"library", report.libraryBytes},
                                 {"weights", report.weightsBytes},
                                 {"arena", report.arenaBytes}}},
                {"allocations", report.allocations},
                {"stages", std::move(stages)},
                {"verification", toJSON(report.verification)},
                {"errors", std::move(errors)},
                {"warnings", std::move(warnings)},
                {"peak_rss", report.peakRSS}};
}

/// Returns a size as people read it: "1.3 MB".
static std::string formatBytes(int64_t bytes) {
  if (bytes < 10000)
    return llvm::formatv("{0} B", bytes);
  if (bytes < 10000000)
    return llvm::formatv("{0:F1} kB", bytes / 1e3);
  return llvm::formatv("{0:F1} MB", bytes / 1e6);
}

static void printVerification(raw_ostream &os,
                              const Verification &verification) {
  os << "verified " << verification.sets << " input sets on "
     << llvm::join(verification.levels, ", ") << ": "
     << verification.outputs.size() << " outputs equal bit for bit\n";
  for (const std::string &set : verification.skipped)
    os << "  not verified: " << set << "\n";
  for (const std::string &level : verification.lacking)
    os << "  not verified: level " << level << ", which this machine lacks\n";
}

void printSummary(raw_ostream &os, const Report &report, StringRef output) {
  double total = 0;
  for (const StageReport &stage : report.stages)
    total += stage.seconds;
  int64_t source = 0, packed = 0;
  for (const LayerReport &layer : report.layers) {
    source += layer.sourceBytes;
    packed += layer.packedBytes;
  }
  os << report.model << ": " << report.layers.size() << " BitLinear layers, "
     << report.countPacked() << " packed";
  if (!report.layers.empty())
    os << " (" << formatBytes(source) << " -> " << formatBytes(packed) << ")";
  os << "\n";
  constexpr size_t shown = 8;
  for (const RejectedReport &node : ArrayRef(report.rejected).take_front(shown))
    os << "  left float: '" << node.node << "': " << node.reason << "\n";
  if (report.rejected.size() > shown)
    os << "  left float: " << report.rejected.size() - shown << " more\n";
  size_t declined = 0;
  for (const LayerReport &layer : report.layers)
    if (!layer.activationsDeclined.empty() && ++declined <= shown)
      os << "  activations left float: '" << layer.name
         << "': " << layer.activationsDeclined << "\n";
  if (declined > shown)
    os << "  activations left float: " << declined - shown << " more\n";
  os << output << ": " << formatBytes(report.libraryBytes) << " from "
     << formatBytes(report.sourceBytes) << ", weights "
     << formatBytes(report.weightsBytes) << ", arena "
     << (report.arenaIsDynamic ? "depends on the input"
                               : formatBytes(report.arenaBytes))
     << "\n";
  os << "levels " << llvm::join(report.levels, ", ")
     << llvm::formatv("; {0:F2} s", total) << "\n";
  if (report.verification)
    printVerification(os, *report.verification);
}

} // namespace bit
