// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every registered kernel against plain loops, bit for bit.

#include "Jit.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

using namespace bit;
using namespace bit::test;

namespace {

mlir::MLIRContext &context() {
  static auto context = makeContext();
  context->getOrLoadDialect<BitDialect>();
  return *context;
}

std::vector<const Kernel *> registeredKernels() {
  return context().getLoadedDialect<BitDialect>()->getKernels().getAll();
}

struct Shape {
  int64_t n, k;
  bool bias = true;
  bool channelScale = true;
  bool tensorXScale = false;
  int64_t staticM = -1;  ///< -1: M is dynamic
  std::string tile = ""; ///< as `#bit.kernel` has it
};

enum class Activations { Codes, Floats };

/// A packed_matmul by one kernel, and plain loops for the same.
class Matmul {
public:
  Matmul(const Kernel &kernel, Shape shape, Activations activations,
         unsigned seed)
      : shape(shape), floats(activations == Activations::Floats), engine(seed),
        weights(shape.n * shape.k),
        packed(kernel.getPackedBytes(shape.n, shape.k)),
        weightScale(shape.channelScale ? shape.n : 1), bias(shape.n) {
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(static_cast<int>(engine() % 3) - 1);
    kernel.pack(weights, shape.n, shape.k, packed);
    for (float &value : weightScale)
      value = number();
    for (float &value : bias)
      value = number();
    jit = Jit::compile(context(), getSource(kernel));
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
    std::vector<int32_t> sums(m);
    std::vector<float> xScale(shape.tensorXScale ? 1 : m);
    for (float &value : xScale)
      value = number();
    for (int64_t i = 0; i < m * k; ++i)
      sums[i / k] += codes[i];
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
    arguments.emplace_back(weightScale.data(),
                           std::vector<int64_t>{int64_t(weightScale.size())});
    if (!floats) {
      std::vector<int64_t> scaleShape;
      if (!shape.tensorXScale)
        scaleShape.push_back(m);
      arguments.emplace_back(xScale.data(), scaleShape);
      arguments.emplace_back(sums.data(), std::vector<int64_t>{m});
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
    float scale = weightScale[shape.channelScale ? row : 0];
    float acc;
    if (floats) {
      acc = 0;
      for (int64_t i = 0; i < shape.k; ++i)
        acc = std::fma(values[i], static_cast<float>(w[i]), acc);
    } else {
      int64_t sum = 0;
      for (int64_t i = 0; i < shape.k; ++i)
        sum += w[i] * codes[i];
      acc = static_cast<float>(static_cast<int32_t>(sum));
      scale = xScale * scale;
    }
    return shape.bias ? std::fma(acc, scale, bias[row]) : acc * scale;
  }

  std::vector<int8_t> &getWeights() { return weights; }
  void repack(const Kernel &kernel) {
    kernel.pack(weights, shape.n, shape.k, packed);
  }

private:
  std::string getSource(const Kernel &kernel) const {
    std::string m =
        shape.staticM < 0 ? "?" : llvm::formatv("{0}", shape.staticM).str();
    std::string features;
    for (llvm::StringRef feature : kernel.getFeatures())
      features += (features.empty() ? "+" : ",+") + feature.str();
    // Without an fma instruction the reference's bits need a library call.
    features += features.empty() ? "+avx2,+fma" : ",+avx2,+fma";
    std::string x =
        llvm::formatv("memref<{0}x{1}x{2}>", m, shape.k, floats ? "f32" : "i8");
    std::string p = llvm::formatv("memref<{0}xi8>", packed.size());
    std::string ws = llvm::formatv("memref<{0}xf32>", weightScale.size());
    std::string xs = shape.tensorXScale
                         ? std::string("memref<f32>")
                         : llvm::formatv("memref<{0}xf32>", m).str();
    std::string sum = llvm::formatv("memref<{0}xi32>", m);
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
        << " weights = ternary " << (floats ? "" : "range = [-128, 127] ")
        << "kernel = #bit.kernel<" << kernel.getName()
        << (shape.tile.empty() ? "" : ", tile = ") << shape.tile
        << ">\n  return\n}\n";
    return text;
  }

  Shape shape;
  bool floats;
  std::mt19937 engine;
  std::vector<int8_t> weights;
  std::vector<uint8_t> packed;
  std::vector<float> weightScale, bias;
  std::unique_ptr<Jit> jit;
};

int kernelsRun = 0;

class KernelTest : public testing::TestWithParam<const Kernel *> {
protected:
  const Kernel &kernel() { return *GetParam(); }

  void SetUp() override {
    if (!cpuHas(kernel().getFeatures()))
      GTEST_SKIP() << "this CPU cannot run " << kernel().getName().str();
    ++kernelsRun;
  }

  void expectRight(Shape shape, llvm::ArrayRef<int64_t> ms,
                   Activations activations = Activations::Codes) {
    unsigned seed = static_cast<unsigned>(shape.n * 1000 + shape.k);
    Matmul matmul(kernel(), shape, activations, seed);
    ASSERT_TRUE(matmul.compiled());
    for (int64_t m : ms)
      matmul.expectRight(m);
  }
};

constexpr int64_t manyM[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 13};

TEST_P(KernelTest, RaggedRows) {
  for (int64_t n : {1, 15, 16, 17, 63, 64, 65, 100, 145})
    expectRight({n, 48}, manyM);
}

TEST_P(KernelTest, RaggedColumns) {
  for (int64_t k : {1, 2, 3, 4, 5, 8, 11, 12, 15, 16, 17, 31})
    expectRight({20, k}, {1, 2, 3, 4, 5});
}

// Widening periods of 8 and 16 steps, with and without a rest.
TEST_P(KernelTest, LongColumns) {
  for (int64_t k : {127, 128, 129, 255, 256, 257, 272, 515})
    expectRight({80, k}, {1, 2, 3, 4});
}

TEST_P(KernelTest, StaticTokens) {
  for (int64_t m : {0, 1, 2, 3, 4, 5, 8, 11}) {
    Shape shape{70, 40};
    shape.staticM = m;
    expectRight(shape, {m});
  }
}

// Whatever the tile, the bits are the same.
TEST_P(KernelTest, OtherTiles) {
  for (const char *tile :
       {"[16, 1, 16]", "[32, 3, 16]", "[48, 2, 16]", "[64, 5, 16]"}) {
    Shape shape{119, 37};
    shape.tile = tile;
    expectRight(shape, {1, 2, 3, 7});
  }
}

TEST_P(KernelTest, EveryFormOfScale) {
  for (bool bias : {false, true})
    for (bool channel : {false, true})
      for (bool tensor : {false, true})
        expectRight({37, 50, bias, channel, tensor}, {1, 4, 5});
}

class FloatKernelTest : public KernelTest {};

TEST_P(FloatKernelTest, FloatActivations) {
  for (auto [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {70, 37}, {64, 256}})
    for (bool bias : {false, true})
      expectRight({n, k, bias}, manyM, Activations::Floats);
}

/// All codes and weights at an extreme, where sums are largest.
TEST_P(KernelTest, ExtremeCodes) {
  for (int64_t k : {515, 4096}) {
    Shape shape{33, k};
    Matmul matmul(kernel(), shape, Activations::Codes, 1);
    ASSERT_TRUE(matmul.compiled());
    for (int weight : {-1, 0, 1}) {
      std::fill(matmul.getWeights().begin(), matmul.getWeights().end(), weight);
      matmul.repack(kernel());
      for (int code : {-128, 127})
        for (int64_t m : {1, 2, 4})
          matmul.expectRight(m, std::vector<int8_t>(m * k, code),
                             std::vector<float>(m * k));
    }
  }
}

TEST_P(KernelTest, ExactAtItsLongestColumns) {
  int64_t k = kernel().getMaxK(-128, 127);
  Shape shape{1, k};
  Matmul matmul(kernel(), shape, Activations::Codes, 1);
  ASSERT_TRUE(matmul.compiled());
  for (int weight : {-1, 1}) {
    std::fill(matmul.getWeights().begin(), matmul.getWeights().end(), weight);
    matmul.repack(kernel());
    for (int code : {-128, 127})
      for (int64_t m : {1, 2})
        matmul.expectRight(m, std::vector<int8_t>(m * k, code),
                           std::vector<float>(m * k));
  }
}

std::vector<const Kernel *> floatKernels() {
  PackedMatmulSpec spec;
  spec.n = spec.k = 1;
  spec.floatActivations = true;
  std::vector<const Kernel *> kernels;
  for (const Kernel *kernel : registeredKernels())
    if (mlir::succeeded(kernel->supports(spec)))
      kernels.push_back(kernel);
  return kernels;
}

std::string kernelName(const testing::TestParamInfo<const Kernel *> &info) {
  std::string name = info.param->getName().str();
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, KernelTest,
                         testing::ValuesIn(registeredKernels()), kernelName);
INSTANTIATE_TEST_SUITE_P(All, FloatKernelTest,
                         testing::ValuesIn(floatKernels()), kernelName);

class Named : public Kernel {
public:
  llvm::StringRef getName() const override { return "test.named"; }
  llvm::StringRef getLayout() const override { return "test"; }
  llvm::ArrayRef<llvm::StringRef> getFeatures() const override { return {}; }
  int64_t getPackedBytes(int64_t, int64_t) const override { return 0; }
  void pack(llvm::ArrayRef<int8_t>, int64_t, int64_t,
            llvm::MutableArrayRef<uint8_t>) const override {}
  int64_t getMaxK(int64_t, int64_t) const override { return 0; }
  mlir::LogicalResult
  supports(const PackedMatmulSpec &,
           llvm::function_ref<mlir::InFlightDiagnostic()>) const override {
    return mlir::failure();
  }
  void lower(mlir::OpBuilder &, PackedMatmulOp) const override {}
};

TEST(KernelRegistryTest, KeepsTheOrderAndRefusesASecondKernelOfOneName) {
  KernelRegistry registry;
  EXPECT_EQ(registry.lookup("test.named"), nullptr);
  registry.add(std::make_unique<Named>());
  const Kernel *kernel = registry.lookup("test.named");
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(registry.getAll(), std::vector<const Kernel *>{kernel});
  EXPECT_DEATH(registry.add(std::make_unique<Named>()),
               "two kernels are named 'test.named'");
}

/// Fails where every kernel was skipped.
class SomeKernelRan : public testing::Environment {
  void TearDown() override { EXPECT_GT(kernelsRun, 0); }
};
[[maybe_unused]] auto *environment =
    testing::AddGlobalTestEnvironment(new SomeKernelRan);

} // namespace
