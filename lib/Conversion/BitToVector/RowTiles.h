// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles of rows, whatever their number.

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_ROWTILES_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_ROWTILES_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace bit {

/// Emits loops over `from`..`to` and calls `emitTile` in them with the first
/// row and the number of rows of a tile: `tileRows`, and for what is left one
/// power of two or two tiles that overlap. What both compute is equal; who adds
/// to what is there computes each row once, without `overlap`.
void emitRowTiles(
    mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to,
    int64_t tileRows,
    llvm::function_ref<void(mlir::Value row, int64_t rows)> emitTile,
    bool overlap = true);

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_ROWTILES_H
