// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a library says of its layers and kernels, for people.

#ifndef BIT_RUN_MANIFEST_H
#define BIT_RUN_MANIFEST_H

namespace bitrun {

/// Prints the layers of a manifest, equal ones together, and the kernels of
/// each level; nothing where it has none.
void printManifest(const char *manifest);

} // namespace bitrun

#endif // BIT_RUN_MANIFEST_H
