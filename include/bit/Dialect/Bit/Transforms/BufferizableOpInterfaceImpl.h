// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
#define BIT_DIALECT_BIT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace bit {

/// Lets one-shot bufferization turn the destination-passing ops into their
/// form on memrefs.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace bit

#endif // BIT_DIALECT_BIT_TRANSFORMS_BUFFERIZABLEOPINTERFACEIMPL_H
