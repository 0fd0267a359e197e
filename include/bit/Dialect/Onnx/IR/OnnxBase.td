// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The onnx dialect, what its generated operations derive from, and the two
// operations that no schema describes.

#ifndef BIT_DIALECT_ONNX_IR_ONNXBASE
#define BIT_DIALECT_ONNX_IR_ONNXBASE

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def OnnxDialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::bit::onnx";
  let summary = "ONNX's operators, one operation each";
  let description = [{
    The operations of the default domain are generated at build time from the
    schemas in libonnx, at the opset that the import converts every model to.
    Operands, attributes and results keep the schema's names. An operation of
    another domain carries it in its name: `onnx.com.microsoft.MatMulNBits`.

    Signed integers are signless, unsigned ones `ui8` and so on; tensors are
    always ranked.
  }];
  let hasConstantMaterializer = 1;
}

def OnnxOpInterface : OpInterface<"OnnxOpInterface"> {
  let cppNamespace = "::bit::onnx";
  let description = [{
    Tells which of an operator's inputs and outputs may be missing, so that the
    import fills the segment sizes of any operation by its name alone. A kind
    is one letter a parameter: `r` required, `?` optional, `*` variadic.
  }];
  let methods = [
    StaticInterfaceMethod<"Kinds of the inputs.", "llvm::StringRef",
                          "getInputKinds">,
    StaticInterfaceMethod<"Kinds of the outputs.", "llvm::StringRef",
                          "getOutputKinds">,
  ];
}

class OnnxTensor<list<Type> elementTypes> : RankedTensorOf<elementTypes>;

defvar OnnxIntegers = [I8, I16, I32, I64, UI8, UI16, UI32, UI64];
defvar OnnxFloats = [BF16, F16, F32, F64];
defvar OnnxElements = !listconcat(
    [I1, I<2>, I<4>, UI<2>, UI<4>], OnnxIntegers,
    [F4E2M1FN, F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0FNU],
    OnnxFloats);
def OnnxAnyTensor : OnnxTensor<OnnxElements>;

class OnnxOp<string mnemonic, string inputKinds, string outputKinds,
             list<Trait> traits = []>
    : Op<OnnxDialect, mnemonic, !listconcat([OnnxOpInterface], traits)> {
  let assemblyFormat =
      "operands attr-dict `:` functional-type(operands, results)";
  code kindsDeclaration = [{
    static llvm::StringRef getInputKinds() { return "}] # inputKinds # [{"; }
    static llvm::StringRef getOutputKinds() { return "}] # outputKinds # [{"; }
  }];
  let extraClassDeclaration = kindsDeclaration;
}

def ConstantOp : OnnxOp<"Constant", "", "r", [
    Pure, ConstantLike, AllTypesMatch<["value", "output"]>]> {
  let summary = "a tensor known at compile time";
  let description = [{
    Every form of ai.onnx Constant (`value_float`, `value_ints`, ...) and every
    initializer. Large ones are `dense_resource` blobs over the mapped file.

    ```mlir
    func.func @constant() -> tensor<2xf32> {
      %0 = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs OnnxAnyTensor:$output);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def YieldOp : Op<OnnxDialect, "Yield", [
    Pure, ReturnLike, Terminator, ParentOneOf<["IfOp", "LoopOp", "ScanOp"]>]> {
  let summary = "ends the body of If, Loop and Scan with the graph's outputs";
  let description = [{
    Yields as many values as the node needs: If's branches one for each result,
    a Loop's body the condition first, a Scan's body one for each result. Their
    element types are those of the results.

    ```mlir
    func.func @choose(%c: tensor<i1>, %a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<?xf32> {
      %0 = onnx.If %c : (tensor<i1>) -> tensor<?xf32> {
        onnx.Yield %a : tensor<2xf32>
      } {
        onnx.Yield %b : tensor<3xf32>
      }
      return %0 : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<OnnxAnyTensor>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
  let hasVerifier = 1;
}

#endif // BIT_DIALECT_ONNX_IR_ONNXBASE
