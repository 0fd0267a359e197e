// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Operators.h"

using namespace mlir;

namespace bit::detail {

std::string getOperatorName(const ::onnx::NodeProto &node) {
  if (node.domain().empty() || node.op_type() == "SimplifiedLayerNormalization")
    return "ai.onnx." + node.op_type();
  return node.domain() + "." + node.op_type();
}

std::optional<RegisteredOperationName>
getOperation(const Model &model, const ::onnx::NodeProto &node) {
  std::string name = getOperatorName(node);
  StringRef operation = name;
  operation.consume_front("ai.onnx.");
  return RegisteredOperationName::lookup(("onnx." + operation).str(),
                                         model.context);
}

bool staysWhole(const Model &model, const ::onnx::NodeProto &node) {
  if (!getOperation(model, node))
    return false;
  return node.op_type() == "Constant" || model.options.keepAll ||
         model.options.keepWhole.contains(getOperatorName(node));
}

bool hasFunctionBody(const ::onnx::OpSchema &schema) {
  return schema.HasFunction() || schema.HasContextDependentFunction();
}

/// libonnx makes a vector of as many sizes as Split says it has outputs, before
/// it looks at those.
static LogicalResult checkOutputCount(const Model &model,
                                      const ::onnx::NodeProto &node) {
  if (node.op_type() != "Split" || !node.domain().empty())
    return success();
  for (const ::onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == "num_outputs" &&
        attribute.i() != node.output_size())
      return model.emitError(node)
             << "expects num_outputs to be the number of outputs, "
             << node.output_size() << ", got " << attribute.i();
  return success();
}

static LogicalResult checkOperator(const Model &model, const Schemas &schemas,
                                   const ::onnx::NodeProto &node,
                                   int64_t opset) {
  if (!node.domain().empty() && node.domain() != kMicrosoftDomain)
    return model.emitError(node)
           << "expects an operator of ai.onnx or com.microsoft, got domain '"
           << node.domain() << "'";
  const std::string &opType = node.op_type();
  if (!schemas.GetSchema(opType, static_cast<int>(opset), node.domain())) {
    if (!node.domain().empty())
      return model.emitError(node)
             << "expects an operator of com.microsoft that bit-mlir knows";
    return model.emitError(node)
           << "expects an operator that ai.onnx opset " << opset << " has";
  }
  if (failed(checkOutputCount(model, node)))
    return failure();
  if (staysWhole(model, node))
    return success();
  // Conversion renames the few operators that are gone in the newer opset.
  const ::onnx::OpSchema *schema =
      schemas.GetSchema(opType, static_cast<int>(kImportOpset), node.domain());
  if (!schema || schema->Deprecated() || hasFunctionBody(*schema))
    return success();
  return model.emitError(node) << "is not supported: there is no lowering of "
                               << getOperatorName(node);
}

LogicalResult checkOperators(Model &model, const Schemas &schemas,
                             int64_t opset) {
  LogicalResult result = success();
  auto checkNodes = [&](Nodes &nodes) {
    for (const ::onnx::NodeProto &node : nodes)
      if (failed(checkOperator(model, schemas, node, opset)))
        result = failure();
  };
  forEachNodes(model.proto, checkNodes);
  return result;
}

LogicalResult checkOperators(Model &model) {
  // A model of other domains alone may leave it out.
  if (model.getOpset("") == 0) {
    ::onnx::OperatorSetIdProto *import = model.proto.add_opset_import();
    import->set_domain("");
    import->set_version(kImportOpset);
    LogicalResult result = success();
    forEachNodes(model.proto, [&](Nodes &nodes) {
      for (const ::onnx::NodeProto &node : nodes)
        if (node.domain().empty())
          result = model.emitError(node)
                   << "expects the model to import an opset of ai.onnx";
    });
    if (failed(result))
      return failure();
  }
  const int64_t opset = model.getOpset("");
  // 28 is the newest that libonnx converts from.
  const int64_t newest =
      ::onnx::OpSchemaRegistry::DomainToVersionRange::Instance()
          .Map()
          .at("")
          .second;
  if (opset < 1 || opset > newest)
    return model.emitError()
           << "expects ai.onnx opset 1 to " << newest << ", got " << opset;
  return checkOperators(model, Schemas(), opset);
}

} // namespace bit::detail
