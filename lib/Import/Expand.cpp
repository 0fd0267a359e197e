// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Expand.h"
#include "Guard.h"
#include "OnnxBodies.h"
#include "Operators.h"
#include "onnx/defs/function.h"
#include "onnx/shape_inference/attribute_binder.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace bit::detail {

namespace {

/// The types of the values visible in a graph.
struct Types {
  const Types *outer;
  llvm::StringMap<const ::onnx::TypeProto *> types;

  const ::onnx::TypeProto *lookup(StringRef name) const {
    for (const Types *scope = this; scope; scope = scope->outer)
      if (const ::onnx::TypeProto *type = scope->types.lookup(name))
        return type;
    return nullptr;
  }
};

class Expander {
public:
  Expander(Model &model, const Schemas &schemas)
      : model(model), schemas(schemas) {
    forEachGraph(model.proto, [&](::onnx::GraphProto &graph) {
      for (const auto &value : graph.input())
        taken.insert(value.name());
      for (const auto &tensor : graph.initializer())
        taken.insert(tensor.name());
      for (const ::onnx::NodeProto &node : graph.node())
        for (const std::string &output : node.output())
          taken.insert(output);
    });
  }

  LogicalResult expandGraph(::onnx::GraphProto &graph, const Types *outer);

  bool changed = false;

private:
  FailureOr<std::optional<::onnx::FunctionProto>>
  buildBody(const ::onnx::NodeProto &node, const Types &types);
  void inlineBody(const ::onnx::NodeProto &call, ::onnx::FunctionProto &body,
                  Nodes &out);
  void rename(::onnx::NodeProto &node, const std::string &prefix,
              const llvm::StringMap<std::string> &names);
  std::string makeUnique(const std::string &prefix, const std::string &name);

  Model &model;
  const Schemas &schemas;
  llvm::StringSet<> taken;
  /// Initializers have their types in themselves.
  std::deque<::onnx::TypeProto> initializerTypes;
};

} // namespace

std::string Expander::makeUnique(const std::string &prefix,
                                 const std::string &name) {
  std::string base = prefix + "/" + name, unique = base;
  for (unsigned i = 1; !taken.insert(unique).second; ++i)
    unique = base + "_" + std::to_string(i);
  return unique;
}

/// Whether the lowering of a node wants to know more sizes than there are; the
/// operator's body does without.
static bool needsBody(const ::onnx::NodeProto &node, const Types &types) {
  if (node.op_type() != "RotaryEmbedding" || !node.domain().empty() ||
      node.input_size() == 0)
    return false;
  const ::onnx::TypeProto *type = types.lookup(node.input(0));
  if (!type || !type->tensor_type().has_shape())
    return false;
  const auto &shape = type->tensor_type().shape();
  return shape.dim_size() > 0 &&
         !shape.dim(shape.dim_size() - 1).has_dim_value();
}

/// Returns the body of a node that is to be expanded, none for another one.
FailureOr<std::optional<::onnx::FunctionProto>>
Expander::buildBody(const ::onnx::NodeProto &node, const Types &types) {
  std::optional<::onnx::FunctionProto> body;
  if (staysWhole(model, node) &&
      (model.options.keepAll || !needsBody(node, types)))
    return body;
  const ::onnx::OpSchema *schema = schemas.GetSchema(
      node.op_type(), static_cast<int>(kImportOpset), node.domain());
  if (!schema || !hasFunctionBody(*schema))
    return body; // refused by checkOperators
  const int opset =
      std::max(static_cast<int>(kImportOpset), schema->SinceVersion());
  std::string refusal;
  LogicalResult built = guard(model, "function body", [&]() {
    // Ours goes before libonnx's.
    if (schema->HasFunction() && !schema->HasContextDependentFunction()) {
      if (const auto *function = schema->GetFunction(opset))
        body = *function;
      return;
    }
    std::vector<::onnx::TypeProto> inputTypes;
    for (const std::string &input : node.input()) {
      const ::onnx::TypeProto *type = types.lookup(input);
      inputTypes.push_back(type ? *type : ::onnx::TypeProto());
    }
    ::onnx::FunctionBodyBuildContextImpl context(node, inputTypes);
    ::onnx::FunctionProto function;
    try {
      if (schema->BuildContextDependentFunction(context, function, opset))
        body = std::move(function);
    } catch (const BodyError &error) {
      refusal = error.what();
    }
  });
  if (failed(built))
    return failure();
  if (!refusal.empty())
    return model.emitError(node) << refusal;
  if (!body)
    return model.emitError(node) << "is not supported: there is no lowering of "
                                 << getOperatorName(node)
                                 << ", and no function body for these operands";
  return body;
}

/// Renames values that `names` knows. Those of subgraphs get names of their
/// own, for the graph around the call may have the body's.
void Expander::rename(::onnx::NodeProto &node, const std::string &prefix,
                      const llvm::StringMap<std::string> &names) {
  auto replace = [](std::string &name,
                    const llvm::StringMap<std::string> &names) {
    auto it = names.find(name);
    if (it != names.end())
      name = it->second;
  };
  for (std::string &input : *node.mutable_input())
    replace(input, names);
  for (std::string &output : *node.mutable_output())
    replace(output, names);
  forEachSubgraph(node, [&](::onnx::GraphProto &graph) {
    llvm::StringMap<std::string> inner = names;
    auto define = [&](const std::string &name) {
      if (!name.empty())
        inner[name] = makeUnique(prefix, name);
    };
    for (const auto &value : graph.input())
      define(value.name());
    for (const auto &tensor : graph.initializer())
      define(tensor.name());
    for (const ::onnx::NodeProto &nested : graph.node())
      for (const std::string &output : nested.output())
        define(output);
    graph.clear_value_info();
    for (auto &value : *graph.mutable_input())
      replace(*value.mutable_name(), inner);
    for (auto &tensor : *graph.mutable_initializer())
      replace(*tensor.mutable_name(), inner);
    for (::onnx::NodeProto &nested : *graph.mutable_node())
      rename(nested, prefix, inner);
    for (auto &output : *graph.mutable_output())
      replace(*output.mutable_name(), inner);
  });
}

void addDefaults(::onnx::NodeProto &node, const ::onnx::OpSchema &schema) {
  llvm::StringSet<> given;
  for (const ::onnx::AttributeProto &attribute : node.attribute())
    given.insert(attribute.name());
  for (const auto &[name, attribute] : schema.attributes())
    if (attribute.default_value.has_name() && !given.contains(name))
      *node.add_attribute() = attribute.default_value;
}

void Expander::inlineBody(const ::onnx::NodeProto &call,
                          ::onnx::FunctionProto &body, Nodes &out) {
  ::onnx::NodeProto complete = call;
  addDefaults(complete,
              *schemas.GetSchema(call.op_type(), static_cast<int>(kImportOpset),
                                 call.domain()));
  ::onnx::internal::AttributeBinder::BindAttributes(complete, body);
  std::string prefix;
  for (const std::string &output : call.output())
    if (prefix.empty())
      prefix = output;
  llvm::StringMap<std::string> names;
  for (int i = 0; i < body.input_size(); ++i)
    names[body.input(i)] = i < call.input_size() ? call.input(i) : "";
  for (int i = 0; i < body.output_size(); ++i)
    names[body.output(i)] = i < call.output_size() && !call.output(i).empty()
                                ? call.output(i)
                                : makeUnique(prefix, body.output(i));
  // A body that only passes an input on has an output that is an input.
  for (int i = 0; i < body.output_size() && i < call.output_size(); ++i)
    if (llvm::is_contained(body.input(), body.output(i))) {
      ::onnx::NodeProto *identity = out.Add();
      identity->set_op_type("Identity");
      identity->set_name(call.name());
      identity->add_input(call.input(0));
      identity->add_output(call.output(i));
    }
  for (::onnx::NodeProto &node : *body.mutable_node()) {
    for (const std::string &output : node.output())
      if (!output.empty() && !names.contains(output))
        names[output] = makeUnique(prefix, output);
    rename(node, prefix, names);
    // Whatever it becomes, to the user it is the node of the file.
    node.set_name(call.name());
    *out.Add() = std::move(node);
  }
}

LogicalResult Expander::expandGraph(::onnx::GraphProto &graph,
                                    const Types *outer) {
  Types scope{outer, {}};
  auto &types = scope.types;
  for (const auto &value : graph.input())
    types[value.name()] = &value.type();
  for (const auto &value : graph.value_info())
    types[value.name()] = &value.type();
  for (const auto &value : graph.output())
    types[value.name()] = &value.type();
  for (const auto &tensor : graph.initializer()) {
    ::onnx::TypeProto &type = initializerTypes.emplace_back();
    type.mutable_tensor_type()->set_elem_type(tensor.data_type());
    for (int64_t dim : tensor.dims())
      type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(
          dim);
    type.mutable_tensor_type()->mutable_shape();
    types[tensor.name()] = &type;
  }
  LogicalResult result = success();
  Nodes expanded;
  expanded.Reserve(graph.node_size());
  for (::onnx::NodeProto &node : *graph.mutable_node()) {
    FailureOr<std::optional<::onnx::FunctionProto>> body =
        buildBody(node, scope);
    if (failed(body)) {
      result = failure();
      continue;
    }
    if (*body) {
      changed = true;
      inlineBody(node, **body, expanded);
      continue;
    }
    forEachSubgraph(node, [&](::onnx::GraphProto &subgraph) {
      if (failed(expandGraph(subgraph, &scope)))
        result = failure();
    });
    *expanded.Add() = std::move(node);
  }
  graph.mutable_node()->Swap(&expanded);
  return result;
}

FailureOr<bool> expandOperators(Model &model, const Schemas &schemas) {
  Expander expander(model, schemas);
  if (failed(expander.expandGraph(*model.proto.mutable_graph(), nullptr)))
    return failure();
  return expander.changed;
}

} // namespace bit::detail
