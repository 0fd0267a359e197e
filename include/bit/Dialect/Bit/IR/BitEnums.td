// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITENUMS_TD
#define BIT_DIALECT_BIT_IR_BITENUMS_TD

include "bit/Dialect/Bit/IR/BitDialect.td"
include "mlir/IR/EnumAttr.td"

class Bit_Enum<string name, string summary, list<EnumCase> cases>
    : I32Enum<name, summary, cases> {
  let cppNamespace = "::bit";
}

def Bit_WeightKind : Bit_Enum<"WeightKind", "the set that weight codes are of", [
    I32EnumCase<"Ternary", 0, "ternary">,
    I32EnumCase<"Binary", 1, "binary">]>;
def Bit_WeightKindAttr : EnumAttr<Bit_Dialect, Bit_WeightKind, "weights">;

def Bit_WeightScheme : Bit_Enum<"WeightScheme",
    "the rule that turns float weights into codes", [
    I32EnumCase<"Absmean", 0, "absmean">,
    I32EnumCase<"Absmedian", 1, "absmedian">,
    I32EnumCase<"Twn", 2, "twn">,
    I32EnumCase<"Sign", 3, "sign">,
    I32EnumCase<"Fit", 4, "fit">]>;
def Bit_WeightSchemeAttr
    : EnumAttr<Bit_Dialect, Bit_WeightScheme, "weight_scheme">;

def Bit_WeightGranularity : Bit_Enum<"WeightGranularity",
    "which weights share a scale", [
    I32EnumCase<"Tensor", 0, "tensor">,
    I32EnumCase<"Channel", 1, "channel">,
    I32EnumCase<"Group", 2, "group">]>;
def Bit_WeightGranularityAttr
    : EnumAttr<Bit_Dialect, Bit_WeightGranularity, "weight_granularity">;

// The rest are parameters of #bit.quantizer and have no attribute of their own.

def Bit_ActivationGranularity : Bit_Enum<"ActivationGranularity",
    "which activations share a scale", [
    I32EnumCase<"Token", 0, "token">,
    I32EnumCase<"Tensor", 1, "tensor">,
    I32EnumCase<"Channel", 2, "channel">,
    I32EnumCase<"Sample", 3, "sample">]>;

def Bit_Statistic : Bit_Enum<"Statistic",
    "which number of the activations makes their scale", [
    I32EnumCase<"AbsMax", 0, "absmax">,
    I32EnumCase<"AbsMean", 1, "absmean">]>;

def Bit_EpsMode : Bit_Enum<"EpsMode", "how eps keeps the scale finite", [
    I32EnumCase<"Clamp", 0, "clamp">,
    I32EnumCase<"Add", 1, "add">,
    I32EnumCase<"None", 2, "none">,
    I32EnumCase<"ClampStep", 3, "clamp_step">,
    I32EnumCase<"AddStep", 4, "add_step">]>;

def Bit_ScaleForm : Bit_Enum<"ScaleForm", "how the quantizing scale is computed", [
    I32EnumCase<"RecipMul", 0, "recip_mul">,
    I32EnumCase<"Div", 1, "div">,
    I32EnumCase<"Inverse", 2, "inverse">,
    I32EnumCase<"InverseMul", 3, "inverse_mul">,
    I32EnumCase<"RecipStep", 4, "recip_step">,
    I32EnumCase<"DivMul", 5, "div_mul">,
    I32EnumCase<"MulDiv", 6, "mul_div">,
    I32EnumCase<"RecipStepMul", 7, "recip_step_mul">,
    I32EnumCase<"NormMul", 8, "norm_mul">,
    I32EnumCase<"MulNorm", 9, "mul_norm">]>;

def Bit_DequantForm : Bit_Enum<"DequantForm",
    "how the dequantizing scale is computed", [
    I32EnumCase<"Recip", 0, "recip">,
    I32EnumCase<"Direct", 1, "direct">,
    I32EnumCase<"None", 2, "none">]>;

def Bit_Rounding : Bit_Enum<"Rounding", "how a scaled value becomes a code", [
    I32EnumCase<"HalfEven", 0, "half_even">,
    I32EnumCase<"HalfUp", 1, "half_up">,
    I32EnumCase<"HalfDown", 2, "half_down">]>;

def Bit_ScaleOverflow : Bit_Enum<"ScaleOverflow",
    "what becomes of values that are too small for a finite scale", [
    I32EnumCase<"NaN", 0, "nan">,
    I32EnumCase<"Clamp", 1, "clamp">]>;

def Bit_ComputeType : Bit_Enum<"ComputeType",
    "the type that a quantizer rounds its operations to", [
    I32EnumCase<"F32", 0, "f32">,
    I32EnumCase<"F16", 1, "f16">,
    I32EnumCase<"BF16", 2, "bf16">]>;

#endif // BIT_DIALECT_BIT_IR_BITENUMS_TD
