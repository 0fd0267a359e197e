// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AffineGrid for the rank that its size has. libonnx's body chooses between
// ranks by an If at run time.

#include "FunctionBody.h"
#include "OnnxBodies.h"
#include "llvm/Support/FormatVariadic.h"

using llvm::formatv;
using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionProto;
using ::onnx::OpSchema;
using ::onnx::TensorProto;

namespace bit::detail {

static bool affineGrid(const FunctionBodyBuildContext &context,
                       const OpSchema &, FunctionProto &function) {
  FunctionBody body(function, context, {"theta", "size"}, {"grid"});
  const auto *shape = body.getShape("size");
  if (!shape || shape->dim_size() != 1 ||
      (shape->dim(0).dim_value() != 4 && shape->dim(0).dim_value() != 5))
    throw BodyError("expects a size of 4 or 5 numbers");
  const int axes = static_cast<int>(shape->dim(0).dim_value()) - 2;
  const bool alignsCorners = body.getInt("align_corners", 0) != 0;
  const bool isDouble = body.getElementType("theta") == TensorProto::DOUBLE;
  const int type = isDouble ? TensorProto::DOUBLE : TensorProto::FLOAT;

  // Split checks that theta has a row for each axis.
  body.addInts("Rows", {axes});
  body.addInts("Begin", {0});
  body.addInts("AfterBatch", {1});
  body.addInts("AfterChannels", {2});
  body.addInts("End", {axes + 2});
  body.addInts("UnitDim", {1});
  body.addInts("Flattened", {-1, axes + 1});
  body.parse(formatv("Wide = Cast <to = {0}> (theta) "
                     "Matrix = Split <axis = 1> (Wide, Rows) "
                     "Columns = Transpose <perm = [0, 2, 1]> (Matrix) "
                     "From = Constant <value = int64 {{0}> () "
                     "By = Constant <value = int64 {{1}> () "
                     "OneFloat = Constant <value_float = 1.0> () "
                     "TwoFloat = Constant <value_float = 2.0> () "
                     "One = CastLike (OneFloat, Wide) "
                     "Two = CastLike (TwoFloat, Wide) "
                     "Batch = Slice (size, Begin, AfterBatch) "
                     "Dims = Slice (size, AfterChannels, End) "
                     "Shape = Concat <axis = 0> (Dims, UnitDim) "
                     "Ones = Expand (One, Shape)",
                     type));
  // The last axis comes first.
  std::string coordinates;
  for (int axis = axes; axis-- > 0;) {
    std::vector<int64_t> others;
    for (int other = 0; other <= axes; ++other)
      if (other != axis)
        others.push_back(other);
    const std::string name = "Others_" + std::to_string(axis);
    body.addInts(name, others);
    body.parse(formatv("Index_{0} = Constant <value = int64 {{{1}}> () "
                       "Count_{0} = Gather <axis = 0> (size, Index_{0}) "
                       "Steps_{0} = Range (From, Count_{0}, By) "
                       "Place_{0} = Cast <to = {2}> (Steps_{0}) "
                       "Size_{0} = Cast <to = {2}> (Count_{0}) "
                       "Twice_{0} = Mul (Place_{0}, Two)",
                       axis, axis + 2, type));
    // A single corner is the first one.
    body.parse(formatv(alignsCorners ? "Gaps_{0} = Sub (Size_{0}, One) "
                                       "Span_{0} = Max (Gaps_{0}, One) "
                                       "Ratio_{0} = Div (Twice_{0}, Span_{0})"
                                     : "Odd_{0} = Add (Twice_{0}, One) "
                                       "Ratio_{0} = Div (Odd_{0}, Size_{0})",
                       axis));
    body.parse(formatv("Line_{0} = Sub (Ratio_{0}, One) "
                       "Spread_{0} = Unsqueeze (Line_{0}, Others_{0}) "
                       "Coordinate_{0} = Expand (Spread_{0}, Shape)",
                       axis));
    coordinates += "Coordinate_" + std::to_string(axis) + ", ";
  }
  body.parse(formatv("Original = Concat <axis = -1> ({0}Ones) "
                     "Points = Reshape (Original, Flattened) "
                     "Product = MatMul (Points, Columns) "
                     "Target = Concat <axis = 0> (Batch, Dims, Rows) "
                     "Placed = Reshape <allowzero = 1> (Product, Target) "
                     "grid = CastLike (Placed, theta)",
                     coordinates));
  return true;
}

::onnx::ContextDependentFunctionBodyBuilder
getGridBody(const std::string &opType) {
  if (opType == "AffineGrid")
    return affineGrid;
  return nullptr;
}

} // namespace bit::detail
