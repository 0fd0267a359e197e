// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_BITTOVECTOR_PASSES_TD
#define BIT_CONVERSION_BITTOVECTOR_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertBitToVector : Pass<"convert-bit-to-vector"> {
  let summary = "lower bit ops on buffers to loops and vector ops";
  let description = [{
    `bit.packed_matmul` becomes what its kernel emits: a parallel loop
    (`scf.forall`) over blocks of rows, in it loops over tokens and k around the
    kernel's tile, and the epilogue that scales and stores the tile.
    `bit.panel_matmul` becomes a parallel loop over panels and blocks of rows, in
    it loops over tiles and k, and so does `bit.code_matmul`; `bit.pack_panels`
    becomes one over panels.
    `bit.absmax_quantize` becomes a parallel loop over rows, each with one pass
    for the absolute maximum and one for the codes.

    Ops on tensors are left alone and count as declined.
  }];
  let dependentDialects = [
    "mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
  let statistics = [
    Statistic<"numLowered", "lowered", "ops lowered to loops">,
    Statistic<"numDeclined", "declined", "ops on tensors that were left alone">
  ];
}

def ExpandMasks : Pass<"bit-expand-masks", "mlir::func::FuncOp"> {
  let summary = "load and store the first lanes of vectors without masks";
  let description = [{
    Where the registers of the function's target have no masked loads and stores,
    as its features say, LLVM would test each lane of a mask by itself. Those of
    the first lanes (`vector.create_mask`, `vector.constant_mask`) of more than
    four become plain ones where the mask has all lanes, and else copies to or
    from a vector in the function's frame, one for each bit of their number. No
    other element is touched.
  }];
  let dependentDialects = [
    "bit::BitDialect", "mlir::arith::ArithDialect",
    "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
    "mlir::vector::VectorDialect"
  ];
  let statistics = [
    Statistic<"numExpanded", "expanded", "masked loads and stores made copies">,
    Statistic<"numDeclined", "declined", "those of other masks, left as they are">
  ];
}

#endif // BIT_CONVERSION_BITTOVECTOR_PASSES_TD
