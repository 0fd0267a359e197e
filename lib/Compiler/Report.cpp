// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Report.h"
#include "bit/Conversion/BitToVector/PlaneKernel.h"
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

namespace {

/// Walks what one level calls.
class LevelCollector {
public:
  LevelCollector(ModuleOp module, Report &report, StringRef level)
      : symbols(module), kernels(getKernels(module)), level(level) {
    for (LayerReport &layer : report.layers)
      layers[layer.name] = &layer;
    counts.level = level.str();
    if (auto entry =
            symbols.lookup<func::FuncOp>(("main_graph." + level).str()))
      visit(entry, {});
    report.kernels.push_back(std::move(counts));
  }

private:
  static const KernelRegistry &getKernels(ModuleOp module) {
    return module.getContext()->getLoadedDialect<BitDialect>()->getKernels();
  }

  void visit(func::FuncOp function, ArrayAttr repeated);
  void visitCall(func::CallOp call, Attribute layer);
  void addProduct(func::CallOp call, PackedMatmulOp op, Attribute layer);

  SymbolTable symbols;
  const KernelRegistry &kernels;
  StringRef level;
  std::map<std::string, LayerReport *> layers; ///< without use so far
  LevelReport counts;
};

} // namespace

/// Of `op`, the product of the layer `attribute`.
void LevelCollector::addProduct(func::CallOp call, PackedMatmulOp op,
                                Attribute attribute) {
  auto layer = dyn_cast_or_null<DictionaryAttr>(attribute);
  auto found = layers.find(getLayerName(call, layer));
  const Kernel *kernel = kernels.lookup(op.getKernel().getName());
  if (!layer || !kernel || found == layers.end())
    return;
  LayerReport &entry = *found->second;
  if (entry.levels.empty())
    entry.kernel = kernel->getName().str();
  LayerUse use{level.str(), kernel->getName().str(), kernel->getLayout().str()};
  if (const PlaneKernel *planes = PlaneKernel::find(kernel)) {
    std::optional<SumTables> tables = planes->chooseTables(op);
    use.tileTokens = planes->getTokens(op);
    use.tableTokens = tables ? tables->lanes : 0;
  }
  entry.levels.push_back(std::move(use));
  layers.erase(found);
}

/// `layer` is that of the callee's product, or a list with one for each.
void LevelCollector::visitCall(func::CallOp call, Attribute layer) {
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  if (!callee || callee.isDeclaration())
    return;
  // A repetition lists those of the calls in its function.
  if (auto repeated = call->getAttrOfType<ArrayAttr>("bit.layers"))
    return visit(callee, repeated);
  auto all = dyn_cast_or_null<ArrayAttr>(layer);
  size_t next = 0;
  callee.walk([&](PackedMatmulOp op) {
    if (!all)
      addProduct(call, op, layer);
    else if (next < all.size())
      addProduct(call, op, all[next++]);
  });
  visit(callee, {});
}

void LevelCollector::visit(func::FuncOp function, ArrayAttr repeated) {
  size_t next = 0;
  function.walk([&](Operation *op) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      Attribute layer = call->getAttr("bit.layer");
      if (layer && repeated)
        layer = next < repeated.size() ? repeated[next++] : Attribute();
      return visitCall(call, layer);
    }
    if (isa<PackedMatmulOp, PanelMatmulOp, PanelConvOp, CodeMatmulOp>(op))
      ++counts.kernels[op->getAttrOfType<KernelAttr>("kernel").getName().str()];
  });
}

void collectSelected(ModuleOp module, Report &report) {
  for (const std::string &level : report.levels)
    LevelCollector(module, report, level);
}

static Object toJSON(const LayerUse &use) {
  return Object{{"level", use.level},
                {"kernel", use.kernel},
                {"layout", use.layout},
                {"tile_tokens", use.tileTokens},
                {"table_tokens", use.tableTokens}};
}

static Object toJSON(const LayerReport &layer) {
  Array levels;
  for (const LayerUse &use : layer.levels)
    levels.push_back(toJSON(use));
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
                {"packed_bytes", layer.packedBytes},
                {"levels", std::move(levels)}};
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
  Object kernels;
  for (const LevelReport &level : report.kernels) {
    Object counts;
    for (const auto &[name, count] : level.kernels)
      counts[name] = count;
    kernels[level.level] = std::move(counts);
  }
  for (const std::string &error : report.errors)
    errors.push_back(error);
  for (const std::string &warning : report.warnings)
    warnings.push_back(warning);
  return Object{{"model", report.model},
                {"target", report.target},
                {"levels", std::move(levels)},
                {"kernels", std::move(kernels)},
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
