// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which ONNX node an operation came from, carried in its location through every
// pass.

#ifndef BIT_SUPPORT_NODELOCATION_H
#define BIT_SUPPORT_NODELOCATION_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace bit {

/// An ONNX node as the model's author knows it: before version conversion,
/// inlining and renaming.
struct NodeInfo {
  llvm::StringRef name;   ///< the node's name, or the name of its first output
                          ///< where it has none
  llvm::StringRef domain; ///< "ai.onnx" for the default domain
  llvm::StringRef opType; ///< as written in the file, such as "Upsample"
  int64_t opset = 0;      ///< the model's version of `domain`
  llvm::StringRef file;   ///< the model's path as the user gave it
};

/// Returns `fused<{domain, op, opset}>["name"("file")]`, from which getNodeInfo
/// reads everything back.
mlir::Location getNodeLocation(mlir::MLIRContext *context,
                               const NodeInfo &info);

/// Returns the node that `loc` stands for: the first one found in it, if any.
/// Fused and call-site locations are searched, so that it works for operations
/// made of several nodes.
std::optional<NodeInfo> getNodeInfo(mlir::Location loc);

/// Returns "node 'conv_3' (ai.onnx Conv, opset 13)", or an empty string where
/// `loc` has no node.
std::string describeNode(mlir::Location loc);

} // namespace bit

#endif // BIT_SUPPORT_NODELOCATION_H
