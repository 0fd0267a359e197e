// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's MultiHeadAttention as ai.onnx's Attention: biases, masks of
// padding and packed operands are taken apart.

#include "Schemas.h"
#include "onnx/defs/function.h"

using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionBuilder;
using ::onnx::FunctionProto;
using ::onnx::OpSchema;
using ::onnx::TypeProto;

namespace bit::detail {

/// The rank of an operand, -1 where it is unknown or missing.
static int getRank(const FunctionBodyBuildContext &context, int input) {
  const TypeProto *type =
      context.hasInput(input) ? context.getInputType(input) : nullptr;
  if (!type || !type->tensor_type().has_shape())
    return -1;
  return type->tensor_type().shape().dim_size();
}

static int64_t getInt(const FunctionBodyBuildContext &context, const char *name,
                      int64_t defaultValue) {
  const auto *attribute = context.getAttribute(name);
  return attribute ? attribute->i() : defaultValue;
}

/// Query, key and value of rank 3, key and value also of rank 4 with heads in
/// front, as a cross attention's cache is.
static bool multiHeadAttention(const FunctionBodyBuildContext &context,
                               const OpSchema &, FunctionProto &function) {
  const char *inputs[] = {"query",       "key",
                          "value",       "bias",
                          "padding",     "attention_bias",
                          "past_key",    "past_value",
                          "past_length", "cache_indirection"};
  for (const char *input : inputs)
    function.add_input(input);
  for (const char *output : {"Y", "present_key", "present_value", "qk"})
    function.add_output(output);
  const int64_t heads = getInt(context, "num_heads", 0);
  const bool hasPast = context.hasInput(6);
  // Packed operands, decoding buffers and the scores have no body.
  if (heads <= 0 || getRank(context, 0) != 3 || context.hasInput(8) ||
      context.hasInput(9) || context.hasOutput(3) ||
      hasPast != context.hasInput(7) ||
      context.hasOutput(1) != context.hasOutput(2))
    return false;
  const int keyRank = getRank(context, 1);
  if (getRank(context, 2) != keyRank || (keyRank != 3 && keyRank != 4))
    return false;
  const int paddingRank = getRank(context, 4);
  if (context.hasInput(4) && paddingRank != 2 && paddingRank != 3)
    return false;

  FunctionBuilder builder(function);
  const auto text = [](int64_t value) { return std::to_string(value); };
  std::string q = "query", k = "key", v = "value";
  if (context.hasInput(3)) {
    // Of the query's, the key's and the value's width, one after another.
    builder.Add("QWidth = Shape <start = 2> (query)")
        .Add("BiasWidth = Shape (bias)")
        .Const1D("Zero", int64_t(0));
    builder.Add("QBias = Slice (bias, Zero, QWidth)")
        .Add("QueryBiased = Add (query, QBias)");
    q = "QueryBiased";
    if (keyRank == 3) {
      builder.Add("KWidth = Shape <start = 2> (key)")
          .Add("KEnd = Add (QWidth, KWidth)")
          .Add("KBias = Slice (bias, QWidth, KEnd)")
          .Add("VBias = Slice (bias, KEnd, BiasWidth)")
          .Add("KeyBiased = Add (key, KBias)")
          .Add("ValueBiased = Add (value, VBias)");
      k = "KeyBiased";
      v = "ValueBiased";
    }
  }
  // Rank 4 throughout, whatever keys and values have.
  builder.Const("HeadShape", std::vector<int64_t>{0, 0, heads, -1})
      .Add(("QSplit = Reshape (" + q + ", HeadShape)").c_str())
      .Add("QHeads = Transpose <perm = [0, 2, 1, 3]> (QSplit)");
  if (keyRank == 3) {
    builder.Add(("KSplit = Reshape (" + k + ", HeadShape)").c_str())
        .Add(("VSplit = Reshape (" + v + ", HeadShape)").c_str())
        .Add("KHeads = Transpose <perm = [0, 2, 1, 3]> (KSplit)")
        .Add("VHeads = Transpose <perm = [0, 2, 1, 3]> (VSplit)");
    k = "KHeads";
    v = "VHeads";
  }
  std::string mask;
  if (context.hasInput(5))
    mask = "attention_bias";
  if (context.hasInput(4)) {
    const auto *filter = context.getAttribute("mask_filter_value");
    builder
        .Const("PaddingAxes", paddingRank == 2 ? std::vector<int64_t>{1, 2}
                                               : std::vector<int64_t>{1})
        .Const1D("Filter", filter ? filter->f() : -10000.0f)
        .Const1D("NoFilter", 0.0f)
        .Const1D("NoKey", int32_t(0))
        .Add("PaddingSplit = Unsqueeze (padding, PaddingAxes)")
        .Add("IsPadding = Equal (PaddingSplit, NoKey)")
        .Add("PaddingFloat = Where (IsPadding, Filter, NoFilter)")
        .Add("PaddingMask = CastLike (PaddingFloat, query)");
    if (mask.empty()) {
      mask = "PaddingMask";
    } else {
      builder.Add("BothMasks = Add (attention_bias, PaddingMask)");
      mask = "BothMasks";
    }
  }
  std::string results = "YHeads";
  if (context.hasOutput(1))
    results += ", present_key, present_value";
  std::string call = results + " = Attention <is_causal = " +
                     text(getInt(context, "unidirectional", 0) != 0);
  const auto *scale = context.getAttribute("scale");
  call += "> (QHeads, " + k + ", " + v + ", " + mask +
          (hasPast ? ", past_key, past_value)" : ")");
  builder.Add(call.c_str());
  if (scale && scale->f() != 0) {
    auto &node = *function.mutable_node(function.node_size() - 1);
    auto &attribute = *node.add_attribute();
    attribute.set_name("scale");
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(scale->f());
  }
  builder.Const("Merged", std::vector<int64_t>{0, 0, -1})
      .Add("YRows = Transpose <perm = [0, 2, 1, 3]> (YHeads)")
      .Add("Y = Reshape (YRows, Merged)");
  return true;
}

void addAttentionBody(OpSchema &schema) {
  if (schema.Name() == "MultiHeadAttention")
    schema.SetContextDependentFunctionBodyBuilder(multiHeadAttention);
}

} // namespace bit::detail
