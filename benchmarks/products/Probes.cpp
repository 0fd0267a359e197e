// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Probes.h"
#include "bit/runtime.h"
#include <immintrin.h>
#include <memory>

extern "C" {
#include "pool.h"
}

/// Enough that starting threads is 1% of it.
static constexpr int64_t rounds = 40000;
static constexpr int chains = 12;

/// Rounds of 12 independent vpdpbusd on 512 bits.
__attribute__((target("avx512f,avx512vnni"))) static void runVpdpbusd() {
  __m512i sums[chains], ones = _mm512_set1_epi8(1);
#pragma clang loop unroll(full)
  for (auto &sum : sums)
    sum = ones;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < chains; ++j)
      asm volatile("vpdpbusd %1, %1, %0" : "+v"(sums[j]) : "v"(ones));
  }
}

/// Rounds of 12 independent vpmaddubsw and vpaddw on 256 bits.
__attribute__((target("avx2"))) static void runVpmaddubsw() {
  __m256i sums[chains], ones = _mm256_set1_epi8(1);
#pragma clang loop unroll(full)
  for (auto &sum : sums)
    sum = ones;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < chains; ++j) {
      __m256i product;
      asm volatile("vpmaddubsw %2, %2, %1\n\tvpaddw %1, %0, %0"
                   : "+x"(sums[j]), "=&x"(product)
                   : "x"(ones));
    }
  }
}

/// Reads from `data` to `end`, a multiple of 256 bytes, in order.
__attribute__((target("avx2"))) static void read(const uint8_t *data,
                                                 const uint8_t *end) {
  __m256i sums[8];
#pragma clang loop unroll(full)
  for (auto &sum : sums)
    sum = _mm256_setzero_si256();
  for (; data + 256 <= end; data += 256) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm256_xor_si256(
          sums[j],
          _mm256_load_si256(reinterpret_cast<const __m256i *>(data + 32 * j)));
  }
#pragma clang loop unroll(full)
  for (int j = 1; j < 8; ++j)
    sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  asm volatile("" : : "x"(sums[0]));
}

/// Adds 1 to each word from `data` to `end`, a multiple of 256 bytes.
__attribute__((target("avx2"))) static void increment(uint8_t *data,
                                                      const uint8_t *end) {
  __m256i one = _mm256_set1_epi16(1);
  for (; data + 256 <= end; data += 256) {
    auto *words = reinterpret_cast<__m256i *>(data);
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; ++j)
      _mm256_store_si256(words + j,
                         _mm256_add_epi16(_mm256_load_si256(words + j), one));
  }
}

const char *getName(Probe probe) {
  switch (probe) {
  case Probe::Vpdpbusd:
    return "vpdpbusd";
  case Probe::Vpmaddubsw:
    return "vpmaddubsw";
  case Probe::Read:
    return "read";
  case Probe::L2:
    return "l2";
  case Probe::L3:
    return "l3";
  }
  return "";
}

bool isSupported(Probe probe) {
  uint64_t needed = probe == Probe::Vpdpbusd
                        ? BIT_CPU_AVX512F | BIT_CPU_AVX512VNNI
                        : BIT_CPU_AVX2;
  return (bit_cpu_features() & needed) == needed;
}

/// Each thread does all rounds: `lo..hi` are threads.
static void multiply(void *context, int64_t lo, int64_t hi) {
  for (int64_t i = lo; i < hi; ++i)
    *static_cast<Probe *>(context) == Probe::Vpdpbusd ? runVpdpbusd()
                                                      : runVpmaddubsw();
}

/// `lo..hi` are blocks of memory.
static constexpr size_t block = size_t(1) << 20;
static void readBlocks(void *context, int64_t lo, int64_t hi) {
  const uint8_t *data = static_cast<const Region *>(context)->data();
  read(data + static_cast<size_t>(lo) * block,
       data + static_cast<size_t>(hi) * block);
}

/// What lies in a cache: each thread has its own part, and passes over it
/// several times.
static constexpr int passes = 40;
struct Cached {
  Probe probe;
  size_t bytes; ///< of a part
  uint8_t *data;
};
static void touch(void *context, int64_t lo, int64_t hi) {
  const auto &cached = *static_cast<Cached *>(context);
  for (int64_t i = lo; i < hi; ++i)
    for (int pass = 0; pass < passes; ++pass) {
      uint8_t *part = cached.data + static_cast<size_t>(i) * cached.bytes;
      cached.probe == Probe::L2 ? increment(part, part + cached.bytes)
                                : read(part, part + cached.bytes);
    }
}

double runProbe(Probe probe, int threads, const Region &memory,
                const Effort &effort) {
  double work;
  std::function<void(int)> call;
  if (probe == Probe::Read) {
    auto blocks = static_cast<int64_t>(memory.size() / block);
    work = static_cast<double>(blocks) * block;
    call = [&memory, blocks, threads](int) {
      bitrt_pool_run(threads, readBlocks, const_cast<Region *>(&memory), blocks,
                     1);
    };
  } else if (probe == Probe::L2 || probe == Probe::L3) {
    // The second is shared by all threads.
    size_t bytes =
        probe == Probe::L2 ? size_t(112) << 10 : (size_t(8) << 20) / threads;
    auto region = std::make_shared<Region>(bytes * threads, /*huge=*/false);
    work = static_cast<double>(bytes) * threads * passes;
    call = [region, probe, bytes, threads](int) {
      Cached cached = {probe, bytes, region->data()};
      bitrt_pool_run(threads, touch, &cached, threads, 1);
    };
  } else {
    int lanes = probe == Probe::Vpdpbusd ? 64 : 32;
    work = static_cast<double>(rounds) * chains * lanes * threads;
    call = [&probe, threads](int) {
      bitrt_pool_run(threads, multiply, &probe, threads, 1);
    };
  }
  Samples samples = sample(call, effort);
  bool useCpu = threads == 1;
  return work / getQuartiles(useCpu ? samples.cpu : samples.wall).median;
}
