// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_TOOLS_ONNXTBLGEN_UNCHANGED_H
#define BIT_TOOLS_ONNXTBLGEN_UNCHANGED_H

#include <iosfwd>

/// Writes, for each ai.onnx operator of `opset`, the oldest opset from which
/// libonnx converts it to `opset` by leaving it as it is.
void writeUnchanged(std::ostream &os, int opset);

#endif // BIT_TOOLS_ONNXTBLGEN_UNCHANGED_H
