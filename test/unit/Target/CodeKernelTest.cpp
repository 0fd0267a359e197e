// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every registered kernel for codes against plain loops.

#include "Jit.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Layout/Panels.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <random>

using namespace bit;
using namespace bit::test;

namespace {

mlir::MLIRContext &context() {
  static auto context = makeContext();
  context->getOrLoadDialect<BitDialect>();
  return *context;
}

std::vector<const CodeKernel *> registeredKernels() {
  std::vector<const CodeKernel *> kernels;
  for (const auto &kernel :
       context().getLoadedDialect<BitDialect>()->getKernels().getCodes())
    kernels.push_back(kernel.get());
  return kernels;
}

/// The set of a kernel's features that this CPU has, the first if none.
const std::vector<llvm::StringRef> &chooseFeatures(const CodeKernel &kernel) {
  bool takesOthers = !cpuHas(kernel.features) && !kernel.otherFeatures.empty();
  return takesOthers ? kernel.otherFeatures : kernel.features;
}

class CodeKernelTest : public testing::TestWithParam<const CodeKernel *> {
protected:
  void SetUp() override {
    if (!cpuHas(chooseFeatures(*GetParam())))
      GTEST_SKIP() << "this CPU cannot run " << GetParam()->name.str();
  }

  /// Compiles a product by K x N codes.
  void compile(int64_t k, int64_t n, int64_t width, int64_t staticM = -1) {
    std::string m = staticM < 0 ? "?" : llvm::formatv("{0}", staticM).str(),
                features;
    for (llvm::StringRef feature : chooseFeatures(*GetParam()))
      features += (features.empty() ? "+" : ",+") + feature.str();
    layout = {k, n, width, /*transposed=*/false, /*quads=*/true};
    std::string x = llvm::formatv("memref<{0}x{1}xi8>", m, k);
    std::string p =
        llvm::formatv("memref<{0}x{1}x{2}x4xi8>", layout.getNumPanels(),
                      layout.getNumQuads(), width);
    std::string y = llvm::formatv("memref<{0}x{1}xi32>", m, n);
    std::string source = llvm::formatv(
        "func.func @f(%x: {0}, %p: {1}, %y: {2}) attributes "
        "{{llvm.emit_c_interface, passthrough = [[\"target-features\", "
        "\"{3}\"]]} {{\n"
        "  bit.code_matmul ins(%x, %p : {0}, {1}) outs(%y : {2}) "
        "kernel = #bit.kernel<{4}>\n  return\n}\n",
        x, p, y, features, GetParam()->name);
    jit = Jit::compile(context(), source);
    ASSERT_TRUE(jit);
  }

  void expectRight(int64_t m, const std::vector<uint8_t> &x,
                   const std::vector<int8_t> &b) {
    auto [k, n] = std::pair(layout.k, layout.n);
    std::vector<char> panels;
    for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel) {
      panels.resize(panels.size() + layout.getPanelSize(), 99);
      packPanel(layout, reinterpret_cast<const char *>(b.data()), 1, panel,
                panels.data() + panel * layout.getPanelSize());
    }
    // A row before and one after: nothing may be written there.
    std::vector<int32_t> y((m + 2) * n, 77), expected = y;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        uint32_t sum = 0;
        for (int64_t l = 0; l < k; ++l)
          sum += static_cast<uint32_t>(int32_t(x[i * k + l]) * b[l * n + j]);
        expected[(i + 1) * n + j] = static_cast<int32_t>(sum);
      }
    // Of their own size, so that a sanitizer sees what is read past the end.
    std::vector<uint8_t> codes(x.begin(), x.begin() + m * k);
    jit->run("f",
             {Buffer(codes.data(), {m, k}),
              Buffer(panels.data(), {layout.getNumPanels(),
                                     layout.getNumQuads(), layout.width, 4}),
              Buffer(y.data() + n, {m, n})});
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(y[i], expected[i])
          << "m = " << m << ", n = " << n << ", k = " << k << ", width "
          << layout.width << ", row " << int64_t(i / n) - 1 << ", column "
          << i % n;
  }

  void expectRight(int64_t m) {
    std::mt19937 engine(static_cast<unsigned>(layout.k * 1000 + layout.n + m));
    std::vector<uint8_t> x(m * layout.k);
    std::vector<int8_t> b(layout.k * layout.n);
    for (uint8_t &code : x)
      code = static_cast<uint8_t>(engine());
    for (int8_t &code : b)
      code = static_cast<int8_t>(engine());
    expectRight(m, x, b);
  }

  PanelLayout layout = {};
  std::unique_ptr<Jit> jit;
};

// Widths of one and of two registers of columns.
TEST_P(CodeKernelTest, RaggedColumns) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {
      {1, 16},  {9, 16},  {15, 16}, {16, 16},  {17, 32},
      {31, 32}, {32, 32}, {33, 32}, {100, 32}, {130, 64}};
  for (auto [n, width] : shapes) {
    compile(37, n, width);
    for (int64_t m : {0, 1, 2, 3, 5})
      expectRight(m);
  }
}

// Quads with and without a rest, fewer and more than a tile has chains.
TEST_P(CodeKernelTest, RaggedK) {
  for (int64_t k : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 66, 255})
    for (int64_t width : {16, 32}) {
      compile(k, 40, width);
      for (int64_t m : {1, 2, 3, 4})
        expectRight(m);
    }
}

// Tiles, their rests, and blocks of 96 rows.
TEST_P(CodeKernelTest, Rows) {
  compile(70, 45, 32);
  for (int64_t m : {4, 5, 6, 7, 8, 9, 13, 16, 17, 95, 96, 97, 100, 128, 193})
    expectRight(m);
}

TEST_P(CodeKernelTest, StaticRows) {
  for (int64_t m : {0, 1, 2, 3, 4, 5, 7, 8, 17, 128}) {
    compile(130, 45, 32, m);
    expectRight(m);
  }
}

/// Where sums of pairs would not fit i16, nor be what saturates to it.
TEST_P(CodeKernelTest, ExtremeCodes) {
  compile(515, 35, 32);
  for (int code : {0, 1, 127, 128, 255})
    for (int weight : {-128, -127, -1, 127})
      for (int64_t m : {1, 2, 9})
        expectRight(m, std::vector<uint8_t>(m * 515, code),
                    std::vector<int8_t>(515 * 35, weight));
}

/// Sums leave 32 bits from K = 65,794 on, and wrap as in the reference.
TEST_P(CodeKernelTest, LongColumns) {
  for (int64_t k : {65793, 65794, 140001}) {
    compile(k, 2, 16);
    for (int weight : {-128, 127})
      for (int64_t m : {1, 3})
        expectRight(m, std::vector<uint8_t>(m * k, 255),
                    std::vector<int8_t>(k * 2, weight));
  }
}

/// Of matrices that are no constants, against what weights are stored as.
TEST(PackPanelsTest, QuadsWhileRunning) {
  for (auto [k, n, width] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 16},
                             {5, 20, 32},
                             {8, 32, 32},
                             {7, 33, 16}})
    for (bool transposed : {false, true}) {
      PanelLayout layout = {k, n, width, transposed, /*quads=*/true};
      llvm::SmallVector<int64_t> shape = {k, n};
      if (transposed)
        std::swap(shape[0], shape[1]);
      std::string source = llvm::formatv(
          "func.func @f(%b: memref<{0}x{1}xi8>, %p: memref<?x?x{2}x4xi8>) "
          "attributes {{llvm.emit_c_interface} {{\n"
          "  bit.pack_panels ins(%b : memref<{0}x{1}xi8>) "
          "outs(%p : memref<?x?x{2}x4xi8>) {3}\n  return\n}\n",
          shape[0], shape[1], width, transposed ? "transposed" : "");
      auto jit = Jit::compile(context(), source);
      ASSERT_TRUE(jit);
      std::vector<char> matrix(k * n);
      for (size_t i = 0; i < matrix.size(); ++i)
        matrix[i] = static_cast<char>(i + 1);
      size_t size = layout.getNumPanels() * layout.getPanelSize();
      std::vector<char> panels(size, 99), expected(size, 98);
      for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel)
        packPanel(layout, matrix.data(), 1, panel,
                  expected.data() + panel * layout.getPanelSize());
      jit->run("f", {Buffer(matrix.data(), shape),
                     Buffer(panels.data(), {layout.getNumPanels(),
                                            layout.getNumQuads(), width, 4})});
      EXPECT_EQ(panels, expected) << k << " x " << n << " in " << width
                                  << (transposed ? ", transposed" : "");
      // By hand: the last k of the last column.
      int64_t column = (n - 1) % width;
      EXPECT_EQ(expected[size - layout.getPanelSize() +
                         ((k - 1) / 4 * width + column) * 4 + (k - 1) % 4],
                matrix.back());
    }
}

std::string kernelName(const testing::TestParamInfo<const CodeKernel *> &info) {
  std::string name = info.param->name.str();
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, CodeKernelTest,
                         testing::ValuesIn(registeredKernels()), kernelName);

TEST(CodeKernelRegistryTest, RefusesASecondKernelOfOneName) {
  KernelRegistry registry;
  EXPECT_EQ(registry.lookupCodes("test.codes"), nullptr);
  CodeKernel kernel = {"test.codes", {}, {}, 4, 1, 1, 1, 1, nullptr, nullptr};
  registry.addCodes(kernel);
  ASSERT_NE(registry.lookupCodes("test.codes"), nullptr);
  EXPECT_EQ(registry.lookupCodes("test.codes")->columns, 4);
  EXPECT_DEATH(registry.addCodes(kernel), "two kernels are named 'test.codes'");
}

} // namespace
