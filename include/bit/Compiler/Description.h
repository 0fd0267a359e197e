// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a library says about itself: to the runtime as bit_model_desc, to a C
// programmer as a header.

#ifndef BIT_COMPILER_DESCRIPTION_H
#define BIT_COMPILER_DESCRIPTION_H

#include "bit/Compiler/Signature.h"
#include <string>
#include <vector>

namespace llvm {
class Module;
class raw_ostream;
} // namespace llvm

namespace bit {

struct LevelDescription {
  std::string name;      ///< "avx512vnni"
  uint64_t features = 0; ///< BIT_CPU_* of bit/abi.h
  std::string function;  ///< the compiled main function
};

struct ModelDescription {
  std::string name; ///< prefix of the C symbols, an identifier
  ModelSignature signature;
  std::vector<LevelDescription> levels; ///< the best one first
  uint64_t hash[2] = {0, 0};            ///< of the source file
  uint64_t weightsBytes = 0;
  uint64_t weightsHash[2] = {0, 0}; ///< their checksum; 0 where not written
  std::string weightsSymbol; ///< of the object with the weights; empty: none
  uint64_t arenaBytes = 0;   ///< 0 where it depends on the inputs
  std::string manifest;      ///< JSON, for people
};

/// Returns the symbol that the library exports.
std::string getDescribeSymbol(const ModelDescription &model);

/// Adds the model's bit_model_desc and `NAME_describe` to `module`, which has
/// the levels' functions.
void emitDescription(llvm::Module &module, const ModelDescription &model);

/// Writes NAME.h: C99 with C++ guards; names, types and shapes in comments.
void writeHeader(llvm::raw_ostream &os, const ModelDescription &model);

} // namespace bit

#endif // BIT_COMPILER_DESCRIPTION_H
