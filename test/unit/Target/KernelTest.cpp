// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every registered kernel against plain loops, bit for bit.

#include "Matmul.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

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

int kernelsRun = 0;

class KernelTest : public testing::TestWithParam<const Kernel *> {
protected:
  const Kernel &kernel() { return *GetParam(); }

  void SetUp() override {
    if (!cpuHas(chooseFeatures(kernel())))
      GTEST_SKIP() << "this CPU cannot run " << kernel().getName().str();
    ++kernelsRun;
  }

  /// The least k that may have a weight scale of its own.
  int64_t stepK() {
    PackedMatmulSpec spec;
    spec.n = 1;
    spec.groups = 2;
    spec.weights = WeightKind::Binary;
    for (spec.k = 2; mlir::failed(kernel().supports(spec)); spec.k *= 2)
      ;
    return spec.k / 2;
  }

  void expectRight(Shape shape, llvm::ArrayRef<int64_t> ms,
                   Activations activations = Activations::Codes) {
    unsigned seed = static_cast<unsigned>(shape.n * 1000 + shape.k);
    Matmul matmul(context(), kernel(), shape, activations, seed);
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
  for (int64_t k : {1, 2, 3, 4, 5, 8, 11, 12, 15, 16, 17, 27, 31, 33, 63})
    expectRight({20, k}, {1, 2, 3, 4, 5});
}

// Widening periods of 8 and 16 steps, with and without a rest.
TEST_P(KernelTest, LongColumns) {
  for (int64_t k : {127, 128, 129, 255, 256, 257, 272, 511, 512, 515, 1057})
    expectRight({80, k}, {1, 2, 3, 4});
}

// Enough rows and tokens for tables of sums, with ragged ends of each.
TEST_P(KernelTest, ManyTokens) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {
      {255, 64}, {256, 16}, {300, 33}, {321, 250}, {1100, 272}};
  int count = 0;
  for (auto [n, k] : shapes) {
    Shape shape{n, k, /*bias=*/++count % 2 == 0};
    shape.tensorXScale = n == 300;
    shape.channelScale = n != 321;
    expectRight(shape, {15, 16, 17, 31, 32, 33, 50, 64});
  }
}

// What is multiplied by tables on the widest registers, too, in one unit of
// rows and in several.
TEST_P(KernelTest, ManyTokensAndRows) {
  expectRight({2050, 272, /*bias=*/true}, {31, 32, 65});
  expectRight({3530, 257}, {33, 128, 131});
}

TEST_P(KernelTest, ManyStaticTokens) {
  for (int64_t m : {16, 31, 32, 37, 48}) {
    Shape shape{290, 40};
    shape.staticM = m;
    expectRight(shape, {m});
  }
}

// Several units of rows, and more k than sums of i16 hold.
TEST_P(KernelTest, OneTokenByManyRows) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {
      {2049, 300}, {2560, 240}, {2900, 493}};
  for (auto [n, k] : shapes) {
    Shape shape{n, k, /*bias=*/n == 2560, /*channelScale=*/n != 2049};
    shape.staticM = n == 2900 ? 1 : -1;
    expectRight(shape, {1});
  }
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
       {"[16, 1, {0}]", "[32, 3, {0}]", "[48, 2, {0}]", "[64, 5, {0}]"}) {
    Shape shape{119, 37};
    shape.tile = llvm::formatv(tile, stepK());
    expectRight(shape, {1, 2, 3, 7});
  }
}

TEST_P(KernelTest, EveryFormOfScale) {
  for (bool bias : {false, true})
    for (bool channel : {false, true})
      for (bool tensor : {false, true})
        expectRight({37, 50, bias, channel, tensor}, {1, 4, 5});
}

// Group sizes around the widening periods of 8 and 16 steps, by ragged rows.
TEST_P(KernelTest, GroupScales) {
  constexpr std::pair<int64_t, int64_t> rowsAndGroups[] = {
      {1, 2}, {37, 3}, {64, 1}, {145, 2}};
  int count = 0;
  for (int64_t steps : {1, 2, 3, 4, 8, 9, 16, 17})
    for (bool bias : {false, true}) {
      int64_t size = steps * stepK();
      auto [n, groups] = rowsAndGroups[++count % 4];
      Shape shape{n, size * groups, bias};
      shape.groups = groups;
      shape.tensorXScale = steps == 4;
      expectRight(shape, {0, 1, 2, 3, 4, 5, 9});
    }
}

// One group may be as ragged as k.
TEST_P(KernelTest, OneRaggedGroup) {
  Shape shape{20, 37};
  shape.groups = 1;
  expectRight(shape, {1, 4, 5});
}

TEST_P(KernelTest, GroupScalesWithStaticTokensAndTiles) {
  for (const char *tile : {"", "[32, 3, {0}]", "[64, 5, {0}]"}) {
    Shape shape{119, 192};
    shape.groups = 6;
    shape.tile = llvm::formatv(tile, stepK());
    shape.staticM = 7;
    expectRight(shape, {7});
  }
}

class FloatKernelTest : public KernelTest {};

TEST_P(FloatKernelTest, FloatActivations) {
  for (auto [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {70, 37}, {64, 256}})
    for (bool bias : {false, true})
      expectRight({n, k, bias}, manyM, Activations::Floats);
}

TEST_P(FloatKernelTest, GroupScales) {
  for (int64_t size : {stepK(), 2 * stepK(), int64_t(128)})
    for (bool bias : {false, true}) {
      Shape shape{70, size * 3, bias};
      shape.groups = 3;
      expectRight(shape, {1, 2, 4, 7}, Activations::Floats);
    }
}

/// All codes and weights at an extreme, where sums are largest.
TEST_P(KernelTest, ExtremeCodes) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {
      {257, 515}, {33, 4096}, {2049, 560}};
  for (auto [n, k] : shapes) {
    Shape shape{n, k};
    Matmul matmul(context(), kernel(), shape, Activations::Codes, 1);
    ASSERT_TRUE(matmul.compiled());
    for (int weight : {-1, 0, 1}) {
      if (weight == 0 && isBinary(kernel()))
        continue;
      std::fill(matmul.getWeights().begin(), matmul.getWeights().end(), weight);
      matmul.repack(kernel());
      for (int code : {-128, 127})
        for (int64_t m : {1, 2, 4, 16, 32})
          matmul.expectRight(m, std::vector<int8_t>(m * k, code),
                             std::vector<float>(m * k));
    }
  }
}

/// Sums of some rows and tokens pass i16 again and again, of others they could
/// but never do.
TEST_P(KernelTest, SumsOfVeryDifferentSizes) {
  for (auto [n, k] : {std::pair<int64_t, int64_t>{257, 1203}, {2049, 1200}}) {
    Shape shape{n, k};
    Matmul matmul(context(), kernel(), shape, Activations::Codes, 1);
    ASSERT_TRUE(matmul.compiled());
    std::vector<int8_t> &weights = matmul.getWeights();
    for (int64_t row = 0; row < n; row += 3)
      for (int64_t i = 0; i < k; ++i)
        weights[row * k + i] = row % 2 == 0 || i % 2 == 0 ? 1 : -1;
    matmul.repack(kernel());
    for (int64_t m : {16, 32, 48}) {
      std::vector<int8_t> codes(m * k);
      for (int64_t token = 0; token < m; ++token)
        for (int64_t i = 0; i < k; ++i)
          codes[token * k + i] = token % 3 == 0   ? -128
                                 : token % 3 == 1 ? (i * 37) % 255 - 127
                                                  : 1;
      matmul.expectRight(m, codes, std::vector<float>(m * k));
    }
  }
}

TEST_P(KernelTest, ExactAtItsLongestColumns) {
  int64_t k = kernel().getMaxK(-128, 127);
  Shape shape{1, k};
  Matmul matmul(context(), kernel(), shape, Activations::Codes, 1);
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
  spec.weights = WeightKind::Binary;
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
  int64_t getScaleRows() const override { return 1; }
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
