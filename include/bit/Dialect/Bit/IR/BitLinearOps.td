// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ops that say what a layer computes.

#ifndef BIT_DIALECT_BIT_IR_BITLINEAROPS_TD
#define BIT_DIALECT_BIT_IR_BITLINEAROPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_LinearOp : Bit_PureOp<"linear"> {
  let summary = "multiplies activations by ternary or binary weights";
  let description = [{
    `y = x * (codes * scale)^T + bias` over the last dimension of `x`, in f32.
    Other float types are widened to f32 first and the result is rounded once at
    the end. With a quantizer, where `acc` is exact:

    ```
    (q, xs, _) = absmax_quantize(x, quantizer)
    acc        = ternary_matmul(q, codes)
    y          = rescale(acc, xs, scale, bias)
    ```

    Without one the activations stay float, and over the k of group g:

    ```
    acc[m,n,g] = fma(x[m,k], f32(codes[n,k]), acc[m,n,g])  for ascending k, from 0
    y[m,n]     = fma(acc[m,n,g], scale[n,g], y[m,n])       for ascending g, from bias[n]
                 (without bias the first step is acc[m,n,0] * scale[n,0])
    ```

    A scale of one element serves all outputs, one of N elements has one for each
    output and one of N x G elements has one for each output and each run of K / G
    inputs.

    Constraints:
    (C1) `codes` is N x K, both static.
    (C2) the last dimension of `x` is K.
    (C3) `scale` has 1, N or N x G elements, where G divides K.
    (C4) `bias` has N elements.
    (C5) the result is `x` with N as its last dimension, and has its element type.
    (C6) constant `codes` are of the set that `weights` names.
    (C7) the quantizer's granularity is not `channel`, whose scales belong to k.
    (C8) K / G times the largest code of the quantizer's clamp range fits i32.
    (C9) `x` has rank 2 or more where the quantizer's granularity is `sample`.

    Example:

    ```mlir
    func.func @linear(%x: tensor<?x4xf32>, %bias: tensor<2xf32>) -> tensor<?x2xf32> {
      %codes = arith.constant dense<[[1, 0, -1, 1], [0, 1, 1, -1]]> : tensor<2x4xi8>
      %scale = arith.constant dense<0.5> : tensor<1xf32>
      %y = bit.linear %x, %codes, %scale bias %bias weights = ternary quantizer = <bits = 8>
          : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
      return %y : tensor<?x2xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_FloatTensor:$x,
    Bit_I8Tensor:$codes,
    Bit_F32Tensor:$scale,
    Optional<Bit_F32Tensor>:$bias,
    Bit_WeightKindAttr:$weights,
    OptionalAttr<Bit_QuantizerAttr>:$quantizer
  );
  let results = (outs Bit_FloatTensor:$y);

  let assemblyFormat = [{
    $x `,` $codes `,` $scale (`bias` $bias^)? `weights` `=` custom<Word>($weights)
    (`quantizer` `=` $quantizer^)? attr-dict
    `:` functional-type(operands, results)
  }];

  let extraClassDeclaration = [{
    int64_t getN() { return getCodes().getType().getDimSize(0); }
    int64_t getK() { return getCodes().getType().getDimSize(1); }
    /// The number of scales along K.
    int64_t getGroups() {
      auto type = getScale().getType();
      return type.getRank() == 2 ? type.getDimSize(1) : 1;
    }
  }];
}

def Bit_QuantizeWeightOp : Bit_PureOp<"quantize_weight"> {
  let summary = "turns float weights into codes and scales";
  let description = [{
    Evaluated at compile time, by `bit-pack-weights` or `bit-quantize-weights`:
    there is no folder, so that large weights exist for one layer at a time. Over
    the weights `v` that share a scale, with sums in f64 (of runs of 16,384 in
    ascending order, then of the runs') and the scale rounded to f32 once:

    ```
    absmean:    scale = max(mean |v|, eps);    code = clamp(round(v / scale), -1, 1)
    absmedian:  scale = max(median |v|, eps);  code = clamp(round(v / scale), -1, 1)
    twn:        t = 0.7 * mean |v|;  code = |v| > t ? sign(v) : 0
                scale = mean |v| over |v| > t, or 0
    sign:       code = v < 0 ? -1 : 1;  scale = mean |v|
    fit:        code, scale = the ternary codes and the scale that minimise sum (v - code * scale)^2:
                with m[1..] = |v| in descending order, the t that maximises (m[1] + ... + m[t])^2 / t,
                the smallest if there are several;  code = |v| >= m[t] ? sign(v) : 0
                scale = mean |v| over |v| >= m[t]
    ```

    `round` is to nearest, ties to even. The median of an even number of values is
    the lower of the middle two. `sign` makes binary codes, the others ternary
    ones. A weight that is not finite has no code, and evaluating it is an error.

    Constraints:
    (C1) `w` is N x K, both static.
    (C2) `codes` has the shape of `w`.
    (C3) `scales` has 1 (tensor), N (channel) or N x K / group (group) elements.
    (C4) `group` is given for granularity `group` and only there, and divides K.
    (C5) `eps` is finite and not negative, positive for absmean and absmedian.

    Example:

    ```mlir
    func.func @quantize_weight(%w: tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2x2xf32>) {
      %codes, %scales = bit.quantize_weight %w scheme = absmean granularity = group group = 2
          : tensor<2x4xf32> -> tensor<2x4xi8>, tensor<2x2xf32>
      return %codes, %scales : tensor<2x4xi8>, tensor<2x2xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_F32Tensor:$w,
    Bit_WeightSchemeAttr:$scheme,
    Bit_WeightGranularityAttr:$granularity,
    OptionalAttr<I64Attr>:$group,
    DefaultValuedAttr<F32Attr, "1.0e-5f">:$eps
  );
  let results = (outs Bit_I8Tensor:$codes, Bit_F32Tensor:$scales);

  let assemblyFormat = [{
    $w `scheme` `=` custom<Word>($scheme) `granularity` `=` custom<Word>($granularity)
    (`group` `=` $group^)? attr-dict
    `:` type($w) `->` type($codes) `,` type($scales)
  }];
  let extraClassDeclaration = [{
    /// Computes what the description says of finite, row-major weights, on all
    /// threads of the context.
    void evaluate(llvm::ArrayRef<float> weights,
                  llvm::MutableArrayRef<int8_t> codes,
                  llvm::MutableArrayRef<float> scales);
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITLINEAROPS_TD
