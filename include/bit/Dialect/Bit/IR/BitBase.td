// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the op files share: classes and operand types.

#ifndef BIT_DIALECT_BIT_IR_BITBASE_TD
#define BIT_DIALECT_BIT_IR_BITBASE_TD

include "bit/Dialect/Bit/IR/BitAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Bit_Op<string mnemonic, list<Trait> traits = []>
    : Op<Bit_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

// A function of tensors.
class Bit_PureOp<string mnemonic, list<Trait> traits = []>
    : Bit_Op<mnemonic, !listconcat(traits, [Pure,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>])>;

// An op that becomes a kernel: a pure function of tensors whose results are
// tied to its inits, or, on memrefs, one that writes its inits without reading
// them first.
class Bit_KernelOp<string mnemonic, list<Trait> traits = []>
    : Bit_Op<mnemonic, !listconcat(traits, [DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>])>;

// The region of an epilogue: empty where there is none.
def Bit_EpilogueRegion : MaxSizedRegion<1>;

def Bit_Float : AnyTypeOf<[F32, F16, BF16]>;
def Bit_FloatTensor : RankedTensorOf<[Bit_Float]>;
def Bit_F32Tensor : RankedTensorOf<[F32]>;
def Bit_I8Tensor : RankedTensorOf<[I8]>;
def Bit_I32Tensor : RankedTensorOf<[I32]>;

// A tensor, or the buffer it has become.
class Bit_Shaped<list<Type> elementTypes, string summary>
    : AnyTypeOf<[RankedTensorOf<elementTypes>, MemRefOf<elementTypes>],
                "tensor or memref of " # summary, "::mlir::ShapedType">;
def Bit_F32Shaped : Bit_Shaped<[F32], "f32">;
def Bit_I8Shaped : Bit_Shaped<[I8], "i8">;
def Bit_I32Shaped : Bit_Shaped<[I32], "i32">;
def Bit_CodesOrF32Shaped : Bit_Shaped<[I8, F32], "i8 or f32">;

#endif // BIT_DIALECT_BIT_IR_BITBASE_TD
