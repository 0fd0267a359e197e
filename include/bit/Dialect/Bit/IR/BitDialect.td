// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITDIALECT_TD
#define BIT_DIALECT_BIT_IR_BITDIALECT_TD

include "mlir/IR/DialectBase.td"

def Bit_Dialect : Dialect {
  let name = "bit";
  let cppNamespace = "::bit";
  let summary = "neural networks with ternary and binary weights";
  let description = [{
    Weights are codes in {-1, 0, 1} or {-1, 1} with float scales; activations
    are quantized to at most 8 bits by an explicit quantizer, or stay float. The
    ops of the first level (`bit.linear`, `bit.quantize_weight`) say what a layer
    computes; those of the second (`bit.absmax_quantize`, `bit.ternary_matmul`,
    `bit.rescale`, `bit.dequantize`) are its steps; `bit.packed_matmul` is the
    step that a kernel computes from packed weights. Every op's description is
    normative: all targets, thread counts and tilings give the same bits.

    Pseudo-code in the descriptions is f32 arithmetic with one rounding an
    operation, except `fma(a, b, c)`, which rounds a * b + c once. `f32(i)`
    rounds an integer to the nearest f32, ties to even.
  }];

  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasNonDefaultDestructor = 1;

  let extraClassDeclaration = [{
    /// The kernels that the target libraries have registered.
    KernelRegistry &getKernels() { return *kernels; }

  private:
    void registerAttributes();

    std::unique_ptr<KernelRegistry> kernels;

  public:
  }];
}

#endif // BIT_DIALECT_BIT_IR_BITDIALECT_TD
