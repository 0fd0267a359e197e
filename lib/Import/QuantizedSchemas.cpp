// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of what onnxruntime's operators on codes return: those that its
// quantizer makes of a float model.

#include "Model.h"
#include "Schemas.h"
#include "onnx/defs/shape_inference.h"

using ::onnx::InferenceContext;
using ::onnx::OpSchema;
using ::onnx::TensorShapeProto;

namespace bit::detail {

static void setElementType(InferenceContext &context, size_t input) {
  ::onnx::propagateElemTypeFromInputToOutput(context, input, 0);
}

/// numpy's broadcast of `inputs`.
static void broadcast(InferenceContext &context,
                      std::initializer_list<size_t> inputs) {
  std::vector<const TensorShapeProto *> shapes;
  for (size_t input : inputs) {
    if (!::onnx::hasInputShape(context, input))
      return;
    shapes.push_back(&::onnx::getInputShape(context, input));
  }
  ::onnx::multidirectionalBroadcastShapeInference(
      shapes, *::onnx::getOutputShape(context, 0));
}

static void likeFirst(InferenceContext &context) {
  ::onnx::propagateShapeAndTypeFromFirstInput(context);
}

static void binary(InferenceContext &context) {
  setElementType(context, 0);
  broadcast(context, {0, 3});
}

static void where(InferenceContext &context) {
  setElementType(context, 1);
  broadcast(context, {0, 1, 4});
}

static bool isChannelsLast(InferenceContext &context) {
  return ::onnx::getAttribute(context, "channels_last", int64_t(0)) != 0;
}

/// A shape of which no more than the rank is known, that of the first input.
static void setRank(InferenceContext &context) {
  setElementType(context, 0);
  if (!::onnx::hasInputShape(context, 0))
    return;
  for (int i = ::onnx::getInputShape(context, 0).dim_size(); i-- > 0;)
    ::onnx::getOutputShape(context, 0)->add_dim();
}

static void averagePool(InferenceContext &context) {
  isChannelsLast(context) ? setRank(context)
                          : inferLike(context, "AveragePool");
}

static void globalAveragePool(InferenceContext &context) {
  isChannelsLast(context) ? setRank(context)
                          : inferLike(context, "GlobalAveragePool");
}

static void convolution(InferenceContext &context) {
  if (!isChannelsLast(context))
    return inferLike(context, "QLinearConv");
  setRank(context);
  ::onnx::propagateElemTypeFromInputToOutput(context, 7, 0);
}

/// Output scale and zero point, then tensor, scale and zero point of each
/// input.
static void concat(InferenceContext &context) {
  setElementType(context, 1);
  if (!::onnx::hasInputShape(context, 2))
    return;
  const int rank = ::onnx::getInputShape(context, 2).dim_size();
  int64_t axis = ::onnx::getAttribute(context, "axis", int64_t(0));
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis >= rank)
    fail_shape_inference("expects an axis of ", rank, " dimensions");
  TensorShapeProto result = ::onnx::getInputShape(context, 2);
  int64_t sum = 0;
  bool isKnown = true;
  for (size_t i = 2; i < context.getNumInputs(); i += 3) {
    if (!::onnx::hasInputShape(context, i))
      return;
    const TensorShapeProto &shape = ::onnx::getInputShape(context, i);
    if (shape.dim_size() != rank)
      fail_shape_inference("expects tensors of rank ", rank, ", got rank ",
                           shape.dim_size());
    for (int d = 0; d < rank; ++d)
      if (d != axis)
        ::onnx::mergeInDimensionInfo(shape.dim(d), *result.mutable_dim(d), d);
    isKnown = isKnown && shape.dim(axis).has_dim_value();
    sum += shape.dim(axis).dim_value();
  }
  result.mutable_dim(axis)->Clear();
  if (isKnown)
    result.mutable_dim(axis)->set_dim_value(sum);
  *::onnx::getOutputShape(context, 0) = result;
}

static void gemm(InferenceContext &context) {
  const bool isFloat = !context.hasInput(7);
  if (isFloat)
    setElementType(context, 1);
  else if (context.hasInput(8))
    setElementType(context, 8);
  if (!::onnx::hasInputShape(context, 0) || !::onnx::hasInputShape(context, 3))
    return;
  const TensorShapeProto &a = ::onnx::getInputShape(context, 0),
                         &b = ::onnx::getInputShape(context, 3);
  if (a.dim_size() != 2 || b.dim_size() != 2)
    fail_shape_inference("expects matrices, got ranks ", a.dim_size(), " and ",
                         b.dim_size());
  const bool transA = ::onnx::getAttribute(context, "transA", int64_t(0)) != 0;
  const bool transB = ::onnx::getAttribute(context, "transB", int64_t(0)) != 0;
  ::onnx::updateOutputShape(context, 0,
                            {a.dim(transA ? 1 : 0), b.dim(transB ? 0 : 1)});
}

static void reduceMean(InferenceContext &context) {
  setElementType(context, 0);
  if (!::onnx::hasInputShape(context, 0))
    return;
  const TensorShapeProto &input = ::onnx::getInputShape(context, 0);
  const bool keeps = ::onnx::getAttribute(context, "keepdims", int64_t(1)) != 0;
  std::vector<int64_t> axes;
  ::onnx::getRepeatedAttribute(context, "axes", axes);
  std::vector<bool> reduced(input.dim_size(), axes.empty());
  for (int64_t axis : axes) {
    axis += axis < 0 ? input.dim_size() : 0;
    if (axis < 0 || axis >= input.dim_size())
      fail_shape_inference("expects axes of ", input.dim_size(), " dimensions");
    reduced[axis] = true;
  }
  TensorShapeProto *result = ::onnx::getOutputShape(context, 0);
  for (int i = 0; i < input.dim_size(); ++i)
    if (!reduced[i])
      *result->add_dim() = input.dim(i);
    else if (keeps)
      result->add_dim()->set_dim_value(1);
}

static void quantize(InferenceContext &context) {
  if (context.hasInput(2))
    setElementType(context, 2);
  else
    ::onnx::updateOutputElemType(context, 0, ::onnx::TensorProto::UINT8);
  ::onnx::propagateShapeFromInputToOutput(context, 0, 0);
}

static void dequantize(InferenceContext &context) {
  setElementType(context, 1);
  ::onnx::propagateShapeFromInputToOutput(context, 0, 0);
}

void addQuantizedSchemas(std::vector<OpSchema> &schemas) {
  auto add = [&](const char *opType, int minInputs, int maxInputs,
                 InferFn infer, std::initializer_list<int> optional = {}) {
    OpSchema schema =
        makeMicrosoftSchema(opType, minInputs, maxInputs, 1, infer, optional);
    addQuantizedBody(schema);
    schema.Finalize();
    schemas.push_back(std::move(schema));
  };
  add("DequantizeLinear", 2, 3, dequantize);
  add("NhwcMaxPool", 1, 1, setRank);
  add("QGemm", 6, 9, gemm);
  add("QLinearAdd", 7, 8, binary, {2, 5});
  add("QLinearAveragePool", 4, 5, averagePool, {2});
  // As many operands as any model has.
  add("QLinearConcat", 5, 2 + 3 * 256, concat);
  add("QLinearConv", 8, 9, convolution);
  add("QLinearGlobalAveragePool", 5, 5, globalAveragePool, {2, 4});
  add("QLinearLeakyRelu", 4, 5, likeFirst, {2});
  add("QLinearMul", 7, 8, binary, {2, 5});
  add("QLinearReduceMean", 4, 5, reduceMean, {2});
  add("QLinearSigmoid", 4, 5, likeFirst, {2});
  add("QLinearSoftmax", 5, 5, likeFirst, {2});
  add("QLinearWhere", 9, 9, where);
  add("QuantizeLinear", 2, 3, quantize);
}

} // namespace bit::detail
