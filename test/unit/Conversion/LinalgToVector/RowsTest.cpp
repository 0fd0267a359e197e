// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vector loops against plain loops, which they equal bit for bit, and row
// reductions against the order that docs/numerics.md states.

#include "Jit.h"
#include "bit/Conversion/ExpandMath/ExpandMath.h"
#include "bit/Conversion/LinalgToVector/LinalgToVector.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

using namespace bit::test;

namespace {

constexpr char loopPasses[] = "convert-linalg-to-loops,bit-expand-math";
constexpr char vectorPasses[] =
    "convert-linalg-to-vector{tile-rows=3},bit-expand-math";

/// One function @f, compiled for what all x86 levels have.
class Program {
public:
  Program(std::string body, const char *passes) {
    static const bool registered = (bit::registerExpandMathPasses(),
                                    bit::registerLinalgToVectorPasses(), true);
    (void)registered;
    size_t at = body.find("FEATURES");
    std::string features =
        cpuHas({"avx2", "fma", "f16c"})
            ? "passthrough = [[\"target-features\", \"+avx2,+fma,+f16c\"]]"
            : "bit.features = \"host\"";
    body.replace(at, 8, "attributes {llvm.emit_c_interface, " + features + "}");
    context = makeContext();
    jit = Jit::compile(*context, body, passes);
  }
  explicit operator bool() const { return jit != nullptr; }
  void run(llvm::ArrayRef<Buffer> arguments) { jit->run("f", arguments); }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<Jit> jit;
};

template <typename T> std::vector<T> randomValues(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> values(count + 1); // never null
  for (T &value : values)
    value = std::is_integral_v<T> ? T(random())
                                  : T(std::normal_distribution<>()(random));
  return values;
}

template <typename T>
testing::AssertionResult sameBits(const std::vector<T> &a,
                                  const std::vector<T> &b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0)
      return testing::AssertionFailure()
             << "element " << i << ": " << double(a[i]) << " and "
             << double(b[i]);
  return testing::AssertionSuccess();
}

constexpr int64_t rowCounts[] = {0, 1, 3, 5, 7};
constexpr int64_t columnCounts[] = {0,  1,  15, 16,  17,  33,
                                    49, 64, 70, 121, 128, 300};

//===----------------------------------------------------------------------===//
// All loops parallel
//===----------------------------------------------------------------------===//

constexpr char elementwise[] = R"(
#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#column = affine_map<(i, j) -> (i, 0)>
#scalar = affine_map<(i, j) -> ()>
func.func @f(%x: memref<?x?xf32>, %b: memref<?xf32>, %s: memref<?x1xf32>,
             %q: memref<?x?xi8>, %y: memref<?x?xf32>) FEATURES {
  %half = arith.constant 0.5 : f32
  linalg.generic {indexing_maps = [#full, #row, #column, #full, #scalar, #full],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %b, %s, %q, %half : memref<?x?xf32>, memref<?xf32>,
          memref<?x1xf32>, memref<?x?xi8>, f32)
      outs(%y : memref<?x?xf32>) {
  ^bb0(%xe: f32, %be: f32, %se: f32, %qe: i8, %he: f32, %ye: f32):
    %zero = arith.constant 0.0 : f32
    %qf = arith.sitofp %qe : i8 to f32
    %0 = math.fma %xe, %se, %be : f32
    %1 = math.erf %0 : f32
    %2 = arith.mulf %1, %half : f32
    %3 = arith.divf %qf, %2 : f32
    %4 = arith.cmpf olt, %3, %zero : f32
    %5 = arith.select %4, %ye, %he : f32
    %6 = arith.addf %3, %5 : f32
    linalg.yield %6 : f32
  }
  return
})";

TEST(ElementwiseRowsTest, BroadcastsAndConverts) {
  Program loops(elementwise, loopPasses), vectors(elementwise, vectorPasses);
  ASSERT_TRUE(loops && vectors);
  for (int64_t m : rowCounts)
    for (int64_t n : columnCounts) {
      auto x = randomValues<float>(m * n, 1), b = randomValues<float>(n, 2);
      auto s = randomValues<float>(m, 3), y = randomValues<float>(m * n, 4);
      auto q = randomValues<int8_t>(m * n, 5);
      auto expected = y;
      auto run = [&](Program &program, std::vector<float> &out) {
        program.run({Buffer(x.data(), {m, n}), Buffer(b.data(), n),
                     Buffer(s.data(), {m, 1}), Buffer(q.data(), {m, n}),
                     Buffer(out.data(), {m, n})});
      };
      run(loops, expected);
      run(vectors, y);
      EXPECT_TRUE(sameBits(y, expected)) << m << "x" << n;
    }
}

/// One operation over as many elements as lie side by side; the last dimension
/// alone would fill no vector.
constexpr char flat[] = R"(
#full = affine_map<(i, j, k) -> (i, j, k)>
func.func @f(%x: memref<?x?x3xTYPE>, %y: memref<?x?x3xTYPE>) FEATURES {
  linalg.generic {indexing_maps = [#full, #full],
                  iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<?x?x3xTYPE>) outs(%y : memref<?x?x3xTYPE>) {
  ^bb0(%xe: TYPE, %ye: TYPE):
    %0 = arith.OP %xe, %ye : TYPE
    linalg.yield %0 : TYPE
  }
  return
})";

template <typename T> void checkFlat(std::string type, std::string op) {
  std::string text = flat;
  for (auto [from, to] : {std::pair("TYPE", type), {"OP", op}})
    for (size_t at; (at = text.find(from)) != std::string::npos;)
      text.replace(at, std::strlen(from), to);
  Program loops(text, loopPasses), vectors(text, vectorPasses);
  ASSERT_TRUE(loops && vectors);
  for (int64_t m : rowCounts)
    for (int64_t n : columnCounts) {
      auto x = randomValues<T>(m * n * 3, 1), y = randomValues<T>(m * n * 3, 2);
      auto expected = y;
      loops.run(
          {Buffer(x.data(), {m, n, 3}), Buffer(expected.data(), {m, n, 3})});
      vectors.run({Buffer(x.data(), {m, n, 3}), Buffer(y.data(), {m, n, 3})});
      EXPECT_TRUE(sameBits(y, expected)) << type << " " << m << "x" << n;
    }
}

TEST(ElementwiseRowsTest, RunsOverEveryElementType) {
  checkFlat<float>("f32", "addf");
  checkFlat<double>("f64", "mulf");
  checkFlat<int8_t>("i8", "maxsi");
  checkFlat<int16_t>("i16", "addi");
  checkFlat<int32_t>("i32", "muli");
  checkFlat<int64_t>("i64", "subi");
  // Bit patterns of half precision; every one of them, NaN too.
  checkFlat<uint16_t>("f16", "addf");
}

//===----------------------------------------------------------------------===//
// Trailing reductions
//===----------------------------------------------------------------------===//

/// docs/numerics.md: 64 partial results by index modulo 64, halves, then the
/// output's own value.
template <typename T>
T reduceRow(const T *x, int64_t n, T neutral, T own,
            const std::function<T(T, T)> &accumulate,
            const std::function<T(T, T)> &combine) {
  T partial[64];
  std::fill(partial, partial + 64, neutral);
  for (int64_t i = 0; i < n; ++i)
    partial[i % 64] = accumulate(partial[i % 64], x[i]);
  for (int half = 32; half > 0; half /= 2)
    for (int i = 0; i < half; ++i)
      partial[i] = combine(partial[i], partial[i + half]);
  return combine(own, partial[0]);
}

struct Reduction {
  const char *name;
  /// What the body does with %xe and %ye.
  const char *body;
  float neutral;
  std::function<float(float, float)> accumulate, combine;
};

float maximum(float a, float b) {
  return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b);
}
float add(float a, float b) { return a + b; }

const Reduction reductions[] = {
    {"Sum", "%r = arith.addf %ye, %xe : f32", -0.0f, add, add},
    {"SumOfSquares", "%r = math.fma %xe, %xe, %ye : f32", -0.0f,
     [](float sum, float x) { return std::fma(x, x, sum); }, add},
    {"SumOfHalves",
     "%h = arith.constant 0.5 : f32\n %m = arith.mulf %xe, %h : f32\n"
     "%a = math.absf %m : f32\n %r = arith.addf %a, %ye : f32",
     -0.0f, [](float sum, float x) { return sum + std::fabs(x * 0.5f); }, add},
    {"Product", "%r = arith.mulf %ye, %xe : f32", 1.0f,
     [](float a, float b) { return a * b; },
     [](float a, float b) { return a * b; }},
    {"Maximum", "%a = math.absf %xe : f32\n%r = arith.maximumf %ye, %a : f32",
     -INFINITY, [](float a, float b) { return maximum(a, std::fabs(b)); },
     maximum},
};

class ReductionRowsTest : public testing::TestWithParam<Reduction> {};

TEST_P(ReductionRowsTest, FollowsTheNormativeOrder) {
  const Reduction &reduction = GetParam();
  Program program(std::string(R"(
func.func @f(%x: memref<?x?xf32>, %y: memref<?xf32>) FEATURES {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                   affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%xe: f32, %ye: f32):
    )") + reduction.body +
                      "\n    linalg.yield %r : f32\n  }\n  return\n}",
                  vectorPasses);
  ASSERT_TRUE(program);
  for (int64_t m : rowCounts)
    for (int64_t n : columnCounts) {
      auto x = randomValues<float>(m * n, 1), y = randomValues<float>(m, 2);
      if (m > 1 && n > 1)
        x[n + n / 2] = NAN; // in the second row
      auto expected = y;
      for (int64_t i = 0; i < m; ++i)
        expected[i] = reduceRow<float>(&x[i * n], n, reduction.neutral, y[i],
                                       reduction.accumulate, reduction.combine);
      program.run({Buffer(x.data(), {m, n}), Buffer(y.data(), m)});
      EXPECT_TRUE(sameBits(y, expected)) << m << "x" << n;
    }
}

INSTANTIATE_TEST_SUITE_P(All, ReductionRowsTest, testing::ValuesIn(reductions),
                         [](const auto &info) { return info.param.name; });

/// The lanes are those of the innermost loop; the outer reduction comes in
/// order. Two outputs, the second on integers.
constexpr char nested[] = R"(
#in = affine_map<(i, j, k) -> (i, j, k)>
#out = affine_map<(i, j, k) -> (i)>
func.func @f(%x: memref<?x?x?xf32>, %q: memref<?x?x?xi8>, %y: memref<?xf32>,
             %z: memref<?xi32>) FEATURES {
  linalg.generic {indexing_maps = [#in, #in, #out, #out],
                  iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x, %q : memref<?x?x?xf32>, memref<?x?x?xi8>)
      outs(%y, %z : memref<?xf32>, memref<?xi32>) {
  ^bb0(%xe: f32, %qe: i8, %ye: f32, %ze: i32):
    %0 = arith.addf %ye, %xe : f32
    %1 = arith.extsi %qe : i8 to i32
    %2 = arith.addi %1, %ze : i32
    linalg.yield %0, %2 : f32, i32
  }
  return
})";

TEST(ReductionRowsTest, CarriesThroughOuterReductions) {
  Program program(nested, vectorPasses);
  ASSERT_TRUE(program);
  constexpr int64_t m = 2, k = 3;
  for (int64_t n : columnCounts) {
    auto x = randomValues<float>(m * k * n, 1);
    auto q = randomValues<int8_t>(m * k * n, 2);
    std::vector<float> y = {0.5f, -3.0f};
    std::vector<int32_t> z = {7, -7};
    auto sums = y;
    auto counts = z;
    for (int64_t i = 0; i < m; ++i) {
      float partial[64];
      std::fill(partial, partial + 64, -0.0f);
      for (int64_t j = 0; j < k * n; ++j) {
        partial[j % n % 64] += x[i * k * n + j];
        counts[i] += q[i * k * n + j];
      }
      // A row of 64 is its own partial results.
      sums[i] = reduceRow<float>(partial, 64, -0.0f, y[i], add, add);
    }
    program.run({Buffer(x.data(), {m, k, n}), Buffer(q.data(), {m, k, n}),
                 Buffer(y.data(), m), Buffer(z.data(), m)});
    EXPECT_TRUE(sameBits(y, sums)) << n;
    EXPECT_EQ(z, counts) << n;
  }
}

//===----------------------------------------------------------------------===//
// Reductions before an innermost parallel loop
//===----------------------------------------------------------------------===//

constexpr char product[] = R"(
func.func @f(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>)
    FEATURES {
  linalg.generic {indexing_maps = [affine_map<(m, k, n) -> (m, k)>,
                                   affine_map<(m, k, n) -> (k, n)>,
                                   affine_map<(m, k, n) -> (m, n)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>)
      outs(%c : memref<?x?xf32>) {
  ^bb0(%ae: f32, %be: f32, %ce: f32):
    %0 = math.fma %ae, %be, %ce : f32
    linalg.yield %0 : f32
  }
  return
})";

TEST(ProductRowsTest, IsOneChainAnOutput) {
  for (const char *passes :
       {vectorPasses, "convert-linalg-to-vector",
        "convert-linalg-to-vector{tile-rows=1 tile-vectors=1}"}) {
    Program program(product, passes);
    ASSERT_TRUE(program);
    for (int64_t k : {0, 1, 9})
      for (int64_t m : rowCounts)
        for (int64_t n : columnCounts) {
          auto a = randomValues<float>(m * k, 1);
          auto b = randomValues<float>(k * n, 2);
          auto c = randomValues<float>(m * n, 3);
          auto expected = c;
          for (int64_t i = 0; i < m * n; ++i)
            for (int64_t l = 0; l < k; ++l)
              expected[i] =
                  std::fma(a[i / n * k + l], b[l * n + i % n], expected[i]);
          program.run({Buffer(a.data(), {m, k}), Buffer(b.data(), {k, n}),
                       Buffer(c.data(), {m, n})});
          EXPECT_TRUE(sameBits(c, expected)) << m << "x" << n << "x" << k;
        }
  }
}

/// A batch, and an operand that all rows share.
constexpr char middle[] = R"(
func.func @f(%x: memref<?x?x?xf32>, %y: memref<?x?xf32>) FEATURES {
  linalg.generic {indexing_maps = [affine_map<(b, k, n) -> (b, k, n)>,
                                   affine_map<(b, k, n) -> (b, n)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x : memref<?x?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%xe: f32, %ye: f32):
    %0 = arith.maximumf %xe, %ye : f32
    linalg.yield %0 : f32
  }
  return
})";

TEST(ProductRowsTest, ReducesAMiddleDimension) {
  Program program(middle, vectorPasses);
  ASSERT_TRUE(program);
  for (int64_t m : rowCounts)
    for (int64_t n : columnCounts) {
      constexpr int64_t k = 4;
      auto x = randomValues<float>(m * k * n, 1);
      auto y = randomValues<float>(m * n, 2);
      auto expected = y;
      for (int64_t i = 0; i < m * n; ++i)
        for (int64_t l = 0; l < k; ++l)
          expected[i] = std::max(expected[i], x[(i / n * k + l) * n + i % n]);
      program.run({Buffer(x.data(), {m, k, n}), Buffer(y.data(), {m, n})});
      EXPECT_TRUE(sameBits(y, expected)) << m << "x" << n;
    }
}

} // namespace
