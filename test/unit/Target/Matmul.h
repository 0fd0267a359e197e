// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product by packed weights through one kernel, and by plain loops.

#ifndef BIT_TEST_UNIT_TARGET_MATMUL_H
#define BIT_TEST_UNIT_TARGET_MATMUL_H

#include "Jit.h"
#include "bit/Dialect/Bit/IR/Kernel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

namespace bit::test {

struct Shape {
  int64_t n, k;
  bool bias = true;
  bool channelScale = true;
  bool tensorXScale = false;
  int64_t staticM = -1;  ///< -1: M is dynamic
  std::string tile = ""; ///< as `#bit.kernel` has it
  int64_t groups = 0;    ///< scales along k, or 0 for those of `channelScale`
};

/// The set of a kernel's features that this CPU has, the first if none.
inline llvm::ArrayRef<llvm::StringRef> chooseFeatures(const Kernel &kernel) {
  llvm::ArrayRef<llvm::StringRef> others = kernel.getOtherFeatures();
  bool takesOthers = !cpuHas(kernel.getFeatures()) && !others.empty();
  return takesOthers ? others : kernel.getFeatures();
}

enum class Activations { Codes, Floats };

/// Whether the kernel has no code for the weight 0.
inline bool isBinary(const Kernel &kernel) {
  PackedMatmulSpec spec;
  spec.n = spec.k = 1;
  return mlir::failed(kernel.supports(spec));
}

/// A packed_matmul by one kernel, and plain loops for the same.
class Matmul {
public:
  Matmul(mlir::MLIRContext &context, const Kernel &kernel, Shape shape,
         Activations activations, unsigned seed)
      : shape(shape), floats(activations == Activations::Floats),
        binary(isBinary(kernel)), engine(seed), weights(shape.n * shape.k),
        packed(kernel.getPackedBytes(shape.n, shape.k)),
        weightScale(shape.groups         ? shape.n * shape.groups
                    : shape.channelScale ? shape.n
                                         : 1),
        bias(shape.n) {
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(
          static_cast<int>(binary ? engine() % 2 * 2 : engine() % 3) - 1);
    kernel.pack(weights, shape.n, shape.k, packed);
    for (float &value : weightScale)
      value = number();
    for (float &value : bias)
      value = number();
    passedScale = weightScale;
    scaleSizes = {int64_t(weightScale.size())};
    if (shape.groups)
      passedScale = blockScales(kernel.getScaleRows());
    jit = Jit::compile(context, getSource(kernel));
  }

  bool compiled() const { return jit != nullptr; }
  float number() {
    return std::uniform_real_distribution<float>(-2, 2)(engine);
  }
  int8_t code() { return static_cast<int8_t>(engine()); }

  void expectRight(int64_t m) {
    std::vector<int8_t> codes(m * shape.k);
    std::vector<float> values(m * shape.k);
    for (int8_t &value : codes)
      value = code();
    for (float &value : values)
      value = number();
    expectRight(m, codes, values);
  }

  void expectRight(int64_t m, std::vector<int8_t> codes,
                   std::vector<float> values) {
    auto [n, k] = std::pair(shape.n, shape.k);
    int64_t groups = std::max<int64_t>(shape.groups, 1);
    std::vector<int32_t> sums(m * groups);
    std::vector<float> xScale(shape.tensorXScale ? 1 : m);
    for (float &value : xScale)
      value = number();
    for (int64_t i = 0; i < m * k; ++i)
      sums[i / (k / groups)] += codes[i];
    // A row more than there is: nothing may be written there.
    std::vector<float> y((m + 1) * n, -77.0f), expected = y;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j)
        expected[i * n + j] = reference(&codes[i * k], &values[i * k], j,
                                        xScale[shape.tensorXScale ? 0 : i]);

    std::vector<Buffer> arguments;
    if (floats)
      arguments.emplace_back(values.data(), std::vector<int64_t>{m, k});
    else
      arguments.emplace_back(codes.data(), std::vector<int64_t>{m, k});
    arguments.emplace_back(packed.data(),
                           std::vector<int64_t>{int64_t(packed.size())});
    arguments.emplace_back(passedScale.data(), scaleSizes);
    if (!floats) {
      std::vector<int64_t> scaleShape;
      if (!shape.tensorXScale)
        scaleShape.push_back(m);
      arguments.emplace_back(xScale.data(), scaleShape);
      std::vector<int64_t> sumShape = {m};
      if (shape.groups)
        sumShape.push_back(groups);
      arguments.emplace_back(sums.data(), sumShape);
    }
    if (shape.bias)
      arguments.emplace_back(bias.data(), std::vector<int64_t>{n});
    arguments.emplace_back(y.data(), std::vector<int64_t>{m, n});
    jit->run("f", arguments);
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(llvm::bit_cast<uint32_t>(y[i]),
                llvm::bit_cast<uint32_t>(expected[i]))
          << "m = " << m << ", n = " << n << ", k = " << k << ", row " << i / n
          << ", column " << i % n << ": " << y[i] << " and not " << expected[i];
  }

  float reference(const int8_t *codes, const float *values, int64_t row,
                  float xScale) {
    const int8_t *w = &weights[row * shape.k];
    int64_t groups = std::max<int64_t>(shape.groups, 1),
            size = shape.k / groups;
    float y = 0;
    for (int64_t g = 0; g < groups; ++g) {
      float scale = shape.groups ? weightScale[row * groups + g]
                                 : weightScale[shape.channelScale ? row : 0];
      float acc = 0;
      if (floats) {
        for (int64_t i = g * size; i < (g + 1) * size; ++i)
          acc = std::fma(values[i], static_cast<float>(w[i]), acc);
      } else {
        int64_t sum = 0;
        for (int64_t i = g * size; i < (g + 1) * size; ++i)
          sum += w[i] * codes[i];
        acc = static_cast<float>(static_cast<int32_t>(sum));
        scale = xScale * scale;
      }
      if (g == 0 && !shape.bias)
        y = acc * scale;
      else
        y = std::fma(acc, scale, g == 0 ? bias[row] : y);
    }
    return y;
  }

  std::vector<int8_t> &getWeights() { return weights; }
  void repack(const Kernel &kernel) {
    kernel.pack(weights, shape.n, shape.k, packed);
  }

private:
  /// In blocks of `rows` rows, with NaN past the last one: it may not matter.
  std::vector<float> blockScales(int64_t rows) {
    int64_t groups = shape.groups, blocks = (shape.n + rows - 1) / rows;
    scaleSizes = {blocks, groups, rows};
    std::vector<float> blocked(blocks * groups * rows, NAN);
    for (int64_t i = 0; i < shape.n; ++i)
      for (int64_t g = 0; g < groups; ++g)
        blocked[(i / rows * groups + g) * rows + i % rows] =
            weightScale[i * groups + g];
    return blocked;
  }

  std::string getSource(const Kernel &kernel) const {
    std::string m =
        shape.staticM < 0 ? "?" : llvm::formatv("{0}", shape.staticM).str();
    std::string features;
    for (llvm::StringRef feature : chooseFeatures(kernel))
      features += (features.empty() ? "+" : ",+") + feature.str();
    // Without an fma instruction the reference's bits need a library call.
    features += features.empty() ? "+avx2,+fma" : ",+avx2,+fma";
    std::string x =
        llvm::formatv("memref<{0}x{1}x{2}>", m, shape.k, floats ? "f32" : "i8");
    std::string p = llvm::formatv("memref<{0}xi8>", packed.size());
    std::string ws = "memref<";
    for (int64_t size : scaleSizes)
      ws += llvm::formatv("{0}x", size).str();
    ws += "f32>";
    std::string xs = shape.tensorXScale
                         ? std::string("memref<f32>")
                         : llvm::formatv("memref<{0}xf32>", m).str();
    std::string sum = llvm::formatv("memref<{0}", m);
    if (shape.groups)
      sum += llvm::formatv("x{0}", shape.groups).str();
    sum += "xi32>";
    std::string b = llvm::formatv("memref<{0}xf32>", shape.n);
    std::string y = llvm::formatv("memref<{0}x{1}xf32>", m, shape.n);
    std::string text;
    llvm::raw_string_ostream out(text);
    out << "func.func @f(%x: " << x << ", %p: " << p << ", %ws: " << ws;
    if (!floats)
      out << ", %xs: " << xs << ", %sum: " << sum;
    if (shape.bias)
      out << ", %b: " << b;
    out << ", %y: " << y << ") attributes {llvm.emit_c_interface, "
        << "passthrough = [[\"target-features\", \"" << features << "\"]]} {\n"
        << "  bit.packed_matmul ins(%x, %p, %ws : " << x << ", " << p << ", "
        << ws << ") ";
    if (!floats)
      out << "quantized(%xs, %sum : " << xs << ", " << sum << ") ";
    if (shape.bias)
      out << "bias(%b : " << b << ") ";
    out << "outs(%y : " << y << ") n = " << shape.n << " k = " << shape.k
        << " weights = " << (binary ? "binary " : "ternary ")
        << (floats ? "" : "range = [-128, 127] ") << "kernel = #bit.kernel<"
        << kernel.getName() << (shape.tile.empty() ? "" : ", tile = ")
        << shape.tile << ">\n  return\n}\n";
    return text;
  }

  Shape shape;
  bool floats, binary;
  std::mt19937 engine;
  std::vector<int8_t> weights;
  std::vector<uint8_t> packed;
  std::vector<float> weightScale, bias;
  std::vector<float> passedScale;  ///< in the order that the op has them
  std::vector<int64_t> scaleSizes; ///< its dimensions
  std::unique_ptr<Jit> jit;
};

} // namespace bit::test

#endif // BIT_TEST_UNIT_TARGET_MATMUL_H
