// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels do to their results before they store them.

#ifndef BIT_DIALECT_BIT_IR_BITEPILOGUEOPS_TD
#define BIT_DIALECT_BIT_IR_BITEPILOGUEOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"

def Bit_YieldOp : Op<Bit_Dialect, "yield",
    [Pure, Terminator,
     ParentOneOf<["PackedMatmulOp", "PanelConvOp", "PanelMatmulOp"]>]> {
  let summary = "ends an epilogue with what is stored";
  let description = [{
    An epilogue is the region of a kernel's op that makes of a result what is
    stored. Its first argument is the result, the others are elements of the
    op's `with` operands: of the shape of the init at the same place, of rank 1
    along the channels (the last dim of a product, the second of a convolution),
    or of rank 0. The kernel may compute it more than once.

    Example:

    ```mlir
    func.func @add_and_relu(%x: tensor<?x70xf32>, %panels: tensor<4x70x32xf32>,
        %z: tensor<?x100xf32>, %y: tensor<?x100xf32>) -> tensor<?x100xf32> {
      %zero = arith.constant 0.0 : f32
      %r = bit.panel_matmul ins(%x, %panels : tensor<?x70xf32>, tensor<4x70x32xf32>)
          with(%z : tensor<?x100xf32>) outs(%y : tensor<?x100xf32>)
          kernel = #bit.kernel<generic.panel> epilogue {
        ^bb0(%a: f32, %b: f32):
          %sum = arith.addf %a, %b : f32
          %positive = arith.maximumf %sum, %zero : f32
          bit.yield %positive : f32
        } -> tensor<?x100xf32>
      return %r : tensor<?x100xf32>
    }
    ```
  }];
  let arguments = (ins F32:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // BIT_DIALECT_BIT_IR_BITEPILOGUEOPS_TD
