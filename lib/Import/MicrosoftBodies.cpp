// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's operators that are nothing but a few standard ones, written
// out: what its optimizer fused is taken apart again.

#include "FunctionBody.h"
#include "Schemas.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"

using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;
using ::onnx::OpSchema;

namespace bit::detail {
namespace {

/// MatMulInteger of A or "codes", its two scales, and a bias.
void multiplyIntegers(FunctionBody &body, const std::string &a,
                      const std::string &scale, const std::string &zeroPoint) {
  body.add("MatMulInteger", {a, "B", zeroPoint, "b_zero_point"}, "sums");
  body.add("CastLike", {"sums", "b_scale"}, "products");
  body.add("Mul", {scale, "b_scale"}, "scales");
  bool isLast = !body.has("bias");
  body.add("Mul", {"products", "scales"}, isLast ? "Y" : "scaled");
  if (!isLast)
    body.add("Add", {"scaled", "bias"}, "Y");
}

bool matMulIntegerToFloat(const FunctionBodyBuildContext &context,
                          const OpSchema &, FunctionProto &function) {
  FunctionBody body(
      function, context,
      {"A", "B", "a_scale", "b_scale", "a_zero_point", "b_zero_point", "bias"});
  multiplyIntegers(body, "A", "a_scale", "a_zero_point");
  return true;
}

bool dynamicQuantizeMatMul(const FunctionBodyBuildContext &context,
                           const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"A", "B", "b_scale", "b_zero_point", "bias"});
  NodeProto &quantize = body.add("DynamicQuantizeLinear", {"A"}, "codes");
  quantize.add_output("scale");
  quantize.add_output("zero");
  multiplyIntegers(body, "codes", "scale", "zero");
  return true;
}

/// Adds an activation that was fused, with the parameters `values` under the
/// names its own attributes have; false where it is not known.
bool addActivation(FunctionBody &body, const std::string &name,
                   llvm::ArrayRef<float> values, const std::string &x) {
  if (name == "Clip") {
    if (values.size() != 2)
      return false;
    body.addFloat("low", values[0]);
    body.addFloat("high", values[1]);
    body.add("CastLike", {"low", x}, "lowest");
    body.add("CastLike", {"high", x}, "highest");
    body.add("Clip", {x, "lowest", "highest"}, "Y");
    return true;
  }
  const size_t most = llvm::StringSwitch<size_t>(name)
                          .Cases({"Relu", "Sigmoid", "Tanh"}, 0)
                          .Case("LeakyRelu", 1)
                          .Case("HardSigmoid", 2)
                          .Default(0);
  const bool isKnown =
      most > 0 || name == "Relu" || name == "Sigmoid" || name == "Tanh";
  if (!isKnown || values.size() > most)
    return false;
  NodeProto &last = body.add(name, {x}, "Y");
  const char *names[] = {"alpha", "beta"};
  for (auto [name, value] : llvm::zip(names, values))
    FunctionBody::setFloat(last, name, value);
  return true;
}

bool fusedGemm(const FunctionBodyBuildContext &context, const OpSchema &,
               FunctionProto &function) {
  FunctionBody body(function, context, {"A", "B", "C"});
  NodeProto &gemm = body.add("Gemm", {"A", "B", "C"}, "product");
  body.copyAttributes(gemm, {"alpha", "beta", "transA", "transB"});
  llvm::SmallVector<float> values;
  for (const char *name : {"activation_alpha", "activation_beta"})
    if (const auto *value = context.getAttribute(name))
      values.push_back(value->f());
  const std::string name = body.getString("activation");
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh")
    values.clear();
  return addActivation(body, name, values, "product");
}

/// Z is added before the activation.
bool fusedConv(const FunctionBodyBuildContext &context, const OpSchema &,
               FunctionProto &function) {
  FunctionBody body(function, context, {"X", "W", "B", "Z"});
  const std::string name = body.getString("activation");
  const bool hasSum = body.has("Z");
  const char *result = name.empty() ? "Y" : "sum";
  NodeProto &conv =
      body.add("Conv", {"X", "W", "B"}, hasSum ? "product" : result);
  body.copyAttributes(conv, {"auto_pad", "dilations", "group", "kernel_shape",
                             "pads", "strides"});
  if (hasSum)
    body.add("Add", {"product", "Z"}, result);
  if (name.empty())
    return true;
  const auto *given = context.getAttribute("activation_params");
  llvm::SmallVector<float> values;
  if (given)
    values.append(given->floats().begin(), given->floats().end());
  return addActivation(body, name, values, result);
}

/// What FusedMatMul was called before.
bool transposeMatMul(const FunctionBodyBuildContext &context, const OpSchema &,
                     FunctionProto &function) {
  FunctionBody body(function, context, {"A", "B"});
  NodeProto &product = body.add("com.microsoft.FusedMatMul", {"A", "B"}, "Y");
  body.copyAttributes(product, {"alpha", "transA", "transB"});
  return true;
}

bool gemmFastGelu(const FunctionBodyBuildContext &context, const OpSchema &,
                  FunctionProto &function) {
  FunctionBody body(function, context, {"X", "W", "bias"});
  body.add("MatMul", {"X", "W"}, "product");
  body.add("com.microsoft.FastGelu", {"product", "bias"}, "Y");
  return true;
}

/// Embeddings of words, positions and segments, summed and normalized; and how
/// many keys of each row the mask leaves.
bool embedLayerNormalization(const FunctionBodyBuildContext &context,
                             const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"input_ids", "segment_ids", "words", "positions",
                     "segments", "gamma", "beta", "mask", "position_ids"},
                    {"Y", "mask_index", "sum"});
  body.add("Gather", {"words", "input_ids"}, "word_rows");
  std::string positions = "position_ids";
  if (!body.has(positions)) {
    // Not a slice of the table, which could be shorter than the sequence.
    body.parse("Length = Shape <start = 1, end = 2> (input_ids) "
               "From = Constant <value = int64 {0}> () "
               "Step = Constant <value = int64 {1}> () "
               "To = Squeeze (Length) "
               "Places = Range (From, To, Step)");
    positions = "Places";
  }
  body.add("Gather", {"positions", positions}, "position_rows");
  const bool hasSegments = body.has("segment_ids") && body.has("segments");
  body.add("Add", {"word_rows", "position_rows"}, hasSegments ? "two" : "sum");
  if (hasSegments) {
    body.add("Gather", {"segments", "segment_ids"}, "segment_rows");
    body.add("Add", {"two", "segment_rows"}, "sum");
  }
  NodeProto &norm =
      body.add("LayerNormalization", {"sum", "gamma", "beta"}, "Y");
  FunctionBody::setFloat(norm, "epsilon", body.getFloat("epsilon", 1e-12f));
  FunctionBody::setInt(norm, "axis", -1);
  if (!context.hasOutput(1))
    return true;
  if (body.has("mask"))
    body.parse("One = Constant <value = int32 {1}> () "
               "Columns = Constant <value = int64[1] {1}> () "
               "IsKept = Equal (mask, One) "
               "Kept = Cast <to = 6> (IsKept) "
               "mask_index = ReduceSum <keepdims = 0> (Kept, Columns)");
  else
    body.parse("Rows = Shape <start = 0, end = 1> (input_ids) "
               "mask_index = ConstantOfShape <value = int32[1] {0}> (Rows)");
  return true;
}

/// What ai.onnx has since opset 17.
bool layerNormalization(const FunctionBodyBuildContext &context,
                        const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context, {"X", "scale", "bias"},
                    {"Y", "mean", "inverse"});
  NodeProto &norm = body.add("LayerNormalization", {"X", "scale", "bias"}, "Y");
  norm.add_output("mean");
  norm.add_output("inverse");
  body.copyAttributes(norm, {"axis", "epsilon", "stash_type"});
  return true;
}

} // namespace

void addMicrosoftBody(OpSchema &schema) {
  auto body = llvm::StringSwitch<::onnx::ContextDependentFunctionBodyBuilder>(
                  schema.Name())
                  .Case("DynamicQuantizeMatMul", dynamicQuantizeMatMul)
                  .Case("EmbedLayerNormalization", embedLayerNormalization)
                  .Case("FusedConv", fusedConv)
                  .Case("FusedGemm", fusedGemm)
                  .Case("GemmFastGelu", gemmFastGelu)
                  .Case("LayerNormalization", layerNormalization)
                  .Case("MatMulIntegerToFloat", matMulIntegerToFloat)
                  .Case("TransposeMatMul", transposeMatMul)
                  .Default(nullptr);
  if (body)
    schema.SetContextDependentFunctionBodyBuilder(body);
}

} // namespace bit::detail
