// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Schemas.h"
#include "Model.h"
#include "OnnxBodies.h"
#include "bit/Import/NewerOperators.h"
#include "onnx/defs/shape_inference.h"

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
  if (!inferMore && !body && !schema->has_data_propagation_function())
    return schema;
  auto [it, inserted] = wrapped.try_emplace(schema);
  if (!inserted)
    return it->second.get();
  it->second = std::make_unique<OpSchema>(*schema);
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
  if (schema->has_data_propagation_function()) {
    auto propagate = schema->GetDataPropagationFunction();
    it->second->PartialDataPropagationFunction(
        [propagate](DataPropagationContext &context) {
          if (!hasLongVector(context))
            propagate(context);
        });
  }
  return it->second.get();
}

} // namespace bit::detail
