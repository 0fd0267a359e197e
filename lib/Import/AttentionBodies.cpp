// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's MultiHeadAttention as ai.onnx's Attention: biases, masks of
// padding and packed operands are taken apart. Its Attention and QAttention are
// a product and a MultiHeadAttention.

#include "FunctionBody.h"
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

/// Whether vector `vector` is as long as the first dimension of `matrix`, which
/// is all that tells lengths from other things that lie in one.
static bool isSameDim(const FunctionBodyBuildContext &context, int vector,
                      int matrix) {
  if (getRank(context, vector) != 1 || getRank(context, matrix) < 1)
    return false;
  const auto &a = context.getInputType(vector)->tensor_type().shape().dim(0);
  const auto &b = context.getInputType(matrix)->tensor_type().shape().dim(0);
  if (a.has_dim_value() && b.has_dim_value())
    return a.dim_value() == b.dim_value();
  return a.has_dim_param() && b.has_dim_param() && !a.dim_param().empty() &&
         a.dim_param() == b.dim_param();
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
  const bool isLength =
      paddingRank == 1 && isSameDim(context, /*vector=*/4, /*matrix=*/0);
  if (context.hasInput(4) && paddingRank != 2 && paddingRank != 3 && !isLength)
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
    builder.Const("LengthAxes", std::vector<int64_t>{1, 2, 3})
        .Const("PaddingAxes", paddingRank == 2 ? std::vector<int64_t>{1, 2}
                                               : std::vector<int64_t>{1})
        .Const1D("Filter", filter ? filter->f() : -10000.0f)
        .Const1D("NoFilter", 0.0f)
        .Const1D("NoKey", int32_t(0));
    if (isLength) {
      // How many keys there are of each row, the past's among them.
      builder
          .Add(("NewKeys = Shape <start = " + text(keyRank - 2) +
                ", end = " + text(keyRank - 1) + "> (key)")
                   .c_str())
          .Add(hasPast ? "OldKeys = Shape <start = 2, end = 3> (past_key) "
                         "AllKeys = Add (NewKeys, OldKeys)"
                       : "AllKeys = Identity (NewKeys)")
          .Add("KeyCount = Squeeze (AllKeys)")
          .Const("FirstKey", int64_t(0))
          .Const("NextKey", int64_t(1))
          .Add("KeyPlaces = Range (FirstKey, KeyCount, NextKey)")
          .Add("Lengths = Unsqueeze (padding, LengthAxes)")
          .Add("LongLengths = Cast <to = 7> (Lengths)")
          .Add("IsPadding = GreaterOrEqual (KeyPlaces, LongLengths)");
    } else {
      builder.Add("PaddingSplit = Unsqueeze (padding, PaddingAxes)")
          .Add("IsPadding = Equal (PaddingSplit, NoKey)");
    }
    builder.Add("PaddingFloat = Where (IsPadding, Filter, NoFilter)")
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

/// From the product "qkv" on: query, key and value side by side.
static bool addHeads(FunctionBody &body,
                     const FunctionBodyBuildContext &context) {
  // A mask of rank 1 may also hold where keys begin, and one of rank 4 is no
  // mask of padding.
  const int maskRank = body.getRank("mask");
  const int64_t heads = body.getInt("num_heads", 0);
  if (heads <= 0 || body.has("past_length") || body.getInt("do_rotary", 0) ||
      body.getInt("past_present_share_buffer", 0) ||
      (body.has("mask") && (maskRank < 1 || maskRank > 3)))
    return false;
  const auto *sizes = context.getAttribute("qkv_hidden_sizes");
  const bool hasSizes = sizes && sizes->ints_size() > 0;
  if (hasSizes)
    body.addInts("sizes", {sizes->ints().begin(), sizes->ints().end()});
  auto &split = hasSizes ? body.add("Split", {"qkv", "sizes"}, "q")
                         : body.add("Split", {"qkv"}, "q");
  split.add_output("k");
  split.add_output("v");
  FunctionBody::setInt(split, "axis", -1);
  if (!hasSizes)
    FunctionBody::setInt(split, "num_outputs", 3);
  FunctionBody::Names operands{"q", "k", "v", "", "mask", "attention_bias"};
  if (!body.has("mask"))
    operands[4] = "";
  if (!body.has("attention_bias"))
    operands[5] = "";
  if (body.has("past")) {
    body.parse("First = Constant <value = int64 {0}> () "
               "Second = Constant <value = int64 {1}> () "
               "past_key = Gather <axis = 0> (past, First) "
               "past_value = Gather <axis = 0> (past, Second)");
    operands.insert(operands.end(), {"past_key", "past_value"});
  }
  auto &attention = body.add("com.microsoft.MultiHeadAttention", operands, "Y");
  body.copyAttributes(
      attention, {"mask_filter_value", "num_heads", "scale", "unidirectional"});
  if (!context.hasOutput(1))
    return true;
  attention.add_output("new_key");
  attention.add_output("new_value");
  body.parse("Front = Constant <value = int64[1] {0}> () "
             "key_part = Unsqueeze (new_key, Front) "
             "value_part = Unsqueeze (new_value, Front) "
             "present = Concat <axis = 0> (key_part, value_part)");
  return true;
}

static bool packedAttention(const FunctionBodyBuildContext &context,
                            const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"input", "weights", "bias", "mask", "past",
                     "attention_bias", "past_length"},
                    {"Y", "present"});
  const bool hasBias = body.has("bias");
  body.add("MatMul", {"input", "weights"}, hasBias ? "product" : "qkv");
  if (hasBias)
    body.add("Add", {"product", "bias"}, "qkv");
  return addHeads(body, context);
}

static bool quantizedAttention(const FunctionBodyBuildContext &context,
                               const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"input", "weights", "bias", "input_scale", "weight_scale",
                     "mask", "input_zero_point", "weight_zero_point", "past"},
                    {"Y", "present"});
  body.add("com.microsoft.MatMulIntegerToFloat",
           {"input", "weights", "input_scale", "weight_scale",
            "input_zero_point", "weight_zero_point", "bias"},
           "qkv");
  return addHeads(body, context);
}

void addAttentionBody(OpSchema &schema) {
  if (schema.Name() == "MultiHeadAttention")
    schema.SetContextDependentFunctionBodyBuilder(multiHeadAttention);
  else if (schema.Name() == "Attention")
    schema.SetContextDependentFunctionBodyBuilder(packedAttention);
  else if (schema.Name() == "QAttention")
    schema.SetContextDependentFunctionBodyBuilder(quantizedAttention);
}

} // namespace bit::detail
