// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One opset for everything behind the import.

#include "onnx/version_converter/convert.h"
#include "Guard.h"
#include "Model.h"
#include "Shapes.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace bit::detail {

namespace {

/// Gives the nodes that conversion made the origin of the node they stand for.
/// Where it replaces a node it makes an unnamed one in its place; where it
/// turns an attribute into an input, an unnamed one before it.
class OriginFinder {
public:
  explicit OriginFinder(Model &model) : model(model) {
    forEachNodes(model.proto, [&](Nodes &nodes) {
      for (const ::onnx::NodeProto &node : nodes)
        if (std::optional<size_t> index = model.getOriginIndex(node.name()))
          present.insert(*index);
    });
  }

  void nameNodes(Nodes &nodes) {
    std::optional<size_t> previous;
    for (int i = 0; i < nodes.size(); ++i) {
      ::onnx::NodeProto &node = nodes[i];
      if (std::optional<size_t> index = model.getOriginIndex(node.name())) {
        previous = index;
        continue;
      }
      std::optional<size_t> next = previous;
      for (int j = i + 1; j < nodes.size(); ++j)
        if (auto index = model.getOriginIndex(nodes[j].name())) {
          next = index;
          break;
        }
      node.set_name(findOrigin(previous, next, node));
    }
  }

private:
  std::string findOrigin(std::optional<size_t> previous,
                         std::optional<size_t> next,
                         const ::onnx::NodeProto &node) {
    const size_t begin = previous ? *previous + 1 : 0;
    const size_t end = next && *next >= begin ? *next : model.origins.size();
    for (size_t index = begin; index < end; ++index)
      if (present.insert(index).second)
        return "#" + std::to_string(index);
    // An added node: of the same origin, under its own name.
    NodeOrigin origin;
    if (next)
      origin = model.origins[*next];
    origin.name.clear();
    origin.firstOutput = node.output_size() ? node.output(0) : "";
    model.origins.push_back(origin);
    return "#" + std::to_string(model.origins.size() - 1);
  }

  Model &model;
  llvm::DenseSet<size_t> present;
};

} // namespace

LogicalResult convertVersion(Model &model) {
  if (model.getOpset("") == kImportOpset)
    return success();
  std::string what =
      ("conversion from opset " + llvm::Twine(model.getOpset("")) + " to " +
       llvm::Twine(kImportOpset))
          .str();
  LogicalResult converted = guard(model, what, [&]() {
    model.proto = ::onnx::version_conversion::ConvertVersion(
        model.proto, static_cast<int>(kImportOpset));
  });
  if (failed(converted))
    return failure();
  OriginFinder finder(model);
  forEachNodes(model.proto, [&](Nodes &nodes) { finder.nameNodes(nodes); });
  forgetShapes(model.proto);
  return success();
}

} // namespace bit::detail
