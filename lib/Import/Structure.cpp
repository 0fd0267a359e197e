// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names, order and cycles. libonnx's checker refuses what is wrong here too,
// but only after steps that trust it, and without saying where.

#include "Model.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include <queue>

using namespace mlir;

namespace bit::detail {

namespace {

/// The values visible in a list of nodes.
struct Scope {
  const Scope *parent;
  llvm::StringSet<> names;

  bool contains(StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->parent)
      if (scope->names.contains(name))
        return true;
    return false;
  }
};

} // namespace

/// Calls `visit` for each value that `node` reads from outside its subgraphs.
static void forEachUse(const ::onnx::NodeProto &node,
                       llvm::function_ref<void(const std::string &)> visit) {
  for (const std::string &input : node.input())
    if (!input.empty())
      visit(input);
  auto visitGraph = [&](const ::onnx::GraphProto &graph) {
    llvm::StringSet<> inner;
    for (const auto &input : graph.input())
      inner.insert(input.name());
    for (const auto &initializer : graph.initializer())
      inner.insert(initializer.name());
    for (const ::onnx::NodeProto &nested : graph.node())
      for (const std::string &output : nested.output())
        inner.insert(output);
    auto visitOuter = [&](const std::string &name) {
      if (!inner.contains(name))
        visit(name);
    };
    for (const ::onnx::NodeProto &nested : graph.node())
      forEachUse(nested, visitOuter);
    for (const auto &output : graph.output())
      visitOuter(output.name());
  };
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      visitGraph(attribute.g());
    for (const ::onnx::GraphProto &graph : attribute.graphs())
      visitGraph(graph);
  }
}

/// Names one cycle among the nodes that still wait for another one.
static LogicalResult emitCycle(const Model &model, const Nodes &nodes,
                               llvm::ArrayRef<std::vector<int>> users,
                               llvm::ArrayRef<int> waiting) {
  // Every waiting node has a waiting predecessor; going back ends in a cycle.
  std::vector<int> predecessor(nodes.size(), -1);
  for (int i = 0; i < nodes.size(); ++i)
    if (waiting[i] > 0)
      for (int user : users[i])
        predecessor[user] = i;
  int at = llvm::find_if(waiting, [](int count) { return count > 0; }) -
           waiting.begin();
  std::vector<bool> seen(nodes.size());
  while (!seen[at]) {
    seen[at] = true;
    at = predecessor[at];
  }
  return model.emitError(nodes[at])
         << "expects a graph without cycles, but its output reaches its input";
}

/// Puts `nodes` into an order in which every value is made before it is used,
/// the file's order where that is one.
static LogicalResult sortNodes(const Model &model, Nodes &nodes) {
  llvm::StringMap<int> producers;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      producers[output] = i;
  std::vector<std::vector<int>> users(nodes.size());
  std::vector<int> waiting(nodes.size());
  bool sorted = true;
  for (int i = 0; i < nodes.size(); ++i)
    forEachUse(nodes[i], [&](const std::string &name) {
      auto it = producers.find(name);
      if (it == producers.end())
        return;
      users[it->second].push_back(i);
      ++waiting[i];
      sorted &= it->second < i;
    });
  if (sorted)
    return success();

  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < nodes.size(); ++i)
    if (waiting[i] == 0)
      ready.push(i);
  std::vector<int> order;
  while (!ready.empty()) {
    int next = ready.top();
    ready.pop();
    order.push_back(next);
    for (int user : users[next])
      if (--waiting[user] == 0)
        ready.push(user);
  }
  if (order.size() != static_cast<size_t>(nodes.size()))
    return emitCycle(model, nodes, users, waiting);
  Nodes ordered;
  ordered.Reserve(nodes.size());
  for (int index : order)
    *ordered.Add() = std::move(nodes[index]);
  nodes.Swap(&ordered);
  return success();
}

static LogicalResult checkGraph(Model &model, ::onnx::GraphProto &graph,
                                const Scope *parent);

static LogicalResult checkNodes(Model &model, Nodes &nodes, Scope &scope) {
  LogicalResult result = success();
  for (const ::onnx::NodeProto &node : nodes) {
    for (const std::string &output : node.output())
      if (!output.empty() && !scope.names.insert(output).second)
        result = model.emitError(node)
                 << "expects unique value names, got '" << output << "' twice";
    llvm::StringSet<> attributes;
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (!attributes.insert(attribute.name()).second)
        result = model.emitError(node) << "expects one attribute '"
                                       << attribute.name() << "', got several";
  }
  for (const ::onnx::NodeProto &node : nodes)
    for (const std::string &input : node.input())
      if (!input.empty() && !scope.contains(input))
        result = model.emitError(node)
                 << "expects an input that exists, got '" << input << "'";
  if (failed(result) || failed(sortNodes(model, nodes)))
    return failure();
  for (::onnx::NodeProto &node : nodes)
    forEachSubgraph(node, [&](::onnx::GraphProto &graph) {
      if (failed(checkGraph(model, graph, &scope)))
        result = failure();
    });
  return result;
}

static LogicalResult checkGraph(Model &model, ::onnx::GraphProto &graph,
                                const Scope *parent) {
  LogicalResult result = success();
  Scope scope{parent, {}};
  auto refuse = [&](StringRef kind, StringRef name) {
    result = model.emitError() << "expects unique " << kind << " names, got '"
                               << name << "' " << (name.empty() ? "" : "twice");
  };
  for (const ::onnx::ValueInfoProto &input : graph.input())
    if (input.name().empty() || !scope.names.insert(input.name()).second)
      refuse("input", input.name());
  llvm::StringSet<> initializers;
  for (const ::onnx::TensorProto &initializer : graph.initializer()) {
    if (initializer.name().empty() ||
        !initializers.insert(initializer.name()).second)
      refuse("initializer", initializer.name());
    scope.names.insert(initializer.name());
  }
  for (const ::onnx::SparseTensorProto &sparse : graph.sparse_initializer())
    result = model.emitError() << "expects dense tensors, got sparse "
                                  "initializer '"
                               << sparse.values().name() << "'";
  if (failed(result) || failed(checkNodes(model, *graph.mutable_node(), scope)))
    return failure();
  llvm::StringSet<> outputs;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    if (!scope.contains(output.name()))
      result = model.emitError() << "expects an output that some node makes, "
                                    "got '"
                                 << output.name() << "'";
    // A subgraph may yield a value twice; a library's outputs have names.
    if (!parent && !outputs.insert(output.name()).second)
      refuse("output", output.name());
  }
  return result;
}

LogicalResult checkStructure(Model &model) {
  ::onnx::ModelProto &proto = model.proto;
  LogicalResult result = checkGraph(model, *proto.mutable_graph(), nullptr);
  for (::onnx::FunctionProto &function : *proto.mutable_functions()) {
    Scope scope{nullptr, {}};
    for (const std::string &input : function.input())
      scope.names.insert(input);
    if (failed(checkNodes(model, *function.mutable_node(), scope)))
      result = failure();
  }
  return result;
}

} // namespace bit::detail
