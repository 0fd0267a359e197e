// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Schemas.h"
#include "Model.h"

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

Schemas::Schemas() {
  for (OpSchema &schema : getMicrosoftSchemas())
    microsoft.emplace(schema.Name(), schema);
}

const OpSchema *Schemas::GetSchema(const std::string &opType, int version,
                                   const std::string &domain) const {
  if (domain == kMicrosoftDomain) {
    auto it = microsoft.find(opType);
    return it == microsoft.end() ? nullptr : &it->second;
  }
  const OpSchema *schema =
      ::onnx::OpSchemaRegistry::Schema(opType, version, domain);
  if (!schema || !schema->has_data_propagation_function())
    return schema;
  auto [it, inserted] = wrapped.try_emplace(schema);
  if (inserted) {
    it->second = std::make_unique<OpSchema>(*schema);
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
