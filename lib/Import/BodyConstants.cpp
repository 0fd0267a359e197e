// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BodyConstants.h"
#include "Model.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <deque>

using ::onnx::GraphProto;
using ::onnx::NodeProto;

namespace bit::detail {

namespace {

/// Shapes and axes are shorter.
constexpr int kMostElements = 64;

class ConstantCopier {
public:
  explicit ConstantCopier(::onnx::ModelProto &model) {
    forEachGraph(model, [&](GraphProto &graph) {
      for (const auto &value : graph.input())
        taken.insert(value.name());
      for (const auto &tensor : graph.initializer())
        taken.insert(tensor.name());
      for (const NodeProto &node : graph.node())
        taken.insert(node.output().begin(), node.output().end());
    });
  }

  /// `outer` has the constants around the graph.
  void visit(GraphProto &graph,
             const llvm::StringMap<const NodeProto *> &outer);

private:
  llvm::StringSet<> taken;
  /// Of nodes that move while the graph is written.
  std::deque<NodeProto> constants;
};

} // namespace

/// Whether a node is a constant that shape inference reads: some integers.
static bool isShort(const NodeProto &node) {
  if (node.op_type() != "Constant" || !node.domain().empty() ||
      node.attribute_size() != 1)
    return false;
  const ::onnx::AttributeProto &value = node.attribute(0);
  if (value.name() == "value_int" || value.name() == "value_ints")
    return value.ints_size() <= kMostElements;
  if (value.name() != "value" ||
      value.t().data_type() != ::onnx::TensorProto::INT64)
    return false;
  int64_t count = 1;
  for (int64_t dim : value.t().dims()) {
    if (dim < 0 || dim > kMostElements)
      return false;
    count *= dim;
    if (count > kMostElements)
      return false;
  }
  return true;
}

void ConstantCopier::visit(GraphProto &graph,
                           const llvm::StringMap<const NodeProto *> &outer) {
  llvm::StringMap<const NodeProto *> visible = outer;
  for (const auto &value : graph.input())
    visible.erase(value.name());
  for (const auto &tensor : graph.initializer())
    visible.erase(tensor.name());
  llvm::StringSet<> own;
  for (const NodeProto &node : graph.node())
    for (const std::string &output : node.output()) {
      own.insert(output);
      visible.erase(output);
    }
  std::vector<NodeProto> copies;
  llvm::StringMap<std::string> names;
  for (NodeProto &node : *graph.mutable_node()) {
    for (std::string &input : *node.mutable_input()) {
      auto constant = visible.find(input);
      if (constant == visible.end() || own.contains(input))
        continue;
      auto [name, inserted] = names.try_emplace(input);
      if (inserted) {
        name->second = input + ".inner";
        while (!taken.insert(name->second).second)
          name->second += "_";
        copies.push_back(*constant->second);
        copies.back().set_output(0, name->second);
      }
      input = name->second;
    }
  }
  if (!copies.empty()) {
    google::protobuf::RepeatedPtrField<NodeProto> nodes;
    for (NodeProto &copy : copies)
      *nodes.Add() = std::move(copy);
    for (NodeProto &node : *graph.mutable_node())
      *nodes.Add() = std::move(node);
    graph.mutable_node()->Swap(&nodes);
  }
  for (const NodeProto &node : graph.node())
    if (isShort(node))
      visible[node.output(0)] = &constants.emplace_back(node);
  for (NodeProto &node : *graph.mutable_node())
    forEachSubgraph(node, [&](GraphProto &inner) { visit(inner, visible); });
}

void copyConstantsIntoBodies(::onnx::ModelProto &model) {
  ConstantCopier(model).visit(*model.mutable_graph(), {});
}

} // namespace bit::detail
