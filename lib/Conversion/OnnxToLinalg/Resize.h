// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the taps of a resized axis lie and what they weigh.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_RESIZE_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_RESIZE_H

#include "OnnxPattern.h"

namespace bit::onnx {

/// The attributes, checked.
struct ResizeMode {
  enum class Kernel { Nearest, Linear, Cubic };
  Kernel kernel;
  llvm::StringRef coordinates, rounding;
  double cubicA, extrapolation;
  bool antialias, excludeOutside;

  bool isCrop() const { return coordinates == "tf_crop_and_resize"; }
};

/// One axis that changes its size. Scales and rois are f32.
struct ResizeAxis {
  int64_t dim;
  mlir::OpFoldResult input, output;
  mlir::Value scale, roiStart, roiEnd;
};

void addResizePatterns(PatternList &list);

mlir::FailureOr<ResizeMode> getResizeMode(ResizeOp op);

/// For each output the position to read, i64; -1 outside of a cropped input.
mlir::Value createNearestTable(mlir::OpBuilder &builder, mlir::Location loc,
                               const ResizeAxis &axis, const ResizeMode &mode);

/// For each output and tap the position, i64 within the input, and the weight,
/// f32.
std::pair<mlir::Value, mlir::Value> createTapTables(mlir::OpBuilder &builder,
                                                    mlir::Location loc,
                                                    const ResizeAxis &axis,
                                                    const ResizeMode &mode);

/// For each output whether it lies in the input, i8.
mlir::Value createInsideTable(mlir::OpBuilder &builder, mlir::Location loc,
                              const ResizeAxis &axis, const ResizeMode &mode);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_RESIZE_H
