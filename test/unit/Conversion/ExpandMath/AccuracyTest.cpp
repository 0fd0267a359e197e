// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Accuracy.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>

using namespace bit::test;

namespace {

template <typename Bits, typename T> Bits toBits(T value) {
  Bits pattern;
  std::memcpy(&pattern, &value, sizeof(T));
  return pattern;
}

/// The error on one level, and the same bits on all levels and shapes.
template <typename T, typename Wide, typename Bits>
void check(const MathFunction &function, const std::string &type, size_t count,
           Wide (*reference)(Wide, Wide), double bound) {
  std::vector<T> x, y;
  makeArguments<T>(function.arity, count, x, y);
  std::vector<T> out(x.size()), other(x.size());
  std::vector<Level> levels = hostLevels();
  CompiledFunction compiled(function, type, Shape::Vector, levels[0]);
  ASSERT_TRUE(compiled);
  compiled.run(x, y, out);

  const Bits canonical = toBits<Bits>(std::numeric_limits<T>::quiet_NaN());
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    Wide exact = reference(Wide(x[i]), Wide(y[i]));
    double error = errorInUlps(out[i], exact);
    // The sign of zero counts.
    if (exact == 0 && std::signbit(exact) != std::signbit(out[i]))
      error = std::numeric_limits<double>::infinity();
    if (error > worst) {
      worst = error;
      at = i;
    }
    if (std::isnan(out[i])) {
      ASSERT_EQ(toBits<Bits>(out[i]), canonical) << "of " << x[i];
    }
  }
  EXPECT_LE(worst, bound) << function.name << "(" << x[at] << ", " << y[at]
                          << ") gives " << out[at];
  printf("%s %s %.4f ulp at %.17g\n", function.name, type.c_str(), worst,
         double(x[at]));

  for (const Level &level : levels)
    for (Shape shape : {Shape::Vector, Shape::Scalar}) {
      CompiledFunction again(function, type, shape, level);
      ASSERT_TRUE(again);
      again.run(x, y, other);
      for (size_t i = 0; i < x.size(); ++i)
        ASSERT_EQ(toBits<Bits>(out[i]), toBits<Bits>(other[i]))
            << level.name << (shape == Shape::Scalar ? " scalar" : " vector")
            << " of " << x[i] << ", " << y[i];
    }
}

class ExpandMathTest : public testing::TestWithParam<MathFunction> {};

TEST_P(ExpandMathTest, Single) {
  check<float, double, uint32_t>(GetParam(), "f32", 1 << 20,
                                 GetParam().reference, GetParam().singleBound);
}

TEST_P(ExpandMathTest, Double) {
  check<double, long double, uint64_t>(GetParam(), "f64", 1 << 18,
                                       GetParam().wideReference,
                                       GetParam().doubleBound);
}

INSTANTIATE_TEST_SUITE_P(All, ExpandMathTest,
                         testing::ValuesIn(mathFunctions()),
                         [](const auto &info) { return info.param.name; });

} // namespace
