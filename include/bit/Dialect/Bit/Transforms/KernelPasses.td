// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From steps to kernels.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_KERNELPASSES_TD
#define BIT_DIALECT_BIT_TRANSFORMS_KERNELPASSES_TD

include "mlir/Pass/PassBase.td"

def PackWeights : Pass<"bit-pack-weights", "::mlir::ModuleOp"> {
  let summary = "pack constant weight codes for kernels";
  let description = [{
    `bit.ternary_matmul` by constant codes together with the `bit.rescale` of its
    result, and a `bit.linear` of float activations, become a
    `bit.packed_matmul` by the bytes that the kernel packs. Layers of equal codes
    share the bytes. The codes' memory is released if nothing else uses them.

    Where there are several scales along k, they are constants in the order that
    the kernel reads, and the sums of the codes those of each group.

    With `packing=dense` a layer takes layout T5 if that suits it, with
    `packing=auto` where it is known to be faster; `bit.packing_declined` says of
    the others why not.

    What no kernel supports, such as scales for 8 k each, is left to the reference
    lowering, with a remark that says why. A code outside the set that
    the op names is an error.
  }];
  let options = [
    Option<"kernel", "kernel", "std::string", /*default=*/"\"generic.p2\"",
           "the kernel whose layout is packed; `bit-select-kernel` may choose "
           "another one of that layout">,
    Option<"binaryKernel", "binary-kernel", "std::string",
           /*default=*/"\"generic.p1\"",
           "the kernel that is tried first, for binary weights">,
    Option<"packing", "packing", "::bit::Packing",
           /*default=*/"::bit::Packing::TwoBit",
           "the layouts that layers try before that one",
           "::bit::getPackingValues()">,
    Option<"looksUp", "looks-up", "bool", /*default=*/"false",
           "all levels look bytes up in tables of 128 (AVX512-VBMI)">,
  ];
  let statistics = [
    Statistic<"numPacked", "packed", "products packed">,
    Statistic<"numDeclined", "declined",
              "products left to the reference lowering">,
  ];
  // The kernels' registry is the dialect's: it has to be there even in a model
  // without ternary layers.
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PackProducts : Pass<"bit-pack-products", "::mlir::func::FuncOp"> {
  let summary = "compute products of matrices by kernels for panels";
  let description = [{
    A `linalg.generic` that multiplies matrices, f32 sums of fma from 0 in
    ascending k, becomes a `bit.panel_matmul`: by the `bit.pack_panels` of its
    right operand, if that is a constant, or if at least 32 rows, or a number
    that is not known, read more than 256 k of it; else by the right operand as it
    is. The bits are the same. Halves and codes of i8 that elementwise operations
    make a float matrix of, of codes times one constant or one for each column of
    the product, are read as they are stored.

    A `linalg.generic` that slides constant weights over the spatial dims of a
    tensor, sums of fma over input channel and taps from a bias or 0, becomes a
    `bit.panel_conv` if it has 16 output channels or more, each a sum of 16
    products or more.

    A `linalg.generic` that multiplies codes of 8 bits as integers of 32, each
    without its zero point, by a constant matrix of such codes with 8 columns or
    more becomes a `bit.code_matmul`, and elementwise operations what zero points
    take from its sums.

    Left as they are: products with a constant that has one value for all
    elements, which takes no memory, and few rows by a transposed matrix that is
    no constant.
  }];
  let statistics = [
    Statistic<"numPacked", "packed", "products packed">,
    Statistic<"numDeclined", "declined", "products left as they are">,
    Statistic<"numConvolutions", "convolutions", "convolutions packed">,
    Statistic<"numCodeProducts", "code-products", "products of codes packed">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseEpilogues : Pass<"bit-fuse-epilogues", "::mlir::func::FuncOp"> {
  let summary = "let kernels compute what follows them element by element";
  let description = [{
    An elementwise `linalg.generic` that is the only user of a kernel's result, as
    it is or with its first dim expanded, becomes the kernel's epilogue, or its
    end. Everything else that it reads has the result's shape, runs along its
    channels or is one number. Where it reads the results of several
    kernels it is the last one's. The bits are the same.

    Left as they are: functions that become polynomials, such as exp and erf,
    other types than f32, results of a kernel that are read twice, broadcasts along
    other dims, results of convolutions that get gaps between their rows.
  }];
  let statistics = [
    Statistic<"numFused", "fused", "kernels with an epilogue">,
    Statistic<"numDeclined", "declined",
              "elementwise operations that read a kernel's result from memory">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::tensor::TensorDialect"];
}

def SelectKernel : Pass<"bit-select-kernel", "::mlir::func::FuncOp"> {
  let summary = "choose the best kernel that a function's features allow";
  let description = [{
    Each `bit.packed_matmul` gets the last registered kernel of its layout that
    supports it and needs no target feature which the function's `passthrough`
    attribute lacks: targets register their kernels from the slowest to the
    fastest. `bit.panel_matmul`, `bit.panel_conv` and `bit.code_matmul` likewise; all
    their kernels read the same panels.
  }];
  let statistics = [
    Statistic<"numSelected", "selected", "products given another kernel">,
    Statistic<"numDeclined", "declined", "products that keep their kernel">,
  ];
  let dependentDialects = ["::bit::BitDialect"];
}

#endif // BIT_DIALECT_BIT_TRANSFORMS_KERNELPASSES_TD
