// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of all values, then libonnx's checker, which wants them.

#include "BodyConstants.h"
#include "Expand.h"
#include "Guard.h"
#include "LoopTypes.h"
#include "Model.h"
#include "Operators.h"
#include "Shapes.h"
#include "onnx/checker.h"
#include "onnx/shape_inference/implementation.h"

using namespace mlir;

namespace bit::detail {

/// libonnx infers the types of a function's results from its body, where it
/// drops attributes that are left out, default or not.
static void addDefaultsOfFunctions(Model &model, const Schemas &schemas) {
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes) {
      const ::onnx::OpSchema *schema = schemas.GetSchema(
          node.op_type(), static_cast<int>(kImportOpset), node.domain());
      if (schema && schema->HasFunction() && !staysWhole(model, node))
        addDefaults(node, *schema);
    }
  });
}

static LogicalResult inferOnce(Model &model, const Schemas &schemas,
                               bool strict) {
  forgetShapes(model.proto);
  applyLoopTypes(model.proto);
  return guard(model, "shape inference", [&]() {
    // Strict: lenient inference accepts a MatMul of [3,4] by [3,4].
    ::onnx::ShapeInferenceOptions options(/*check_type_val=*/strict,
                                          /*strict_mode_val=*/strict,
                                          /*data_prop_val=*/true);
    ::onnx::shape_inference::DataValueMap values;
    ::onnx::shape_inference::InferShapes(model.proto, &schemas, options,
                                         &values);
  });
}

/// Types of all values. What is not known of loops yet, or assumed of them
/// wrongly, is no error before it has settled.
static LogicalResult inferShapes(Model &model, const Schemas &schemas) {
  addDefaultsOfFunctions(model, schemas);
  if (hasLoops(model.proto))
    do {
      if (failed(inferOnce(model, schemas, /*strict=*/false)))
        return failure();
    } while (updateLoopTypes(model.proto));
  return inferOnce(model, schemas, /*strict=*/true);
}

static LogicalResult runChecker(Model &model, const Schemas &schemas) {
  return guard(model, "checker", [&]() {
    ::onnx::checker::CheckerContext context;
    context.set_ir_version(static_cast<int>(model.proto.ir_version()));
    context.set_schema_registry(&schemas);
    std::unordered_map<std::string, int> imports;
    for (const auto &import : model.proto.opset_import())
      imports[import.domain()] = static_cast<int>(import.version());
    context.set_opset_imports(imports);
    // Its name serves nobody, and the checker insists on one.
    if (model.proto.graph().name().empty())
      model.proto.mutable_graph()->set_name("main_graph");
    ::onnx::checker::check_graph(model.proto.graph(), context,
                                 ::onnx::checker::LexicalScopeContext());
  });
}

LogicalResult inferTypes(Model &model) {
  Schemas schemas;
  // Bodies may contain operators that have bodies themselves; each round knows
  // the types that the next one's bodies depend on.
  constexpr int kMaxRounds = 16;
  nameBodyOutputs(model.proto);
  forgetLoopTypes(model.proto);
  for (int round = 0; round < kMaxRounds; ++round) {
    copyConstantsIntoBodies(model.proto);
    if (failed(inferShapes(model, schemas)))
      return failure();
    FailureOr<bool> expanded = expandOperators(model, schemas);
    if (failed(expanded))
      return failure();
    if (!*expanded)
      break;
  }
  if (failed(checkOperators(model, schemas, kImportOpset)))
    return failure();
  return runChecker(model, schemas);
}

} // namespace bit::detail
