// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is timed reads memory of known pages, and more of it than caches hold.

#ifndef BIT_BENCHMARKS_PRODUCTS_MEMORY_H
#define BIT_BENCHMARKS_PRODUCTS_MEMORY_H

#include <cstddef>
#include <cstdint>

/// Zeroed anonymous memory, page-aligned, of small pages, as those of a mapped
/// file are, or, if the system gives them, of huge ones.
class Region {
public:
  Region(size_t bytes, bool huge);
  ~Region();
  Region(const Region &) = delete;
  Region &operator=(const Region &) = delete;

  uint8_t *data() const { return memory; }
  size_t size() const { return bytes; }

private:
  uint8_t *memory;
  size_t bytes;
};

/// The size of the last cache that this CPU shares or has, in bytes.
size_t getLastCacheBytes();

#endif // BIT_BENCHMARKS_PRODUCTS_MEMORY_H
