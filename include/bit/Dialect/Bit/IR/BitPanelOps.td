// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of floats by matrices in panels of columns.

#ifndef BIT_DIALECT_BIT_IR_BITPANELOPS_TD
#define BIT_DIALECT_BIT_IR_BITPANELOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_FloatShaped : Bit_Shaped<[F32, F16, BF16], "f32, f16 or bf16">;
def Bit_MatrixShaped : Bit_Shaped<[F32, F16, BF16, I8], "f32, f16, bf16 or i8">;
def Bit_MatrixTensor : RankedTensorOf<[F32, F16, BF16, I8]>;

def Bit_PackPanelsOp : Bit_KernelOp<"pack_panels"> {
  let summary = "arranges the right operand of a product in panels of columns";
  let description = [{
    A panel has W neighbouring columns of a K x N matrix `b`, for each k side by
    side, so that a product reads it from its first byte to its last. The last
    panel is padded with zeros. A dim before the others is a batch's.

    ```
    panels[p, k, j] = b[k, p * W + j]   where p * W + j < N, else 0
                    = b[p * W + j, k]   with `transposed`
    ```

    A matrix of codes may also have quads of k side by side, which 32-bit dot
    products of bytes read; k that pad are zeros:

    ```
    panels[p, q, j, i] = b[q * 4 + i, p * W + j]
    ```

    Of a constant `b` the op costs nothing: `bit-extract-weights` makes it the
    form in which a weight is stored.

    Constraints:
    (C1) `b` is K x N, or N x K with `transposed`, or a batch of those.
    (C2) the init is P x K x W with the batch of `b`; W is static, a positive
    multiple of 16, and P = ceil(N / W). For quads it is P x ceil(K / 4) x W x 4,
    and `b` a matrix of i8.
    (C3) the init's elements have the type of those of `b`.
    (C4) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.

    Example:

    ```mlir
    func.func @pack_panels(%b: tensor<100x70xf32>, %init: tensor<4x70x32xf32>)
        -> tensor<4x70x32xf32> {
      %p = bit.pack_panels ins(%b : tensor<100x70xf32>) outs(%init : tensor<4x70x32xf32>)
          transposed -> tensor<4x70x32xf32>
      return %p : tensor<4x70x32xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_MatrixShaped:$b,
    Bit_MatrixShaped:$init,
    UnitAttr:$transposed
  );
  let results = (outs Optional<Bit_MatrixTensor>:$panels);

  let builders = [
    // With a result where the init is a tensor.
    OpBuilder<(ins "mlir::Value":$b, "mlir::Value":$init, "bool":$transposed)>
  ];

  let assemblyFormat = [{
    `ins` `(` $b `:` type($b) `)` `outs` `(` $init `:` type($init) `)`
    (`transposed` $transposed^)? attr-dict (`->` type($panels)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Whether quads of k lie side by side.
    bool hasQuads() {
      return getInit().getType().getRank() == getB().getType().getRank() + 2;
    }
    /// Columns of a panel.
    int64_t getWidth() {
      return getInit().getType().getShape().drop_back(hasQuads()).back();
    }
  }];
}

def Bit_PanelMatmulOp
    : Bit_KernelOp<"panel_matmul", [AttrSizedOperandSegments]> {
  let summary = "multiplies floats by a matrix in panels with a kernel";
  let description = [{
    `b` being the K x N matrix that `bit.pack_panels` arranged in `panels`:

    ```
    y[m, n] = 0
    for k in 0..K:  y[m, n] = fma(x[m, k], f32(b[k, n]) * scales[n], y[m, n])
    y[m, n] = y[m, n] + bias[n]         where there is one
    y[m, n] = epilogue(y[m, n], ...)    where there is one
    ```

    Where `panels` has the rank of `x` it is `b` as it is: what is computed while
    the model runs is read once or twice, too rarely to be rearranged.

    A product by a scale is rounded before the fma, as if b had been multiplied
    by its scales before. Without `scales` there is no such product.

    A dim before the others is a batch's. The kernel says how much is computed
    together; as lanes and tiles run over m and n only, all kernels give the same
    bits.

    Constraints:
    (C1) `x` is M x K, or a batch of those.
    (C2) `panels` is P x K x W, W static and a positive multiple of 16, or K x N,
    with the batch of `x`.
    (C3) the init is M x N with the batch of `x`, and P = ceil(N / W).
    (C4) `bias` has N elements.
    (C5) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.
    (C6) `kernel` is registered as one for panels; its tile, if it has one, is
    the rows, a divisor of 96, and the registers along n, at most 32.
    (C7) the target features of the enclosing function, its `passthrough`
    attribute, have all of the kernel's.
    (C8) each of the `with` is a tensor of rank 0, or has N elements, or the shape of
    the init; `epilogue` is there if they are, takes a result and an element of each,
    all f32, and yields an f32 that it computes elementwise, without division of
    integers (`bit.yield`).
    (C9) `scales` has N elements or one, and `panels` of elements of i8.

    Example:

    ```mlir
    func.func @panel_matmul(%x: tensor<?x70xf32>, %panels: tensor<4x70x32xf32>,
        %y: tensor<?x100xf32>) -> tensor<?x100xf32> {
      %r = bit.panel_matmul ins(%x, %panels : tensor<?x70xf32>, tensor<4x70x32xf32>)
          outs(%y : tensor<?x100xf32>) kernel = #bit.kernel<generic.panel>
          -> tensor<?x100xf32>
      return %r : tensor<?x100xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_F32Shaped:$x,
    Bit_MatrixShaped:$panels,
    Optional<Bit_F32Shaped>:$scales,
    Optional<Bit_F32Shaped>:$bias,
    Variadic<Bit_F32Shaped>:$epilogueInputs,
    Bit_F32Shaped:$init,
    Bit_KernelAttr:$kernel
  );
  let results = (outs Optional<Bit_F32Tensor>:$y);
  let hasCanonicalizer = 1;
  let regions = (region Bit_EpilogueRegion:$epilogue);

  let builders = [
    // With a result where the init is a tensor; null scales or bias are none.
    OpBuilder<(ins "mlir::Value":$x, "mlir::Value":$panels,
                   "mlir::Value":$scales, "mlir::Value":$bias, "mlir::Value":$init,
                   "KernelAttr":$kernel)>
  ];

  let assemblyFormat = [{
    `ins` `(` $x `,` $panels `:` type($x) `,` type($panels) `)`
    (`scales` `(` $scales^ `:` type($scales) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`with` `(` $epilogueInputs^ `:` type($epilogueInputs) `)`)?
    `outs` `(` $init `:` type($init) `)`
    `kernel` `=` qualified($kernel) attr-dict
    (`epilogue` $epilogue^)? (`->` type($y)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// The dim of the init that inputs of the epilogue of rank 1 run along.
    int64_t getChannelDim() { return getInit().getType().getRank() - 1; }
    /// Whether `panels` is the matrix as it is.
    bool isUnpacked() {
      return getPanels().getType().getRank() == getX().getType().getRank();
    }
    /// Columns of a panel.
    int64_t getWidth() {
      return isUnpacked() ? PanelLayout::maxWidth
                          : getPanels().getType().getShape().back();
    }
  }];
}

def Bit_CodeMatmulOp : Bit_KernelOp<"code_matmul"> {
  let summary = "multiplies codes by a matrix of codes in panels with a kernel";
  let description = [{
    `b` being the K x N matrix that `bit.pack_panels` arranged in `panels` with
    quads of k:

    ```
    y[m, n] = the sum over k of u32(x[m, k]) * s32(b[k, n])   modulo 2^32
    ```

    Codes of x are unsigned and those of b signed, which is what instructions
    multiply; the pass that makes the op accounts for other signs and for zero
    points. Sums are exact, so all kernels give the same bits.

    Constraints:
    (C1) `x` is M x K, K static.
    (C2) `panels` is P x ceil(K / 4) x W x 4, W static and a positive multiple of
    16.
    (C3) the init is M x N, N static, and P = ceil(N / W).
    (C4) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.
    (C5) `kernel` is registered as one for codes, and has no tile.
    (C6) the target features of the enclosing function, its `passthrough`
    attribute, have all of the kernel's.

    Example:

    ```mlir
    func.func @code_matmul(%x: tensor<?x70xi8>, %panels: tensor<4x18x32x4xi8>,
        %y: tensor<?x100xi32>) -> tensor<?x100xi32> {
      %r = bit.code_matmul ins(%x, %panels : tensor<?x70xi8>, tensor<4x18x32x4xi8>)
          outs(%y : tensor<?x100xi32>) kernel = #bit.kernel<generic.codes>
          -> tensor<?x100xi32>
      return %r : tensor<?x100xi32>
    }
    ```
  }];

  let arguments = (ins
    Bit_I8Shaped:$x,
    Bit_I8Shaped:$panels,
    Bit_I32Shaped:$init,
    Bit_KernelAttr:$kernel
  );
  let results = (outs Optional<Bit_I32Tensor>:$y);

  let assemblyFormat = [{
    `ins` `(` $x `,` $panels `:` type($x) `,` type($panels) `)`
    `outs` `(` $init `:` type($init) `)`
    `kernel` `=` qualified($kernel) attr-dict (`->` type($y)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    int64_t getK() { return getX().getType().getShape()[1]; }
    int64_t getN() { return getInit().getType().getShape()[1]; }
    /// Columns of a panel.
    int64_t getWidth() { return getPanels().getType().getShape()[2]; }
  }];
}

def Bit_PanelConvOp
    : Bit_KernelOp<"panel_conv", [AttrSizedOperandSegments]> {
  let summary = "slides a kernel in panels over the spatial dims of a tensor";
  let description = [{
    `w` being the weights, C_out x K with K = C x all taps, whose transpose
    `bit.pack_panels` arranged in `panels`:

    ```
    y[n, oc, o...] = bias[oc]           or 0 where there is none
    for c in 0..C, for t... in 0..window...:
      y[n, oc, o...] = fma(x[n, c, o * stride + t * dilation, ...],
                           f32(w[oc, c, t...]), y[n, oc, o...])
    y[n, oc, o...] = epilogue(y[n, oc, o...], ...)   where there is one
    ```

    What the model pads is part of `x`. Lanes run over output channels and tiles
    over pixels, so all kernels give the same bits, and strides, dilations and
    sizes that are not known cost next to nothing.

    Constraints:
    (C1) `x` is N x C x spatial dims, 1 to 3 of those; `window`, `strides` and
    `dilations` have a positive number for each.
    (C2) `panels` is P x K x W, W static and a positive multiple of 16; K is C
    times the product of `window`.
    (C3) the init is N x C_out x O..., each O the number of positions of the
    window in `x`, and P = ceil(C_out / W).
    (C4) `bias` has C_out elements.
    (C5) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.
    (C6) `kernel` is registered as one for panels; its tile, if it has one, is
    the pixels, at most 8, and the registers of channels, at most 32.
    (C7) the target features of the enclosing function, its `passthrough`
    attribute, have all of the kernel's.
    (C8) each of the `with` is a tensor of rank 0, or has C_out elements, or the shape of
    the init; `epilogue` is there if they are, takes a result and an element of each,
    all f32, and yields an f32 that it computes elementwise, without division of
    integers (`bit.yield`).

    Example:

    ```mlir
    func.func @panel_conv(%x: tensor<?x3x10x10xf32>, %panels: tensor<2x27x32xf32>,
        %bias: tensor<40xf32>, %y: tensor<?x40x8x8xf32>) -> tensor<?x40x8x8xf32> {
      %r = bit.panel_conv ins(%x, %panels : tensor<?x3x10x10xf32>, tensor<2x27x32xf32>)
          bias(%bias : tensor<40xf32>) outs(%y : tensor<?x40x8x8xf32>)
          window = [3, 3] strides = [1, 1] dilations = [1, 1]
          kernel = #bit.kernel<generic.panel> -> tensor<?x40x8x8xf32>
      return %r : tensor<?x40x8x8xf32>
    }

    func.func @add_and_relu(%x: tensor<1x16x4x4xf32>, %panels: tensor<1x16x16xf32>,
        %z: tensor<1x16x4x4xf32>, %y: tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
      %zero = arith.constant 0.0 : f32
      %r = bit.panel_conv ins(%x, %panels : tensor<1x16x4x4xf32>, tensor<1x16x16xf32>)
          with(%z : tensor<1x16x4x4xf32>) outs(%y : tensor<1x16x4x4xf32>)
          window = [1, 1] strides = [1, 1] dilations = [1, 1]
          kernel = #bit.kernel<generic.panel> epilogue {
        ^bb0(%a: f32, %b: f32):
          %sum = arith.addf %a, %b : f32
          %positive = arith.maximumf %sum, %zero : f32
          bit.yield %positive : f32
        } -> tensor<1x16x4x4xf32>
      return %r : tensor<1x16x4x4xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_F32Shaped:$x,
    Bit_FloatShaped:$panels,
    Optional<Bit_F32Shaped>:$bias,
    Variadic<Bit_F32Shaped>:$epilogueInputs,
    Bit_F32Shaped:$init,
    DenseI64ArrayAttr:$window,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$dilations,
    Bit_KernelAttr:$kernel
  );
  let results = (outs Optional<Bit_F32Tensor>:$y);
  let hasCanonicalizer = 1;
  let regions = (region Bit_EpilogueRegion:$epilogue);

  let assemblyFormat = [{
    `ins` `(` $x `,` $panels `:` type($x) `,` type($panels) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`with` `(` $epilogueInputs^ `:` type($epilogueInputs) `)`)?
    `outs` `(` $init `:` type($init) `)`
    `window` `=` $window `strides` `=` $strides `dilations` `=` $dilations
    `kernel` `=` qualified($kernel) attr-dict
    (`epilogue` $epilogue^)? (`->` type($y)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// The dim of the init that inputs of the epilogue of rank 1 run along.
    int64_t getChannelDim() { return 1; }
    /// The number of spatial dims.
    int64_t getSpatialRank() { return getWindow().size(); }
    /// Positions in the window.
    int64_t getTaps();
    /// Channels of a panel.
    int64_t getWidth() { return getPanels().getType().getShape().back(); }
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITPANELOPS_TD
