// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// onnxruntime's operators on codes as standard ones. Each computes in float
// between a DequantizeLinear and a QuantizeLinear, but for products, whose sums
// are exact.

#include "FunctionBody.h"
#include "Schemas.h"
#include "llvm/ADT/StringSwitch.h"

using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;
using ::onnx::OpSchema;

namespace bit::detail {

/// Codes named `x` as floats: "x_float".
static std::string addFloats(FunctionBody &body, const std::string &x) {
  body.add("DequantizeLinear", {x, x + "_scale", x + "_zero_point"},
           x + "_float");
  return x + "_float";
}

/// Rounds `y` to codes like those of `like`, as Y_scale and Y_zero_point say.
static void addCodes(FunctionBody &body, const std::string &y,
                     const std::string &like, const std::string &result = "Y",
                     const std::string &scales = "Y") {
  NodeProto &node = body.add(
      "QuantizeLinear", {y, scales + "_scale", scales + "_zero_point"}, result);
  const int type = body.getElementType(like);
  if (!body.has(scales + "_zero_point") &&
      type != ::onnx::TensorProto::UNDEFINED)
    FunctionBody::setInt(node, "output_dtype", type);
}

/// QLinearAdd and QLinearMul.
static bool binaryBody(const FunctionBodyBuildContext &context,
                       const OpSchema &schema, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"A", "A_scale", "A_zero_point", "B", "B_scale",
                     "B_zero_point", "Y_scale", "Y_zero_point"});
  const std::string a = addFloats(body, "A"), b = addFloats(body, "B");
  body.add(schema.Name() == "QLinearAdd" ? "Add" : "Mul", {a, b}, "y");
  addCodes(body, "y", "A");
  return true;
}

static FunctionBody makeUnary(const FunctionBodyBuildContext &context,
                              FunctionProto &function) {
  return FunctionBody(
      function, context,
      {"X", "X_scale", "X_zero_point", "Y_scale", "Y_zero_point"});
}

static bool sigmoidBody(const FunctionBodyBuildContext &context,
                        const OpSchema &, FunctionProto &function) {
  FunctionBody body = makeUnary(context, function);
  body.add("Sigmoid", {addFloats(body, "X")}, "y");
  addCodes(body, "y", "X");
  return true;
}

static bool leakyReluBody(const FunctionBodyBuildContext &context,
                          const OpSchema &, FunctionProto &function) {
  FunctionBody body = makeUnary(context, function);
  body.copyAttributes(body.add("LeakyRelu", {addFloats(body, "X")}, "y"),
                      {"alpha"});
  addCodes(body, "y", "X");
  return true;
}

/// Before opset 13 the axis and all behind it were one.
static bool softmaxBody(const FunctionBodyBuildContext &context,
                        const OpSchema &, FunctionProto &function) {
  FunctionBody body = makeUnary(context, function);
  const std::string x = addFloats(body, "X");
  if (body.getInt("opset", 13) >= 13) {
    FunctionBody::setInt(body.add("Softmax", {x}, "y"), "axis",
                         body.getInt("axis", -1));
  } else {
    FunctionBody::setInt(body.add("Flatten", {x}, "rows"), "axis",
                         body.getInt("axis", -1));
    FunctionBody::setInt(body.add("Softmax", {"rows"}, "flat"), "axis", -1);
    body.add("Shape", {x}, "shape");
    body.add("Reshape", {"flat", "shape"}, "y");
  }
  addCodes(body, "y", "X");
  return true;
}

static bool reduceMeanBody(const FunctionBodyBuildContext &context,
                           const OpSchema &, FunctionProto &function) {
  FunctionBody body = makeUnary(context, function);
  const std::string x = addFloats(body, "X");
  std::vector<int64_t> axes;
  if (const auto *given = context.getAttribute("axes"))
    axes.assign(given->ints().begin(), given->ints().end());
  body.addInts("axes", axes);
  body.copyAttributes(body.add("ReduceMean", {x, "axes"}, "y"), {"keepdims"});
  addCodes(body, "y", "X");
  return true;
}

/// Channels behind the batch where they came last, and back.
static std::vector<int64_t> getPermutation(int rank, bool toFront) {
  std::vector<int64_t> perm{0};
  if (toFront)
    perm.push_back(rank - 1);
  for (int i = 1; i + 1 < rank; ++i)
    perm.push_back(toFront ? i : i + 1);
  if (!toFront)
    perm.push_back(1);
  return perm;
}

/// Adds what `addNode` does between two transpositions where channels come
/// last; false where the rank is not known.
template <typename AddNode>
static bool withChannels(FunctionBody &body, bool isLast, const std::string &x,
                         const std::string &y, AddNode addNode) {
  if (!isLast)
    return addNode(x, y), true;
  const int rank = body.getRank("X");
  if (rank < 3)
    return false;
  FunctionBody::setInts(body.add("Transpose", {x}, x + "_first"), "perm",
                        getPermutation(rank, true));
  addNode(x + "_first", y + "_first");
  FunctionBody::setInts(body.add("Transpose", {y + "_first"}, y), "perm",
                        getPermutation(rank, false));
  return true;
}

static bool averagePoolBody(const FunctionBodyBuildContext &context,
                            const OpSchema &schema, FunctionProto &function) {
  FunctionBody body = makeUnary(context, function);
  const std::string x = addFloats(body, "X");
  const bool isGlobal = schema.Name() == "QLinearGlobalAveragePool";
  bool added = withChannels(
      body, body.getInt("channels_last", 0) != 0, x, "y",
      [&](const std::string &from, const std::string &to) {
        NodeProto &node = body.add(
            isGlobal ? "GlobalAveragePool" : "AveragePool", {from}, to);
        body.copyAttributes(node, {"auto_pad", "ceil_mode", "count_include_pad",
                                   "kernel_shape", "pads", "strides"});
      });
  addCodes(body, "y", "X");
  return added;
}

static bool maxPoolBody(const FunctionBodyBuildContext &context,
                        const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context, {"X"});
  return withChannels(body, true, "X", "Y",
                      [&](const std::string &from, const std::string &to) {
                        body.copyAttributes(body.add("MaxPool", {from}, to),
                                            {"auto_pad", "ceil_mode",
                                             "dilations", "kernel_shape",
                                             "pads", "strides"});
                      });
}

static bool convolutionBody(const FunctionBodyBuildContext &context,
                            const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context,
                    {"X", "X_scale", "X_zero_point", "W", "W_scale",
                     "W_zero_point", "Y_scale", "Y_zero_point", "B"});
  return withChannels(
      body, body.getInt("channels_last", 0) != 0, "X", "Y",
      [&](const std::string &from, const std::string &to) {
        NodeProto &node =
            body.add("QLinearConv",
                     {from, "X_scale", "X_zero_point", "W", "W_scale",
                      "W_zero_point", "Y_scale", "Y_zero_point", "B"},
                     to);
        body.copyAttributes(node, {"auto_pad", "dilations", "group",
                                   "kernel_shape", "pads", "strides"});
      });
}

static bool whereBody(const FunctionBodyBuildContext &context, const OpSchema &,
                      FunctionProto &function) {
  FunctionBody body(function, context,
                    {"condition", "A", "A_scale", "A_zero_point", "B",
                     "B_scale", "B_zero_point", "Y_scale", "Y_zero_point"});
  const std::string a = addFloats(body, "A"), b = addFloats(body, "B");
  body.add("Where", {"condition", a, b}, "y");
  addCodes(body, "y", "A");
  return true;
}

static bool concatBody(const FunctionBodyBuildContext &context,
                       const OpSchema &, FunctionProto &function) {
  FunctionBody::Names inputs{"Y_scale", "Y_zero_point"}, parts;
  for (int i = 0; context.hasInput(2 + 3 * i); ++i) {
    const std::string x = "X" + std::to_string(i);
    inputs.insert(inputs.end(), {x, x + "_scale", x + "_zero_point"});
    parts.push_back(x + "_float");
  }
  FunctionBody body(function, context, inputs);
  for (size_t i = 0; i < parts.size(); ++i)
    addFloats(body, "X" + std::to_string(i));
  body.copyAttributes(body.add("Concat", parts, "y"), {"axis"});
  addCodes(body, "y", "X0");
  return true;
}

/// Sums of products with C added are exact; they are scaled, then rounded where
/// there is a scale for it.
static bool gemmBody(const FunctionBodyBuildContext &context, const OpSchema &,
                     FunctionProto &function) {
  FunctionBody body(function, context,
                    {"A", "A_scale", "A_zero_point", "B", "B_scale",
                     "B_zero_point", "C", "Y_scale", "Y_zero_point"});
  FunctionBody::Names matrices{"A", "B"};
  for (std::string &matrix : matrices)
    if (body.getInt(matrix == "A" ? "transA" : "transB", 0) != 0) {
      FunctionBody::setInts(body.add("Transpose", {matrix}, matrix + "_turned"),
                            "perm", {1, 0});
      matrix += "_turned";
    }
  const bool hasC = body.has("C");
  body.add("MatMulInteger",
           {matrices[0], matrices[1], "A_zero_point", "B_zero_point"},
           hasC ? "products" : "sums");
  if (hasC)
    body.add("Add", {"products", "C"}, "sums");
  body.add("CastLike", {"sums", "A_scale"}, "floats");
  body.add("Mul", {"A_scale", "B_scale"}, "both_scales");
  body.addFloat("alpha_float", body.getFloat("alpha", 1.0f));
  body.add("CastLike", {"alpha_float", "A_scale"}, "alpha");
  body.add("Mul", {"alpha", "both_scales"}, "scales");
  if (!body.has("Y_scale")) {
    body.add("Mul", {"floats", "scales"}, "Y");
    return true;
  }
  body.add("Mul", {"floats", "scales"}, "y");
  addCodes(body, "y", "A");
  return true;
}

/// ai.onnx's operator of the same name, which had fewer types.
static bool quantizeBody(const FunctionBodyBuildContext &context,
                         const OpSchema &schema, FunctionProto &function) {
  FunctionBody body(function, context, {"x", "scale", "zero_point"});
  body.copyAttributes(
      body.add(schema.Name(), {"x", "scale", "zero_point"}, "Y"), {"axis"});
  return true;
}

void addQuantizedBody(OpSchema &schema) {
  schema.SetContextDependentFunctionBodyBuilder(
      llvm::StringSwitch<::onnx::ContextDependentFunctionBodyBuilder>(
          schema.Name())
          .Cases({"DequantizeLinear", "QuantizeLinear"}, quantizeBody)
          .Case("NhwcMaxPool", maxPoolBody)
          .Case("QGemm", gemmBody)
          .Cases({"QLinearAdd", "QLinearMul"}, binaryBody)
          .Cases({"QLinearAveragePool", "QLinearGlobalAveragePool"},
                 averagePoolBody)
          .Case("QLinearConcat", concatBody)
          .Case("QLinearConv", convolutionBody)
          .Case("QLinearLeakyRelu", leakyReluBody)
          .Case("QLinearReduceMean", reduceMeanBody)
          .Case("QLinearSigmoid", sigmoidBody)
          .Case("QLinearSoftmax", softmaxBody)
          .Case("QLinearWhere", whereBody)
          .Default(nullptr));
}

} // namespace bit::detail
