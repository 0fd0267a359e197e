// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes of what a Loop carries. libonnx infers none, as they may change from
// one iteration to the next: here they are those of the first iteration, less
// the sizes that do not stay.

#ifndef BIT_LIB_IMPORT_LOOPTYPES_H
#define BIT_LIB_IMPORT_LOOPTYPES_H

#include "onnx/onnx_pb.h"

namespace bit::detail {

/// Gives each output of a body that none of the body's nodes makes (an input,
/// an initializer, a value from outside) an Identity that does: inference goes
/// from node to node.
void nameBodyOutputs(::onnx::ModelProto &model);

bool hasLoops(::onnx::ModelProto &model);

/// Drops what the file says of the shapes of Loop bodies' inputs.
void forgetLoopTypes(::onnx::ModelProto &model);

/// Gives the results of every Loop the shapes that its body's inputs have.
void applyLoopTypes(::onnx::ModelProto &model);

/// After an inference: gives the inputs of Loop bodies the shapes of the values
/// that they start from, and takes away the sizes that the bodies' outputs do
/// not have. Returns whether anything changed; a size never comes back, so that
/// this ends.
bool updateLoopTypes(::onnx::ModelProto &model);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_LOOPTYPES_H
