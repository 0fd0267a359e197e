// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantizers against formulas written down again with <cmath>.

#include "bit/quant.h"
#include "FloatEnvironment.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan = std::nanf("");

std::vector<float> randomFloats(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(generator);
  return values;
}

struct Expected {
  int code;
  float scale;
};

/// One value of a row with absolute maximum `a`.
Expected quantizeOne(const bit_quantizer &q, float x, float a) {
  float top = std::ldexp(1.0f, q.bits - 1) - 1;
  if (q.eps_mode == BIT_EPS_CLAMP)
    a = std::max(a, q.eps);
  if (q.eps_mode == BIT_EPS_ADD)
    a = a + q.eps;
  float s = q.scale == BIT_SCALE_DIV ? top / a : 1 / a * top;
  float d = a / top;
  float v = q.scale == BIT_SCALE_INVERSE ? x / d : x * s;
  v = q.rounding == BIT_ROUND_HALF_UP ? std::floor(v + .5f) : std::nearbyint(v);
  v = std::min(std::max(v, static_cast<float>(q.low)),
               static_cast<float>(q.high));
  float scale = q.scale == BIT_SCALE_INVERSE || q.dequant == BIT_DEQUANT_DIRECT
                    ? d
                    : 1 / s;
  return {static_cast<int>(v), scale};
}

bit_quantizer defaults() {
  bit_quantizer quantizer = BIT_QUANTIZER_INIT;
  return quantizer;
}

/// Every form of the quantizer, on 3 rows of 37.
TEST(AbsmaxTest, FollowsTheFormulas) {
  constexpr size_t rows = 3, columns = 37;
  std::vector<float> x = randomFloats(rows * columns, 5);
  for (int form = 0; form < 3 * 3 * 2 * 2 * 2; ++form) {
    bit_quantizer q = defaults();
    q.eps_mode = form % 3;
    q.scale = form / 3 % 3;
    q.dequant = form / 9 % 2;
    q.rounding = form / 18 % 2;
    q.bits = form / 36 % 2 ? 4 : 8;
    q.low = q.bits == 4 ? -7 : -128;
    q.high = q.bits == 4 ? 7 : 127;
    q.eps = q.eps_mode == BIT_EPS_ADD ? .25f : 1e-5f;
    for (int granularity : {BIT_PER_TENSOR, BIT_PER_ROW, BIT_PER_COLUMN}) {
      q.granularity = granularity;
      std::vector<int8_t> codes(x.size());
      std::vector<float> scales(columns);
      std::vector<int32_t> sums(rows);
      ASSERT_EQ(bit_rt_absmax_quantize(x.data(), rows, columns, &q,
                                       codes.data(), scales.data(),
                                       sums.data()),
                BIT_OK)
          << bit_last_error();
      for (size_t row = 0; row < rows; ++row) {
        int32_t sum = 0;
        for (size_t column = 0; column < columns; ++column) {
          float a = 0;
          for (size_t i = 0; i < x.size(); ++i)
            if (granularity == BIT_PER_TENSOR ||
                (granularity == BIT_PER_ROW ? i / columns == row
                                            : i % columns == column))
              a = std::max(a, std::fabs(x[i]));
          Expected expected = quantizeOne(q, x[row * columns + column], a);
          size_t scale = granularity == BIT_PER_TENSOR ? 0
                         : granularity == BIT_PER_ROW  ? row
                                                       : column;
          ASSERT_EQ(codes[row * columns + column], expected.code) << form;
          ASSERT_EQ(scales[scale], expected.scale) << form;
          sum += expected.code;
        }
        EXPECT_EQ(sums[row], sum);
      }
    }
  }
}

TEST(AbsmaxTest, RoundsTies) {
  // With a = 127 the scale is exactly 1.
  float x[6] = {127, .5f, 1.5f, -2.5f, -.5f, 2.5f};
  int8_t codes[6];
  float scale;
  bit_quantizer q = defaults();
  q.scale = BIT_SCALE_DIV;
  ASSERT_EQ(bit_rt_absmax_quantize(x, 1, 6, &q, codes, &scale, nullptr),
            BIT_OK);
  EXPECT_EQ(std::vector<int>(codes, codes + 6),
            (std::vector<int>{127, 0, 2, -2, 0, 2}));
  q.rounding = BIT_ROUND_HALF_UP;
  ASSERT_EQ(bit_rt_absmax_quantize(x, 1, 6, &q, codes, &scale, nullptr),
            BIT_OK);
  EXPECT_EQ(std::vector<int>(codes, codes + 6),
            (std::vector<int>{127, 1, 2, -2, 0, 3}));
}

TEST(AbsmaxTest, MakesNaNOfWhatHasNoScale) {
  bit_quantizer none = defaults();
  none.eps_mode = BIT_EPS_NONE;
  bit_quantizer inverse = none;
  inverse.scale = BIT_SCALE_INVERSE;
  struct Case {
    float values[2];
    bit_quantizer q;
  } cases[] = {{{1, nan}, defaults()}, {{nan, 1}, defaults()},
               {{1, inf}, defaults()}, {{-inf, 1}, defaults()},
               {{0, 0}, none},         {{1e-45f, 0}, none},
               {{0, 0}, inverse},      {{1e-45f, 0}, inverse}};
  for (const Case &c : cases) {
    int8_t codes[2] = {9, 9};
    float scale = 0;
    int32_t sum = 9;
    ASSERT_EQ(bit_rt_absmax_quantize(c.values, 1, 2, &c.q, codes, &scale, &sum),
              BIT_OK);
    EXPECT_TRUE(std::isnan(scale)) << c.values[0] << " " << c.values[1];
    EXPECT_EQ(codes[0], 0);
    EXPECT_EQ(codes[1], 0);
    EXPECT_EQ(sum, 0);
  }
}

TEST(AbsmaxTest, TakesNothing) {
  float scale[2] = {0, 0};
  int32_t sums[2] = {7, 7};
  ASSERT_EQ(
      bit_rt_absmax_quantize(nullptr, 2, 0, nullptr, nullptr, scale, sums),
      BIT_OK);
  EXPECT_EQ(sums[1], 0);
  EXPECT_EQ(scale[1], 1 / ((1 / 1e-5f) * 127));
  EXPECT_EQ(
      bit_rt_absmax_quantize(nullptr, 0, 4, nullptr, nullptr, nullptr, nullptr),
      BIT_OK);
}

TEST(AbsmaxTest, RefusesOptions) {
  float x = 1, scale;
  int8_t code;
  auto message = [&](const bit_quantizer &q) -> std::string {
    if (bit_rt_absmax_quantize(&x, 1, 1, &q, &code, &scale, nullptr) !=
        BIT_INVALID_ARGUMENT)
      return "not refused";
    return bit_last_error();
  };
  bit_quantizer q = defaults();
  q.bits = 9;
  EXPECT_EQ(message(q), "expects 2..8 bits, got 9");
  q = defaults();
  q.eps = -1;
  EXPECT_EQ(message(q), "expects a finite eps >= 0, got -1");
  q = defaults();
  q.low = 1;
  EXPECT_EQ(message(q),
            "expects -128 <= low <= 0 <= high <= 127, got 1 and 127");
  q = defaults();
  q.granularity = BIT_PER_GROUP;
  EXPECT_EQ(message(q), "expects a granularity of 0..2, got 3");
  q = defaults();
  q.scale = 3;
  EXPECT_EQ(message(q), "expects forms of a quantizer, got eps_mode 0, scale "
                        "3, dequant 0, rounding 0");
  q = defaults();
  q.size = 4;
  EXPECT_EQ(message(q), "expects bit_quantizer.size of at least " +
                            std::to_string(sizeof(q)) + ", got 4");
  int32_t sum;
  EXPECT_EQ(bit_rt_absmax_quantize(&x, 1, size_t{1} << 25, nullptr, &code,
                                   &scale, &sum),
            BIT_RANGE);
  EXPECT_STREQ(bit_last_error(), "expects at most 16777215 columns, whose "
                                 "codes' sum fits 32 bits, got 33554432");
}

TEST(AbsmaxTest, IgnoresTheCallersFloatEnvironment) {
  std::vector<float> x = randomFloats(64, 3);
  x[7] = 1e-40f;
  std::vector<int8_t> codes(64), others(64);
  float scale, other;
  ASSERT_EQ(bit_rt_absmax_quantize(x.data(), 1, 64, nullptr, codes.data(),
                                   &scale, nullptr),
            BIT_OK);
  uint64_t before = readFloatEnvironment();
  writeFloatEnvironment(before | flushes | roundsUp);
  bit_rt_absmax_quantize(x.data(), 1, 64, nullptr, others.data(), &other,
                         nullptr);
  uint64_t after = readFloatEnvironment();
  writeFloatEnvironment(before);
  EXPECT_EQ(after, before | flushes | roundsUp);
  EXPECT_EQ(codes, others);
  EXPECT_EQ(scale, other);
}

TEST(AbsmeanTest, FollowsTheFormula) {
  constexpr size_t n = 5, k = 24, group = 8;
  std::vector<float> w = randomFloats(n * k, 11);
  struct Case {
    bit_granularity granularity;
    size_t length;
  } cases[] = {
      {BIT_PER_TENSOR, n * k}, {BIT_PER_ROW, k}, {BIT_PER_GROUP, group}};
  for (auto [granularity, length] : cases) {
    std::vector<int8_t> codes(n * k);
    std::vector<float> scales(n * k / length);
    ASSERT_EQ(bit_rt_absmean_quantize(w.data(), n, k, granularity,
                                      granularity == BIT_PER_GROUP ? group : 0,
                                      1e-5f, codes.data(), scales.data()),
              BIT_OK)
        << bit_last_error();
    for (size_t i = 0; i < scales.size(); ++i) {
      double sum = 0;
      for (size_t j = 0; j < length; ++j)
        sum += std::fabs(static_cast<double>(w[i * length + j]));
      ASSERT_EQ(scales[i], static_cast<float>(sum / length));
      for (size_t j = 0; j < length; ++j) {
        float v = std::nearbyint(w[i * length + j] / scales[i]);
        ASSERT_EQ(codes[i * length + j], std::min(std::max(v, -1.f), 1.f));
      }
    }
  }
}

TEST(AbsmeanTest, SumsManyWeightsInDouble) {
  // A float sum stops growing at 2^24 additions of one.
  std::vector<float> w((size_t{1} << 24) + 4096, 1.0f);
  std::vector<int8_t> codes(w.size());
  float scale;
  ASSERT_EQ(bit_rt_absmean_quantize(w.data(), 1, w.size(), BIT_PER_TENSOR, 0,
                                    1e-5f, codes.data(), &scale),
            BIT_OK);
  EXPECT_EQ(scale, 1.0f);
  EXPECT_EQ(codes.back(), 1);
}

TEST(AbsmeanTest, RefusesWhatHasNoCodes) {
  float w[2] = {1, nan}, scale[2];
  int8_t codes[2];
  EXPECT_EQ(
      bit_rt_absmean_quantize(w, 1, 2, BIT_PER_ROW, 0, 1e-5f, codes, scale),
      BIT_RANGE);
  EXPECT_STREQ(bit_last_error(), "expects finite weights, got nan at [0, 1]");
  EXPECT_EQ(
      bit_rt_absmean_quantize(w, 1, 2, BIT_PER_COLUMN, 0, 1e-5f, codes, scale),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects scales per tensor, row or group");
  EXPECT_EQ(
      bit_rt_absmean_quantize(w, 1, 2, BIT_PER_GROUP, 3, 1e-5f, codes, scale),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(),
               "expects a group that divides 2 columns, got 3");
  EXPECT_EQ(bit_rt_absmean_quantize(w, 1, 2, BIT_PER_ROW, 0, 0, codes, scale),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects a finite eps > 0, got 0");
}

TEST(ScaleTest, AppliesEveryGranularity) {
  const int8_t codes[8] = {1, -2, 3, -4, 5, -6, 7, -8};
  const float x[8] = {1, -2, 3, -4, 5, -6, 7, -8};
  const float scales[4] = {.5f, 2, 3, 4};
  struct Case {
    bit_granularity granularity;
    size_t group;
    float expected[8];
  } cases[] = {{BIT_PER_TENSOR, 0, {.5f, -1, 1.5f, -2, 2.5f, -3, 3.5f, -4}},
               {BIT_PER_ROW, 0, {.5f, -1, 1.5f, -2, 10, -12, 14, -16}},
               {BIT_PER_COLUMN, 0, {.5f, -4, 9, -16, 2.5f, -12, 21, -32}},
               {BIT_PER_GROUP, 2, {.5f, -1, 6, -8, 15, -18, 28, -32}}};
  for (const Case &c : cases) {
    float y[8], z[8];
    ASSERT_EQ(bit_rt_dequantize(codes, 2, 4, scales, c.granularity, c.group, y),
              BIT_OK);
    ASSERT_EQ(bit_rt_scale_apply(x, 2, 4, scales, c.granularity, c.group, z),
              BIT_OK);
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(y[i], c.expected[i]) << c.granularity << " " << i;
      EXPECT_EQ(z[i], c.expected[i]) << c.granularity << " " << i;
    }
  }
}

TEST(ScaleTest, RescalesWithOneRounding) {
  std::mt19937 generator(17);
  std::vector<float> scales = randomFloats(64, 1), bias = randomFloats(64, 2);
  for (int trial = 0; trial < 2000; ++trial) {
    constexpr size_t m = 2, n = 3;
    for (size_t groups : {size_t{1}, size_t{4}}) {
      std::vector<int32_t> acc(m * n * groups);
      for (int32_t &value : acc)
        value = static_cast<int32_t>(generator()) >> generator() % 32;
      const float *xs = &scales[generator() % 32];
      const float *ws = &scales[generator() % 32];
      const float *b = trial % 2 ? &bias[generator() % 32] : nullptr;
      float y[m * n];
      ASSERT_EQ(bit_rt_scale_accumulators(acc.data(), m, n, groups, xs, m, ws,
                                          n * groups, b, y),
                BIT_OK);
      for (size_t i = 0; i < m * n; ++i) {
        float expected = b ? b[i % n] : -0.0f;
        for (size_t g = 0; g < groups; ++g)
          expected = std::fma(static_cast<float>(acc[i * groups + g]),
                              xs[i / n] * ws[i % n * groups + g], expected);
        ASSERT_EQ(std::signbit(y[i]), std::signbit(expected));
        ASSERT_EQ(y[i], expected) << trial;
      }
    }
  }
}

TEST(ScaleTest, RefusesCounts) {
  int32_t acc[4] = {};
  float scale[4] = {}, y[4];
  EXPECT_EQ(
      bit_rt_scale_accumulators(acc, 2, 2, 1, scale, 3, scale, 1, nullptr, y),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects 1 or 2 x_scales, got 3");
  EXPECT_EQ(
      bit_rt_scale_accumulators(acc, 1, 2, 2, scale, 1, scale, 1, nullptr, y),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects 4 w_scales, got 1");
  EXPECT_EQ(
      bit_rt_scale_accumulators(acc, 1, 2, 0, scale, 1, scale, 1, nullptr, y),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects at least 1 group, got 0");
  EXPECT_EQ(bit_rt_dequantize(nullptr, 1, 1, scale, BIT_PER_ROW, 0, y),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects values, got NULL");
}

} // namespace
