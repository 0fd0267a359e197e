// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints docs/math-accuracy.md. scripts/math-accuracy calls it.
//   math-accuracy [STEP]: every STEP-th bit pattern of a float; 1 is all.

#include "Accuracy.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace bit::test;

namespace {

struct Worst {
  double error = 0, x = 0, y = 0;
  size_t count = 0;
};

template <typename T, typename Wide>
void measure(CompiledFunction &compiled, Wide (*reference)(Wide, Wide),
             std::vector<T> &x, std::vector<T> &y, Worst &worst) {
  std::vector<T> out(x.size());
  compiled.run(x, y, out);
  for (size_t i = 0; i < x.size(); ++i) {
    double error = errorInUlps(out[i], reference(x[i], y[i]));
    if (error > worst.error)
      worst = {error, double(x[i]), double(y[i]), worst.count};
  }
  worst.count += x.size();
}

/// Every `step`-th of all 2^32 patterns.
void measureAll(CompiledFunction &compiled, const MathFunction &function,
                uint64_t step, Worst &worst) {
  constexpr size_t chunk = 1 << 16;
  std::vector<float> x(chunk), y(chunk);
  uint64_t pattern = 0;
  while (pattern >> 32 == 0) {
    // Past the end the last argument repeats, up to a full chunk.
    for (size_t i = 0; i < chunk; ++i) {
      auto bits = uint32_t(pattern >> 32 == 0 ? pattern : 0);
      std::memcpy(&x[i], &bits, sizeof(float));
      pattern += step;
    }
    measure(compiled, function.reference, x, y, worst);
  }
}

template <typename T, typename Wide>
void measureSamples(CompiledFunction &compiled, const MathFunction &function,
                    Wide (*reference)(Wide, Wide), Worst &worst) {
  std::vector<T> x, y;
  makeArguments<T>(function.arity, 1 << 23, x, y);
  measure(compiled, reference, x, y, worst);
}

void print(const MathFunction &function, const Worst &worst) {
  printf(" %.3f | `%.9g`", worst.error, worst.x);
  if (function.arity == 2)
    printf(", `%.9g`", worst.y);
  printf(" | %zu |", worst.count);
}

} // namespace

int main(int argc, char **argv) {
  uint64_t step = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1;
  if (step == 0 || argc > 2) {
    fprintf(stderr, "expects one step of at least 1\n");
    return 2;
  }
  printf(
      "# Accuracy of the math functions\n\n"
      "Written by `scripts/math-accuracy %llu`; not edited by hand. The "
      "largest error found, in units in the last\nplace (ulp), against libm "
      "in the next wider type. Functions of one `f32` were measured on every "
      "%llu. bit pattern,\nthe others on random patterns, everyday numbers "
      "and edges. Subnormal arguments and results count as any other;\n"
      "infinity counts as the number after the largest. NaN results are all "
      "`0x7FC00000` (`0x7FF8000000000000`).\n\n"
      "| function | f32 ulp | at | arguments | f64 ulp | at | arguments |\n"
      "|---|---|---|---|---|---|---|\n",
      (unsigned long long)step, (unsigned long long)step);
  Level level = hostLevels().back();
  for (const MathFunction &function : mathFunctions()) {
    CompiledFunction single(function, "f32", Shape::Vector, level);
    CompiledFunction wide(function, "f64", Shape::Vector, level);
    if (!single || !wide)
      return 1;
    Worst ofSingle, ofDouble;
    if (function.arity == 1)
      measureAll(single, function, step, ofSingle);
    else
      measureSamples<float>(single, function, function.reference, ofSingle);
    measureSamples<double>(wide, function, function.wideReference, ofDouble);
    printf("| %s |", function.name);
    print(function, ofSingle);
    print(function, ofDouble);
    printf("\n");
    fflush(stdout);
  }
}
