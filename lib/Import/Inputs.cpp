// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiled function takes: which of the graph's inputs, with which
// dimensions.

#include "Elements.h"
#include "Model.h"
#include "Shapes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace mlir;

namespace bit::detail {

using Values = google::protobuf::RepeatedPtrField<::onnx::ValueInfoProto>;

/// Before IR 4 all initializers had to be inputs; since then an initializer
/// that is one gives it a default value only. What makes up the structure of a
/// graph, numbers and integers, is taken for constant nevertheless.
static bool isReplaceable(const Model &model,
                          const ::onnx::TensorProto &initializer) {
  switch (initializer.data_type()) {
  case ::onnx::TensorProto::FLOAT:
  case ::onnx::TensorProto::FLOAT16:
  case ::onnx::TensorProto::BFLOAT16:
  case ::onnx::TensorProto::DOUBLE:
    return model.hasDefaults && initializer.dims_size() >= 2;
  default:
    return false;
  }
}

/// Drops the initializers that are default values: a library has no inputs that
/// may be left out.
static void dropDefaults(Model &model) {
  if (model.defaultedInputs.empty())
    return;
  google::protobuf::RepeatedPtrField<::onnx::TensorProto> kept;
  std::set<std::string> names;
  for (::onnx::TensorProto &tensor :
       *model.proto.mutable_graph()->mutable_initializer())
    if (model.defaultedInputs.contains(tensor.name()))
      names.insert(tensor.name());
    else
      *kept.Add() = std::move(tensor);
  model.proto.mutable_graph()->mutable_initializer()->Swap(&kept);
  mlir::emitWarning(model.getFileLocation())
      << "callers may replace the initializers that are inputs ("
      << llvm::join(names, ", ")
      << "), so they have to pass them; take them from the graph's inputs to "
         "compile them in";
}

/// Drops the inputs that initializers give a value (see Import.h); what they
/// declare has to agree.
static LogicalResult dropConstantInputs(Model &model) {
  LogicalResult result = success();
  ::onnx::GraphProto &graph = *model.proto.mutable_graph();
  llvm::StringMap<const ::onnx::TensorProto *> initializers;
  for (const ::onnx::TensorProto &initializer : graph.initializer())
    initializers[initializer.name()] = &initializer;
  Values kept;
  for (::onnx::ValueInfoProto &input : *graph.mutable_input()) {
    auto it = initializers.find(input.name());
    if (it == initializers.end()) {
      *kept.Add() = std::move(input);
      continue;
    }
    const ::onnx::TypeProto_Tensor &declared = input.type().tensor_type();
    const ::onnx::TensorProto &tensor = *it->second;
    bool agrees =
        !declared.has_elem_type() || declared.elem_type() == tensor.data_type();
    if (declared.has_shape()) {
      agrees &= declared.shape().dim_size() == tensor.dims_size();
      for (auto [dim, size] : llvm::zip(declared.shape().dim(), tensor.dims()))
        agrees &= !dim.has_dim_value() || dim.dim_value() == size;
    }
    if (!agrees)
      result = model.emitError() << "input '" << input.name()
                                 << "' expects the type of its initializer";
    if (!isReplaceable(model, tensor))
      continue;
    model.defaultedInputs.insert(input.name());
    auto *type = input.mutable_type()->mutable_tensor_type();
    type->set_elem_type(tensor.data_type());
    if (!type->has_shape())
      for (int64_t dim : tensor.dims())
        type->mutable_shape()->add_dim()->set_dim_value(dim);
    *kept.Add() = std::move(input);
  }
  graph.mutable_input()->Swap(&kept);
  return result;
}

/// Checks the declared types of inputs and outputs.
static LogicalResult checkValues(const Model &model, const Values &values,
                                 StringRef kind) {
  LogicalResult result = success();
  for (const ::onnx::ValueInfoProto &value : values) {
    auto report = [&]() {
      return std::move(model.emitError()
                       << kind << " '" << value.name() << "' ");
    };
    const ::onnx::TypeProto &type = value.type();
    if (!type.has_tensor_type()) {
      // An output may leave its type to inference.
      if (kind == "input" ||
          type.value_case() != ::onnx::TypeProto::VALUE_NOT_SET)
        result = report() << "expects a tensor, got " << describeType(type);
      continue;
    }
    const ::onnx::TypeProto_Tensor &tensor = type.tensor_type();
    if (getElementBits(tensor.elem_type()) == 0 &&
        (kind == "input" || tensor.elem_type() != 0))
      result = report() << "expects numbers or booleans, got elements of "
                        << getElementName(tensor.elem_type());
    if (kind == "input" && !tensor.has_shape())
      result = report() << "expects a shape, got none";
    for (const auto &dim : tensor.shape().dim())
      if (dim.has_dim_value() && dim.dim_value() < 0)
        result = report() << "expects dimensions of at least 0, got "
                          << dim.dim_value();
  }
  return result;
}

/// Writes the values of --dim into the inputs.
static LogicalResult fixDimensions(Model &model) {
  LogicalResult result = success();
  llvm::StringMap<std::optional<int64_t>> values;
  for (const auto &[name, value] : model.options.dims)
    values[name] = value;
  std::set<std::string> names;
  for (::onnx::ValueInfoProto &input :
       *model.proto.mutable_graph()->mutable_input())
    for (auto &dim : *input.mutable_type()
                          ->mutable_tensor_type()
                          ->mutable_shape()
                          ->mutable_dim()) {
      if (dim.dim_param().empty())
        continue;
      names.insert(dim.dim_param());
      auto it = values.find(dim.dim_param());
      if (it != values.end() && it->second)
        dim.set_dim_value(*it->second); // clears the name
    }
  for (const auto &[name, value] : model.options.dims) {
    if (!names.count(name))
      result = model.emitError()
               << "expects a symbolic dimension of the inputs ("
               << llvm::join(names, ", ") << "), got '" << name << "'";
    else if (value && *value < 0)
      result = model.emitError() << "expects dimension '" << name
                                 << "' of at least 0, got " << *value;
  }
  return result;
}

LogicalResult prepareInputs(Model &model) {
  const ::onnx::GraphProto &graph = model.proto.graph();
  if (failed(dropConstantInputs(model)))
    return failure();
  dropDefaults(model);
  LogicalResult inputs = checkValues(model, graph.input(), "input");
  LogicalResult outputs = checkValues(model, graph.output(), "output");
  if (failed(inputs) || failed(outputs) || failed(fixDimensions(model)))
    return failure();
  model.declaredOutputs.assign(graph.output().begin(), graph.output().end());
  forgetShapes(model.proto);
  return success();
}

} // namespace bit::detail
