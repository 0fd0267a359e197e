// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Shapes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace bit {

bool dimsMatch(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

bool shapesMatch(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() &&
         llvm::all_of_zip(a, b,
                          [](int64_t x, int64_t y) { return dimsMatch(x, y); });
}

std::string printShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "0-d";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(
      shape, os,
      [&](int64_t dim) {
        if (ShapedType::isDynamic(dim))
          os << '?';
        else
          os << dim;
      },
      "x");
  return text;
}

SmallVector<OpFoldResult> reifyDims(OpBuilder &builder, Value result,
                                    Value source) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<OpFoldResult> dims;
  for (auto [i, dim] : llvm::enumerate(type.getShape()))
    dims.push_back(
        ShapedType::isDynamic(dim)
            ? tensor::getMixedSize(builder, result.getLoc(), source, i)
            : OpFoldResult(builder.getIndexAttr(dim)));
  return dims;
}

} // namespace bit
