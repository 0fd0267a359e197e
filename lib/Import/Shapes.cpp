// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Shapes.h"
#include "Elements.h"
#include "Model.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using ::onnx::TypeProto;

namespace bit::detail {

std::string describeType(const TypeProto &type) {
  switch (type.value_case()) {
  case TypeProto::kTensorType:
    return "a tensor";
  case TypeProto::kSequenceType:
    return "a sequence";
  case TypeProto::kMapType:
    return "a map";
  case TypeProto::kOptionalType:
    return "an optional";
  case TypeProto::kSparseTensorType:
    return "a sparse tensor";
  case TypeProto::kOpaqueType:
    return "an opaque value";
  case TypeProto::VALUE_NOT_SET:
    return "no type";
  }
  return "an unknown kind of value";
}

using Values = google::protobuf::RepeatedPtrField<::onnx::ValueInfoProto>;

static void forgetShapes(Values &values) {
  for (::onnx::ValueInfoProto &value : values)
    if (value.type().has_tensor_type() &&
        value.type().tensor_type().has_shape())
      for (auto &dim : *value.mutable_type()
                            ->mutable_tensor_type()
                            ->mutable_shape()
                            ->mutable_dim())
        dim.Clear();
}

/// Drops what a graph says about values that none of its nodes makes: for
/// libonnx it would hide the type of an initializer.
static void keepMade(::onnx::GraphProto &graph) {
  llvm::StringSet<> made;
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      made.insert(output);
  Values kept;
  for (::onnx::ValueInfoProto &value : *graph.mutable_value_info())
    if (made.contains(value.name()))
      *kept.Add() = std::move(value);
  graph.mutable_value_info()->Swap(&kept);
}

void forgetShapes(::onnx::ModelProto &model) {
  const ::onnx::GraphProto *mainGraph = &model.graph();
  // Those of Loop bodies have been settled otherwise.
  llvm::SmallPtrSet<const ::onnx::GraphProto *, 4> loops;
  forEachNodes(model, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes)
      if (node.op_type() == "Loop")
        forEachSubgraph(node,
                        [&](::onnx::GraphProto &body) { loops.insert(&body); });
  });
  forEachGraph(model, [&](::onnx::GraphProto &graph) {
    keepMade(graph);
    forgetShapes(*graph.mutable_value_info());
    forgetShapes(*graph.mutable_output());
    if (&graph != mainGraph && !loops.contains(&graph))
      forgetShapes(*graph.mutable_input());
  });
}

llvm::Expected<RankedTensorType> convertType(MLIRContext *context,
                                             const TypeProto &type) {
  auto fail = [](const llvm::Twine &what) {
    return llvm::createStringError("expects " + what);
  };
  if (!type.has_tensor_type())
    return fail("a tensor, got " + describeType(type));
  const ::onnx::TypeProto_Tensor &tensor = type.tensor_type();
  Type element = getElementType(context, tensor.elem_type());
  if (!element)
    return fail("numbers or booleans, got elements of " +
                getElementName(tensor.elem_type()));
  if (!tensor.has_shape())
    return fail("a tensor of known rank, got one that shape inference knows "
                "nothing about");
  google::protobuf::RepeatedField<int64_t> known;
  llvm::SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim()) {
    shape.push_back(dim.has_dim_value() ? dim.dim_value()
                                        : ShapedType::kDynamic);
    if (dim.has_dim_value())
      known.Add(dim.dim_value());
  }
  std::optional<int64_t> count = countElements(known);
  if (!count || !countBytes(*count, getElementBits(tensor.elem_type())))
    return fail("dimensions whose product is a 63-bit number of bits, got " +
                printDims(known));
  return RankedTensorType::get(shape, element);
}

} // namespace bit::detail
