// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expands the model's own functions by libonnx's inliner, after counting what
// comes out: thirty functions that each call the next one twice are small in
// the file and a billion nodes in the graph.

#include "Guard.h"
#include "Model.h"
#include "onnx/checker.h"
#include "onnx/inliner/inliner.h"
#include "onnx/shape_inference/implementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;

namespace bit::detail {

namespace {

/// The nodes a list becomes, and how often the inliner converts one of them to
/// the model's opset, which takes it a pass over the whole graph.
struct Cost {
  uint64_t nodes = 0;
  uint64_t conversions = 0;
};

std::string getKey(const ::onnx::FunctionProto &function) {
  return function.domain() + ":" + function.name() + ":" + function.overload();
}

/// The key of the function that `node` calls, if it calls one.
std::string getKey(const ::onnx::NodeProto &node) {
  return node.domain() + ":" + node.op_type() + ":" + node.overload();
}

class CostModel {
public:
  explicit CostModel(Model &model) : opset(model.getOpset("")) {
    for (const ::onnx::FunctionProto &function : model.proto.functions())
      functions[getKey(function)] = &function;
  }

  Cost count(const Nodes &nodes) {
    Cost total;
    for (const ::onnx::NodeProto &node : nodes) {
      auto it = functions.find(getKey(node));
      add(total, it == functions.end() ? Cost{1, 0} : count(*it->second));
      for (const ::onnx::AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          add(total, count(attribute.g().node()));
        for (const ::onnx::GraphProto &graph : attribute.graphs())
          add(total, count(graph.node()));
      }
    }
    return total;
  }

private:
  // Terminates: checked to have no cycles.
  Cost count(const ::onnx::FunctionProto &function) {
    auto it = known.find(&function);
    if (it != known.end())
      return it->second;
    Cost cost = count(function.node());
    for (const ::onnx::OperatorSetIdProto &import : function.opset_import())
      if (import.domain().empty() && import.version() != opset)
        add(cost, Cost{0, 1});
    return known[&function] = cost;
  }

  static void add(Cost &total, Cost part) {
    total.nodes = llvm::SaturatingAdd(total.nodes, part.nodes);
    total.conversions =
        llvm::SaturatingAdd(total.conversions, part.conversions);
  }

  int64_t opset;
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  llvm::DenseMap<const ::onnx::FunctionProto *, Cost> known;
};

} // namespace

/// Writes the defaults of a function's attributes into its calls: the inliner
/// drops what a call leaves out, default or not.
static void addDefaults(Model &model) {
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  for (const ::onnx::FunctionProto &function : model.proto.functions())
    if (function.attribute_proto_size() > 0)
      functions[getKey(function)] = &function;
  if (functions.empty())
    return;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes) {
      auto it = functions.find(getKey(node));
      if (it == functions.end())
        continue;
      llvm::StringSet<> given;
      for (const ::onnx::AttributeProto &attribute : node.attribute())
        given.insert(attribute.name());
      for (const ::onnx::AttributeProto &value : it->second->attribute_proto())
        if (!given.contains(value.name()))
          *node.add_attribute() = value;
    }
  });
}

LogicalResult inlineFunctions(Model &model) {
  if (model.proto.functions_size() == 0)
    return success();
  if (failed(guard(model, "functions", [&]() {
        ::onnx::checker::check_function_call_cycles(model.proto);
      })))
    return failure();
  Cost cost = CostModel(model).count(model.proto.graph().node());
  const uint64_t limit =
      std::max<uint64_t>(200000, 16 * uint64_t(model.origins.size()));
  if (cost.nodes > limit)
    return model.emitError() << "expects functions that expand to at most "
                             << limit << " nodes, got " << cost.nodes;
  constexpr uint64_t kWorkLimit = 20000000;
  if (llvm::SaturatingMultiply(cost.nodes, cost.conversions) > kWorkLimit)
    return model.emitError()
           << "expects functions of the model's opset " << model.getOpset("")
           << ", got " << cost.conversions << " calls of others in "
           << cost.nodes << " nodes";
  return guard(model, "functions", [&]() {
    addDefaults(model);
    // Converting a function takes the types of its call's results, which the
    // inliner does not infer.
    if (cost.conversions != 0)
      ::onnx::shape_inference::InferShapes(model.proto);
    ::onnx::inliner::InlineLocalFunctions(model.proto,
                                          /*convert_version=*/true);
    model.proto.clear_functions();
  });
}

} // namespace bit::detail
