// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's operators that are nothing but a few standard ones, written
// out: what its optimizer fused is taken apart again.

#include "Schemas.h"
#include "llvm/ADT/STLExtras.h"

using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;
using ::onnx::OpSchema;

namespace bit::detail {
namespace {

using Names = std::initializer_list<std::string>;

/// A body whose inputs are called as `inputs` says, and its output "Y".
class Body {
public:
  Body(FunctionProto &function, const FunctionBodyBuildContext &context,
       Names inputs)
      : function(function), context(context), inputs(inputs) {
    for (const std::string &input : inputs)
      function.add_input(input);
    function.add_output("Y");
  }

  bool has(const std::string &name) const {
    return context.hasInput(llvm::find(inputs, name) - inputs.begin());
  }

  /// Adds a node with one output; inputs that the call leaves out are omitted.
  NodeProto &add(const char *opType, Names operands,
                 const std::string &output) {
    NodeProto &node = *function.add_node();
    node.set_op_type(opType);
    for (const std::string &name : operands) {
      bool isMissing = llvm::is_contained(inputs, name) && !has(name);
      node.add_input(isMissing ? "" : name);
    }
    node.add_output(output);
    return node;
  }

  /// MatMulInteger of A or "codes", its two scales, and a bias.
  void multiplyIntegers(const std::string &a, const std::string &scale,
                        const std::string &zeroPoint) {
    add("MatMulInteger", {a, "B", zeroPoint, "b_zero_point"}, "sums");
    add("CastLike", {"sums", "b_scale"}, "products");
    add("Mul", {scale, "b_scale"}, "scales");
    bool isLast = !has("bias");
    add("Mul", {"products", "scales"}, isLast ? "Y" : "scaled");
    if (!isLast)
      add("Add", {"scaled", "bias"}, "Y");
  }

private:
  FunctionProto &function;
  const FunctionBodyBuildContext &context;
  std::vector<std::string> inputs;
};

bool matMulIntegerToFloat(const FunctionBodyBuildContext &context,
                          const OpSchema &, FunctionProto &function) {
  Body body(
      function, context,
      {"A", "B", "a_scale", "b_scale", "a_zero_point", "b_zero_point", "bias"});
  body.multiplyIntegers("A", "a_scale", "a_zero_point");
  return true;
}

bool dynamicQuantizeMatMul(const FunctionBodyBuildContext &context,
                           const OpSchema &, FunctionProto &function) {
  Body body(function, context, {"A", "B", "b_scale", "b_zero_point", "bias"});
  NodeProto &quantize = body.add("DynamicQuantizeLinear", {"A"}, "codes");
  quantize.add_output("scale");
  quantize.add_output("zero");
  body.multiplyIntegers("codes", "scale", "zero");
  return true;
}

/// Gemm, then an activation without parameters or with Gemm's own defaults.
bool fusedGemm(const FunctionBodyBuildContext &context, const OpSchema &,
               FunctionProto &function) {
  const ::onnx::AttributeProto *activation = context.getAttribute("activation");
  const std::string name = activation ? activation->s() : "";
  if (name != "Relu" && name != "Sigmoid" && name != "Tanh" &&
      name != "LeakyRelu")
    return false;
  Body body(function, context, {"A", "B", "C"});
  NodeProto &gemm = body.add("Gemm", {"A", "B", "C"}, "product");
  for (const char *attribute : {"alpha", "beta", "transA", "transB"})
    if (const auto *given = context.getAttribute(attribute))
      *gemm.add_attribute() = *given;
  NodeProto &last = body.add(name.c_str(), {"product"}, "Y");
  const auto *slope = context.getAttribute("activation_alpha");
  if (slope && name == "LeakyRelu") {
    *last.add_attribute() = *slope;
    last.mutable_attribute(0)->set_name("alpha");
  }
  return true;
}

} // namespace

void addMicrosoftBody(OpSchema &schema) {
  if (schema.Name() == "MatMulIntegerToFloat")
    schema.SetContextDependentFunctionBodyBuilder(matMulIntegerToFloat);
  else if (schema.Name() == "DynamicQuantizeMatMul")
    schema.SetContextDependentFunctionBodyBuilder(dynamicQuantizeMatMul);
  else if (schema.Name() == "FusedGemm")
    schema.SetContextDependentFunctionBodyBuilder(fusedGemm);
}

} // namespace bit::detail
