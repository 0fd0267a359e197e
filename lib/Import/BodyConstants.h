// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_IMPORT_BODYCONSTANTS_H
#define BIT_LIB_IMPORT_BODYCONSTANTS_H

#include "onnx/onnx_pb.h"

namespace bit::detail {

/// Gives each body of a control flow operator copies of the short constants
/// that it takes from the graphs around it: libonnx infers shapes from axes and
/// sizes only where they stand in the same graph.
void copyConstantsIntoBodies(::onnx::ModelProto &model);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_BODYCONSTANTS_H
