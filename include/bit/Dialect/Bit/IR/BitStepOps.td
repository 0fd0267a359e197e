// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps of a layer: what bit.linear decomposes into.

#ifndef BIT_DIALECT_BIT_IR_BITSTEPOPS_TD
#define BIT_DIALECT_BIT_IR_BITSTEPOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_AbsmaxQuantizeOp
    : Bit_KernelOp<"absmax_quantize", [AttrSizedResultSegments]> {
  let summary = "quantizes activations by their absolute maximum";
  let description = [{
    Computes codes, the scale that turns codes back into values, and the sum of
    the codes along the last dimension, as `#bit.quantizer` defines them:

    ```
    a[i]       = max over the values that share a scale of |x|, NaN if one is NaN
    codes[i,k] = clamp(round(x[i,k] * s(a[i])), low, high)
    scale[i]   = xs(a[i])
    sum[i]     = sum over k of codes[i,k]
    ```

    Constraints:
    (C1) `x` has at least one dimension.
    (C2) `codes` has the shape of `x`.
    (C3) `scale` has the leading dimensions of `x` (token; sample, where all rows
    of a sample have the same), none (tensor) or its last one (channel).
    (C4) `sum` has the leading dimensions of `x`.
    (C5) the last dimension of `x` times the largest code of the clamp range fits
    i32.
    (C6) `x` has rank 2 or more where granularity is sample.
    (C7) all operands are tensors, and then the results are the inits' types, or
    all are memrefs, and then there are no results.

    Example:

    ```mlir
    func.func @absmax_quantize(%x: tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>) {
      %c = tensor.empty() : tensor<2x4xi8>
      %s = tensor.empty() : tensor<2xf32>
      %u = tensor.empty() : tensor<2xi32>
      %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<2x4xf32>)
          outs(%c, %s, %u : tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>)
          quantizer = <bits = 8> -> tensor<2x4xi8>, tensor<2xf32>, tensor<2xi32>
      return %codes, %scale : tensor<2x4xi8>, tensor<2xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_F32Shaped:$x,
    Bit_I8Shaped:$codesInit,
    Bit_F32Shaped:$scaleInit,
    Bit_I32Shaped:$sumInit,
    Bit_QuantizerAttr:$quantizer
  );
  let results = (outs
    Optional<Bit_I8Tensor>:$codes,
    Optional<Bit_F32Tensor>:$scale,
    Optional<Bit_I32Tensor>:$sum
  );

  let builders = [
    // With results where the inits are tensors.
    OpBuilder<(ins "mlir::Value":$x, "mlir::Value":$codesInit,
                   "mlir::Value":$scaleInit, "mlir::Value":$sumInit,
                   "QuantizerAttr":$quantizer)>
  ];

  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)`
    `outs` `(` $codesInit `,` $scaleInit `,` $sumInit
    `:` type($codesInit) `,` type($scaleInit) `,` type($sumInit) `)`
    `quantizer` `=` $quantizer attr-dict
    (`->` type($codes)^ `,` type($scale) `,` type($sum))?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() {
      return mlir::MutableOperandRange(getOperation(), 1, 3);
    }
  }];
}

def Bit_TernaryMatmulOp : Bit_PureOp<"ternary_matmul"> {
  let summary = "multiplies integer codes by ternary or binary codes, exactly";
  let description = [{
    ```
    acc[m,n]   = sum over k of codes[m,k] * w[n,k]
    acc[m,n,g] = the same over k of group g        (with `groups`)
    ```

    `range` is what the codes lie in: the quantizer's clamp range.

    Constraints:
    (C1) `w` is N x K, both static.
    (C2) `codes` is M x K.
    (C3) the result is M x N, or M x N x G with `groups = G`.
    (C4) `groups` divides K.
    (C5) `range` is [low, high] with -128 <= low <= 0 <= high <= 127.
    (C6) K / G times the largest code of `range` fits i32.
    (C7) constant `w` are of the set that `weights` names.
    (C8) constant `codes` lie in `range`.

    Example:

    ```mlir
    func.func @ternary_matmul(%codes: tensor<?x4xi8>, %w: tensor<2x4xi8>) -> tensor<?x2xi32> {
      %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127]
          : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xi32>
      return %acc : tensor<?x2xi32>
    }
    ```
  }];

  let arguments = (ins
    Bit_I8Tensor:$codes,
    Bit_I8Tensor:$w,
    Bit_WeightKindAttr:$weights,
    DenseI64ArrayAttr:$range,
    OptionalAttr<I64Attr>:$groups
  );
  let results = (outs Bit_I32Tensor:$acc);

  let assemblyFormat = [{
    $codes `,` $w `weights` `=` custom<Word>($weights) `range` `=` $range
    (`groups` `=` $groups^)? attr-dict
    `:` type($codes) `,` type($w) `->` type($acc)
  }];

  let extraClassDeclaration = [{
    int64_t getN() { return getW().getType().getDimSize(0); }
    int64_t getK() { return getW().getType().getDimSize(1); }
  }];
  let hasFolder = 1;
}

def Bit_RescaleOp : Bit_PureOp<"rescale"> {
  let summary = "scales integer accumulators to float, once, in a fixed order";
  let description = [{
    ```
    y[m,n] = fma(f32(acc[m,n]), x_scale[m] * w_scale[n], bias[n])
    y[m,n] = fma(f32(acc[m,n,g]), x_scale[m] * w_scale[n,g], y[m,n])
             for ascending g, from bias[n]         (acc of rank 3)
    ```

    Without bias the first fma is a multiplication. A multiplication of `y` by a
    constant power of two merges into constant `w_scale` and `bias` where those
    stay normal numbers: the same bits, unless `y` itself leaves the range of
    normal numbers.

    Constraints:
    (C1) `acc` is M x N or M x N x G.
    (C2) `x_scale` has M elements, or one as a tensor of rank 0.
    (C3) `w_scale` has 1 or N elements, N x G where `acc` has groups.
    (C4) `bias` has N elements.
    (C5) the result is M x N.

    Example:

    ```mlir
    func.func @rescale(%acc: tensor<2x8xi32>, %xs: tensor<2xf32>, %ws: tensor<1xf32>,
                       %bias: tensor<8xf32>) -> tensor<2x8xf32> {
      %y = bit.rescale %acc, %xs, %ws bias %bias
          : (tensor<2x8xi32>, tensor<2xf32>, tensor<1xf32>, tensor<8xf32>) -> tensor<2x8xf32>
      return %y : tensor<2x8xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_I32Tensor:$acc,
    Bit_F32Tensor:$xScale,
    Bit_F32Tensor:$wScale,
    Optional<Bit_F32Tensor>:$bias
  );
  let results = (outs Bit_F32Tensor:$y);

  let assemblyFormat = [{
    $acc `,` $xScale `,` $wScale (`bias` $bias^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasCanonicalizer = 1;
}

def Bit_DequantizeOp : Bit_PureOp<"dequantize"> {
  let summary = "turns codes back into float values";
  let description = [{
    `y = f32(codes) * scale`. The dimensions of `scale` are those of `codes` from
    `axis` on: with `axis = 0` a scale of rank 1 belongs to rows, as the scales of
    weights and of quantized tokens do. Where `scale` reaches the last dimension
    of `codes`, K, it may have G elements there, each for a run of K / G codes. A
    scale of one element serves all codes.

    ```
    y[m,k] = f32(codes[m,k]) * scale[m]                 tensor<M>,   axis = 0
    y[m,k] = f32(codes[m,k]) * scale[m, k / (K / G)]    tensor<MxG>, axis = 0
    y[m,k] = f32(codes[m,k]) * scale[k]                 tensor<K>,   axis = 1
    ```

    Constraints:
    (C1) `axis` is at least 0, and `axis` plus the rank of `scale` at most the
    rank of `codes`.
    (C2) `scale` has one element, or the dimensions of `codes` from `axis` on, of
    which the last of `codes` may be divided by a group size.
    (C3) the result has the shape of `codes`.

    Example:

    ```mlir
    func.func @dequantize(%codes: tensor<2x4xi8>, %scale: tensor<2xf32>) -> tensor<2x4xf32> {
      %y = bit.dequantize %codes, %scale : tensor<2x4xi8>, tensor<2xf32> -> tensor<2x4xf32>
      return %y : tensor<2x4xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_I8Tensor:$codes,
    Bit_F32Tensor:$scale,
    DefaultValuedAttr<I64Attr, "0">:$axis
  );
  let results = (outs Bit_F32Tensor:$y);

  let assemblyFormat = [{
    $codes `,` $scale (`axis` `=` $axis^)? attr-dict
    `:` type($codes) `,` type($scale) `->` type($y)
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITSTEPOPS_TD
