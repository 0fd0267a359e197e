// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes by weights of layout P2 through tables of sums (the method
// of four Russians), for levels without a dot product of bytes.

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_TABLEPRODUCT_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_TABLEPRODUCT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace bit {

/// A product by tables: some tokens times some row blocks, over all of K.
struct TableProduct {
  mlir::Value x;      ///< memref<M x K x i8>
  mlir::Value packed; ///< memref<P x i8>
  mlir::Value y;      ///< memref<M x N x f32>, which holds i32 sums meanwhile
  int64_t n, k;
  int64_t lanes;   ///< i16 in a register
  int64_t tokens;  ///< 16 or 32, a multiple of `lanes`
  int64_t maxRows; ///< that lie between `block` and `endBlock`

  mlir::Value token;           ///< the first token, an index
  mlir::Value block, endBlock; ///< row blocks, indices

  /// Emits what takes the sums of a group of 16 rows for a token: vectors of 16
  /// i32, of which the first `rows` exist.
  using Consumer = llvm::function_ref<void(mlir::Value token, mlir::Value group,
                                           int64_t rows, mlir::Value sums)>;

  void emit(mlir::OpBuilder &builder, mlir::Location loc,
            Consumer consume) const;
};

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_TABLEPRODUCT_H
