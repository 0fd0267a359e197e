// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention without a matrix of scores.

#ifndef BIT_DIALECT_BIT_IR_BITATTENTIONOPS_TD
#define BIT_DIALECT_BIT_IR_BITATTENTIONOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_RealShaped : Bit_Shaped<[F32, F64], "f32 or f64">;
def Bit_I64Shaped : Bit_Shaped<[I64], "i64">;

def Bit_AttentionOp : Bit_KernelOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "mixes values by the softmax of queries times keys";
  let description = [{
    For each batch b, query head h and query i, with the key and value head
    g = h / (H / G):

    ```
    keys:   j in [max(range[b,i,0], 0), min(range[b,i,1], T)), all T without range
    s[j]  = sum over d of q[b,h,i,d] * k[b,g,j,d], times scale
    s[j]  = softcap * tanh(s[j] / softcap)         with softcap
    s[j]  = s[j] + mask[b,h,i,j]                   with mask; -inf hides the key
    p[j]  = exp(s[j] - max(s)) / sum over j of exp(s[j] - max(s))
    y[b,h,i,e] = sum over j of p[j] * v[b,g,j,e]
    ```

    A row without keys is zero, and so is one whose mask is -inf at all of its
    keys, unless `keep_nan` asks for the NaN that the formula gives. With
    `zero_nan` a row is zero if the sum of its exponentials is NaN or zero. Where
    the mask has a static dimension of 1 it is repeated.

    Constraints:
    (C1) `q` is B x H x L x D, `k` B x G x T x D, `v` B x G x T x E, of one element
    type, the mask's and the init's too.
    (C2) H and G are positive, and G divides H.
    (C3) `range` is B x L x 2.
    (C4) `mask` is B x H x L x T, where B, H and L may be 1.
    (C5) the init is B x H x L x E.
    (C6) `scale` is finite, and `softcap` positive and finite.
    (C7) all operands are tensors, and then the result is the init's type, or all
    are memrefs, and then there is no result.
    (C8) `keep_nan` and `zero_nan` exclude each other.

    Example:

    ```mlir
    func.func @attention(%q: tensor<1x8x?x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>,
        %range: tensor<1x?x2xi64>, %y: tensor<1x8x?x64xf32>) -> tensor<1x8x?x64xf32> {
      %r = bit.attention
          ins(%q, %k, %v : tensor<1x8x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
          range(%range : tensor<1x?x2xi64>) outs(%y : tensor<1x8x?x64xf32>)
          scale = 0.125 -> tensor<1x8x?x64xf32>
      return %r : tensor<1x8x?x64xf32>
    }
    ```
  }];

  let arguments = (ins
    Bit_RealShaped:$q,
    Bit_RealShaped:$k,
    Bit_RealShaped:$v,
    Optional<Bit_I64Shaped>:$range,
    Optional<Bit_RealShaped>:$mask,
    Bit_RealShaped:$init,
    F64Attr:$scale,
    OptionalAttr<F64Attr>:$softcap,
    UnitAttr:$keepNan,
    UnitAttr:$zeroNan
  );
  let results = (outs Optional<RankedTensorOf<[F32, F64]>>:$y);

  let builders = [
    // With a result where the init is a tensor. Null stands for what is absent.
    OpBuilder<(ins "mlir::Value":$q, "mlir::Value":$k, "mlir::Value":$v,
                   "mlir::Value":$range, "mlir::Value":$mask,
                   "mlir::Value":$init, "mlir::FloatAttr":$scale,
                   "mlir::FloatAttr":$softcap, "bool":$keepNan,
                   "bool":$zeroNan)>
  ];

  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`range` `(` $range^ `:` type($range) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    `outs` `(` $init `:` type($init) `)`
    `scale` `=` $scale (`softcap` `=` $softcap^)? (`keep_nan` $keepNan^)? (`zero_nan` $zeroNan^)?
    attr-dict (`->` type($y)^)?
  }];

  let extraClassDeclaration = [{
    mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// The size D of a query or key, or E of a value.
    int64_t getKeySize() { return getQ().getType().getDimSize(3); }
    int64_t getValueSize() { return getV().getType().getDimSize(3); }
    /// Whether a kernel computes it: f32 whose sizes D and E are known and fill
    /// vectors. The reference lowering takes the others.
    bool hasKernel();
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITATTENTIONOPS_TD
