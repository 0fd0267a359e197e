// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Recycler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cstdlib>

namespace bit::onnx {

Recycler &Recycler::get() {
  static auto *recycler = new Recycler;
  return *recycler;
}

char *Recycler::take(size_t &bytes) {
  size_t wanted = std::max<size_t>(bytes, 1);
  if (wanted > SIZE_MAX - kAlignment)
    return nullptr;
  bytes = wanted = llvm::alignTo(wanted, kAlignment);
  if (wanted >= kMinBytes) {
    std::lock_guard<std::mutex> lock(mutex);
    // No tensor may sit on more than twice what it needs.
    auto it = llvm::find_if(kept, [&](const Block &block) {
      return block.size >= wanted && block.size / 2 <= wanted;
    });
    if (it != kept.end()) {
      auto [data, size] = *it;
      kept.erase(it);
      total -= size;
      bytes = size;
      return data;
    }
  }
  // Not new[]: a size that is not there is an error instead of an abort.
  return static_cast<char *>(std::aligned_alloc(kAlignment, wanted));
}

void Recycler::give(char *data, size_t bytes) {
  if (bytes < kMinBytes || bytes > kMaxTotal)
    return std::free(data);
  std::lock_guard<std::mutex> lock(mutex);
  kept.push_back({data, bytes});
  for (total += bytes; total > kMaxTotal; kept.erase(kept.begin())) {
    total -= kept.front().size;
    std::free(kept.front().data);
  }
}

} // namespace bit::onnx
