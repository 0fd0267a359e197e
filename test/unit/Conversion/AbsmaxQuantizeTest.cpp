// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vector lowering of bit.absmax_quantize against plain loops and against
// the runtime's function, bit for bit.

#include "Jit.h"
#include "bit/quant.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace bit::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct Quantizer {
  int bits = 8, maxCode = 0; ///< 0: the default
  std::string granularity = "token", epsMode = "clamp", scale = "recip_mul",
              dequant = "recip", rounding = "half_even", statistic = "absmax",
              overflow = "nan", compute = "f32";
  float eps = 1e-5f;
  int low = 1, high = 0; ///< low > high: the default range

  bool hasFactor() const {
    return scale == "recip_mul" || scale == "div" || scale == "recip_step" ||
           scale == "recip_step_mul";
  }
  bool hasStep() const {
    return scale == "inverse" || scale == "inverse_mul" ||
           scale == "recip_step" || scale == "recip_step_mul";
  }
  bool hasInverse() const { return scale == "norm_mul" || scale == "mul_norm"; }
  /// `value` rounded to the type of the arithmetic.
  float round(float value) const {
    llvm::APFloat number(value);
    bool isInexact;
    if (compute == "f16")
      number.convert(llvm::APFloat::IEEEhalf(),
                     llvm::APFloat::rmNearestTiesToEven, &isInexact);
    else if (compute == "bf16")
      number.convert(llvm::APFloat::BFloat(),
                     llvm::APFloat::rmNearestTiesToEven, &isInexact);
    return number.convertToFloat();
  }

  /// Whether the runtime has all of it.
  bool isInRuntime() const {
    return granularity != "sample" && maxCode == 0 && dequant != "none" &&
           compute == "f32" && statistic == "absmax" && overflow == "nan" &&
           rounding != "half_down" &&
           (epsMode == "clamp" || epsMode == "add" || epsMode == "none") &&
           (scale == "recip_mul" || scale == "div" || scale == "inverse");
  }

  std::string str() const {
    std::string text = llvm::formatv(
        "<bits = {0}, granularity = {1}, eps = {2:e12}, eps_mode = {3}, "
        "scale = {4}, rounding = {5}",
        bits, granularity, round(eps), epsMode, scale, rounding);
    if (maxCode)
      text += llvm::formatv(", max = {0}", maxCode);
    if (hasFactor() || dequant == "none")
      text += ", dequant = " + dequant;
    if (statistic != "absmax")
      text += ", statistic = " + statistic;
    if (overflow != "nan")
      text += ", overflow = " + overflow;
    if (compute != "f32")
      text += ", compute = " + compute;
    if (low <= high)
      text += llvm::formatv(", clamp = [{0}, {1}]", low, high);
    return text + ">";
  }
};

struct Result {
  std::vector<int8_t> codes;
  std::vector<float> scale;
  std::vector<int32_t> sum;
};

/// The sum of magnitudes as docs/numerics.md has it: rows of `k` in 64 chains
/// each, or, where the values are a column, one chain.
float sumMagnitudes(const std::vector<float> &values, int64_t k) {
  if (k == 0) {
    float sum = 0;
    for (float value : values)
      sum += std::fabs(value);
    return sum;
  }
  std::vector<float> partials(64, -0.0f);
  for (size_t i = 0; i < values.size(); ++i)
    partials[(i % k) % 64] += std::fabs(values[i]);
  for (int half : {32, 16, 8, 4, 2, 1})
    for (int i = 0; i < half; ++i)
      partials[i] += partials[i + half];
  return 0.0f + partials[0];
}

/// What #bit.quantizer defines, for values that share a scale: rows of `k`, or,
/// where that is 0, a column.
class Reference {
public:
  Reference(const Quantizer &quantizer, const std::vector<float> &values,
            int64_t k)
      : quantizer(quantizer),
        q(static_cast<float>((1 << (quantizer.bits - 1)) - 1)) {
    if (quantizer.maxCode)
      q = static_cast<float>(quantizer.maxCode);
    float a = 0;
    for (float value : values)
      a = std::isnan(value) || std::isnan(a) ? nan
                                             : std::max(a, std::fabs(value));
    if (quantizer.statistic == "absmean")
      a = round(sumMagnitudes(values, k) / static_cast<float>(values.size()));
    float eps = round(quantizer.eps);
    auto guard = [&](float value, const std::string &suffix) {
      if (quantizer.epsMode == "clamp" + suffix)
        return std::isnan(value) ? value : std::max(value, eps);
      return quantizer.epsMode == "add" + suffix ? round(value + eps) : value;
    };
    a = guard(a, "");
    bool multiplies =
        quantizer.scale == "inverse_mul" || quantizer.scale == "recip_step_mul";
    float d = multiplies ? a * round(1.0f / q) : a / q;
    d = guard(quantizer.hasStep() ? round(d) : d, "_step");
    valid = std::isfinite(a) && (!quantizer.hasStep() || std::isfinite(d));
    bool isScaled = quantizer.hasStep()                               ? d > 0
                    : quantizer.hasFactor() || quantizer.hasInverse() ? true
                                                                      : a > 0;
    factor = quantizer.scale == "recip_mul" ? round(round(1.0f / a) * q)
             : quantizer.scale == "div"     ? round(q / a)
             : quantizer.hasStep()
                 ? (quantizer.hasFactor() ? round(1.0f / d) : d)
             : quantizer.hasInverse() ? round(1.0f / a)
                                      : a;
    isScaled &= std::isfinite(factor);
    bool areClamped = quantizer.overflow == "clamp" &&
                      std::none_of(values.begin(), values.end(),
                                   [](float x) { return x == 0; });
    valid &= isScaled || areClamped;
    bool isRecip = quantizer.hasFactor() && quantizer.dequant == "recip";
    xs = !valid                        ? nan
         : quantizer.dequant == "none" ? 1.0f
         : isRecip                     ? 1.0f / factor
                                       : d;
  }

  int8_t code(float x) const {
    if (!valid)
      return 0;
    bool defaults = quantizer.low > quantizer.high;
    float greatest = static_cast<float>((1 << (quantizer.bits - 1)) - 1);
    float low = defaults ? -greatest - 1 : static_cast<float>(quantizer.low);
    float high = defaults ? greatest : static_cast<float>(quantizer.high);
    float v = quantizer.hasFactor()           ? x * factor
              : quantizer.hasStep()           ? x / factor
              : quantizer.scale == "norm_mul" ? round(x * factor) * q
              : quantizer.scale == "mul_norm" ? round(x * q) * factor
              : quantizer.scale == "div_mul"  ? round(x / factor) * q
                                              : round(x * q) / factor;
    v = round(v);
    v = quantizer.rounding == "half_even" ? std::nearbyint(v)
        : quantizer.rounding == "half_up" ? std::floor(round(v + 0.5f))
                                          : std::ceil(round(v - 0.5f));
    return static_cast<int8_t>(std::min(std::max(v, low), high));
  }

  float xs;

private:
  float round(float value) const { return quantizer.round(value); }

  const Quantizer &quantizer;
  float q, factor;
  bool valid;
};

/// `perSample` is how many rows a sample has.
Result reference(const Quantizer &quantizer, const std::vector<float> &x,
                 int64_t m, int64_t k, int64_t perSample) {
  Result result{std::vector<int8_t>(m * k), {}, std::vector<int32_t>(m)};
  auto quantize = [&](const std::vector<int64_t> &indices) {
    std::vector<float> values;
    for (int64_t i : indices)
      values.push_back(x[i]);
    Reference reference(quantizer, values,
                        quantizer.granularity == "channel" ? 0 : k);
    result.scale.push_back(reference.xs);
    for (int64_t i : indices)
      result.codes[i] = reference.code(x[i]);
  };
  std::vector<int64_t> indices;
  if (quantizer.granularity == "tensor") {
    for (int64_t i = 0; i < m * k; ++i)
      indices.push_back(i);
    quantize(indices);
  } else if (quantizer.granularity == "sample") {
    for (int64_t i = 0; i < m; i += perSample) {
      indices.clear();
      for (int64_t j = i * k; j < (i + perSample) * k; ++j)
        indices.push_back(j);
      quantize(indices);
      result.scale.insert(result.scale.end(), perSample - 1,
                          result.scale.back());
    }
  } else if (quantizer.granularity == "token") {
    for (int64_t i = 0; i < m; ++i) {
      indices.clear();
      for (int64_t j = 0; j < k; ++j)
        indices.push_back(i * k + j);
      quantize(indices);
    }
  } else {
    for (int64_t j = 0; j < k; ++j) {
      indices.clear();
      for (int64_t i = 0; i < m; ++i)
        indices.push_back(i * k + j);
      quantize(indices);
    }
  }
  for (int64_t i = 0; i < m * k; ++i)
    result.sum[i / k] += result.codes[i];
  return result;
}

int indexOf(const std::string &word, std::vector<const char *> words) {
  return static_cast<int>(std::find(words.begin(), words.end(), word) -
                          words.begin());
}

/// The same by the runtime.
Result runtime(const Quantizer &quantizer, const std::vector<float> &x,
               int64_t m, int64_t k, size_t scales) {
  bit_quantizer options = BIT_QUANTIZER_INIT;
  options.bits = quantizer.bits;
  options.granularity =
      indexOf(quantizer.granularity, {"tensor", "token", "channel"});
  options.eps = quantizer.eps;
  options.eps_mode = indexOf(quantizer.epsMode, {"clamp", "add", "none"});
  options.scale = indexOf(quantizer.scale, {"recip_mul", "div", "inverse"});
  options.dequant = indexOf(quantizer.dequant, {"recip", "direct"});
  options.rounding = indexOf(quantizer.rounding, {"half_even", "half_up"});
  int q = (1 << (quantizer.bits - 1)) - 1;
  bool defaults = quantizer.low > quantizer.high;
  options.low = defaults ? -q - 1 : quantizer.low;
  options.high = defaults ? q : quantizer.high;
  Result result{std::vector<int8_t>(m * k), std::vector<float>(scales),
                std::vector<int32_t>(m)};
  EXPECT_EQ(bit_rt_absmax_quantize(x.data(), m, k, &options,
                                   result.codes.data(), result.scale.data(),
                                   result.sum.data()),
            BIT_OK)
      << bit_last_error();
  return result;
}

class Kernel {
public:
  /// `shape` is how x is declared; its leading dimensions hold m rows.
  Kernel(const Quantizer &quantizer, std::vector<std::string> shape)
      : quantizer(quantizer), rank(shape.size()), context(makeContext()) {
    std::string leading;
    for (size_t i = 0; i + 1 < rank; ++i)
      leading += shape[i] + "x";
    std::string x = "memref<" + leading + shape.back() + "xf32>";
    std::string codes = "memref<" + leading + shape.back() + "xi8>";
    std::string scale = "memref<" + leading + "f32>";
    if (quantizer.granularity == "tensor")
      scale = "memref<f32>";
    else if (quantizer.granularity == "channel")
      scale = "memref<" + shape.back() + "xf32>";
    std::string sum = "memref<" + leading + "i32>";
    std::string source = llvm::formatv(
        "func.func @f(%x: {0}, %c: {1}, %s: {2}, %u: {3}) attributes "
        "{{llvm.emit_c_interface, passthrough = [[\"target-features\", "
        "\"+avx2,+fma,+f16c\"]]} {{\n"
        "  bit.absmax_quantize ins(%x : {0}) outs(%c, %s, %u : {1}, {2}, {3}) "
        "quantizer = {4}\n  return\n}\n",
        x, codes, scale, sum, quantizer.str());
    jit = Jit::compile(*context, source);
  }

  void expectRight(std::vector<float> x, std::vector<int64_t> shape) {
    ASSERT_TRUE(jit != nullptr);
    int64_t k = shape.back(), m = 1;
    for (size_t i = 0; i + 1 < shape.size(); ++i)
      m *= shape[i];
    int64_t perSample = m / std::max<int64_t>(shape.front(), 1);
    Result expected = reference(quantizer, x, m, k, perSample);
    // One more element than there is: nothing may be written there.
    Result got{std::vector<int8_t>(m * k + 1, 99),
               std::vector<float>(expected.scale.size() + 1, 99),
               std::vector<int32_t>(m + 1, 99)};
    expected.codes.push_back(99);
    expected.scale.push_back(99);
    expected.sum.push_back(99);
    std::vector<int64_t> leading(shape.begin(), shape.end() - 1);
    std::vector<int64_t> scaleShape = leading;
    if (quantizer.granularity == "tensor")
      scaleShape.clear();
    else if (quantizer.granularity == "channel")
      scaleShape = {k};
    jit->run("f", {Buffer(x.data(), shape), Buffer(got.codes.data(), shape),
                   Buffer(got.scale.data(), scaleShape),
                   Buffer(got.sum.data(), leading)});
    expectSame(got, expected);

    if (!quantizer.isInRuntime())
      return;
    Result byRuntime = runtime(quantizer, x, m, k, expected.scale.size() - 1);
    byRuntime.codes.push_back(99);
    byRuntime.scale.push_back(99);
    byRuntime.sum.push_back(99);
    expectSame(byRuntime, expected);
  }

  void expectSame(const Result &got, const Result &expected) {
    EXPECT_EQ(got.codes, expected.codes) << quantizer.str();
    EXPECT_EQ(got.sum, expected.sum) << quantizer.str();
    for (size_t i = 0; i < expected.scale.size(); ++i)
      EXPECT_EQ(llvm::bit_cast<uint32_t>(got.scale[i]),
                llvm::bit_cast<uint32_t>(expected.scale[i]))
          << quantizer.str() << " scale " << i;
  }

private:
  Quantizer quantizer;
  size_t rank;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<Jit> jit;
};

std::vector<float> randomValues(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(engine);
  return values;
}

TEST(AbsmaxQuantizeTest, RaggedAndDynamicColumns) {
  Kernel dynamic({}, {"?", "?"});
  for (int64_t k : {1, 2, 15, 16, 17, 31, 32, 100}) {
    Kernel fixed({}, {"?", std::to_string(k)});
    for (int64_t m : {0, 1, 3}) {
      dynamic.expectRight(randomValues(m * k, k), {m, k});
      fixed.expectRight(randomValues(m * k, k), {m, k});
    }
  }
}

TEST(AbsmaxQuantizeTest, EveryForm) {
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *epsMode : {"clamp", "add", "none"})
      for (const char *scale : {"recip_mul", "div", "inverse"})
        for (const char *dequant : {"recip", "direct"})
          for (const char *rounding : {"half_even", "half_up"}) {
            if (std::string(scale) == "inverse" &&
                std::string(dequant) == "direct")
              continue;
            Quantizer quantizer;
            quantizer.granularity = granularity;
            quantizer.epsMode = epsMode;
            quantizer.scale = scale;
            quantizer.dequant = dequant;
            quantizer.rounding = rounding;
            Kernel kernel(quantizer, {"?", "37"});
            kernel.expectRight(randomValues(4 * 37, 3), {4, 37});
          }
}

TEST(AbsmaxQuantizeTest, FormsOfStep) {
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *epsMode : {"none", "clamp_step", "add_step"})
      for (const char *scale :
           {"inverse", "inverse_mul", "recip_step", "recip_step_mul"})
        for (const char *rounding : {"half_even", "half_down"}) {
          Quantizer quantizer;
          quantizer.granularity = granularity;
          quantizer.epsMode = epsMode;
          quantizer.eps = 0.02f;
          quantizer.scale = scale;
          quantizer.rounding = rounding;
          Kernel kernel(quantizer, {"?", "37"});
          kernel.expectRight(randomValues(4 * 37, 3), {4, 37});
        }
}

TEST(AbsmaxQuantizeTest, FormsWithoutScale) {
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *epsMode : {"none", "clamp", "add"})
      for (const char *scale : {"div_mul", "mul_div", "norm_mul", "mul_norm"}) {
        Quantizer quantizer;
        quantizer.granularity = granularity;
        quantizer.epsMode = epsMode;
        quantizer.scale = scale;
        Kernel kernel(quantizer, {"?", "37"});
        kernel.expectRight(randomValues(4 * 37, 3), {4, 37});
        // x * Q overflows: the clamp holds what comes of it.
        kernel.expectRight(std::vector<float>(2 * 37, 3e38f), {2, 37});
      }
}

TEST(AbsmaxQuantizeTest, Means) {
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *scale : {"recip_mul", "inverse", "mul_div"}) {
      Quantizer quantizer;
      quantizer.granularity = granularity;
      quantizer.statistic = "absmean";
      quantizer.scale = scale;
      for (int64_t k : {1, 5, 16, 37, 64, 100, 203}) {
        Kernel kernel(quantizer, {"?", "?"});
        kernel.expectRight(randomValues(5 * k, k), {5, k});
      }
      Kernel(quantizer, {"2", "3", "37"})
          .expectRight(randomValues(2 * 3 * 37, 1), {2, 3, 37});
    }
}

TEST(AbsmaxQuantizeTest, FewerBitsAndOtherRanges) {
  for (int bits = 2; bits <= 8; ++bits) {
    Quantizer quantizer;
    quantizer.bits = bits;
    Kernel(quantizer, {"?", "50"})
        .expectRight(randomValues(150, bits), {3, 50});
    quantizer.low = -1;
    quantizer.high = (1 << (bits - 1)) - 1;
    Kernel(quantizer, {"?", "50"})
        .expectRight(randomValues(150, bits), {3, 50});
  }
}

// Scales of all rows of one index of the first dimension.
TEST(AbsmaxQuantizeTest, Samples) {
  for (const char *statistic : {"absmax", "absmean"})
    for (const char *overflow : {"nan", "clamp"})
      for (const char *scale : {"recip_mul", "inverse_mul", "mul_norm"}) {
        Quantizer quantizer;
        quantizer.granularity = "sample";
        quantizer.statistic = statistic;
        quantizer.overflow = overflow;
        quantizer.scale = scale;
        quantizer.epsMode = "none";
        std::vector<float> x = randomValues(3 * 4 * 37, 3);
        for (int i = 0; i < 4 * 37; ++i)
          x[i] = i % 2 ? 1e-42f : -3e-42f; // too small for a scale
        Kernel(quantizer, {"?", "?", "37"}).expectRight(x, {3, 4, 37});
        Kernel(quantizer, {"3", "4", "?"}).expectRight(x, {3, 4, 37});
        Kernel(quantizer, {"?", "?"}).expectRight(x, {12, 37});
        if (overflow == std::string("nan"))
          x[5] = 0;
        x[200] = nan;
        Kernel(quantizer, {"?", "4", "?"}).expectRight(x, {3, 4, 37});
      }
}

// Q that is not the largest code, codes that stand for themselves.
TEST(AbsmaxQuantizeTest, OtherMaxima) {
  for (int maxCode : {128, 100, 1})
    for (const char *dequant : {"recip", "none"})
      for (const char *scale : {"recip_mul", "inverse_mul", "div_mul"}) {
        Quantizer quantizer;
        quantizer.maxCode = maxCode;
        quantizer.scale = scale;
        quantizer.dequant = dequant;
        Kernel kernel(quantizer, {"?", "37"});
        kernel.expectRight(randomValues(4 * 37, 3), {4, 37});
      }
}

// Ties, where the two roundings differ: multiples of half a step.
TEST(AbsmaxQuantizeTest, Ties) {
  std::vector<float> x;
  for (int i = -254; i <= 254; ++i)
    x.push_back(static_cast<float>(i) / 2);
  for (const char *rounding : {"half_even", "half_up", "half_down"})
    for (const char *scale : {"recip_mul", "div", "inverse", "div_mul"}) {
      Quantizer quantizer;
      quantizer.rounding = rounding;
      quantizer.scale = scale;
      Kernel(quantizer, {"1", "509"}).expectRight(x, {1, 509});
    }
}

TEST(AbsmaxQuantizeTest, ValuesThatHaveNoScale) {
  std::vector<float> row(20, 0.5f);
  std::vector<std::vector<float>> rows(8, row);
  rows[1][3] = nan;
  rows[2][19] = infinity;
  rows[3][0] = -infinity;
  rows[4] = std::vector<float>(20, 0.0f);
  rows[5] = std::vector<float>(20, -0.0f);
  rows[6] = std::vector<float>(20, 1e-42f); // 127 / 1e-42 is infinite
  rows[7] = std::vector<float>(20, 3.4e38f);
  std::vector<float> x;
  for (const auto &values : rows)
    x.insert(x.end(), values.begin(), values.end());
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *epsMode : {"clamp", "add", "none"})
      for (const char *scale :
           {"recip_mul", "div", "inverse", "inverse_mul", "recip_step",
            "recip_step_mul", "div_mul", "mul_div", "norm_mul", "mul_norm"}) {
        Quantizer quantizer;
        quantizer.granularity = granularity;
        quantizer.epsMode = epsMode;
        quantizer.scale = scale;
        Kernel kernel(quantizer, {"?", "20"});
        kernel.expectRight(x, {8, 20});
      }
}

// Rows too small for a scale, with a 0 in one of the ragged columns or without.
TEST(AbsmaxQuantizeTest, ValuesThatAreTooSmall) {
  std::vector<float> x;
  for (float size : {1.0f, 1e-37f, 1e-40f, 1e-45f})
    for (int zero : {-1, 3, 19})
      for (int i = 0; i < 20; ++i)
        x.push_back(i == zero ? 0.0f : i % 3 ? size : -size);
  std::vector<float> small(x.begin() + 120, x.begin() + 140);
  small.insert(small.end(), small.begin(), small.end());
  std::vector<float> holed = small;
  holed[37] = 0;
  for (const char *granularity : {"token", "tensor", "channel"})
    for (const char *statistic : {"absmax", "absmean"})
      for (const char *scale :
           {"recip_mul", "div", "inverse", "inverse_mul", "recip_step",
            "recip_step_mul", "div_mul", "mul_div", "norm_mul", "mul_norm"})
        for (const char *dequant : {"recip", "direct"}) {
          Quantizer quantizer;
          quantizer.granularity = granularity;
          quantizer.statistic = statistic;
          quantizer.epsMode = "none";
          quantizer.scale = scale;
          quantizer.dequant = dequant;
          quantizer.overflow = "clamp";
          if (!quantizer.hasFactor() && quantizer.dequant == "direct")
            continue;
          Kernel kernel(quantizer, {"?", "20"});
          kernel.expectRight(x, {12, 20});
          kernel.expectRight(small, {2, 20});
          kernel.expectRight(holed, {2, 20});
        }
}

/// Values of a half-precision type, many of them on ties; rows that are huge,
/// tiny, zero and not finite.
std::vector<float> halfValues(const Quantizer &quantizer, int64_t k) {
  std::vector<float> x = randomValues(10 * k, 7);
  for (int64_t i = 0; i < k; ++i) {
    x[k + i] *= 1e4f;
    x[2 * k + i] *= 1e-3f;
    x[3 * k + i] *= 1e-6f;
    x[4 * k + i] *= 1e-38f;
    x[5 * k + i] = 0;
    x[6 * k + i] = static_cast<float>(i) - 18.5f;
    x[9 * k + i] = i % 2 ? 6e-8f : -6e-8f;
  }
  x[7 * k + 3] = nan;
  x[8 * k + 36] = infinity;
  for (float &value : x)
    value = quantizer.round(value);
  return x;
}

TEST(AbsmaxQuantizeTest, Halves) {
  for (const char *compute : {"f16", "bf16"})
    for (const char *scale :
         {"recip_mul", "div", "inverse", "inverse_mul", "recip_step",
          "recip_step_mul", "div_mul", "mul_div", "norm_mul", "mul_norm"})
      for (const char *epsMode : {"clamp", "add", "none"})
        for (const char *overflow : {"nan", "clamp"}) {
          Quantizer quantizer;
          quantizer.compute = compute;
          quantizer.scale = scale;
          quantizer.epsMode = epsMode;
          quantizer.overflow = overflow;
          if (quantizer.hasStep() && std::string(epsMode) != "none")
            quantizer.epsMode += "_step";
          if (std::string(epsMode) == "add") {
            quantizer.rounding = "half_up";
            quantizer.dequant = quantizer.hasFactor() ? "direct" : "recip";
          }
          Kernel kernel(quantizer, {"?", "37"});
          kernel.expectRight(halfValues(quantizer, 37), {10, 37});
        }
}

TEST(AbsmaxQuantizeTest, MeansAndGranularitiesOfHalves) {
  for (const char *compute : {"f16", "bf16"})
    for (const char *granularity : {"token", "tensor", "channel"})
      for (const char *statistic : {"absmax", "absmean"}) {
        Quantizer quantizer;
        quantizer.compute = compute;
        quantizer.granularity = granularity;
        quantizer.statistic = statistic;
        quantizer.rounding = "half_down";
        Kernel kernel(quantizer, {"?", "?"});
        std::vector<float> x = halfValues(quantizer, 37);
        kernel.expectRight(x, {10, 37});
        x.resize(3 * 37);
        kernel.expectRight(x, {3, 37});
      }
}

TEST(AbsmaxQuantizeTest, LeadingDimensions) {
  for (const char *granularity : {"token", "tensor", "channel"}) {
    Quantizer quantizer;
    quantizer.granularity = granularity;
    Kernel(quantizer, {"?"}).expectRight(randomValues(37, 1), {37});
    Kernel(quantizer, {"?", "3", "21"})
        .expectRight(randomValues(2 * 3 * 21, 2), {2, 3, 21});
  }
}

} // namespace
