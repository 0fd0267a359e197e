// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of what onnxruntime's operators return, for inference to go on behind
// them.

#include "Model.h"
#include "Schemas.h"
#include "onnx/defs/shape_inference.h"
#include "llvm/ADT/STLExtras.h"

using ::onnx::InferenceContext;
using ::onnx::OpSchema;
using ::onnx::TensorShapeProto;

namespace bit::detail {

/// Returns the shape of input `index`, null where it is missing or unknown.
static const TensorShapeProto *getShape(InferenceContext &context,
                                        size_t index) {
  if (!::onnx::hasInputShape(context, index))
    return nullptr;
  return &::onnx::getInputShape(context, index);
}

static void setElementType(InferenceContext &context, size_t input,
                           size_t output) {
  if (context.getNumInputs() > input && context.getNumOutputs() > output)
    ::onnx::propagateElemTypeFromInputToOutput(context, input, output);
}

static void setShape(InferenceContext &context, size_t output,
                     const TensorShapeProto &shape) {
  *::onnx::getOutputShape(context, output) = shape;
}

static int64_t getInt(InferenceContext &context, const char *name,
                      int64_t defaultValue) {
  return ::onnx::getAttribute(context, name, defaultValue);
}

void inferLike(InferenceContext &context, const char *opType) {
  ::onnx::OpSchemaRegistry::Schema(opType, static_cast<int>(kImportOpset), "")
      ->GetTypeAndShapeInferenceFunction()(context);
}

static void likeFirst(InferenceContext &context) {
  ::onnx::propagateShapeAndTypeFromFirstInput(context);
}

static void likeBroadcast(InferenceContext &context) {
  setElementType(context, 0, 0);
  const TensorShapeProto *a = getShape(context, 0), *b = getShape(context, 1);
  if (a && b)
    ::onnx::bidirectionalBroadcastShapeInference(
        *a, *b, *::onnx::getOutputShape(context, 0));
}

/// The product of `a` and `b`, each of rank 1 or more, after transposing the
/// last two axes of those marked so.
static void multiply(InferenceContext &context, bool transposeA,
                     bool transposeB) {
  const TensorShapeProto *left = getShape(context, 0),
                         *right = getShape(context, 1);
  if (!left || !right)
    return;
  TensorShapeProto a = *left, b = *right;
  if (a.dim_size() == 0 || b.dim_size() == 0)
    fail_shape_inference("expects operands of rank 1 or more");
  auto swapLast = [](TensorShapeProto &shape) {
    if (shape.dim_size() >= 2)
      shape.mutable_dim()->SwapElements(shape.dim_size() - 2,
                                        shape.dim_size() - 1);
  };
  if (transposeA)
    swapLast(a);
  if (transposeB)
    swapLast(b);
  bool vectorA = a.dim_size() == 1, vectorB = b.dim_size() == 1;
  TensorShapeProto batchA, batchB, result;
  for (int i = 0; i + 2 < a.dim_size(); ++i)
    *batchA.add_dim() = a.dim(i);
  for (int i = 0; i + 2 < b.dim_size(); ++i)
    *batchB.add_dim() = b.dim(i);
  auto k = a.dim(a.dim_size() - 1);
  auto otherK = b.dim(vectorB ? 0 : b.dim_size() - 2);
  if (k.has_dim_value() && otherK.has_dim_value() &&
      k.dim_value() != otherK.dim_value())
    fail_shape_inference("expects ", k.dim_value(), " rows of B, got ",
                         otherK.dim_value());
  ::onnx::bidirectionalBroadcastShapeInference(batchA, batchB, result);
  if (!vectorA)
    *result.add_dim() = a.dim(a.dim_size() - 2);
  if (!vectorB)
    *result.add_dim() = b.dim(b.dim_size() - 1);
  setShape(context, 0, result);
}

static void fusedMatMul(InferenceContext &context) {
  setElementType(context, 0, 0);
  if (getInt(context, "transBatchA", 0) || getInt(context, "transBatchB", 0))
    fail_shape_inference("expects transBatchA and transBatchB of 0");
  multiply(context, getInt(context, "transA", 0), getInt(context, "transB", 0));
}

static void gemm(InferenceContext &context) {
  setElementType(context, 0, 0);
  multiply(context, getInt(context, "transA", 0), getInt(context, "transB", 0));
}

static void dynamicQuantizeMatMul(InferenceContext &context) {
  setElementType(context, 0, 0);
  multiply(context, false, false);
}

static void matMulIntegerToFloat(InferenceContext &context) {
  setElementType(context, 2, 0);
  multiply(context, false, false);
}

static void matMulNBits(InferenceContext &context) {
  setElementType(context, 0, 0);
  const TensorShapeProto *a = getShape(context, 0);
  if (!a)
    return;
  if (a->dim_size() == 0)
    fail_shape_inference("expects A of rank 1 or more");
  const int64_t k = getInt(context, "K", 0);
  const auto &last = a->dim(a->dim_size() - 1);
  if (last.has_dim_value() && last.dim_value() != k)
    fail_shape_inference("expects K = ", k, " columns of A, got ",
                         last.dim_value());
  TensorShapeProto shape = *a;
  shape.mutable_dim(shape.dim_size() - 1)
      ->set_dim_value(getInt(context, "N", 0));
  setShape(context, 0, shape);
}

/// Output, then mean and inverse deviation with a last dimension of 1, then
/// the sum that was normalized.
static void skipNormalization(InferenceContext &context) {
  likeFirst(context);
  const TensorShapeProto *input = getShape(context, 0);
  for (size_t output = 1; output < context.getNumOutputs(); ++output) {
    if (!context.hasOutput(output))
      continue;
    const bool sum = output == 3;
    if (sum)
      setElementType(context, 0, output);
    else
      ::onnx::updateOutputElemType(context, output, ::onnx::TensorProto::FLOAT);
    if (!input || input->dim_size() == 0)
      continue;
    TensorShapeProto shape = *input;
    if (!sum)
      shape.mutable_dim(shape.dim_size() - 1)->set_dim_value(1);
    setShape(context, output, shape);
  }
}

/// [batch, sequence, hidden of value]; caches have heads in between and a
/// length that depends on the past.
static void attention(InferenceContext &context, int64_t heads, int64_t kvHeads,
                      size_t pastKey) {
  setElementType(context, 0, 0);
  const TensorShapeProto *query = getShape(context, 0);
  if (!query)
    return;
  if (query->dim_size() != 3)
    fail_shape_inference("expects a query of rank 3, got rank ",
                         query->dim_size());
  TensorShapeProto shape;
  *shape.add_dim() = query->dim(0);
  *shape.add_dim() = query->dim(1);
  auto *hidden = shape.add_dim();
  const TensorShapeProto *value = getShape(context, 2);
  const auto &width = query->dim(2);
  int64_t headSize = 0;
  if (value && value->dim_size() == 3) {
    if (width.has_dim_value() && heads > 0)
      headSize = width.dim_value() / heads;
    if (heads == kvHeads)
      *hidden = value->dim(2);
    else
      *hidden = width;
  } else if (width.has_dim_value() && heads > 0 && kvHeads > 0) {
    // Query, key and value side by side.
    headSize = width.dim_value() / (heads + 2 * kvHeads);
    hidden->set_dim_value(headSize * heads);
  }
  setShape(context, 0, shape);
  for (size_t output = 1; output < 3 && output < context.getNumOutputs();
       ++output) {
    if (!context.hasOutput(output))
      continue;
    const size_t past = pastKey + output - 1;
    setElementType(context, context.hasInput(past) ? past : 0, output);
    TensorShapeProto cache;
    *cache.add_dim() = query->dim(0);
    cache.add_dim()->set_dim_value(kvHeads);
    cache.add_dim();
    auto *size = cache.add_dim();
    if (headSize > 0)
      size->set_dim_value(headSize);
    setShape(context, output, cache);
  }
}

static void groupQueryAttention(InferenceContext &context) {
  attention(context, getInt(context, "num_heads", 0),
            getInt(context, "kv_num_heads", 0), /*pastKey=*/3);
}

static void multiHeadAttention(InferenceContext &context) {
  const int64_t heads = getInt(context, "num_heads", 0);
  attention(context, heads, heads, /*pastKey=*/6);
}

/// [batch, sequence, hidden of value], and keys and values in one tensor. The
/// last third of the weight's columns, unless an attribute says otherwise, are
/// the value's.
static void packedAttention(InferenceContext &context) {
  // QAttention's result has its scales' type.
  const ::onnx::TypeProto *first = context.getInputType(0);
  const auto type = first ? first->tensor_type().elem_type() : 0;
  const bool isQuantized =
      type == ::onnx::TensorProto::UINT8 || type == ::onnx::TensorProto::INT8;
  const size_t typed = isQuantized ? 3 : 0;
  setElementType(context, typed, 0);
  setElementType(context, typed, 1);
  const TensorShapeProto *input = getShape(context, 0),
                         *weight = getShape(context, 1);
  if (!input || !weight)
    return;
  if (input->dim_size() != 3 || weight->dim_size() != 2)
    fail_shape_inference("expects an input of rank 3 and a weight of rank 2, "
                         "got ranks ",
                         input->dim_size(), " and ", weight->dim_size());
  TensorShapeProto shape = *input;
  auto *width = shape.mutable_dim(2);
  width->Clear();
  std::vector<int64_t> sizes;
  ::onnx::getRepeatedAttribute(context, "qkv_hidden_sizes", sizes);
  const auto &columns = weight->dim(1);
  if (sizes.size() == 3)
    width->set_dim_value(sizes[2]);
  else if (columns.has_dim_value())
    width->set_dim_value(columns.dim_value() / 3);
  setShape(context, 0, shape);
  if (context.getNumOutputs() < 2 || !context.hasOutput(1))
    return;
  TensorShapeProto cache;
  cache.add_dim()->set_dim_value(2);
  *cache.add_dim() = input->dim(0);
  const int64_t heads = getInt(context, "num_heads", 0);
  cache.add_dim()->set_dim_value(heads);
  cache.add_dim();
  auto *size = cache.add_dim();
  if (width->has_dim_value() && heads > 0)
    size->set_dim_value(width->dim_value() / heads);
  setShape(context, 1, cache);
}

static void convolution(InferenceContext &context) {
  inferLike(context, "Conv");
}

static void layerNormalization(InferenceContext &context) {
  inferLike(context, "LayerNormalization");
}

/// The words' rows; a number a row of the mask; the sum before the norm.
static void embedLayerNormalization(InferenceContext &context) {
  setElementType(context, 2, 0);
  if (context.getNumOutputs() > 1 && context.hasOutput(1))
    ::onnx::updateOutputElemType(context, 1, ::onnx::TensorProto::INT32);
  const bool hasSum = context.getNumOutputs() > 2 && context.hasOutput(2);
  if (hasSum)
    setElementType(context, 2, 2);
  const TensorShapeProto *ids = getShape(context, 0),
                         *words = getShape(context, 2);
  if (!ids || !words)
    return;
  if (ids->dim_size() != 2 || words->dim_size() != 2)
    fail_shape_inference("expects ids and words of rank 2, got ranks ",
                         ids->dim_size(), " and ", words->dim_size());
  TensorShapeProto shape = *ids;
  *shape.add_dim() = words->dim(1);
  setShape(context, 0, shape);
  if (hasSum)
    setShape(context, 2, shape);
  if (context.getNumOutputs() > 1 && context.hasOutput(1)) {
    TensorShapeProto rows;
    *rows.add_dim() = ids->dim(0);
    setShape(context, 1, rows);
  }
}

OpSchema makeMicrosoftSchema(const char *opType, int minInputs, int maxInputs,
                             int maxOutputs, InferFn infer,
                             std::initializer_list<int> optional) {
  OpSchema schema(opType, __FILE__, __LINE__);
  schema.SetDomain(kMicrosoftDomain.data())
      .SinceVersion(1)
      .AllowUncheckedAttributes()
      .TypeAndShapeInferenceFunction(infer);
  for (int i = 0; i < maxInputs; ++i) {
    std::string name = "input" + std::to_string(i);
    schema.Input(i, name, "", "T" + std::to_string(i),
                 i < minInputs && !llvm::is_contained(optional, i)
                     ? OpSchema::Single
                     : OpSchema::Optional);
    schema.TypeConstraint("T" + std::to_string(i),
                          OpSchema::all_tensor_types_ir13(), "");
  }
  for (int i = 0; i < maxOutputs; ++i) {
    std::string name = "output" + std::to_string(i);
    schema.Output(i, name, "", "R" + std::to_string(i),
                  i == 0 ? OpSchema::Single : OpSchema::Optional);
    schema.TypeConstraint("R" + std::to_string(i),
                          OpSchema::all_tensor_types_ir13(), "");
  }
  return schema;
}

std::vector<OpSchema> getMicrosoftSchemas() {
  std::vector<OpSchema> schemas;
  auto add = [&](const char *opType, int minInputs, int maxInputs,
                 int maxOutputs, InferFn infer,
                 std::initializer_list<int> optional = {}) {
    OpSchema schema = makeMicrosoftSchema(opType, minInputs, maxInputs,
                                          maxOutputs, infer, optional);
    addMicrosoftBody(schema);
    addAttentionBody(schema);
    schema.Finalize();
    schemas.push_back(std::move(schema));
  };
  add("MatMulNBits", 3, 6, 1, matMulNBits);
  add("DynamicQuantizeMatMul", 3, 5, 1, dynamicQuantizeMatMul);
  add("MatMulIntegerToFloat", 4, 7, 1, matMulIntegerToFloat);
  add("FusedConv", 2, 4, 1, convolution);
  add("FusedGemm", 2, 3, 1, gemm);
  add("FusedMatMul", 2, 2, 1, fusedMatMul);
  add("TransposeMatMul", 2, 2, 1, fusedMatMul);
  add("GemmFastGelu", 2, 3, 1, dynamicQuantizeMatMul);
  add("LayerNormalization", 2, 3, 3, layerNormalization);
  add("SimplifiedLayerNormalization", 2, 2, 2, skipNormalization);
  add("SkipLayerNormalization", 3, 5, 4, skipNormalization);
  add("SkipSimplifiedLayerNormalization", 3, 4, 4, skipNormalization);
  add("RotaryEmbedding", 4, 4, 1, likeFirst);
  add("Attention", 2, 7, 2, packedAttention);
  add("QAttention", 5, 9, 2, packedAttention);
  add("MultiHeadAttention", 1, 10, 4, multiHeadAttention);
  // Keys and values may lie in the query, and there may be no past.
  add("GroupQueryAttention", 7, 16, 4, groupQueryAttention, {1, 2, 3, 4});
  add("EmbedLayerNormalization", 7, 9, 3, embedLayerNormalization, {1, 4});
  add("Gelu", 1, 1, 1, likeFirst);
  add("BiasGelu", 2, 2, 1, likeBroadcast);
  add("FastGelu", 1, 2, 1, likeFirst);
  add("QuickGelu", 1, 1, 1, likeFirst);
  addQuantizedSchemas(schemas);
  return schemas;
}

} // namespace bit::detail
