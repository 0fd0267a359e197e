// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_LINALGTOVECTOR_PASSES_TD
#define BIT_CONVERSION_LINALGTOVECTOR_PASSES_TD

include "mlir/Pass/PassBase.td"

def LinalgToVector : Pass<"convert-linalg-to-vector"> {
  let summary = "turns linalg operations on rows into loops over vectors";
  let description = [{
    Rewrites linalg operations on buffers whose innermost loop runs over
    elements that lie side by side, as `scf` loops over vectors of 16 elements:
    one text for every instruction set. The rest of a row, fewer than 16, is one
    masked step.

    - all loops parallel: each scalar operation becomes its vector form; an
      operand that does not move along the row is broadcast;
    - the trailing loops are reductions: 64 partial results by index modulo 64,
      combined by halves (32, 16, .., 1), then with the output's own value;
    - reductions before one innermost parallel loop (a matrix product with
      iterators m, k, n): each output is one chain in ascending order, in a
      register over many steps.

    Only the second differs from `convert-linalg-to-loops`, and only in the
    order of the reduction; docs/numerics.md states it. What does not match
    (strided rows, computed indices, i1 in memory, integer division) is left to
    that pass.
  }];
  let options = [
    Option<"tileRows", "tile-rows", "int64_t", "6",
           "rows of a product computed together">,
    Option<"tileVectors", "tile-vectors", "int64_t", "1",
           "vectors of 16 columns of a product computed together">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
    "mlir::vector::VectorDialect"
  ];
  let statistics = [
    Statistic<"numVectorized", "vectorized", "operations made vector loops">,
    Statistic<"numDeclined", "declined",
              "operations on buffers left to convert-linalg-to-loops">
  ];
}

def FuseRowLoops : Pass<"bit-fuse-row-loops"> {
  let summary = "go over a row once for a loop and the one that reads its result";
  let description = [{
    A loop over vectors that stores each, followed by one over the same range
    that loads them, such as a norm and the maximum of its magnitudes: the first
    becomes part of the second, which takes the vectors from registers. They are
    stored all the same. The order of every sum stays, so bits are the same.

    The second loop stores nothing, and loads only what the first one stores or,
    where that is an `alloca`, from elsewhere. Its step may be a multiple of the
    first one's, as that of a reduction is. Nothing between the loops touches
    memory; `canonicalize` and `cse` come before.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numFused", "fused", "loops made part of the one after them">,
    Statistic<"numDeclined", "declined", "loops left before another one">
  ];
}

#endif // BIT_CONVERSION_LINALGTOVECTOR_PASSES_TD
