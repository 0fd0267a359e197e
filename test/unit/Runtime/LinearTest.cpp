// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit_rt_linear at every level of this CPU against its formula.

#include "bit/linear.h"
#include "gmock/gmock.h"
#include <cmath>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

using testing::HasSubstr;
using testing::StartsWith;

namespace {

std::vector<std::string> getLevels() {
  std::vector<std::string> levels;
  while (const char *name =
             bit_rt_linear_level(static_cast<int32_t>(levels.size())))
    levels.push_back(name);
  return levels;
}

/// A layer with random weights, and room for its results.
struct Layer {
  Layer(size_t m, size_t n, size_t k, bool perRow = false, unsigned seed = 1)
      : m(m), n(n), k(k), engine(seed), weights(n * k), x(m * k), bias(n),
        scales(perRow ? n : 1), data(bit_rt_packed_bytes(n, k)) {
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(engine() % 3) - 1;
    std::normal_distribution<float> normal;
    for (auto *values : {&x, &bias, &scales})
      for (float &value : *values)
        value = normal(engine);
    EXPECT_EQ(bit_rt_pack_ternary(weights.data(), n, k, data.data()), BIT_OK);
    packed.data = data.data();
    packed.n = n;
    packed.k = k;
    packed.granularity = perRow ? BIT_PER_ROW : BIT_PER_TENSOR;
  }

  /// By the functions that are tested elsewhere.
  std::vector<float> getExpected(bool hasBias) {
    std::vector<int8_t> codes(m * k);
    std::vector<float> xScales(m), y(m * n);
    EXPECT_EQ(bit_rt_absmax_quantize(x.data(), m, k, packed.quantizer,
                                     codes.data(), xScales.data(), nullptr),
              BIT_OK);
    bool isOne =
        packed.quantizer && packed.quantizer->granularity == BIT_PER_TENSOR;
    std::vector<int32_t> sums(m * n);
    for (size_t t = 0; t < m; ++t)
      for (size_t row = 0; row < n; ++row)
        for (size_t i = 0; i < k; ++i)
          sums[t * n + row] += codes[t * k + i] * weights[row * k + i];
    EXPECT_EQ(
        bit_rt_scale_accumulators(sums.data(), m, n, 1, xScales.data(),
                                  isOne ? 1 : m, scales.data(), scales.size(),
                                  hasBias ? bias.data() : nullptr, y.data()),
        BIT_OK);
    return y;
  }

  /// The bits of y, and that nothing was written around it.
  void expectBits(bool hasBias) {
    std::vector<float> expected = getExpected(hasBias);
    std::vector<float> y(m * n + 2, 77);
    ASSERT_EQ(bit_rt_linear(x.data(), m, &packed, scales.data(),
                            hasBias ? bias.data() : nullptr, y.data() + 1),
              BIT_OK)
        << bit_last_error();
    EXPECT_EQ(std::memcmp(y.data() + 1, expected.data(), m * n * 4), 0)
        << m << " x " << n << " x " << k << " at " << packed.level;
    EXPECT_EQ(y.front(), 77);
    EXPECT_EQ(y.back(), 77);
  }

  bit_status run() {
    y.resize(m * n);
    return bit_rt_linear(x.data(), m, &packed, scales.data(), bias.data(),
                         y.data());
  }

  size_t m, n, k;
  std::mt19937 engine;
  std::vector<int8_t> weights;
  std::vector<float> x, bias, scales, y;
  std::vector<uint8_t> data;
  bit_packed packed = BIT_PACKED_INIT;
};

class LinearTest : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    Layer layer(1, 1, 1);
    layer.packed.level = GetParam().c_str();
    if (layer.run() == BIT_UNSUPPORTED_CPU)
      GTEST_SKIP() << bit_last_error();
  }
};

TEST_P(LinearTest, FollowsTheFormula) {
  for (size_t n : {1, 15, 16, 17, 48, 64, 65, 100, 144})
    for (size_t k : {1, 3, 16, 100, 256, 300, 2400})
      for (size_t m : {1, 2, 3, 4, 5, 19}) {
        if (GetParam() == "portable" && m * n * k > 200000)
          continue;
        Layer layer(m, n, k, /*perRow=*/n % 2 == 0,
                    static_cast<unsigned>(m + n + k));
        layer.packed.level = GetParam().c_str();
        layer.expectBits(/*hasBias=*/k % 2 == 0);
      }
}

TEST_P(LinearTest, TakesQuantizers) {
  bit_quantizer quantizer = BIT_QUANTIZER_INIT;
  quantizer.granularity = BIT_PER_TENSOR;
  quantizer.bits = 4;
  quantizer.low = -8;
  quantizer.high = 7;
  Layer layer(7, 70, 90);
  layer.packed.level = GetParam().c_str();
  layer.packed.quantizer = &quantizer;
  layer.expectBits(true);
}

TEST_P(LinearTest, SumsTheLargestCodesExactly) {
  // All codes -127 or 127, the largest that a scale by their maximum gives, and
  // weights of one sign: k at its limit.
  constexpr size_t k = 524288, n = 17;
  Layer layer(2, n, k);
  std::fill(layer.weights.begin(), layer.weights.end(), int8_t(1));
  ASSERT_EQ(bit_rt_pack_ternary(layer.weights.data(), n, k, layer.data.data()),
            BIT_OK);
  std::fill(layer.x.begin(), layer.x.begin() + k, -1.0f);
  std::fill(layer.x.begin() + k, layer.x.end(), 1.0f);
  layer.packed.level = GetParam().c_str();
  layer.expectBits(true);
}

TEST_P(LinearTest, KeepsNaNInItsRow) {
  Layer layer(3, 20, 40);
  layer.packed.level = GetParam().c_str();
  layer.x[45] = NAN;
  ASSERT_EQ(layer.run(), BIT_OK);
  for (size_t i = 0; i < layer.y.size(); ++i)
    EXPECT_EQ(std::isnan(layer.y[i]), i / 20 == 1);
}

TEST_P(LinearTest, SharesBlocks) {
  struct Calls {
    int count = 0;
    static void parallelFor(void *context,
                            void (*body)(void *, int64_t, int64_t),
                            void *bodyContext, int64_t n, int64_t grain) {
      static_cast<Calls *>(context)->count += 1;
      EXPECT_EQ(n, 5);
      EXPECT_EQ(grain, 1);
      std::vector<std::thread> threads;
      for (int64_t lo = 0; lo < n; lo += grain)
        threads.emplace_back([=] { body(bodyContext, lo, lo + grain); });
      for (std::thread &thread : threads)
        thread.join();
    }
  } calls;
  Layer layer(40, 290, 64);
  layer.packed.level = GetParam().c_str();
  layer.packed.parallel_for = Calls::parallelFor;
  layer.packed.parallel_for_context = &calls;
  layer.expectBits(true);
  EXPECT_EQ(calls.count, 1);
}

INSTANTIATE_TEST_SUITE_P(Levels, LinearTest, testing::ValuesIn(getLevels()),
                         [](const auto &info) {
                           std::string name = info.param;
                           for (char &c : name)
                             c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(LinearCallTest, NamesItsLevels) {
  std::vector<std::string> levels = getLevels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.back(), "portable");
  EXPECT_EQ(bit_rt_linear_level(-1), nullptr);
#if BIT_TEST_HAS_KERNELS && defined(__aarch64__)
  EXPECT_THAT(levels,
              testing::ElementsAre("i8mm", "dotprod", "neon", "portable"));
#elif BIT_TEST_HAS_KERNELS
  EXPECT_THAT(levels, testing::IsSupersetOf({"avx512vnni", "x86-64-v3"}));
#endif
}

TEST(LinearCallTest, TakesAWorkspace) {
  Layer layer(9, 33, 50);
  size_t bytes = bit_rt_linear_workspace_bytes(9, 50);
  std::vector<uint8_t> memory(bytes + 3, 0x5a);
  for (size_t offset : {0, 1}) {
    layer.packed.workspace = memory.data() + offset;
    layer.packed.workspace_bytes = bytes;
    layer.packed.level = "portable";
    layer.expectBits(true);
    EXPECT_EQ(memory[offset + bytes], 0x5a);
  }
  layer.packed.workspace_bytes = bytes - 1;
  EXPECT_EQ(layer.run(), BIT_INVALID_ARGUMENT);
  EXPECT_EQ(bit_last_error(), "expects a workspace of " +
                                  std::to_string(bytes) + " bytes, got " +
                                  std::to_string(bytes - 1));
  EXPECT_EQ(bit_rt_linear_workspace_bytes(SIZE_MAX / 2, 16), 0u);
  EXPECT_EQ(bit_rt_linear_workspace_bytes(1, SIZE_MAX), 0u);
}

TEST(LinearCallTest, TakesNothing) {
  bit_packed packed = BIT_PACKED_INIT;
  EXPECT_EQ(bit_rt_linear(nullptr, 0, &packed, nullptr, nullptr, nullptr),
            BIT_OK);
  // Without inputs a product is 0.
  packed.n = 3;
  float scale = 1, y[3] = {9, 9, 9}, bias[3] = {1, 2, 3};
  ASSERT_EQ(bit_rt_linear(nullptr, 1, &packed, &scale, bias, y), BIT_OK);
  EXPECT_THAT(y, testing::ElementsAre(1, 2, 3));
}

TEST(LinearCallTest, RefusesArguments) {
  auto message = [](bit_status status, void (*spoil)(Layer &)) {
    Layer layer(2, 3, 4);
    spoil(layer);
    EXPECT_EQ(layer.run(), status);
    return std::string(bit_last_error());
  };
  EXPECT_THAT(
      message(BIT_INVALID_ARGUMENT, [](Layer &l) { l.packed.size = 8; }),
      StartsWith("expects bit_packed.size of at least "));
  EXPECT_EQ(message(BIT_RANGE, [](Layer &l) { l.packed.k = 524289; }),
            "expects k of at most 524288, got 524289");
  EXPECT_EQ(message(BIT_INVALID_ARGUMENT,
                    [](Layer &l) { l.packed.granularity = BIT_PER_GROUP; }),
            "expects scales per tensor or row, got granularity 3");
  EXPECT_EQ(
      message(BIT_INVALID_ARGUMENT, [](Layer &l) { l.packed.data = nullptr; }),
      "expects packed weights, got NULL");
  EXPECT_EQ(message(BIT_INVALID_ARGUMENT,
                    [](Layer &l) {
                      static bit_quantizer columns = BIT_QUANTIZER_INIT;
                      columns.granularity = BIT_PER_COLUMN;
                      l.packed.quantizer = &columns;
                    }),
            "expects a quantizer per tensor or row, got one per column");
  EXPECT_THAT(message(BIT_INVALID_ARGUMENT,
                      [](Layer &l) {
                        static bit_quantizer old = BIT_QUANTIZER_INIT;
                        old.size = 4;
                        l.packed.quantizer = &old;
                      }),
              StartsWith("expects bit_quantizer.size"));
  EXPECT_THAT(message(BIT_BAD_LEVEL, [](Layer &l) { l.packed.level = "avx9"; }),
              testing::AllOf(StartsWith("expects a level of bit_rt_linear ("),
                             HasSubstr("portable), got 'avx9'")));
  EXPECT_EQ(message(BIT_INVALID_ARGUMENT,
                    [](Layer &l) { l.packed.n = SIZE_MAX / 4; }),
            "2 x 4611686018427387903 elements exceed the address space");
  Layer layer(1, 1, 1);
  EXPECT_EQ(bit_rt_linear(layer.x.data(), 1, nullptr, nullptr, nullptr,
                          layer.bias.data()),
            BIT_INVALID_ARGUMENT);
  EXPECT_EQ(bit_rt_linear(layer.x.data(), 1, &layer.packed, nullptr, nullptr,
                          layer.bias.data()),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects scales, got NULL");
}

} // namespace
