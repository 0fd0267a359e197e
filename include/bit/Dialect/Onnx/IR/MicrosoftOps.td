// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operators of onnxruntime that quantized and fused transformers contain.
// libonnx has no schemas of them; names and defaults are onnxruntime's.

#ifndef BIT_DIALECT_ONNX_IR_MICROSOFTOPS
#define BIT_DIALECT_ONNX_IR_MICROSOFTOPS

include "bit/Dialect/Onnx/IR/OnnxBase.td"

class MicrosoftOp<string opType, string inputKinds, string outputKinds,
                  list<Trait> traits = []>
    : OnnxOp<"com.microsoft." # opType, inputKinds, outputKinds,
             !listconcat([Pure], traits)>;

defvar MSFloat = OnnxTensor<OnnxFloats>;
defvar MSByte = OnnxTensor<[I8, UI8]>;
defvar MSInt32 = OnnxTensor<[I32]>;
defvar MSCache = OnnxTensor<[I8, UI8, F8E4M3FN, BF16, F16, F32]>;
defvar MSScale = OnnxTensor<[F16, F32]>;

class IntOr<int default> : DefaultValuedAttr<I64Attr, "" # default>;
class FloatOr<string default> : DefaultValuedAttr<F32Attr, default>;

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

def MSMatMulNBitsOp : MicrosoftOp<"MatMulNBits", "rrr???", "r",
                                  [AttrSizedOperandSegments]> {
  let summary = "Y = A times the transposed blockwise-quantized B, plus bias";
  let arguments = (ins
    MSFloat:$A, OnnxTensor<[UI8]>:$B, MSFloat:$scales,
    Optional<OnnxTensor<[UI8, BF16, F16, F32]>>:$zero_points,
    Optional<MSInt32>:$g_idx, Optional<MSFloat>:$bias,
    I64Attr:$K, I64Attr:$N, IntOr<4>:$bits, I64Attr:$block_size,
    IntOr<0>:$accuracy_level, IntOr<0>:$weight_prepacked);
  let results = (outs MSFloat:$Y);
}

def MSDynamicQuantizeMatMulOp : MicrosoftOp<"DynamicQuantizeMatMul", "rrr??",
                                            "r", [AttrSizedOperandSegments]> {
  let summary = "MatMul of A, quantized at run time to 8 bits, by an 8-bit B";
  let arguments = (ins
    MSFloat:$A, MSByte:$B, MSScale:$b_scale, Optional<MSByte>:$b_zero_point,
    Optional<MSFloat>:$bias);
  let results = (outs MSFloat:$Y);
}

def MSMatMulIntegerToFloatOp : MicrosoftOp<"MatMulIntegerToFloat", "rrrr???",
                                           "r", [AttrSizedOperandSegments]> {
  let summary = "MatMulInteger, then its scales, then bias";
  let arguments = (ins
    MSByte:$A, MSByte:$B, MSScale:$a_scale, MSScale:$b_scale,
    Optional<MSByte>:$a_zero_point, Optional<MSByte>:$b_zero_point,
    Optional<MSScale>:$bias);
  let results = (outs MSScale:$Y);
}

def MSFusedMatMulOp : MicrosoftOp<"FusedMatMul", "rr", "r"> {
  let summary = "alpha times the product of optionally transposed operands";
  let arguments = (ins
    MSFloat:$A, MSFloat:$B, FloatOr<"1.0">:$alpha, IntOr<0>:$transA,
    IntOr<0>:$transB, IntOr<0>:$transBatchA, IntOr<0>:$transBatchB);
  let results = (outs MSFloat:$Y);
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

// In the default domain, as onnxruntime has it.
def SimplifiedLayerNormalizationOp
    : OnnxOp<"SimplifiedLayerNormalization", "rr", "r?", [Pure]> {
  let summary = "the RMS normalization that onnxruntime had before ONNX";
  let arguments = (ins
    MSFloat:$X, MSFloat:$scale, IntOr<-1>:$axis, FloatOr<"1.0e-5">:$epsilon,
    IntOr<1>:$stash_type);
  let results = (outs MSFloat:$Y, Optional<MSFloat>:$inv_std_var);
}

def MSSkipLayerNormalizationOp
    : MicrosoftOp<"SkipLayerNormalization", "rrr??", "r???",
                  [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "LayerNormalization of input + skip + bias";
  let arguments = (ins
    MSFloat:$input, MSFloat:$skip, MSFloat:$gamma, Optional<MSFloat>:$beta,
    Optional<MSFloat>:$bias, FloatOr<"1.0e-12">:$epsilon);
  let results = (outs
    MSFloat:$output, Optional<MSFloat>:$mean, Optional<MSFloat>:$inv_std_var,
    Optional<MSFloat>:$input_skip_bias_sum);
}

def MSSkipSimplifiedLayerNormalizationOp
    : MicrosoftOp<"SkipSimplifiedLayerNormalization", "rrr?", "r???",
                  [AttrSizedResultSegments]> {
  let summary = "RMS normalization of input + skip + bias";
  let arguments = (ins
    MSFloat:$input, MSFloat:$skip, MSFloat:$gamma, Optional<MSFloat>:$bias,
    FloatOr<"1.0e-12">:$epsilon);
  let results = (outs
    MSFloat:$output, Optional<MSFloat>:$mean, Optional<MSFloat>:$inv_std_var,
    Optional<MSFloat>:$input_skip_bias_sum);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

def MSRotaryEmbeddingOp : MicrosoftOp<"RotaryEmbedding", "rrrr", "r"> {
  let summary = "rotates pairs of the last axis by the position's angles";
  let arguments = (ins
    MSFloat:$input, OnnxTensor<[I64]>:$position_ids, MSFloat:$cos_cache,
    MSFloat:$sin_cache, IntOr<0>:$interleaved, IntOr<0>:$is_packed_batching,
    IntOr<0>:$num_heads, IntOr<0>:$rotary_embedding_dim, FloatOr<"1.0">:$scale);
  let results = (outs MSFloat:$output);
}

def MSMultiHeadAttentionOp
    : MicrosoftOp<"MultiHeadAttention", "r?????????", "r???",
                  [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "softmax(query key^T scale + bias) value, by heads";
  let arguments = (ins
    MSFloat:$query, Optional<MSFloat>:$key, Optional<MSFloat>:$value,
    Optional<MSFloat>:$bias, Optional<MSInt32>:$key_padding_mask,
    Optional<MSFloat>:$attention_bias, Optional<MSFloat>:$past_key,
    Optional<MSFloat>:$past_value, Optional<MSInt32>:$past_sequence_length,
    Optional<MSInt32>:$cache_indirection,
    FloatOr<"-10000.0">:$mask_filter_value, I64Attr:$num_heads,
    OptionalAttr<F32Attr>:$scale, IntOr<0>:$unidirectional);
  let results = (outs
    MSFloat:$output, Optional<MSFloat>:$present_key,
    Optional<MSFloat>:$present_value, Optional<MSFloat>:$qk);
}

def MSGroupQueryAttentionOp
    : MicrosoftOp<"GroupQueryAttention", "r????rr?????????", "r???",
                  [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "causal attention of grouped query heads over a key/value cache";
  let arguments = (ins
    MSFloat:$query, Optional<MSFloat>:$key, Optional<MSFloat>:$value,
    Optional<MSCache>:$past_key, Optional<MSCache>:$past_value,
    MSInt32:$seqlens_k, MSInt32:$total_sequence_length,
    Optional<MSFloat>:$cos_cache, Optional<MSFloat>:$sin_cache,
    Optional<OnnxTensor<[I64]>>:$position_ids,
    Optional<MSFloat>:$attention_bias, Optional<MSFloat>:$head_sink,
    Optional<MSScale>:$k_scale, Optional<MSScale>:$v_scale,
    Optional<MSFloat>:$q_norm_weight, Optional<MSFloat>:$k_norm_weight,
    IntOr<1>:$causal, IntOr<0>:$do_rotary,
    DefaultValuedStrAttr<StrAttr, "NONE">:$k_quant_type,
    IntOr<0>:$kv_cache_bit_width, I64Attr:$kv_num_heads,
    IntOr<-1>:$local_window_size, I64Attr:$num_heads,
    FloatOr<"1.0e-6">:$qk_norm_epsilon, IntOr<0>:$qk_output,
    IntOr<0>:$rotary_interleaved, OptionalAttr<F32Attr>:$scale,
    IntOr<0>:$sliding_window_cache, IntOr<-1>:$smooth_softmax,
    FloatOr<"0.0">:$softcap, DefaultValuedStrAttr<StrAttr, "NONE">:$v_quant_type);
  let results = (outs
    MSFloat:$output, Optional<MSCache>:$present_key,
    Optional<MSCache>:$present_value, Optional<MSFloat>:$output_qk);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

def MSGeluOp : MicrosoftOp<"Gelu", "r", "r"> {
  let summary = "x / 2 times 1 + erf(x / sqrt(2))";
  let arguments = (ins MSFloat:$X);
  let results = (outs MSFloat:$Y);
}

def MSBiasGeluOp : MicrosoftOp<"BiasGelu", "rr", "r"> {
  let summary = "Gelu of A + B";
  let arguments = (ins MSFloat:$A, MSFloat:$B);
  let results = (outs MSFloat:$C);
}

def MSFastGeluOp : MicrosoftOp<"FastGelu", "r?", "r"> {
  let summary = "Gelu of X + bias by its approximation with tanh";
  let arguments = (ins MSFloat:$X, Optional<MSFloat>:$bias);
  let results = (outs MSFloat:$Y);
}

def MSQuickGeluOp : MicrosoftOp<"QuickGelu", "r", "r"> {
  let summary = "x times sigmoid(alpha x)";
  let arguments = (ins MSFloat:$X, FloatOr<"1.702">:$alpha);
  let results = (outs MSFloat:$Y);
}

#endif // BIT_DIALECT_ONNX_IR_MICROSOFTOPS
