// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One opset for everything behind the import.

#include "onnx/version_converter/convert.h"
#include "Guard.h"
#include "Model.h"
#include "Shapes.h"
#include "bit/Import/NewerOperators.h"
#include "onnx/defs/attr_proto_util.h"
#include "onnx/defs/tensor_proto_util.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

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

/// Before opset 13 Hardmax, like Softmax, took all dimensions from its axis on
/// for one. libonnx rewrites Softmax alone.
static void flattenFirstHardmax(Model &model) {
  if (model.getOpset("") >= 13)
    return;
  int count = 0;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    Nodes rewritten;
    for (::onnx::NodeProto &node : nodes) {
      if (node.op_type() != "Hardmax" || !node.domain().empty() ||
          node.input_size() != 1 || node.output_size() != 1) {
        *rewritten.Add() = std::move(node);
        continue;
      }
      int64_t axis = 1;
      for (const ::onnx::AttributeProto &attribute : node.attribute())
        if (attribute.name() == "axis")
          axis = attribute.i();
      const std::string prefix =
          node.output(0) + "/hardmax_" + std::to_string(count++) + "_";
      auto add = [&](const char *opType, std::vector<std::string> inputs,
                     const std::string &output) -> ::onnx::NodeProto & {
        ::onnx::NodeProto &added = *rewritten.Add();
        added.set_name(node.name());
        added.set_op_type(opType);
        for (const std::string &input : inputs)
          added.add_input(input);
        added.add_output(output);
        return added;
      };
      auto setAxis = [](::onnx::NodeProto &added, int64_t value) {
        *added.add_attribute() = ::onnx::MakeAttribute("axis", value);
      };
      add("Shape", {node.input(0)}, prefix + "shape");
      setAxis(add("Flatten", {node.input(0)}, prefix + "rows"), axis);
      setAxis(add("Hardmax", {prefix + "rows"}, prefix + "result"), 1);
      add("Reshape", {prefix + "result", prefix + "shape"}, node.output(0));
    }
    nodes.Swap(&rewritten);
  });
}

/// The floats that a constant of the model holds, if `name` is one.
static std::vector<float> findFloats(Model &model, const std::string &name) {
  std::vector<float> values;
  forEachGraph(model.proto, [&](::onnx::GraphProto &graph) {
    for (const ::onnx::TensorProto &tensor : graph.initializer())
      if (tensor.name() == name)
        values = ::onnx::ParseData<float>(&tensor);
    for (const ::onnx::NodeProto &node : graph.node())
      if (node.op_type() == "Constant" && node.output(0) == name)
        for (const ::onnx::AttributeProto &attribute : node.attribute())
          if (attribute.name() == "value")
            values = ::onnx::ParseData<float>(&attribute.t());
          else if (attribute.name() == "value_floats")
            values.assign(attribute.floats().begin(), attribute.floats().end());
  });
  return values;
}

/// Up to opset 10 an output at x lies at x / scale in the input, which libonnx
/// does not say of what it makes of Upsample and of the first Resize. The
/// nearest element is, as in onnxruntime, the one before, and behind where the
/// output is smaller.
static LogicalResult placeFirstResize(Model &model) {
  LogicalResult result = success();
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes) {
      if (node.op_type() != "Resize" || !node.domain().empty() ||
          node.input_size() < 3)
        continue;
      std::vector<float> scales = findFloats(model, node.input(2));
      const bool isSmaller =
          llvm::any_of(scales, [](float scale) { return scale < 1; });
      const bool isLarger =
          llvm::any_of(scales, [](float scale) { return scale > 1; });
      auto &attributes = *node.mutable_attribute();
      const bool isNearest = llvm::none_of(
          attributes, [](const ::onnx::AttributeProto &attribute) {
            return attribute.name() == "mode" && attribute.s() != "nearest";
          });
      if (isNearest && isSmaller && isLarger)
        result = model.emitError(node)
                 << "expects scales that are all at least 1, or at most 1, for "
                    "mode nearest before opset 11";
      for (int i = attributes.size(); i-- > 0;)
        if (attributes[i].name() == "coordinate_transformation_mode" ||
            attributes[i].name() == "nearest_mode")
          attributes.DeleteSubrange(i, 1);
      *attributes.Add() = ::onnx::MakeAttribute(
          "coordinate_transformation_mode", std::string("asymmetric"));
      *attributes.Add() = ::onnx::MakeAttribute(
          "nearest_mode", std::string(isSmaller ? "ceil" : "floor"));
    }
  });
  return result;
}

LogicalResult convertVersion(Model &model) {
  if (model.getOpset("") == kImportOpset)
    return success();
  if (failed(refuseFirstScan(model)))
    return failure();
  if (isUnchanged(model, model.getOpset(""))) {
    setOpset(model, kImportOpset);
    return success();
  }
  flattenFirstHardmax(model);
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
