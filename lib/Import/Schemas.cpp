// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Schemas.h"
#include "FunctionBody.h"
#include "Model.h"
#include "OnnxBodies.h"
#include "bit/Import/NewerOperators.h"
#include "onnx/defs/shape_inference.h"
#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;
using ::onnx::DataPropagationContext;
using ::onnx::OpSchema;

namespace bit::detail {

/// Data propagation makes one object for each element of any vector it meets.
/// Shapes are short.
static bool hasLongVector(DataPropagationContext &context) {
  constexpr int64_t kLongest = 4096;
  for (size_t i = 0; i < context.getNumInputs(); ++i) {
    const ::onnx::TypeProto *type = context.getInputType(i);
    if (!type || !type->tensor_type().has_shape())
      continue;
    const ::onnx::TensorShapeProto &shape = type->tensor_type().shape();
    if (shape.dim_size() == 1 && shape.dim(0).dim_value() > kLongest)
      return true;
  }
  return false;
}

/// libonnx gives up on a reduction whose axes are known at run time only. The
/// rank follows from their number, or from keepdims alone.
static void inferReduction(::onnx::InferenceContext &context) {
  const ::onnx::TypeProto *result = context.getOutputType(0);
  if (result->tensor_type().has_shape() || !::onnx::hasInputShape(context, 0) ||
      !context.hasInput(1))
    return;
  const int rank = ::onnx::getInputShape(context, 0).dim_size();
  int kept = rank;
  if (::onnx::getAttribute(context, "keepdims", int64_t(1)) == 0) {
    if (!::onnx::hasInputShape(context, 1))
      return;
    const ::onnx::TensorShapeProto &axes = ::onnx::getInputShape(context, 1);
    // No axes at all may mean every axis.
    if (axes.dim_size() != 1 || axes.dim(0).dim_value() < 1 ||
        axes.dim(0).dim_value() > rank)
      return;
    kept = rank - static_cast<int>(axes.dim(0).dim_value());
  }
  ::onnx::TensorShapeProto *shape = ::onnx::getOutputShape(context, 0);
  for (int i = 0; i < kept; ++i)
    shape->add_dim();
}

/// libonnx infers a Split only from sizes that are constants. Function bodies
/// compute them, as sums of dimensions, and the ranks follow in any case.
static void inferSplit(::onnx::InferenceContext &context) {
  if (!::onnx::hasInputShape(context, 0) || !context.hasInput(1))
    return;
  const ::onnx::TensorShapeProto &input = ::onnx::getInputShape(context, 0);
  const int rank = input.dim_size();
  int64_t axis = ::onnx::getAttribute(context, "axis", int64_t(0));
  axis += axis < 0 ? rank : 0;
  const ::onnx::TensorShapeProto *sizes = context.getSymbolicInput(1);
  for (size_t i = 0; i < context.getNumOutputs(); ++i) {
    if (context.getOutputType(i)->tensor_type().has_shape())
      return;
    ::onnx::TensorShapeProto *shape = ::onnx::getOutputShape(context, i);
    for (int d = 0; d < rank; ++d) {
      ::onnx::TensorShapeProto::Dimension *dim = shape->add_dim();
      if (d != axis)
        *dim = input.dim(d);
      else if (sizes && sizes->dim_size() > int(i) &&
               sizes->dim(i).dim_value() >= 0)
        *dim = sizes->dim(i);
    }
  }
}

/// libonnx takes a size that it does not know for 0 where Attention multiplies
/// or adds it.
static void forgetZeros(::onnx::InferenceContext &context) {
  for (size_t i = 0; i < context.getNumOutputs(); ++i) {
    ::onnx::TypeProto *type = context.getOutputType(i);
    if (!type || !type->tensor_type().has_shape())
      continue;
    for (auto &dim :
         *type->mutable_tensor_type()->mutable_shape()->mutable_dim())
      if (dim.has_dim_value() && dim.dim_value() == 0)
        dim.clear_dim_value();
  }
}

/// libonnx infers no Reshape of nothing to a size that follows, which is how
/// its body of GroupNormalization makes groups. There is nothing to normalize.
static void skipEmptyGroups(const OpSchema *original, OpSchema &schema) {
  schema.SetContextDependentFunctionBodyBuilder(
      [original](const ::onnx::FunctionBodyBuildContext &context,
                 const OpSchema &, ::onnx::FunctionProto &function) {
        FunctionBody body(function, context, {"X", "scale", "bias"});
        const ::onnx::TensorShapeProto *shape = body.getShape("X");
        const bool isEmpty =
            shape && llvm::any_of(shape->dim(), [](const auto &dim) {
              return dim.has_dim_value() && dim.dim_value() == 0;
            });
        if (isEmpty) {
          body.add("Identity", {"X"}, "Y");
          return true;
        }
        function.Clear();
        return original->BuildContextDependentFunction(context, function);
      });
}

/// Made when first asked for: that takes longer than reading a small model.
static const std::map<std::string, OpSchema> &getMicrosoftSchemasByName() {
  static const auto *schemas = [] {
    auto *made = new std::map<std::string, OpSchema>;
    for (OpSchema &schema : getMicrosoftSchemas()) {
      std::string name = schema.Name();
      made->emplace(std::move(name), std::move(schema));
    }
    return made;
  }();
  return *schemas;
}

/// TorchScript leaves the arithmetic on negative axes in the graph, as a Mod,
/// and reshapes its result for Slice: a % b, with the sign of b.
static void propagateMod(DataPropagationContext &context) {
  const ::onnx::TensorShapeProto *a = context.getInputData(0);
  const ::onnx::TensorShapeProto *b = context.getInputData(1);
  const ::onnx::AttributeProto *fmod = context.getAttribute("fmod");
  // With fmod the sign is that of a.
  if (!a || !b || (fmod && fmod->i() != 0))
    return;
  const int size = std::max(a->dim_size(), b->dim_size());
  ::onnx::TensorShapeProto result;
  for (int i = 0; i < size; ++i) {
    if ((a->dim_size() != 1 && a->dim_size() != size) ||
        (b->dim_size() != 1 && b->dim_size() != size))
      return;
    const auto &x = a->dim(a->dim_size() == 1 ? 0 : i);
    const auto &y = b->dim(b->dim_size() == 1 ? 0 : i);
    auto *dim = result.add_dim();
    // -1 overflows where the least integer is divided by it.
    if (!x.has_dim_value() || !y.has_dim_value() || y.dim_value() == 0 ||
        y.dim_value() == -1)
      continue;
    int64_t rest = x.dim_value() % y.dim_value();
    if (rest != 0 && (rest < 0) != (y.dim_value() < 0))
      rest += y.dim_value();
    dim->set_dim_value(rest);
  }
  context.addOutputData(0, std::move(result));
}

/// A part of a shape. libonnx takes a bound that it does not know for 0, and
/// knows nothing of parts without elements, which the exporter makes of the
/// dimensions behind the last one.
static void propagateSlice(DataPropagationContext &context) {
  const ::onnx::TensorShapeProto *data = context.getInputData(0);
  // Starts, ends, axes and steps.
  int64_t numbers[] = {0, 0, 0, 1};
  const size_t count = context.getNumInputs();
  if (!data || count < 3)
    return;
  for (size_t i = 1; i < std::min<size_t>(count, 5); ++i) {
    const ::onnx::TensorShapeProto *number = context.getInputData(i);
    if (!number || number->dim_size() != 1 || !number->dim(0).has_dim_value())
      return;
    numbers[i - 1] = number->dim(0).dim_value();
  }
  auto [start, end, axis, step] = numbers;
  if ((axis != 0 && axis != -1) || step < 1)
    return;
  const int64_t size = data->dim_size();
  auto clamp = [&](int64_t bound) {
    return std::clamp<int64_t>(bound < 0 ? bound + size : bound, 0, size);
  };
  ::onnx::TensorShapeProto result;
  for (int64_t i = clamp(start), stop = clamp(end); i < stop;
       i += std::min(step, size))
    *result.add_dim() = data->dim(static_cast<int>(i));
  context.addOutputData(0, std::move(result));
}

/// The values of a number or vector stay what they are.
static void propagateReshape(DataPropagationContext &context) {
  const ::onnx::TensorShapeProto *data = context.getInputData(0);
  const ::onnx::TypeProto *shape = context.getInputType(1);
  if (!data || !shape || shape->tensor_type().shape().dim_size() != 1 ||
      !shape->tensor_type().shape().dim(0).has_dim_value() ||
      shape->tensor_type().shape().dim(0).dim_value() > 1)
    return;
  ::onnx::TensorShapeProto result = *data;
  context.addOutputData(0, std::move(result));
}

const OpSchema *Schemas::GetSchema(const std::string &opType, int version,
                                   const std::string &domain) const {
  if (domain == kMicrosoftDomain) {
    const auto &schemas = getMicrosoftSchemasByName();
    auto it = schemas.find(opType);
    return it == schemas.end() ? nullptr : &it->second;
  }
  if (domain.empty() && version == static_cast<int>(kImportOpset))
    version = std::max(version, getNewerVersion(opType));
  const OpSchema *schema =
      ::onnx::OpSchemaRegistry::Schema(opType, version, domain);
  if (!schema)
    return nullptr;
  void (*inferMore)(::onnx::InferenceContext &) = nullptr;
  if (StringRef(opType).starts_with("Reduce"))
    inferMore = inferReduction;
  else if (opType == "Split")
    inferMore = inferSplit;
  else if (opType == "Attention")
    inferMore = forgetZeros;
  auto body = domain.empty() ? getRecurrentBody(opType) : nullptr;
  if (!body && domain.empty())
    body = getGridBody(opType);
  ::onnx::DataPropagationFunction propagate;
  if (schema->has_data_propagation_function() && opType == "Slice")
    propagate = propagateSlice;
  else if (schema->has_data_propagation_function())
    propagate = schema->GetDataPropagationFunction();
  else if (opType == "Mod")
    propagate = propagateMod;
  else if (opType == "Reshape")
    propagate = propagateReshape;
  const bool hasGroups = domain.empty() && opType == "GroupNormalization" &&
                         schema->HasContextDependentFunction();
  if (!inferMore && !body && !hasGroups && !propagate)
    return schema;
  auto [it, inserted] = wrapped.try_emplace(schema);
  if (!inserted)
    return it->second.get();
  it->second = std::make_unique<OpSchema>(*schema);
  if (hasGroups)
    skipEmptyGroups(schema, *it->second);
  if (body)
    it->second->SetContextDependentFunctionBodyBuilder(body);
  if (inferMore) {
    auto infer = schema->GetTypeAndShapeInferenceFunction();
    it->second->TypeAndShapeInferenceFunction(
        [infer, inferMore](::onnx::InferenceContext &context) {
          infer(context);
          inferMore(context);
        });
  }
  if (propagate)
    it->second->PartialDataPropagationFunction(
        [propagate](DataPropagationContext &context) {
          if (!hasLongVector(context))
            propagate(context);
        });
  return it->second.get();
}

} // namespace bit::detail
