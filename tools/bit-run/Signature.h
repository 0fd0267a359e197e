// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_RUN_SIGNATURE_H
#define BIT_RUN_SIGNATURE_H

#include "Model.h"

namespace bitrun {

/// Signature, levels and sizes, for people or as one JSON object.
void printSignature(const Model &model, bool asJson);

} // namespace bitrun

#endif // BIT_RUN_SIGNATURE_H
