// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_ONNXTOBIT_PASSES
#define BIT_CONVERSION_ONNXTOBIT_PASSES

include "mlir/Pass/PassBase.td"

def RefineRows : Pass<"bit-refine-rows", "::mlir::ModuleOp"> {
  let summary = "give activations the size that their product asks for";
  let description = [{
    A product by a constant K x N matrix reads rows of K elements, whether shape
    inference knows it or not: heads that a decoder flattens by
    `Reshape [batch, sequence, -1]` are rows of unknown size where both sizes
    are. Follows the rows through what computes element by element to where they
    come from, and puts a Reshape to K elements there, which the run checks. What
    is computed from it element by element gets its type.

    Rows from outside of the product's branch or loop are left alone: the check
    would run where the product does not.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numRefined", "refined", "values whose size is known now">,
    Statistic<"numDeclined", "declined", "products whose rows come from outside">
  ];
}

def RecognizeWeights : Pass<"bit-recognize-weights", "::mlir::ModuleOp"> {
  let summary = "turn products by ternary or binary constants into bit.linear";
  let description = [{
    Evaluates the weight of every MatMul, Gemm, Einsum, MatMulNBits and the like
    and looks at its values: at most `{-s, 0, s}` in every scale group, within a
    few ulp. What formula made them does not matter. The activations stay as they
    are. MatMulInteger becomes a layer on floats where those hold all its sums.

    Every matmul-like node that is left alone gets `bit.declined`, the reason in
    words its author understands; every `bit.linear` gets `bit.layer`, what the
    report says of it.
  }];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numRecognized", "recognized", "products turned into bit.linear">,
    Statistic<"numDeclined", "declined", "matmul-like nodes left alone">
  ];
}

def LowerProducts : Pass<"bit-lower-products", "::mlir::ModuleOp"> {
  let summary = "write products that have no lowering as MatMul";
  let description = [{
    An Einsum that multiplies rows by a matrix and a MatMulNBits of
    floats become a MatMul, with Transpose and Add around it as they need. The
    weight of MatMulNBits is dequantized. What `bit-recognize-weights` says of
    them stays.
  }];
  let dependentDialects = ["::bit::onnx::OnnxDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "products turned into MatMul">,
    Statistic<"numDeclined", "declined", "products left as they are">
  ];
}

def RecognizeActivations
    : Pass<"bit-recognize-activations", "::mlir::ModuleOp"> {
  let summary = "give bit.linear the quantizer that computes its activations";
  let description = [{
    Follows the activations of a `bit.linear` back through rescaling, clamping,
    rounding and scaling by the absolute maximum. Where all of it is what a
    `#bit.quantizer` says, bit for bit, the layer reads the quantizer's input.
    Straight-through arithmetic, `x + (q - x)`, counts as `q`. Other users of
    the quantized activations keep them.

    A layer that keeps float activations gets `bit.activations_declined`, the
    reason in words its author understands.
  }];
  let dependentDialects = ["::bit::BitDialect"];
  let statistics = [
    Statistic<"numRecognized", "recognized", "layers that got a quantizer">,
    Statistic<"numDeclined", "declined", "layers whose activations stay float">
  ];
}

def RecognizeEpilogues : Pass<"bit-recognize-epilogues", "::mlir::ModuleOp"> {
  let summary = "move scales and biases that follow bit.linear into it";
  let description = [{
    A constant factor becomes part of the weight scale, a vector that is added
    becomes the bias. Where the layer multiplies codes held in floats and the
    result is divided by the quantizing scale, as in code written for inference,
    the layer gets the quantizer.
  }];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numRecognized", "recognized", "scales, biases and quantizers moved into a layer">,
    Statistic<"numDeclined", "declined", "additions and scalings after a layer left alone">
  ];
}

def QuantizeLinear : Pass<"bit-quantize-linear", "::mlir::ModuleOp"> {
  let summary = "make ternary layers of float products";
  let description = [{
    Every MatMul, Gemm, FusedMatMul and Einsum by a constant matrix becomes a
    `bit.linear` whose codes are those of `bit.quantize_weight`. What
    `bit-recognize-weights` found before is not touched. The values stay in the
    model's file until `bit-pack-weights` reads them, one weight at a time; here
    they are only looked at for infinities and NaN.

    Nodes are left alone whose name, or whose weight's, has a match of the
    regular expression `skip` in it; a `skip` that matches nothing is a warning.
    What stays float gets `bit.declined`, the reason.
  }];
  let options = [
    Option<"scheme", "scheme", "::bit::WeightScheme",
           "::bit::WeightScheme::Absmean", "how weights become codes",
           "::bit::getWeightSchemeValues()">,
    Option<"granularity", "granularity", "::bit::WeightGranularity",
           "::bit::WeightGranularity::Tensor", "which weights share a scale",
           "::bit::getWeightGranularityValues()">,
    Option<"group", "group", "int64_t", "128",
           "weights along K that share a scale, for granularity group">,
    Option<"skip", "skip", "std::string", "",
           "POSIX regular expression of nodes or weights to leave alone">
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::bit::onnx::OnnxDialect"];
  let statistics = [
    Statistic<"numQuantized", "quantized", "products made ternary">,
    Statistic<"numDeclined", "declined", "products left float">
  ];
}

def QuantizeActivations
    : Pass<"bit-quantize-activations", "::mlir::ModuleOp"> {
  let summary = "quantize the activations of layers that were made ternary";
  let description = [{
    Layers that multiply by the codes of `bit.quantize_weight` get the default
    `#bit.quantizer`, 8 bits and one scale a token. Those whose graph quantizes
    keep its quantizer, and trained layers stay as they are.
  }];
  let dependentDialects = ["::bit::BitDialect"];
  let statistics = [
    Statistic<"numQuantized", "quantized", "layers that got a quantizer">,
    Statistic<"numDeclined", "declined", "layers that stay as they are">
  ];
}

def RecognizeAttention
    : Pass<"bit-recognize-attention", "::mlir::ModuleOp"> {
  let summary = "make one Attention of MatMul, Softmax and MatMul";
  let description = [{
    `MatMul(Softmax(MatMul(q, transposed k) * scale + mask), v)` of f32 and rank
    4, in the forms that exporters write: the scale on the product, the queries,
    the keys or all of them, as a product or a quotient, with or without mask,
    softcap, and heads that are repeated by Unsqueeze, Expand and Reshape. Every
    value in between has no other use.

    The node gets `bit.pattern`: its mask broadcasts as numpy's, and a row that is
    hidden altogether is what the graph makes of it: "nan" as Softmax does, or
    "zero" where the graph replaces NaN.
  }];
  let dependentDialects = ["::bit::onnx::OnnxDialect"];
  let statistics = [
    Statistic<"numRecognized", "recognized", "attentions found">,
    Statistic<"numDeclined", "declined", "products that are left as they are">
  ];
}

#endif // BIT_CONVERSION_ONNXTOBIT_PASSES
