// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One opset for everything behind the import.

#include "onnx/version_converter/convert.h"
#include "ConvertOperators.h"
#include "Guard.h"
#include "Model.h"
#include "Shapes.h"
#include "bit/Import/NewerOperators.h"
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
    // Backwards: an added node feeds one behind it.
    std::optional<size_t> next;
    for (int i = nodes.size(); i-- > 0;) {
      if (auto index = model.getOriginIndex(nodes[i].name())) {
        next = index;
        continue;
      }
      std::optional<size_t> previous;
      for (int j = i; j-- > 0 && !previous;)
        previous = model.getOriginIndex(nodes[j].name());
      std::optional<size_t> replaced = findReplaced(previous, next, nodes[i]);
      if (replaced)
        next = replaced;
      nodes[i].set_name("#" + std::to_string(replaced
                                                 ? *replaced
                                                 : addOrigin(next, nodes[i])));
    }
  }

private:
  /// Returns the last node between two others that conversion took away.
  std::optional<size_t> findReplaced(std::optional<size_t> previous,
                                     std::optional<size_t> next,
                                     const ::onnx::NodeProto &node) {
    if (node.op_type() == "Constant")
      return std::nullopt;
    const size_t begin = previous ? *previous + 1 : 0;
    for (size_t index = next ? *next : originCount; index-- > begin;)
      if (present.insert(index).second)
        return index;
    return std::nullopt;
  }

  /// Returns an origin like that of `next`, under the node's own name.
  size_t addOrigin(std::optional<size_t> next, const ::onnx::NodeProto &node) {
    NodeOrigin origin;
    if (next)
      origin = model.origins[*next];
    origin.name.clear();
    origin.firstOutput = node.output_size() ? node.output(0) : "";
    model.origins.push_back(origin);
    return model.origins.size() - 1;
  }

  Model &model;
  const size_t originCount = model.origins.size();
  llvm::DenseSet<size_t> present;
};

/// Where nodes stay out of conversion: it passes over domains it does not know.
constexpr const char *kKeptDomain = "bit.kept";

/// Whether the import's version of the operator has all attributes of `node`.
/// Those that only the newer one has go where they have their default value.
bool dropNewerAttributes(::onnx::NodeProto &node, int version) {
  auto find = [&](int opset) {
    return ::onnx::OpSchemaRegistry::Schema(node.op_type(), opset, "");
  };
  const ::onnx::OpSchema *older = find(static_cast<int>(kImportOpset));
  const ::onnx::OpSchema *newer = find(version);
  if (!older || !newer)
    return true; // a new function
  auto &attributes = *node.mutable_attribute();
  for (int i = attributes.size(); i-- > 0;) {
    const std::string &name = attributes[i].name();
    if (older->attributes().count(name))
      continue;
    auto it = newer->attributes().find(name);
    if (it == newer->attributes().end() ||
        it->second.default_value.i() != attributes[i].i() ||
        it->second.default_value.s() != attributes[i].s())
      return false;
    attributes.DeleteSubrange(i, 1);
  }
  return true;
}

/// Takes nodes that are not to be converted out of ai.onnx's domain.
bool hideNewerNodes(Model &model) {
  const int64_t opset = model.getOpset("");
  bool hidden = false;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes)
      if (int version = getNewerVersion(node.op_type());
          version > kImportOpset && version <= opset && node.domain().empty() &&
          dropNewerAttributes(node, version)) {
        node.set_domain(kKeptDomain);
        hidden = true;
      }
  });
  if (hidden) {
    ::onnx::OperatorSetIdProto *import = model.proto.add_opset_import();
    import->set_domain(kKeptDomain);
    import->set_version(1);
  }
  return hidden;
}

void restoreNewerNodes(Model &model) {
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes)
      if (node.domain() == kKeptDomain)
        node.set_domain("");
  });
  auto &imports = *model.proto.mutable_opset_import();
  imports.erase(std::remove_if(imports.begin(), imports.end(),
                               [](const ::onnx::OperatorSetIdProto &import) {
                                 return import.domain() == kKeptDomain;
                               }),
                imports.end());
}

} // namespace

namespace {
struct UnchangedOperator {
  StringRef opType;
  int since; ///< the oldest opset whose nodes conversion leaves as they are
};
} // namespace

/// Sorted by name.
static constexpr UnchangedOperator unchangedOperators[] = {
#include "bit/Import/UnchangedOperators.inc"
};

/// Whether conversion from `opset` would change nothing but the opset. It is a
/// third of the import's time.
static bool isUnchanged(Model &model, int64_t opset) {
  if (opset > kImportOpset)
    return false;
  bool unchanged = true;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (const ::onnx::NodeProto &node : nodes) {
      if (!node.domain().empty())
        continue;
      const auto *found = llvm::lower_bound(
          unchangedOperators, StringRef(node.op_type()),
          [](const UnchangedOperator &entry, StringRef opType) {
            return entry.opType < opType;
          });
      unchanged = unchanged && found != std::end(unchangedOperators) &&
                  found->opType == node.op_type() && found->since <= opset;
    }
  });
  return unchanged;
}

static void setOpset(Model &model, int64_t opset) {
  for (::onnx::OperatorSetIdProto &import : *model.proto.mutable_opset_import())
    if (import.domain().empty())
      import.set_version(opset);
}

/// libonnx takes the first version of Scan, which has a batch axis, for the
/// later ones.
static LogicalResult refuseFirstScan(Model &model) {
  LogicalResult result = success();
  if (model.getOpset("") > 8)
    return result;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (const ::onnx::NodeProto &node : nodes)
      if (node.op_type() == "Scan" && node.domain().empty())
        result = model.emitError(node) << "expects opset 9 or newer";
  });
  return result;
}

LogicalResult convertVersion(Model &model) {
  if (model.getOpset("") == kImportOpset)
    return success();
  if (failed(refuseFirstScan(model)))
    return failure();
  rewriteOperators(model);
  if (isUnchanged(model, model.getOpset(""))) {
    setOpset(model, kImportOpset);
    return success();
  }
  std::string what =
      ("conversion from opset " + llvm::Twine(model.getOpset("")) + " to " +
       llvm::Twine(kImportOpset))
          .str();
  const bool hasFirstResize = model.getOpset("") <= 10;
  const bool hidden = hideNewerNodes(model);
  LogicalResult converted = guard(model, what, [&]() {
    model.proto = ::onnx::version_conversion::ConvertVersion(
        model.proto, static_cast<int>(kImportOpset));
  });
  if (failed(converted))
    return failure();
  if (hasFirstResize && failed(placeFirstResize(model)))
    return failure();
  if (hidden)
    restoreNewerNodes(model);
  OriginFinder finder(model);
  forEachNodes(model.proto, [&](Nodes &nodes) { finder.nameNodes(nodes); });
  forgetShapes(model.proto);
  return success();
}

} // namespace bit::detail
