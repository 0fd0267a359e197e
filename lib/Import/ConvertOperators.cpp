// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What libonnx's version conversion leaves out, operator by operator.

#include "ConvertOperators.h"
#include "onnx/defs/attr_proto_util.h"
#include "onnx/defs/tensor_proto_util.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using ::onnx::AttributeProto;
using ::onnx::NodeProto;

namespace bit::detail {

namespace {

/// Writes nodes in the place of one.
class Rewriter {
public:
  Rewriter(const NodeProto &node, int number, Nodes &out)
      : node(node),
        prefix(node.output(0) + "/converted_" + std::to_string(number) + "_"),
        out(out) {}

  /// Adds a node whose output is called `output`, or is that of the whole where
  /// that is empty; returns its name.
  std::string add(const char *opType, std::vector<std::string> inputs,
                  const std::string &output,
                  std::vector<AttributeProto> attributes = {}) {
    NodeProto &added = *out.Add();
    added.set_name(node.name());
    added.set_op_type(opType);
    for (const std::string &input : inputs)
      added.add_input(input);
    for (AttributeProto &attribute : attributes)
      *added.add_attribute() = std::move(attribute);
    added.add_output(output.empty() ? node.output(0) : prefix + output);
    return added.output(0);
  }

  std::string addInts(std::vector<int64_t> values, const std::string &output) {
    return add("Constant", {}, output,
               {::onnx::MakeAttribute("value_ints", std::move(values))});
  }

private:
  const NodeProto &node;
  std::string prefix;
  Nodes &out;
};

} // namespace

static const AttributeProto *findAttribute(const NodeProto &node,
                                           const char *name) {
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

/// Before opset 13 Hardmax, like Softmax, took all dimensions from its axis on
/// for one. libonnx rewrites Softmax alone.
static void flattenHardmax(const NodeProto &node, Rewriter rewriter) {
  const AttributeProto *axis = findAttribute(node, "axis");
  std::string shape = rewriter.add("Shape", {node.input(0)}, "shape");
  std::string rows =
      rewriter.add("Flatten", {node.input(0)}, "rows",
                   {::onnx::MakeAttribute("axis", axis ? axis->i() : 1)});
  std::string result = rewriter.add(
      "Hardmax", {rows}, "result", {::onnx::MakeAttribute("axis", int64_t(1))});
  rewriter.add("Reshape", {result, shape}, "");
}

/// Since opset 28 the places in a block may also vary faster than the channels:
/// the other order, transposed.
static void reorderSpaceToDepth(const NodeProto &node, Rewriter rewriter) {
  const int64_t size = findAttribute(node, "blocksize")->i();
  auto transpose = [&](const std::string &x, std::vector<int64_t> perm,
                       const std::string &output) {
    return rewriter.add("Transpose", {x}, output,
                        {::onnx::MakeAttribute("perm", std::move(perm))});
  };
  std::string split = rewriter.addInts({0, 0, 0, size * size, -1}, "split");
  std::string merge = rewriter.addInts({0, 0, 0, -1}, "merge");
  std::string x = rewriter.add("SpaceToDepth", {node.input(0)}, "depth",
                               {::onnx::MakeAttribute("blocksize", size)});
  x = transpose(x, {0, 2, 3, 1}, "last");
  x = rewriter.add("Reshape", {x, split}, "blocks");
  x = transpose(x, {0, 1, 2, 4, 3}, "turned");
  x = rewriter.add("Reshape", {x, merge}, "merged");
  transpose(x, {0, 3, 1, 2}, "");
}

void rewriteOperators(Model &model) {
  const int64_t opset = model.getOpset("");
  int count = 0;
  forEachNodes(model.proto, [&](Nodes &nodes) {
    Nodes rewritten;
    for (NodeProto &node : nodes) {
      const bool isWhole = node.domain().empty() && node.input_size() == 1 &&
                           node.output_size() == 1;
      const AttributeProto *mode = findAttribute(node, "mode");
      const AttributeProto *size = findAttribute(node, "blocksize");
      if (isWhole && node.op_type() == "Hardmax" && opset < 13)
        flattenHardmax(node, Rewriter(node, count++, rewritten));
      else if (isWhole && node.op_type() == "SpaceToDepth" && opset >= 28 &&
               mode && mode->s() == "CRD" && size && size->i() > 0 &&
               size->i() < (1 << 15))
        reorderSpaceToDepth(node, Rewriter(node, count++, rewritten));
      else
        *rewritten.Add() = std::move(node);
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
LogicalResult placeFirstResize(Model &model) {
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

} // namespace bit::detail
