// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops around a tile of a packed product, for kernels of other layouts.

#ifndef BIT_CONVERSION_BITTOVECTOR_PACKEDMATMUL_H
#define BIT_CONVERSION_BITTOVECTOR_PACKEDMATMUL_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit {

/// Emits, for the row block of an index, code that makes its bytes of the
/// kernel's layout, all groups of 64 rows, and returns them: memref<P x i8>.
using BlockUnpacker = llvm::function_ref<mlir::Value(mlir::Value block)>;

/// Emits `op` by tiles of `kernel`: on op's own weights, or on what `unpack`
/// makes of them.
void emitPackedMatmul(mlir::OpBuilder &builder, const PlaneKernel &kernel,
                      PackedMatmulOp op, BlockUnpacker unpack = nullptr);

/// Emits what becomes of the sums of w * x of a token, 16 i32 of which the
/// first `rows` are rows from 16 * `group` on: scale, bias, epilogue and store.
void emitPackedSums(mlir::OpBuilder &builder, const PlaneKernel &kernel,
                    PackedMatmulOp op, mlir::Value token, mlir::Value group,
                    int64_t rows, mlir::Value sums);

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_PACKEDMATMUL_H
