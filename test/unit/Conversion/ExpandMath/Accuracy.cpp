// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Accuracy.h"
#include "bit/Conversion/ExpandMath/ExpandMath.h"
#include <cmath>
#include <cstring>
#include <random>

namespace bit::test {

#define UNARY(NAME, EXPRESSION, SINGLE, DOUBLE)                                \
  {NAME,                                                                       \
   1,                                                                          \
   [](double x, double) -> double { return EXPRESSION; },                      \
   SINGLE,                                                                     \
   [](long double x, long double) -> long double { return EXPRESSION; },       \
   DOUBLE}
#define BINARY(NAME, EXPRESSION, SINGLE, DOUBLE)                               \
  {NAME,                                                                       \
   2,                                                                          \
   [](double x, double y) -> double { return EXPRESSION; },                    \
   SINGLE,                                                                     \
   [](long double x, long double y) -> long double { return EXPRESSION; },     \
   DOUBLE}

const std::vector<MathFunction> &mathFunctions() {
  static const std::vector<MathFunction> functions = {
      UNARY("acos", std::acos(x), 0.51, 2),
      UNARY("acosh", std::acosh(x), 0.51, 3),
      UNARY("asin", std::asin(x), 0.51, 2),
      UNARY("asinh", std::asinh(x), 0.51, 3),
      UNARY("atan", std::atan(x), 0.51, 2),
      BINARY("atan2", std::atan2(x, y), 0.51, 2.5),
      UNARY("atanh", std::atanh(x), 0.51, 3),
      UNARY("cbrt", std::cbrt(x), 0.51, 2),
      UNARY("cos", std::cos(x), 1.5, 2),
      UNARY("cosh", std::cosh(x), 0.51, 2),
      UNARY("erf", std::erf(x), 1.2, 2),
      UNARY("erfc", std::erfc(x), 0.51, 4),
      UNARY("exp", std::exp(x), 1, 1.5),
      UNARY("exp2", std::exp2(x), 1.1, 1.5),
      UNARY("expm1", std::expm1(x), 1.5, 2),
      UNARY("log", std::log(x), 1, 1.5),
      UNARY("log10", std::log10(x), 0.51, 2),
      UNARY("log1p", std::log1p(x), 0.51, 2),
      UNARY("log2", std::log2(x), 0.51, 2),
      BINARY("powf", std::pow(x, y), 0.51, 2),
      UNARY("round", std::round(x), 0, 0),
      UNARY("rsqrt", 1 / std::sqrt(x), 1.5, 1.5),
      UNARY("sin", std::sin(x), 1.5, 2),
      UNARY("sinh", std::sinh(x), 0.51, 2.5),
      UNARY("sqrt", std::sqrt(x), 0.51, 0.51),
      UNARY("tan", std::tan(x), 0.51, 2),
      UNARY("tanh", std::tanh(x), 1.5, 2.5),
  };
  return functions;
}
#undef UNARY
#undef BINARY

std::vector<Level> hostLevels() {
  Level v3 = {"x86-64-v3", "+avx2,+fma,+f16c,+bmi,+bmi2"};
  if (!cpuHas({"avx2", "fma"}))
    return {{"host", ""}};
  if (!cpuHas({"avx512vl", "avx512dq", "avx512bw"}))
    return {v3};
  return {v3,
          {"avx512", v3.features + ",+avx512f,+avx512vl,+avx512bw,+avx512dq"}};
}

static std::string replaceAll(std::string text, const std::string &from,
                              const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

CompiledFunction::CompiledFunction(const MathFunction &function,
                                   const std::string &type, Shape shape,
                                   const Level &level) {
  std::string text = R"(
func.func @f(%x: memref<?xT>, %y: memref<?xT>, %out: memref<?xT>) attributes {
    llvm.emit_c_interface, passthrough = [["target-features", "FEATURES"]]} {
  %c0 = arith.constant 0 : index
  %step = arith.constant STEP : index
  %n = memref.dim %x, %c0 : memref<?xT>
  scf.for %i = %c0 to %n step %step {
    %a = LOAD %x[%i] : memref<?xT>SUFFIX
    %b = LOAD %y[%i] : memref<?xT>SUFFIX
    %r = math.OP %ARGUMENTS : VALUE
    STORE %r, %out[%i] : memref<?xT>SUFFIX
  }
  return
})";
  bool vector = shape == Shape::Vector;
  std::string value = vector ? "vector<16x" + type + ">" : type;
  text = replaceAll(text, "STEP", vector ? "16" : "1");
  text = replaceAll(text, "LOAD", vector ? "vector.load" : "memref.load");
  text = replaceAll(text, "STORE", vector ? "vector.store" : "memref.store");
  text = replaceAll(text, "SUFFIX", vector ? ", " + value : "");
  text = replaceAll(text, "OP", function.name);
  text = replaceAll(text, "%ARGUMENTS", function.arity == 1 ? "%a" : "%a, %b");
  text = replaceAll(text, "VALUE", value);
  text = replaceAll(text, "xT>", "x" + type + ">");
  text = replaceAll(text, "FEATURES", level.features);
  static const bool registered = (bit::registerExpandMathPasses(), true);
  (void)registered;
  context = makeContext();
  jit = Jit::compile(*context, text, "bit-expand-math");
}

template <typename T, typename Wide> double errorInUlps(T got, Wide exact) {
  if (std::isnan(got) || std::isnan(exact))
    return std::isnan(got) == std::isnan(exact)
               ? 0
               : std::numeric_limits<double>::infinity();
  constexpr int digits = std::numeric_limits<T>::digits;
  constexpr int maxExponent = std::numeric_limits<T>::max_exponent;
  constexpr int minExponent = std::numeric_limits<T>::min_exponent;
  Wide limit = std::ldexp(Wide(1), maxExponent);
  Wide value = std::isinf(got) ? std::copysign(limit, Wide(got)) : Wide(got);
  if (std::abs(exact) > limit)
    exact = std::copysign(limit, exact);
  int exponent = minExponent;
  if (exact != 0)
    exponent = std::max(std::ilogb(exact) + 1, minExponent);
  exponent = std::min(exponent, maxExponent);
  return double(std::ldexp(std::abs(value - exact), digits - exponent));
}
template double errorInUlps(float got, double exact);
template double errorInUlps(double got, long double exact);

constexpr uint64_t seed = 20260115;

template <typename T> static std::vector<T> edgeArguments() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {T(0),
                           Limits::denorm_min(),
                           Limits::min(),
                           std::nextafter(Limits::min(), T(0)),
                           Limits::epsilon(),
                           Limits::max(),
                           Limits::infinity(),
                           Limits::quiet_NaN(),
                           Limits::signaling_NaN()};
  for (T center : {T(0.41421356237309503),
                   T(0.5),
                   T(0.6),
                   T(0.625),
                   T(0.70710678118654752),
                   T(0.92),
                   T(1),
                   T(1.41421356237309503),
                   T(2.41421356237309503),
                   T(3.95),
                   T(10),
                   T(17),
                   T(20),
                   T(28),
                   T(38),
                   T(40),
                   T(0.34657359),
                   T(87.33654),
                   T(88.72284),
                   T(103.97208),
                   T(709.782712893384),
                   T(745.1332191019412),
                   T(1024),
                   T(1075),
                   T(149),
                   T(128)})
    for (T near : {std::nextafter(center, T(0)), center,
                   std::nextafter(center, Limits::infinity())})
      values.push_back(near);
  for (int i = 1; i < 40; ++i) {
    values.push_back(T(i * 0.78539816339744831L));
    values.push_back(T(std::ldexp(0.78539816339744831L, i * 3)));
    values.push_back(T(i));
    values.push_back(T(i) - T(0.5));
  }
  for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent;
       ++e)
    values.push_back(std::ldexp(T(1), e));
  size_t count = values.size();
  for (size_t i = 0; i < count; ++i)
    values.push_back(-values[i]);
  return values;
}

template <typename T>
void makeArguments(int arity, size_t count, std::vector<T> &x,
                   std::vector<T> &y) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> everyday(-20, 20);
  auto draw = [&](size_t i) {
    if (i % 4 == 0)
      return T(everyday(random));
    if (i % 4 == 1)
      return T(std::exp(everyday(random) / 4));
    uint64_t pattern = random();
    T value;
    std::memcpy(&value, &pattern, sizeof(T));
    return value;
  };
  for (size_t i = 0; i < count; ++i) {
    x.push_back(draw(i));
    y.push_back(draw(i / 4));
  }
  std::vector<T> edges = edgeArguments<T>();
  for (T edge : edges)
    for (size_t i = 0; i < (arity == 1 ? 1 : edges.size()); i += 3) {
      x.push_back(edge);
      y.push_back(edges[i]);
    }
  while (x.size() % 16 != 0) {
    x.push_back(1);
    y.push_back(1);
  }
}
template void makeArguments(int, size_t, std::vector<float> &,
                            std::vector<float> &);
template void makeArguments(int, size_t, std::vector<double> &,
                            std::vector<double> &);

} // namespace bit::test
