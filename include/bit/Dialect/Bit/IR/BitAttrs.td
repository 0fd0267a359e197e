// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITATTRS_TD
#define BIT_DIALECT_BIT_IR_BITATTRS_TD

include "bit/Dialect/Bit/IR/BitEnums.td"
include "mlir/IR/AttrTypeBase.td"

class Bit_Attr<string name, string attrMnemonic>
    : AttrDef<Bit_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Bit_QuantizerAttr : Bit_Attr<"Quantizer", "quantizer"> {
  let summary = "how activations become integer codes";
  let description = [{
    With `Q`, which is `max`, and `a` over the values that share a scale:

    ```
    granularity  token:       one scale for each index of all but the last dimension
                 sample:      one scale for each index of the first dimension, which
                              has others before the last
                 tensor:      one scale
                 channel:     one scale for each index of the last dimension
    statistic    absmax:      a = max |x|, NaN if one x is
                 absmean:     a = (sum of |x|) / (number of x)
    eps_mode     clamp:       a' = max(a, eps)
                 add:         a' = a + eps
                 none, clamp_step, add_step:  a' = a
    d                         a' / Q, or a' * (1 / Q) with scale = inverse_mul
                              and recip_step_mul;
                 clamp_step:  max(that, eps)
                 add_step:    that + eps
    scale        recip_mul:   v = x * s, s = (1 / a') * Q
                 div:         v = x * s, s = Q / a'
                 recip_step, recip_step_mul:  v = x * s, s = 1 / d
                 inverse, inverse_mul:  v = x / d
                 div_mul:     v = (x / a') * Q
                 mul_div:     v = (x * Q) / a'
                 norm_mul:    v = (x * s) * Q, s = 1 / a'
                 mul_norm:    v = (x * Q) * s, s = 1 / a'
    rounding     half_even:   round(v): to the nearest integer, ties to even
                 half_up:     floor(v + 0.5)
                 half_down:   ceil(v - 0.5)
    code                      clamp(rounded v, clamp[0], clamp[1])
    xs           recip:       1 / s
                 direct:      d
                 (where there is no s, and for norm_mul and mul_norm:  d)
                 none:        1, for codes that nothing rescales
    ```

    Every operation of this rounds its result to `compute`: f32, f16 or bf16. Only
    xs is computed in f32 where values are not divided by it, and so is the sum of
    absmean, whose mean is rounded. 1 / Q is the number nearest to it in that type.

    The sum of absmean is a reduction along a row as docs/numerics.md has it, over
    all rows one after the other for granularity tensor, over those of a sample
    for granularity sample.

    Where `a'` or a `d` that values are divided by (inverse, inverse_mul,
    recip_step, recip_step_mul) is not finite, all codes are 0 and `xs` is NaN: what a graph
    computes from such values is NaN, too.

    Without eps, or with one below 1e-35 (2e-3 in f16), values may be too small for
    their scale: `s` is infinite, or the `d` or `a'` (div_mul, mul_div) that they are
    divided by is 0. Then

    ```
    overflow     nan:         all codes are 0, and xs is NaN
                 clamp:       the same if one of the values is 0 (for each row of a
                              sample by itself, and of a tensor where the op has
                              an xs for each); otherwise each v is infinite, its
                              code clamp[0] or clamp[1], and xs as above, mostly 0
    ```

    Graphs that clamp their codes as floats mean clamp. Those that do not compute
    NaN of infinities, and casts of infinities to integers are not defined.

    Parameters may be given in any order; those that have their default value
    are not printed. Defaults: `bits = 8, max = 2^(bits-1) - 1, granularity = token, statistic = absmax,
    eps = 1.0e-5, eps_mode = clamp, scale = recip_mul, dequant = recip,
    rounding = half_even`, `clamp = [-2^(bits-1), 2^(bits-1) - 1]`, `overflow = nan` and
    `compute = f32`.

    Constraints:
    (C1) `bits` is 2 to 8.
    (C2) `eps` is finite and not negative.
    (C3) `clamp` holds 0 and lies in [-128, 127].
    (C4) `dequant = direct` is given only with a `scale` whose `s` takes values to
    codes: recip_mul, div, recip_step and recip_step_mul.
    (C5) `eps_mode` is clamp_step or add_step only with a `scale` that has d:
    inverse, inverse_mul, recip_step and recip_step_mul.
    (C6) `eps` is a number of the type `compute`, unless `eps_mode` is none.
    (C7) `max` is 1 to 128.

    Example:

    ```mlir
    func.func private @quantizers() attributes {
      q0 = #bit.quantizer<>,
      q1 = #bit.quantizer<bits = 4, granularity = tensor, clamp = [-7, 7]>,
      q2 = #bit.quantizer<scale = inverse, eps = 1.0e-6, rounding = half_up>,
      q3 = #bit.quantizer<eps = 1.001358e-05, compute = f16>,
      q4 = #bit.quantizer<max = 128, dequant = none>
    }
    ```
  }];

  let parameters = (ins
    "unsigned":$bits,
    "ActivationGranularity":$granularity,
    APFloatParameter<"f32">:$eps,
    "EpsMode":$epsMode,
    "ScaleForm":$scale,
    "DequantForm":$dequant,
    "int64_t":$clampLow,
    "int64_t":$clampHigh,
    "Rounding":$rounding,
    "Statistic":$statistic,
    "ScaleOverflow":$overflow,
    "ComputeType":$compute,
    "unsigned":$maxCode
  );

  let builders = [
    AttrBuilder<(ins CArg<"unsigned", "8">:$bits,
                     CArg<"ActivationGranularity",
                          "ActivationGranularity::Token">:$granularity,
                     CArg<"float", "1.0e-5f">:$eps,
                     CArg<"EpsMode", "EpsMode::Clamp">:$epsMode,
                     CArg<"ScaleForm", "ScaleForm::RecipMul">:$scale,
                     CArg<"DequantForm", "DequantForm::Recip">:$dequant,
                     CArg<"std::optional<std::pair<int64_t, int64_t>>",
                          "std::nullopt">:$clamp,
                     CArg<"Rounding", "Rounding::HalfEven">:$rounding,
                     CArg<"Statistic", "Statistic::AbsMax">:$statistic,
                     CArg<"ScaleOverflow",
                          "ScaleOverflow::NaN">:$overflow,
                     CArg<"ComputeType", "ComputeType::F32">:$compute,
                     CArg<"std::optional<unsigned>",
                          "std::nullopt">:$maxCode), [{
      int64_t q = (int64_t(1) << (bits - 1)) - 1;
      return $_get($_ctxt, bits, granularity, llvm::APFloat(eps), epsMode,
                   scale, dequant, clamp ? clamp->first : -q - 1,
                   clamp ? clamp->second : q, rounding, statistic, overflow, compute,
                   maxCode.value_or(q));
    }]>
  ];

  let extraClassDeclaration = [{
    /// Whether v = x * s; the others take two steps or divide.
    static bool hasFactor(ScaleForm scale) {
      return scale == ScaleForm::RecipMul || scale == ScaleForm::Div ||
             scale == ScaleForm::RecipStep || scale == ScaleForm::RecipStepMul;
    }
    bool hasFactor() const { return hasFactor(getScale()); }
    /// Whether v is computed from the step d, not from a'.
    static bool hasStep(ScaleForm scale) {
      return scale == ScaleForm::Inverse || scale == ScaleForm::InverseMul ||
             scale == ScaleForm::RecipStep || scale == ScaleForm::RecipStepMul;
    }
    bool hasStep() const { return hasStep(getScale()); }
    /// Whether x is multiplied by 1 / a' and by Q, one after the other.
    bool hasInverse() const {
      return getScale() == ScaleForm::NormMul ||
             getScale() == ScaleForm::MulNorm;
    }
    /// Whether x is multiplied by Q first, which may overflow.
    static bool multipliesFirst(ScaleForm scale) {
      return scale == ScaleForm::MulDiv || scale == ScaleForm::MulNorm;
    }
    /// Whether d = a' * (1 / Q).
    bool multipliesStep() const {
      return getScale() == ScaleForm::InverseMul ||
             getScale() == ScaleForm::RecipStepMul;
    }
    /// Whether values too small for a finite scale have codes.
    bool clampsOverflow() const {
      return getOverflow() == ScaleOverflow::Clamp;
    }
    /// Whether operations round to less than f32.
    bool computesInHalf() const { return getCompute() != ComputeType::F32; }
    /// The type that operations round to.
    mlir::FloatType getComputeType() const;
    /// The same quantizer for values that share scales in another way.
    QuantizerAttr withGranularity(ActivationGranularity granularity) const;
    /// eps as a number.
    float getEpsValue() const { return getEps().convertToFloat(); }
    /// The clamp range as the attribute that ternary_matmul and packed_matmul
    /// take.
    mlir::DenseI64ArrayAttr getRange() const {
      return mlir::DenseI64ArrayAttr::get(getContext(),
                                          {getClampLow(), getClampHigh()});
    }
  }];

  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Bit_KernelAttr : Bit_Attr<"Kernel", "kernel"> {
  let summary = "names a kernel and its parameters";
  let description = [{
    The name resolves to a `Kernel` in the dialect's registry
    (`BitDialect::getKernels`), which the target libraries fill. The kernel says
    how weights are packed and emits the code. `tile` has the kernel's own
    parameters; without it the kernel chooses.

    Constraints:
    (C1) the name is not empty and has only letters, digits, `_` and `.`.
    (C2) tile sizes are positive.

    Example:

    ```mlir
    func.func private @kernels() attributes {
      plain = #bit.kernel<generic.p2>,
      tiled = #bit.kernel<generic.p2, tile = [64, 4, 16]>
    }
    ```
  }];
  let parameters = (ins
    StringRefParameter<"the registered name">:$name,
    OptionalArrayRefParameter<"int64_t", "the kernel's own sizes">:$tile
  );
  let builders = [
    AttrBuilder<(ins "llvm::StringRef":$name), [{
      return $_get($_ctxt, name, llvm::ArrayRef<int64_t>());
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // BIT_DIALECT_BIT_IR_BITATTRS_TD
