// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Memory.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/mman.h>

static constexpr size_t hugePage = size_t(2) << 20;

Region::Region(size_t wanted, bool huge)
    : bytes((wanted + hugePage - 1) / hugePage * hugePage) {
  void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    std::fprintf(stderr, "bench-run: error: no memory for %zu bytes\n", bytes);
    std::exit(1);
  }
  madvise(address, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  memory = static_cast<uint8_t *>(address);
  // Otherwise all pages are the one of zeros, which a cache holds.
  for (size_t i = 0; i < bytes; i += 4096)
    *const_cast<volatile uint8_t *>(memory + i) = 0;
}

Region::~Region() { munmap(memory, bytes); }

size_t getLastCacheBytes() {
  size_t last = size_t(32) << 20;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" +
                       std::to_string(index) + "/size");
    size_t kilobytes;
    if (file >> kilobytes)
      last = kilobytes << 10;
  }
  return last;
}
