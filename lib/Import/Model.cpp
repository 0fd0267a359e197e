// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Model.h"
#include "bit/Support/NodeLocation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace bit::detail {

static StringRef describeDomain(StringRef domain) {
  return domain.empty() ? "ai.onnx" : domain;
}

Location Model::getFileLocation() const {
  return FileLineColLoc::get(context, path, 0, 0);
}

std::optional<size_t> Model::getOriginIndex(StringRef nodeName) const {
  size_t index = 0;
  if (!nodeName.consume_front("#") || nodeName.consumeInteger(10, index) ||
      index >= origins.size())
    return std::nullopt;
  return index;
}

Location Model::getLocation(StringRef nodeName, StringRef firstOutput) const {
  std::optional<size_t> index = getOriginIndex(nodeName);
  if (!index)
    return getFileLocation();
  const NodeOrigin &origin = origins[*index];
  StringRef suffix = nodeName.drop_front().drop_while(llvm::isDigit);
  std::string name = (origin.name + suffix).str();
  if (origin.name.empty())
    name = firstOutput.empty() ? origin.firstOutput : firstOutput.str();
  return getNodeLocation(context, {name, describeDomain(origin.domain),
                                   origin.opType, origin.opset, path});
}

Location Model::getLocation(const ::onnx::NodeProto &node) const {
  for (const std::string &output : node.output())
    if (!output.empty())
      return getLocation(node.name(), output);
  return getLocation(node.name(), "");
}

std::string Model::restoreNames(StringRef text) const {
  std::string out;
  while (!text.empty()) {
    size_t hash = text.find('#');
    out += text.take_front(hash);
    if (hash == StringRef::npos)
      break;
    text = text.drop_front(hash);
    StringRef digits = text.drop_front().take_while(llvm::isDigit);
    std::optional<size_t> index = getOriginIndex(text);
    if (index && !digits.empty()) {
      const NodeOrigin &origin = origins[*index];
      out += origin.name.empty() ? origin.firstOutput : origin.name;
    } else {
      out += text.take_front(digits.size() + 1);
    }
    text = text.drop_front(digits.size() + 1);
  }
  return out;
}

int64_t Model::getOpset(StringRef domain) const {
  for (const ::onnx::OperatorSetIdProto &import : proto.opset_import())
    if (import.domain() == domain)
      return import.version();
  return 0;
}

void forEachSubgraph(::onnx::NodeProto &node,
                     llvm::function_ref<void(::onnx::GraphProto &)> visit) {
  for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
    if (attribute.has_g())
      visit(*attribute.mutable_g());
    for (::onnx::GraphProto &graph : *attribute.mutable_graphs())
      visit(graph);
  }
}

static void visitNodes(Nodes &nodes,
                       llvm::function_ref<void(Nodes &)> visitList,
                       llvm::function_ref<void(::onnx::GraphProto &)> visit) {
  visitList(nodes);
  for (::onnx::NodeProto &node : nodes)
    forEachSubgraph(node, [&](::onnx::GraphProto &graph) {
      visit(graph);
      visitNodes(*graph.mutable_node(), visitList, visit);
    });
}

void forEachNodes(::onnx::ModelProto &model,
                  llvm::function_ref<void(Nodes &)> visit) {
  auto ignore = [](::onnx::GraphProto &) {};
  visitNodes(*model.mutable_graph()->mutable_node(), visit, ignore);
  for (::onnx::FunctionProto &function : *model.mutable_functions())
    visitNodes(*function.mutable_node(), visit, ignore);
}

void forEachGraph(::onnx::ModelProto &model,
                  llvm::function_ref<void(::onnx::GraphProto &)> visit) {
  auto ignore = [](Nodes &) {};
  visit(*model.mutable_graph());
  visitNodes(*model.mutable_graph()->mutable_node(), ignore, visit);
  for (::onnx::FunctionProto &function : *model.mutable_functions())
    visitNodes(*function.mutable_node(), ignore, visit);
}

} // namespace bit::detail
