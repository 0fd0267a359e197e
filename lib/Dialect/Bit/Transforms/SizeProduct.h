// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of buffers that are not known before the model runs, compared by what
// computes them.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_SIZEPRODUCT_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_SIZEPRODUCT_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace bit {

/// A size as a product: a number and values in a fixed order. Equal ones are
/// the same size; of others it is not known.
struct SizeProduct {
  int64_t number = 1;
  llvm::SmallVector<mlir::Value> values;

  bool operator==(const SizeProduct &other) const {
    return number == other.number && values == other.values;
  }
};

/// How many rows the first `rowDims` dimensions of `source`, a memref, make;
/// fails where no value says it.
mlir::FailureOr<SizeProduct> getRowCount(mlir::Value source, int64_t rowDims);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_SIZEPRODUCT_H
