// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times packed_matmul through every kernel that this CPU can run, and
// absmax_quantize, beside a peak probe in the same process. Prints one JSON
// object a line.
//   kernels [N K [GROUP]]
//   kernels --cold N K KERNEL...
// GROUP is how many k have a scale of their own, 128 if not given; each kernel
// is timed with one scale, too. --cold compares kernels by one token, with
// weights from memory and from a cache.

#include "Jit.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <immintrin.h>
#include <random>
#include <time.h>

using namespace bit;
using namespace bit::test;

namespace {

/// CPU time of this thread: other load on the machine does not count.
double seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The median time of one call, over at least 0.3 s and 20 samples. Not the
/// least: a hypervisor's account of stolen time makes some samples too short.
double median(const std::function<void()> &call) {
  call();
  std::vector<double> times;
  double start = seconds();
  while (times.size() < 20 || seconds() - start < 0.3) {
    double before = seconds();
    call();
    times.push_back(seconds() - before);
  }
  auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// Enough that reading the clock is no part of it.
constexpr int probeRounds = 40000;

/// Rounds of 12 independent vpdpbusd on 512 bits.
__attribute__((target("avx512f,avx512vnni"))) void runVpdpbusd() {
  __m512i sums[12], ones = _mm512_set1_epi8(1);
#pragma clang loop unroll(full)
  for (int j = 0; j < 12; ++j)
    sums[j] = ones;
  for (int i = 0; i < probeRounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 12; ++j)
      asm volatile("vpdpbusd %1, %1, %0" : "+v"(sums[j]) : "v"(ones));
  }
}

/// Rounds of 8 independent vpmaddubsw and vpaddw on 256 bits.
__attribute__((target("avx2"))) void runVpmaddubsw() {
  __m256i sums[8], ones = _mm256_set1_epi8(1);
#pragma clang loop unroll(full)
  for (int j = 0; j < 8; ++j)
    sums[j] = ones;
  for (int i = 0; i < probeRounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; ++j) {
      __m256i product;
      asm volatile("vpmaddubsw %2, %2, %1\n\tvpaddw %1, %0, %0"
                   : "+x"(sums[j]), "=&x"(product)
                   : "x"(ones));
    }
  }
}

/// Multiply-adds a second.
double probeVpdpbusd() { return probeRounds * 12 * 64.0 / median(runVpdpbusd); }
double probeVpmaddubsw() {
  return probeRounds * 8 * 32.0 / median(runVpmaddubsw);
}

/// What is timed: a product, with `groups` scales along k if not 0.
struct Case {
  int64_t n, k, groups;
  bool floats, binary;
};

std::vector<int64_t> getScaleShape(const Kernel &kernel, const Case &test) {
  if (test.groups == 0)
    return {1};
  int64_t rows = kernel.getScaleRows();
  return {(test.n + rows - 1) / rows, test.groups, rows};
}

/// The set of a kernel's features that this CPU has, the first if none.
llvm::ArrayRef<llvm::StringRef> chooseFeatures(const Kernel &kernel) {
  llvm::ArrayRef<llvm::StringRef> others = kernel.getOtherFeatures();
  bool takesOthers = !cpuHas(kernel.getFeatures()) && !others.empty();
  return takesOthers ? others : kernel.getFeatures();
}

std::string makeMatmul(const Kernel &kernel, const Case &test) {
  auto [n, k, groups, floats, binary] = test;
  std::string features = "+avx2,+fma";
  for (llvm::StringRef feature : chooseFeatures(kernel))
    features += ",+" + feature.str();
  std::string scale = "memref<";
  for (int64_t size : getScaleShape(kernel, test))
    scale += llvm::formatv("{0}x", size).str();
  scale += "f32>";
  std::string sum = groups == 0
                        ? std::string("memref<?xi32>")
                        : llvm::formatv("memref<?x{0}xi32>", groups).str();
  std::string text = llvm::formatv(
      "func.func @f(%x: memref<?x{0}x{1}>, %p: memref<{2}xi8>, %ws: {5}, "
      "%xs: memref<?xf32>, %u: {6}, %y: "
      "memref<?x{3}xf32>) attributes {{llvm.emit_c_interface, passthrough = "
      "[[\"target-features\", \"{4}\"]]} {{\n  bit.packed_matmul ins(%x, %p, "
      "%ws : memref<?x{0}x{1}>, memref<{2}xi8>, {5}) ",
      k, floats ? "f32" : "i8", kernel.getPackedBytes(n, k), n, features, scale,
      sum);
  if (!floats)
    text += "quantized(%xs, %u : memref<?xf32>, " + sum + ") ";
  text += llvm::formatv("outs(%y : memref<?x{0}xf32>) n = {0} k = {1} weights "
                        "= {4} {2} kernel = #bit.kernel<{3}>\n  return\n}",
                        n, k, floats ? "" : "range = [-128, 127]",
                        kernel.getName(), binary ? "binary" : "ternary");
  return text;
}

/// 64-byte aligned memory, as weights and the arena are.
template <typename T> T *allocate(size_t count) {
  size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
  return static_cast<T *>(std::aligned_alloc(64, bytes));
}

/// Rows of normally distributed numbers and their codes, as layers quantize
/// them: tables of sums take longer for larger ones.
void fillRows(float *values, int8_t *codes, int64_t rows, int64_t k,
              std::mt19937 &engine) {
  std::normal_distribution<float> normal;
  for (int64_t row = 0; row < rows; ++row, values += k, codes += k) {
    float largest = 0;
    for (int64_t i = 0; i < k; ++i) {
      values[i] = normal(engine);
      largest = std::max(largest, std::fabs(values[i]));
    }
    for (int64_t i = 0; i < k; ++i)
      codes[i] = static_cast<int8_t>(std::nearbyint(values[i] * 127 / largest));
  }
}

void timeMatmul(mlir::MLIRContext &context, const Kernel &kernel,
                const Case &test, double peak) {
  auto [n, k, groups, floats, binary] = test;
  auto jit = Jit::compile(context, makeMatmul(kernel, test));
  if (!jit)
    std::exit(1);
  std::mt19937 engine(1);
  std::vector<int8_t> weights(n * k);
  for (int8_t &weight : weights)
    weight = static_cast<int8_t>(
        static_cast<int>(binary ? engine() % 2 * 2 : engine() % 3) - 1);
  int64_t bytes = kernel.getPackedBytes(n, k);
  auto *packed = allocate<uint8_t>(bytes);
  kernel.pack(weights, n, k, llvm::MutableArrayRef(packed, bytes));
  constexpr int64_t maxM = 128;
  auto *codes = allocate<int8_t>(maxM * k);
  auto *values = allocate<float>(maxM * k);
  fillRows(values, codes, maxM, k, engine);
  auto *y = allocate<float>(maxM * n);
  std::vector<int64_t> scaleShape = getScaleShape(kernel, test);
  int64_t scales = 1;
  for (int64_t size : scaleShape)
    scales *= size;
  std::vector<float> xScale(maxM, 1), weightScale(scales, 1);
  std::vector<int32_t> sums(maxM * std::max<int64_t>(groups, 1));
  for (int64_t m : {1, 2, 3, 4, 8, 16, 32, 128}) {
    void *x = floats ? static_cast<void *>(values) : codes;
    std::vector<int64_t> sumShape = {m};
    if (groups != 0)
      sumShape.push_back(groups);
    std::vector<Buffer> arguments = {Buffer(x, {m, k}),
                                     Buffer(packed, {bytes}),
                                     Buffer(weightScale.data(), scaleShape),
                                     Buffer(xScale.data(), {m}),
                                     Buffer(sums.data(), sumShape),
                                     Buffer(y, {m, n})};
    void *function = jit->lookup("f");
    double time = median([&] { Jit::call(function, arguments); });
    double rate = static_cast<double>(m * n * k) / time;
    llvm::outs() << llvm::formatv(
        "{{\"kernel\": \"{0}\", \"activations\": \"{1}\", \"m\": {2}, \"n\": "
        "{3}, \"k\": {4}, \"scales_along_k\": {5}, \"cache\": \"hot\", "
        "\"threads\": 1, \"us\": {6:f1}, \"gmac_per_s\": {7:f1}, \"share\": "
        "{8:f2}}\n",
        kernel.getName(), floats ? "f32" : "i8", m, n, k,
        std::max<int64_t>(groups, 1), time * 1e6, rate / 1e9, rate / peak);
    llvm::outs().flush();
  }
}

void timeQuantize(mlir::MLIRContext &context, int64_t k,
                  llvm::StringRef features, llvm::StringRef compute) {
  auto jit = Jit::compile(
      context,
      llvm::formatv(
          "func.func @f(%x: memref<?x{0}xf32>, %c: memref<?x{0}xi8>, %s: "
          "memref<?xf32>, %u: memref<?xi32>) attributes "
          "{{llvm.emit_c_interface, passthrough = [[\"target-features\", "
          "\"{1}\"]]} {{\n  bit.absmax_quantize ins(%x : memref<?x{0}xf32>) "
          "outs(%c, %s, %u : memref<?x{0}xi8>, memref<?xf32>, memref<?xi32>) "
          "quantizer = <eps = 0.0, compute = {2}>\n  return\n}",
          k, features, compute)
          .str());
  if (!jit)
    std::exit(1);
  auto *x = allocate<float>(k);
  auto *codes = allocate<int8_t>(k);
  for (int64_t i = 0; i < k; ++i)
    x[i] = static_cast<float>(i % 37 - 18);
  float scale;
  int32_t sum;
  std::vector<Buffer> arguments = {Buffer(x, {1, k}), Buffer(codes, {1, k}),
                                   Buffer(&scale, {1}), Buffer(&sum, {1})};
  constexpr int calls = 100;
  void *function = jit->lookup("f");
  double time = median([&] {
    for (int i = 0; i < calls; ++i)
      Jit::call(function, arguments);
  });
  llvm::outs() << llvm::formatv("{{\"op\": \"absmax_quantize\", \"features\": "
                                "\"{0}\", \"compute\": \"{1}\", \"k\": {2}, "
                                "\"us\": {3:f3}}\n",
                                features, compute, k, time / calls * 1e6);
}

/// A product by one token whose weights come from memory: many copies of them,
/// one after another.
class Cold {
public:
  Cold(mlir::MLIRContext &context, const Kernel &kernel, int64_t n, int64_t k)
      : name(kernel.getName()), bytes(kernel.getPackedBytes(n, k)), n(n), k(k),
        jit(Jit::compile(context, makeMatmul(kernel, {n, k, 0, false}))) {
    if (!jit)
      std::exit(1);
    constexpr int64_t more = int64_t(192) << 20; // than a third-level cache
    copies = more / bytes + 1;
    distance = (bytes + 4095) / 4096 * 4096;
    std::mt19937 engine(1);
    std::vector<int8_t> weights(n * k);
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(static_cast<int>(engine() % 3) - 1);
    packed = allocate<uint8_t>(copies * distance);
    for (int64_t i = 0; i < copies; ++i)
      kernel.pack(weights, n, k,
                  llvm::MutableArrayRef(packed + i * distance, bytes));
    codes = allocate<int8_t>(k);
    for (int64_t i = 0; i < k; ++i)
      codes[i] = static_cast<int8_t>(engine());
    y = allocate<float>(n);
    function = jit->lookup("f");
  }

  /// The next copy, or, hot, always the first.
  void time(bool hot) {
    uint8_t *weights = packed + (hot ? 0 : next++ % copies * distance);
    std::vector<Buffer> arguments = {
        Buffer(codes, {1, k}), Buffer(weights, {bytes}), Buffer(&scale, {1}),
        Buffer(&scale, {1}),   Buffer(&sum, {1}),        Buffer(y, {1, n})};
    double before = seconds();
    Jit::call(function, arguments);
    (hot ? hotTimes : coldTimes).push_back(seconds() - before);
  }

  /// What reading the bytes takes, and nothing else.
  void read() {
    uint8_t *weights = packed + next++ % copies * distance;
    double before = seconds();
    uint64_t sum = 0;
    for (int64_t i = 0; i + 64 <= bytes; i += 64) {
      uint64_t word;
      std::memcpy(&word, weights + i, sizeof(word));
      sum += word;
    }
    asm volatile("" : : "r"(sum));
    readTimes.push_back(seconds() - before);
  }

  void print(llvm::raw_ostream &os) {
    auto quantile = [](std::vector<double> &times, double share) {
      std::sort(times.begin(), times.end());
      return times[static_cast<size_t>(share * (times.size() - 1))] * 1e6;
    };
    os << llvm::formatv(
        "{{\"kernel\": \"{0}\", \"m\": 1, \"n\": {1}, \"k\": {2}, \"bytes\": "
        "{3}, \"hot_us\": {4:f1}, \"cold_us\": {5:f1}, \"cold_median_us\": "
        "{6:f1}, \"read_us\": {7:f1}, \"read_median_us\": {8:f1}}\n",
        name, n, k, bytes, quantile(hotTimes, 0), quantile(coldTimes, 0.1),
        quantile(coldTimes, 0.5), quantile(readTimes, 0.1),
        quantile(readTimes, 0.5));
  }

private:
  llvm::StringRef name;
  int64_t bytes, n, k, copies, distance, next = 0;
  std::unique_ptr<Jit> jit;
  void *function;
  uint8_t *packed;
  int8_t *codes;
  float *y, scale = 1;
  int32_t sum = 0;
  std::vector<double> hotTimes, coldTimes, readTimes;
};

/// Kernels by turns, so that what else runs on the machine slows all of them.
int compareCold(mlir::MLIRContext &context, int64_t n, int64_t k,
                llvm::ArrayRef<char *> names) {
  auto *dialect = context.getLoadedDialect<BitDialect>();
  std::vector<std::unique_ptr<Cold>> all;
  for (const char *name : names) {
    const Kernel *kernel = dialect->getKernels().lookup(name);
    if (!kernel || !cpuHas(kernel->getFeatures())) {
      llvm::errs() << "kernels: error: " << name
                   << ": expects a kernel that this CPU can run\n";
      return 2;
    }
    all.push_back(std::make_unique<Cold>(context, *kernel, n, k));
  }
  for (int i = 0; i < 300; ++i)
    for (auto &cold : all) {
      cold->time(/*hot=*/false);
      cold->read();
      cold->time(/*hot=*/true);
      cold->time(/*hot=*/true);
    }
  for (auto &cold : all)
    cold->print(llvm::outs());
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 4 && llvm::StringRef(argv[1]) == "--cold") {
    auto context = makeContext();
    context->getOrLoadDialect<BitDialect>();
    return compareCold(*context, std::atoll(argv[2]), std::atoll(argv[3]),
                       llvm::ArrayRef(argv, argc).drop_front(4));
  }
  int64_t n = argc > 2 ? std::atoll(argv[1]) : 6912;
  int64_t k = argc > 2 ? std::atoll(argv[2]) : 2560;
  int64_t group = argc > 3 ? std::atoll(argv[3]) : 128;
  if (n <= 0 || k <= 0 || group <= 0) {
    llvm::errs() << "kernels: error: expects positive N, K and GROUP\n";
    return 2;
  }
  auto context = makeContext();
  auto *dialect = context->getOrLoadDialect<BitDialect>();
  bool vnni = cpuHas({"avx512f", "avx512vnni"});
  double peak = vnni ? probeVpdpbusd() : probeVpmaddubsw();
  llvm::outs() << llvm::formatv(
      "{{\"probe\": \"{0}\", \"gmac_per_s\": {1:f1}}\n",
      vnni ? "vpdpbusd" : "vpmaddubsw", peak / 1e9);
  for (const char *compute : {"f32", "f16", "bf16"}) {
    timeQuantize(*context, k, "+avx2,+fma,+f16c", compute);
    if (vnni)
      timeQuantize(*context, k,
                   "+avx2,+fma,+f16c,+avx512f,+avx512bw,+avx512vl,+avx512dq",
                   compute);
  }
  for (const Kernel *kernel : dialect->getKernels().getAll()) {
    if (!cpuHas(chooseFeatures(*kernel)))
      continue;
    for (bool floats : {false, true}) {
      PackedMatmulSpec spec;
      spec.n = n;
      spec.k = k;
      spec.floatActivations = floats;
      bool binary = mlir::failed(kernel->supports(spec));
      spec.weights = binary ? WeightKind::Binary : WeightKind::Ternary;
      if (mlir::failed(kernel->supports(spec)))
        continue;
      timeMatmul(*context, *kernel, {n, k, 0, floats, binary}, peak);
      spec.groups = k / group;
      if (k % group == 0 && mlir::succeeded(kernel->supports(spec)))
        timeMatmul(*context, *kernel, {n, k, spec.groups, floats, binary},
                   peak);
    }
  }
  return 0;
}
