// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_GRIDSAMPLE_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_GRIDSAMPLE_H

#include "OnnxPattern.h"

namespace bit::onnx {

void addGridSamplePatterns(PatternList &list);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_GRIDSAMPLE_H
