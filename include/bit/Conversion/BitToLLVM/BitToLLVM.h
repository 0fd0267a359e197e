// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model asks of the runtime, as calls through the ABI's function table,
// and everything that has been lowered to loops and vectors, as the LLVM
// dialect.

#ifndef BIT_CONVERSION_BITTOLLVM_H
#define BIT_CONVERSION_BITTOLLVM_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class LLVMTypeConverter;
class RewritePatternSet;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#include "bit/Conversion/BitToLLVM/Passes.h.inc"

/// Makes `!bit.call` a pointer and the model ops calls through
/// `bit_abi_call::api`. Takes cf.assert over too: its failure is a message and
/// a status, not an abort.
void populateBitToLLVMPatterns(mlir::LLVMTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);

#define GEN_PASS_REGISTRATION
#include "bit/Conversion/BitToLLVM/Passes.h.inc"

} // namespace bit

#endif // BIT_CONVERSION_BITTOLLVM_H
