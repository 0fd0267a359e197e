// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of functions with their references, and the measure of an error.

#ifndef BIT_TEST_UNIT_CONVERSION_EXPANDMATH_ACCURACY_H
#define BIT_TEST_UNIT_CONVERSION_EXPANDMATH_ACCURACY_H

#include "Jit.h"
#include "mlir/IR/MLIRContext.h"
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace bit::test {

/// A function of one or two arguments. The references are libm's in the next
/// wider type, so their own error does not show.
struct MathFunction {
  const char *name;
  int arity;
  double (*reference)(double, double);
  /// The largest error allowed, in units in the last place.
  double singleBound;
  long double (*wideReference)(long double, long double);
  double doubleBound;
};
const std::vector<MathFunction> &mathFunctions();

/// The instruction sets that this machine can compare, as `target-features`;
/// the first is the lowest that the product has.
struct Level {
  std::string name, features;
};
std::vector<Level> hostLevels();

enum class Shape { Vector, Scalar };

/// out[i] = f(x[i], y[i]), of a multiple of 16 elements, compiled for `level`.
class CompiledFunction {
public:
  CompiledFunction(const MathFunction &function, const std::string &type,
                   Shape shape, const Level &level);
  explicit operator bool() const { return jit != nullptr; }
  template <typename T>
  void run(std::vector<T> &x, std::vector<T> &y, std::vector<T> &out) {
    int64_t n = int64_t(x.size());
    jit->run("f",
             {Buffer(x.data(), n), Buffer(y.data(), n), Buffer(out.data(), n)});
  }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<Jit> jit;
};

/// |got - exact| in units of the last place of T at `exact`; infinity counts as
/// the next number after the largest. NaN against anything else is infinite.
template <typename T, typename Wide> double errorInUlps(T got, Wide exact);

extern template double errorInUlps(float got, double exact);
extern template double errorInUlps(double got, long double exact);

/// `count` random pairs: bit patterns of every kind and numbers of everyday
/// size; then edges, where functions change their form: powers of two and of
/// pi, thresholds, subnormals, infinities, NaN with payloads. For two
/// arguments, edges against edges. A multiple of 16 in all.
template <typename T>
void makeArguments(int arity, size_t count, std::vector<T> &x,
                   std::vector<T> &y);

extern template void makeArguments(int, size_t, std::vector<float> &,
                                   std::vector<float> &);
extern template void makeArguments(int, size_t, std::vector<double> &,
                                   std::vector<double> &);

} // namespace bit::test

#endif // BIT_TEST_UNIT_CONVERSION_EXPANDMATH_ACCURACY_H
