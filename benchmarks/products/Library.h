// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled library, opened once for each copy of its weights: calls that
// take turns among more copies than caches hold find none of them there.

#ifndef BIT_BENCHMARKS_PRODUCTS_LIBRARY_H
#define BIT_BENCHMARKS_PRODUCTS_LIBRARY_H

#include "Memory.h"
#include "bit/runtime.h"
#include <memory>
#include <string>
#include <vector>

/// What a library is opened with.
struct Opening {
  std::string level;
  bool huge;     ///< copies lie in huge pages
  size_t spread; ///< bytes that all copies together exceed; 0: one copy
};

/// A library for so many threads.
struct Threaded {
  std::string path;
  int threads;
};

/// Sessions of one library, each with its own weights, inputs and outputs.
class Library {
public:
  /// Empty where one cannot be opened; then `error` says why. Copies of one lie
  /// beside those of the others: how fast memory is depends on where it is, by
  /// 20% and more on a virtual machine. The same library for other numbers of
  /// threads has the same copies.
  static std::vector<std::unique_ptr<Library>>
  open(const std::vector<Threaded> &wanted, const Opening &opening,
       std::string &error);
  ~Library();

  /// Makes inputs and outputs for `m` rows: what is symbolic is m. They take
  /// turns, too.
  void resize(int64_t m, size_t spread);

  /// Runs the model on copy `number` modulo how many there are.
  void run(int number);

  /// A hash of what copy 0 gives: the same at every level and for any number of
  /// threads, or what is timed is not the product.
  uint64_t hashOutputs();

  uint64_t getWeightBytes() const { return description->weights_bytes; }
  /// Where the copies of the weights lie.
  const Region &getWeights() const { return *weights; }
  size_t countCopies() const { return sessions.size(); }

private:
  Library() = default;
  bool load(const Threaded &wanted, const Opening &opening, std::string &error);
  /// Bytes from a copy to the next thing in memory: copies begin at pages, as a
  /// mapped file does.
  size_t getStride() const { return (getWeightBytes() + 4095) / 4096 * 4096; }
  /// Opens a session for each copy: one every `pitch` bytes from `offset` on.
  bool openCopies(std::shared_ptr<Region> memory, size_t offset, size_t pitch,
                  std::string &error);

  struct Tensors {
    std::vector<bit_tensor> inputs, outputs;
  };
  size_t measure(const bit_abi_tensor &tensor, int64_t m) const;
  bit_tensor place(const bit_abi_tensor &tensor, int64_t m, uint8_t *&data);

  bit_options options = BIT_OPTIONS_INIT;
  std::string level; ///< what `options` points to
  bit_model *file = nullptr;
  const bit_model_desc *description = nullptr;
  std::shared_ptr<Region> weights;
  std::unique_ptr<Region> values;
  std::vector<bit_model_desc> descriptions;
  std::vector<bit_model *> models;
  std::vector<bit_session *> sessions;
  std::vector<Tensors> tensors;
  std::vector<std::vector<int64_t>> shapes;
};

#endif // BIT_BENCHMARKS_PRODUCTS_LIBRARY_H
