// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operator schemas the import works with: libonnx's, made safe against
// claimed sizes, and those of onnxruntime's operators.

#ifndef BIT_LIB_IMPORT_SCHEMAS_H
#define BIT_LIB_IMPORT_SCHEMAS_H

#include "onnx/defs/schema.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bit::detail {

class Schemas final : public ::onnx::ISchemaRegistry {
public:
  const ::onnx::OpSchema *GetSchema(const std::string &opType, int version,
                                    const std::string &domain) const override;

private:
  /// libonnx's schemas that need something around their functions, made when
  /// first asked for.
  mutable std::map<const ::onnx::OpSchema *, std::unique_ptr<::onnx::OpSchema>>
      wrapped;
};

/// Returns what libonnx does not know about com.microsoft: the types of the
/// results. Operands and attributes are the onnx dialect's to verify.
std::vector<::onnx::OpSchema> getMicrosoftSchemas();

using InferFn = void (*)(::onnx::InferenceContext &);

/// Infers what ai.onnx does for its own operator, which has its operands in the
/// same places.
void inferLike(::onnx::InferenceContext &context, const char *opType);

/// Returns a schema of com.microsoft whose operands have any type; those after
/// the first `minInputs`, and those in `optional`, may be left out.
::onnx::OpSchema makeMicrosoftSchema(const char *opType, int minInputs,
                                     int maxInputs, int maxOutputs,
                                     InferFn infer,
                                     std::initializer_list<int> optional = {});

/// Adds the operators on codes.
void addQuantizedSchemas(std::vector<::onnx::OpSchema> &schemas);

/// Gives `schema` the function body of its operator, if it has one.
void addMicrosoftBody(::onnx::OpSchema &schema);
void addAttentionBody(::onnx::OpSchema &schema);
void addQuantizedBody(::onnx::OpSchema &schema);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_SCHEMAS_H
