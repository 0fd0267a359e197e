// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps of a layer that kernels compute.

#ifndef BIT_DIALECT_BIT_IR_BITPACKEDOPS_TD
#define BIT_DIALECT_BIT_IR_BITPACKEDOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_PackedMatmulOp
    : Bit_KernelOp<"packed_matmul", [AttrSizedOperandSegments]> {
  let summary = "multiplies activations by packed weights with a kernel";
  let description = [{
    `w` being the N x K codes that `kernel` packed into `packed`:

    ```
    codes x:  y = rescale(ternary_matmul(x, w), x_scale, w_scale, bias)
    float x:  y = linear(x, w, w_scale, bias)  without quantizer
    then      y = epilogue(y, ...)  where there is one
    ```

    Exactly these: a kernel may choose its order of exact integer steps only. Its
    name says what the bytes of `packed` mean, so it may be exchanged for any
    kernel of the same layout. `sum` is the sum of each row of codes, as
    `bit.absmax_quantize` gives it, for kernels that store code + 1.

    G scales along `k` come in blocks of B rows, so that a kernel reads them in
    one stream: the scale of row n and group g, `w_scale[n,g]` of the steps above,
    is at [n / B, g, n % B], and past the last row any number. `sum` is then that
    of each group of a row.

    Constraints:
    (C1) `n` and `k` are positive.
    (C2) `x` is M x `k`.
    (C3) codes come with `x_scale`, `sum` and `range`, floats without them.
    (C4) `x_scale` has M elements, or one as a tensor of rank 0.
    (C5) `sum` has M elements, M x G with G scales along `k`.
    (C6) `w_scale` has 1 or `n` elements, or is R x G x B, where R = ceil(`n` / B)
    and G divides `k`.
    (C7) `bias` has `n` elements.
    (C8) the init is M x `n`.
    (C9) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.
    (C10) `range` is [low, high] with -128 <= low <= 0 <= high <= 127.
    (C11) `kernel` is registered.
    (C12) `packed` has the kernel's number of bytes, and `w_scale` of rank 3 the
    kernel's B.
    (C13) the kernel supports the shape, the kind of weights and of activations.
    (C14) `k`, or `k` / G, is at most what the kernel accumulates exactly for codes
    in `range`.
    (C15) the target features of the enclosing function, its `passthrough`
    attribute, have all of the kernel's.
    (C16) each of the `with` is a tensor of rank 0, or has `n` elements, or the
    shape of the init; `epilogue` is there if they are, takes a result and an element of
    each, all f32, and yields an f32 that it computes elementwise, without division
    of integers (`bit.yield`).

    Example:

    ```mlir
    func.func @packed_matmul(%x: tensor<?x16xi8>, %packed: tensor<?xi8>, %xs: tensor<?xf32>,
        %sum: tensor<?xi32>, %ws: tensor<1xf32>, %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %r = bit.packed_matmul ins(%x, %packed, %ws : tensor<?x16xi8>, tensor<?xi8>, tensor<1xf32>)
          quantized(%xs, %sum : tensor<?xf32>, tensor<?xi32>) outs(%y : tensor<?x64xf32>)
          n = 64 k = 16 weights = ternary range = [-128, 127]
          kernel = #bit.kernel<generic.p2> -> tensor<?x64xf32>
      return %r : tensor<?x64xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_CodesOrF32Shaped:$x,
    Bit_I8Shaped:$packed,
    Bit_F32Shaped:$wScale,
    Optional<Bit_F32Shaped>:$xScale,
    Optional<Bit_I32Shaped>:$sum,
    Optional<Bit_F32Shaped>:$bias,
    Variadic<Bit_F32Shaped>:$epilogueInputs,
    Bit_F32Shaped:$init,
    I64Attr:$n,
    I64Attr:$k,
    Bit_WeightKindAttr:$weights,
    OptionalAttr<DenseI64ArrayAttr>:$range,
    Bit_KernelAttr:$kernel
  );
  let results = (outs Optional<Bit_F32Tensor>:$y);
  let hasCanonicalizer = 1;
  let regions = (region Bit_EpilogueRegion:$epilogue);

  let builders = [
    // With a result where the init is a tensor. Null values and attributes
    // stand for what is absent.
    OpBuilder<(ins "mlir::Value":$x, "mlir::Value":$packed,
                   "mlir::Value":$wScale, "mlir::Value":$xScale,
                   "mlir::Value":$sum, "mlir::Value":$bias,
                   "mlir::Value":$init, "int64_t":$n, "int64_t":$k,
                   "WeightKind":$weights, "mlir::DenseI64ArrayAttr":$range,
                   "KernelAttr":$kernel)>
  ];

  let assemblyFormat = [{
    `ins` `(` $x `,` $packed `,` $wScale
    `:` type($x) `,` type($packed) `,` type($wScale) `)`
    (`quantized` `(` $xScale^ `,` $sum `:` type($xScale) `,` type($sum) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`with` `(` $epilogueInputs^ `:` type($epilogueInputs) `)`)?
    `outs` `(` $init `:` type($init) `)`
    `n` `=` $n `k` `=` $k `weights` `=` custom<Word>($weights) (`range` `=` $range^)?
    `kernel` `=` qualified($kernel) attr-dict
    (`epilogue` $epilogue^)? (`->` type($y)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// The dim of the init that inputs of the epilogue of rank 1 run along.
    int64_t getChannelDim() { return 1; }
    /// Whether the activations are float, not codes.
    bool hasFloatActivations() { return getX().getType().getElementType().isF32(); }
    /// Whether `w_scale` has the form for several scales along K.
    bool hasGroupScales() { return getWScale().getType().getRank() == 3; }
    /// The number of scales along K.
    int64_t getGroups() {
      return hasGroupScales() ? getWScale().getType().getDimSize(1) : 1;
    }
    /// What this op asks of its kernel.
    PackedMatmulSpec getSpec();
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITPACKEDOPS_TD
