// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random inputs for a model of which only the signature is known.

#ifndef BIT_VERIFY_INPUTS_H
#define BIT_VERIFY_INPUTS_H

#include "Library.h"
#include <random>

namespace bit {

/// One set of inputs, and the memory it lies in.
class InputSet {
public:
  llvm::ArrayRef<bit_tensor> getTensors() const { return tensors; }

  /// Returns the shapes as "x [3, 64], mask [3]".
  std::string describe(llvm::ArrayRef<Port> ports) const;

private:
  friend class InputSampler;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<std::vector<uint8_t>> data;
  std::vector<bit_tensor> tensors;
};

/// Makes input sets. Set by set, floats are plain, of many magnitudes, halves
/// of whole numbers (codes that are ties), or have rows of zeros, denormals,
/// huge numbers and NaN; symbolic dims are 2, 1, 3, 17, ...
class InputSampler {
public:
  InputSampler(llvm::ArrayRef<Port> ports, uint64_t seed);

  /// How many ways there are to make one set, each more likely than the one
  /// before to be valid: sizes that differ by symbol, one size for all, small
  /// integers (indices), zeros and sizes of 1.
  unsigned countAttempts() const;

  /// Makes inputs; the same for the same arguments. Fails where they would take
  /// more memory than a test may.
  llvm::Expected<InputSet> make(unsigned set, unsigned attempt) const;

private:
  std::vector<int64_t> chooseShape(size_t port, unsigned set,
                                   unsigned attempt) const;
  void fill(InputSet &inputs, size_t port, unsigned set, unsigned attempt,
            std::mt19937_64 &engine) const;

  llvm::ArrayRef<Port> ports;
  uint64_t seed;
  std::vector<std::vector<size_t>> symbols; ///< one a dim
  bool hasSymbols = false, hasIndices = false;
};

} // namespace bit

#endif // BIT_VERIFY_INPUTS_H
