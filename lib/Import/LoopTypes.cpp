// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopTypes.h"
#include "Model.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorShapeProto;
using ::onnx::TypeProto;

namespace bit::detail {

namespace {

/// The shapes of the values visible in a graph.
struct ShapeScope {
  const ShapeScope *outer;
  llvm::StringMap<TensorShapeProto> shapes;

  ShapeScope(const ShapeScope *outer, const GraphProto &graph) : outer(outer) {
    for (const auto *values :
         {&graph.input(), &graph.value_info(), &graph.output()})
      for (const auto &value : *values)
        if (value.type().tensor_type().has_shape())
          shapes[value.name()] = value.type().tensor_type().shape();
    for (const auto &tensor : graph.initializer()) {
      TensorShapeProto shape;
      for (int64_t dim : tensor.dims())
        shape.add_dim()->set_dim_value(dim);
      shapes[tensor.name()] = shape;
    }
  }

  const TensorShapeProto *lookup(const std::string &name) const {
    for (const ShapeScope *scope = this; scope; scope = scope->outer)
      if (auto found = scope->shapes.find(name); found != scope->shapes.end())
        return &found->second;
    return nullptr;
  }
};

} // namespace

static bool isLoop(const NodeProto &node) {
  return node.op_type() == "Loop" && node.domain().empty();
}

/// The body of `node`, if it has as many inputs and outputs as it needs.
static GraphProto *getBody(NodeProto &node) {
  GraphProto *body = nullptr;
  forEachSubgraph(node, [&](GraphProto &graph) { body = &graph; });
  if (!body || node.input_size() < 2 ||
      body->input_size() != node.input_size() ||
      body->output_size() + 1 < node.input_size())
    return nullptr;
  return body;
}

static TensorShapeProto *getShape(::onnx::ValueInfoProto &value) {
  TypeProto &type = *value.mutable_type();
  if (type.value_case() != TypeProto::kTensorType &&
      type.value_case() != TypeProto::VALUE_NOT_SET)
    return nullptr;
  return type.mutable_tensor_type()->has_shape()
             ? type.mutable_tensor_type()->mutable_shape()
             : nullptr;
}

static bool isTensor(const ::onnx::ValueInfoProto &value) {
  return value.type().value_case() == TypeProto::kTensorType;
}

/// Whether inference made the name up; it may make it up again for another
/// size.
static bool isMadeUp(const std::string &name) {
  return name.empty() || name.rfind("unk__", 0) == 0;
}

static bool isSame(const TensorShapeProto::Dimension &a,
                   const TensorShapeProto::Dimension &b) {
  if (a.has_dim_value() || b.has_dim_value())
    return a.has_dim_value() && b.has_dim_value() &&
           a.dim_value() == b.dim_value();
  return a.dim_param() == b.dim_param();
}

/// Takes the sizes and names away that `other` does not have.
static bool relax(TensorShapeProto &shape, const TensorShapeProto &other) {
  bool changed = false;
  if (shape.dim_size() != other.dim_size())
    return false; // which the conversion refuses
  for (int i = 0; i < shape.dim_size(); ++i) {
    auto &dim = *shape.mutable_dim(i);
    bool isKnown = dim.has_dim_value() || !isMadeUp(dim.dim_param());
    if (isKnown && isSame(dim, other.dim(i)))
      continue;
    // Inference gives what has no name one each time.
    dim.Clear();
    changed |= isKnown;
  }
  return changed;
}

static bool relaxAll(TensorShapeProto &shape) {
  TensorShapeProto unknown;
  for (int i = 0; i < shape.dim_size(); ++i)
    unknown.add_dim();
  return relax(shape, unknown);
}

static void setShape(::onnx::ValueInfoProto &value,
                     const TensorShapeProto &shape) {
  TensorShapeProto &own =
      *value.mutable_type()->mutable_tensor_type()->mutable_shape();
  own.clear_dim();
  for (const auto &dim : shape.dim()) {
    auto *copy = own.add_dim();
    if (dim.has_dim_value() || !isMadeUp(dim.dim_param()))
      *copy = dim;
  }
}

/// Calls `visit` for each Loop in `graph` and in the graphs inside of it, the
/// outer ones first.
template <typename Visit>
static void forEachLoop(GraphProto &graph, const ShapeScope *outer,
                        Visit visit) {
  ShapeScope scope(outer, graph);
  for (NodeProto &node : *graph.mutable_node()) {
    if (GraphProto *body = isLoop(node) ? getBody(node) : nullptr)
      visit(node, *body, graph, scope);
    forEachSubgraph(
        node, [&](GraphProto &inner) { forEachLoop(inner, &scope, visit); });
  }
}

static void nameOutputs(const NodeProto &owner, GraphProto &body,
                        llvm::StringSet<> &taken) {
  llvm::StringSet<> made;
  for (const NodeProto &node : body.node())
    for (const std::string &output : node.output())
      made.insert(output);
  for (auto &output : *body.mutable_output()) {
    // A value may be yielded twice, too.
    if (made.erase(output.name()))
      continue;
    std::string name = output.name() + ".yielded";
    while (!taken.insert(name).second)
      name += "_";
    NodeProto &identity = *body.add_node();
    identity.set_name(owner.name());
    identity.set_op_type("Identity");
    identity.add_input(output.name());
    identity.add_output(name);
    output.set_name(name);
  }
}

void nameBodyOutputs(::onnx::ModelProto &model) {
  llvm::StringSet<> taken;
  forEachNodes(model, [&](Nodes &nodes) {
    for (const NodeProto &node : nodes)
      taken.insert(node.output().begin(), node.output().end());
  });
  forEachGraph(model, [&](GraphProto &graph) {
    for (const auto &value : graph.input())
      taken.insert(value.name());
    for (const auto &tensor : graph.initializer())
      taken.insert(tensor.name());
  });
  forEachNodes(model, [&](Nodes &nodes) {
    for (NodeProto &node : nodes)
      forEachSubgraph(
          node, [&](GraphProto &body) { nameOutputs(node, body, taken); });
  });
}

bool hasLoops(::onnx::ModelProto &model) {
  bool found = false;
  forEachNodes(model,
               [&](Nodes &nodes) { found |= llvm::any_of(nodes, isLoop); });
  return found;
}

static void forgetTypes(GraphProto &body) {
  for (int k = 0; k < body.input_size(); ++k) {
    ::onnx::ValueInfoProto &input = *body.mutable_input(k);
    if (!isTensor(input))
      continue;
    // The first two are scalars, in older models also vectors of one element.
    TensorShapeProto *shape = getShape(input);
    if (k < 2 && shape && shape->dim_size() == 1)
      shape->mutable_dim(0)->set_dim_value(1);
    else
      input.mutable_type()->mutable_tensor_type()->clear_shape();
  }
}

void forgetLoopTypes(::onnx::ModelProto &model) {
  forEachLoop(*model.mutable_graph(), nullptr,
              [](NodeProto &, GraphProto &body, GraphProto &,
                 const ShapeScope &) { forgetTypes(body); });
}

void applyLoopTypes(::onnx::ModelProto &model) {
  forEachLoop(
      *model.mutable_graph(), nullptr,
      [&](NodeProto &node, GraphProto &body, GraphProto &graph,
          const ShapeScope &) {
        for (int k = 2; k < body.input_size() && k - 2 < node.output_size();
             ++k) {
          const std::string &name = node.output(k - 2);
          ::onnx::ValueInfoProto &input = *body.mutable_input(k);
          const TensorShapeProto *shape = getShape(input);
          if (name.empty() || !shape)
            continue;
          ::onnx::ValueInfoProto *result = nullptr;
          for (auto *values :
               {graph.mutable_output(), graph.mutable_value_info()})
            for (auto &value : *values)
              if (value.name() == name)
                result = &value;
          if (!result) {
            result = graph.add_value_info();
            result->set_name(name);
            result->mutable_type()->mutable_tensor_type()->set_elem_type(
                input.type().tensor_type().elem_type());
          }
          // A contradiction in rank is for inference to find.
          if (const TensorShapeProto *own = getShape(*result);
              !own || own->dim_size() == shape->dim_size())
            setShape(*result, *shape);
        }
      });
}

bool updateLoopTypes(::onnx::ModelProto &model) {
  bool changed = false;
  auto update = [&](NodeProto &node, GraphProto &body, GraphProto &,
                    const ShapeScope &scope) {
    for (int k = 0; k < body.input_size(); ++k) {
      ::onnx::ValueInfoProto &input = *body.mutable_input(k);
      if (!isTensor(input))
        continue;
      TensorShapeProto *shape = getShape(input);
      // The number of the iteration and the condition are scalars.
      if (k < 2) {
        if (!shape)
          setShape(input, TensorShapeProto());
        changed |= !shape;
        continue;
      }
      const TensorShapeProto *start = scope.lookup(node.input(k));
      if (!shape) {
        if (start)
          setShape(input, *start);
        changed |= start != nullptr;
        continue;
      }
      if (start)
        changed |= relax(*shape, *start);
      if (const TensorShapeProto *next = getShape(*body.mutable_output(k - 1)))
        changed |= relax(*shape, *next);
    }
  };
  forEachLoop(*model.mutable_graph(), nullptr, update);
  if (changed)
    return true;
  // Where inference knows nothing of an output it may have stumbled over a size
  // that does not stay.
  auto relaxUnknown = [&](NodeProto &, GraphProto &body, GraphProto &,
                          const ShapeScope &) {
    bool unknown = false;
    for (auto &output : *body.mutable_output())
      unknown |= !getShape(output);
    for (int k = 2; unknown && k < body.input_size(); ++k)
      if (TensorShapeProto *shape = getShape(*body.mutable_input(k)))
        changed |= relaxAll(*shape);
  };
  forEachLoop(*model.mutable_graph(), nullptr, relaxUnknown);
  return changed;
}

} // namespace bit::detail
