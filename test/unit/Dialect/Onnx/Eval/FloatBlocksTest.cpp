// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float32 chains are computed on blocks of floats. A cast to f64 at the end of
// the same chain makes it one for blocks of doubles, rounded after every
// operation: both have to agree in every bit.

#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "gmock/gmock.h"
#include <cmath>
#include <limits>
#include <random>

using namespace mlir;
using namespace bit::onnx;

namespace {

/// More than one task, and no multiple of a block or of lanes.
constexpr int64_t kRows = 61, kColumns = 331, kSize = kRows * kColumns;

/// Numbers of all magnitudes, ties of rounding, and what is special.
std::vector<float> makeValues(unsigned seed, bool isFinite) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> special = {
      0.0f,      -0.0f,       0.5f,
      -0.5f,     1.5f,        2.5f,
      -3.5f,     0x1p-149f,   -0x1p-149f,
      0x1p-126f, 0x1.8p22f,   0x1.000001p22f,
      0x1p23f,   0x1p24f,     -0x1.8p23f,
      0x1p127f,  -0x1p127f,   127.5f,
      -128.5f,   3e38f,       0x1.fffffep-127f,
      1e-20f,    0.49999997f, 8388607.5f,
      infinity,  -infinity,   std::numeric_limits<float>::quiet_NaN()};
  if (isFinite)
    special.resize(special.size() - 3);
  std::vector<float> values(kSize);
  for (float &value : values)
    switch (random() % 4) {
    case 0:
      value = special[random() % special.size()];
      break;
    case 1: // any bits
      value = llvm::bit_cast<float>(uint32_t(random()));
      if (isFinite && !std::isfinite(value))
        value = 1;
      break;
    case 2: // halves between integers, and integers
      value = float(int(random() % 41) - 20) / 2;
      break;
    default:
      value = normal(random);
    }
  return values;
}

class FloatBlocksTest : public testing::Test {
protected:
  FloatBlocksTest() { context.loadDialect<OnnxDialect, func::FuncDialect>(); }

  /// Evaluates `%r`, of `type`, in terms of the matrices %a, %b and the numbers
  /// %low, %high, %axis. Its type is that of the last line, `resultType`.
  std::vector<double> evaluate(const std::string &body,
                               const std::string &resultType) {
    auto hex = [&](unsigned seed) {
      std::vector<float> values = makeValues(seed, isFinite);
      return llvm::toHex(
          llvm::StringRef(reinterpret_cast<const char *>(values.data()),
                          values.size() * sizeof(float)));
    };
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
        "func.func @f() -> " + resultType +
            " {\n%a = onnx.Constant dense<\"0x" + hex(1) + "\"> : " + matrix +
            "\n%b = onnx.Constant dense<\"0x" + hex(2) + "\"> : " + matrix +
            "\n%low = onnx.Constant dense<-1.0> : tensor<f32>" +
            "\n%high = onnx.Constant dense<2.5> : tensor<f32>" +
            "\n%axis = onnx.Constant dense<1> : tensor<1xi64>\n" + body +
            "\nreturn %r : " + resultType + "\n}",
        &context);
    if (!module) {
      ADD_FAILURE() << body;
      return {};
    }
    auto function = *module->getOps<func::FuncOp>().begin();
    llvm::Expected<HostTensor> tensor =
        bit::onnx::evaluate(function.front().getTerminator()->getOperand(0));
    if (!tensor) {
      ADD_FAILURE() << llvm::toString(tensor.takeError());
      return {};
    }
    std::vector<double> result(tensor->size());
    tensor->load(0, result);
    return result;
  }

  /// Compares both ways to compute `%v`, which is a matrix of `element`.
  void check(const std::string &body, const std::string &element = "f32") {
    std::string type =
        llvm::formatv("tensor<{0}x{1}x{2}>", kRows, kColumns, element);
    std::string wide = llvm::formatv("tensor<{0}x{1}xf64>", kRows, kColumns);
    std::vector<double> floats = evaluate(
        body + "\n%r = onnx.Identity %v : (" + type + ") -> " + type, type);
    std::vector<double> doubles =
        evaluate(body + "\n%r = onnx.Cast %v {to = 11 : i64} : (" + type +
                     ") -> " + wide,
                 wide);
    ASSERT_EQ(floats.size(), doubles.size()) << body;
    for (size_t i = 0; i < floats.size(); ++i) {
      if (std::isnan(floats[i]) && std::isnan(doubles[i]))
        continue;
      ASSERT_EQ(llvm::bit_cast<uint64_t>(floats[i]),
                llvm::bit_cast<uint64_t>(doubles[i]))
          << body << "\nelement " << i << ": " << floats[i] << " and "
          << doubles[i];
    }
  }

  const std::string matrix =
      llvm::formatv("tensor<{0}x{1}xf32>", kRows, kColumns);
  const std::string boolean =
      llvm::formatv("tensor<{0}x{1}xi1>", kRows, kColumns);
  bool isFinite = false;
  MLIRContext context;
};

TEST_F(FloatBlocksTest, UnaryOperatorsAreThoseOfDoubles) {
  for (const char *op : {"Identity", "Abs", "Neg", "Sign", "Floor", "Ceil",
                         "Round", "Sqrt", "Reciprocal", "Relu"})
    check("%v = onnx." + std::string(op) + " %a : (" + matrix + ") -> " +
          matrix);
}

TEST_F(FloatBlocksTest, BinaryOperatorsAreThoseOfDoubles) {
  std::string types = " : (" + matrix + ", " + matrix + ") -> ";
  for (const char *op : {"Add", "Sub", "Mul", "Div", "Min", "Max"})
    check("%v = onnx." + std::string(op) + " %a, %b" + types + matrix);
  for (const char *op :
       {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"})
    check("%v = onnx." + std::string(op) + " %a, %b" + types + boolean, "i1");
}

TEST_F(FloatBlocksTest, ConditionsAreThoseOfDoubles) {
  check("%p = onnx.Greater %a, %low : (" + matrix + ", tensor<f32>) -> " +
        boolean + "\n%q = onnx.Less %b, %high : (" + matrix +
        ", tensor<f32>) -> " + boolean + "\n%both = onnx.And %p, %q : (" +
        boolean + ", " + boolean + ") -> " + boolean +
        "\n%one = onnx.Or %p, %q : (" + boolean + ", " + boolean + ") -> " +
        boolean + "\n%none = onnx.Not %one : (" + boolean + ") -> " + boolean +
        "\n%x = onnx.Where %both, %a, %b : (" + boolean + ", " + matrix + ", " +
        matrix + ") -> " + matrix + "\n%v = onnx.Where %none, %low, %x : (" +
        boolean + ", tensor<f32>, " + matrix + ") -> " + matrix);
}

TEST_F(FloatBlocksTest, ClipsAreThoseOfDoubles) {
  std::string start = "%v = onnx.Clip %a, ";
  std::string two = " : (" + matrix + ", tensor<f32>) -> " + matrix;
  check(start + "%low {operandSegmentSizes = array<i32: 1, 1, 0>}" + two);
  check(start + "%high {operandSegmentSizes = array<i32: 1, 0, 1>}" + two);
  std::string three =
      " : (" + matrix + ", tensor<f32>, tensor<f32>) -> " + matrix;
  check(start + "%low, %high {operandSegmentSizes = array<i32: 1, 1, 1>}" +
        three);
  check(start + "%high, %low {operandSegmentSizes = array<i32: 1, 1, 1>}" +
        three);
  check("%v = onnx.Clip %a {operandSegmentSizes = array<i32: 1, 0, 0>} : (" +
        matrix + ") -> " + matrix);
}

TEST_F(FloatBlocksTest, CastsAreThoseOfDoubles) {
  for (auto [type, number] :
       {std::pair("i8", 3), std::pair("ui8", 2), std::pair("i16", 5),
        std::pair("ui16", 4), std::pair("i1", 9), std::pair("i32", 6)}) {
    std::string codes =
        llvm::formatv("tensor<{0}x{1}x{2}>", kRows, kColumns, type);
    std::string cast =
        llvm::formatv("%c = onnx.Cast %a {{to = {0} : i64} : ({1}) -> {2}\n",
                      number, matrix, codes);
    check(cast + "%v = onnx.Identity %c : (" + codes + ") -> " + codes, type);
    check(cast + "%v = onnx.Cast %c {to = 1 : i64} : (" + codes + ") -> " +
          matrix);
  }
}

TEST_F(FloatBlocksTest, HalvesAreThoseOfDoubles) {
  for (auto [type, number] : {std::pair("f16", 10), std::pair("bf16", 16)}) {
    std::string half =
        llvm::formatv("tensor<{0}x{1}x{2}>", kRows, kColumns, type);
    std::string cast = llvm::formatv(" {{to = {0} : i64} : ({1}) -> {2}\n",
                                     number, matrix, half);
    std::string start = "%h = onnx.Cast %a" + cast + "%g = onnx.Cast %b" + cast;
    check("%v = onnx.Cast %a" + cast, type);
    for (const char *op : {"Abs", "Neg", "Sign", "Floor", "Ceil", "Round",
                           "Sqrt", "Reciprocal", "Relu"})
      check(start + "%v = onnx." + op + " %h : (" + half + ") -> " + half,
            type);
    for (const char *op : {"Add", "Sub", "Mul", "Div", "Min", "Max"})
      check(start + "%v = onnx." + op + " %h, %g : (" + half + ", " + half +
                ") -> " + half,
            type);
    check(start + "%m = onnx.Mul %h, %g : (" + half + ", " + half + ") -> " +
          half + "\n%v = onnx.Cast %m {to = 1 : i64} : (" + half + ") -> " +
          matrix);
  }
}

TEST_F(FloatBlocksTest, DequantizationIsThatOfDoubles) {
  std::string codes = llvm::formatv("tensor<{0}x{1}xi8>", kRows, kColumns);
  check("%c = onnx.Cast %a {to = 3 : i64} : (" + matrix + ") -> " + codes +
        "\n%z = onnx.Constant dense<-100> : tensor<i8>" +
        "\n%s = onnx.Constant dense<0.1> : tensor<f32>" +
        "\n%v = onnx.DequantizeLinear %c, %s, %z : (" + codes +
        ", tensor<f32>, tensor<i8>) -> " + matrix);
}

// Blocks are reused by later steps; broadcast rows and columns are read anew.
TEST_F(FloatBlocksTest, ChainsAreThoseOfDoubles) {
  std::string row = llvm::formatv("tensor<1x{0}xf32>", kColumns);
  std::string column = llvm::formatv("tensor<{0}x1xf32>", kRows);
  std::string both = " : (" + matrix + ", " + matrix + ") -> " + matrix + "\n";
  isFinite = true;
  check("%m = onnx.ReduceMax %a, %axis : (" + matrix + ", tensor<1xi64>) -> " +
        column + "\n%first = onnx.Constant dense<0> : tensor<1xi64>" +
        "\n%n = onnx.ReduceMin %b, %first : (" + matrix +
        ", tensor<1xi64>) -> " + row + "\n%d = onnx.Div %a, %m : (" + matrix +
        ", " + column + ") -> " + matrix + "\n%e = onnx.Sub %d, %n : (" +
        matrix + ", " + row + ") -> " + matrix + "\n%f = onnx.Mul %e, %d" +
        both + "%g = onnx.Add %f, %f" + both + "%h = onnx.Sub %g, %d" + both +
        "%i = onnx.Div %h, %b" + both + "%v = onnx.Add %i, %e" + both);
}

// Steps that are computed in a row, without a block in between: the result of
// the one before is the first input of the next, or the second.
TEST_F(FloatBlocksTest, StepsInARowAreThoseOfDoubles) {
  std::string both = " : (" + matrix + ", " + matrix + ") -> " + matrix + "\n";
  std::string number = " : (" + matrix + ", tensor<f32>) -> " + matrix + "\n";
  std::string first = " : (tensor<f32>, " + matrix + ") -> " + matrix + "\n";
  std::string one = " : (" + matrix + ") -> " + matrix + "\n";
  std::string start = "%s = onnx.Mul %a, %high" + number;
  for (const char *op : {"Add", "Sub", "Mul", "Div", "Min", "Max"}) {
    std::string name = "%v = onnx." + std::string(op);
    check(start + name + " %s, %b" + both);
    check(start + name + " %b, %s" + both);
    check(start + name + " %s, %low" + number);
    check(start + name + " %low, %s" + first);
    check(start + name + " %s, %s" + both);
    check(start + name + " %a, %s" + both);
  }
  for (const char *op : {"Abs", "Neg", "Sign", "Floor", "Round", "Sqrt",
                         "Reciprocal", "Relu", "Identity"})
    check(start + "%t = onnx." + op + " %s" + one + "%v = onnx.Sub %b, %t" +
          both);
  std::string clip = "%c = onnx.Clip %s, ";
  std::string end = "%v = onnx.Div %high, %c" + first;
  check(start + clip + "%low {operandSegmentSizes = array<i32: 1, 1, 0>}" +
        number + end);
  check(start + clip + "%high {operandSegmentSizes = array<i32: 1, 0, 1>}" +
        number + end);
  check(start + clip +
        "%low, %high {operandSegmentSizes = array<i32: 1, 1, 1>} : (" + matrix +
        ", tensor<f32>, tensor<f32>) -> " + matrix + "\n" + end);
}

// A weight quantizer and its straight-through arithmetic.
TEST_F(FloatBlocksTest, QuantizersAreThoseOfDoubles) {
  isFinite = true;
  std::string both = " : (" + matrix + ", " + matrix + ") -> " + matrix + "\n";
  std::string number = " : (" + matrix + ", tensor<f32>) -> " + matrix + "\n";
  check("%x = onnx.Clip %a, %low, %high {operandSegmentSizes = array<i32: 1, "
        "1, 1>} : (" +
        matrix + ", tensor<f32>, tensor<f32>) -> " + matrix +
        "\n%m = onnx.Abs %x : (" + matrix + ") -> " + matrix +
        "\n%n = onnx.ReduceMean %m {keepdims = 0 : i64} : (" + matrix +
        ") -> tensor<f32>\n%s = onnx.Mul %x, %n" + number +
        "%q = onnx.Round %s : (" + matrix + ") -> " + matrix +
        "\n%d = onnx.Div %q, %n" + number + "%e = onnx.Sub %d, %x" + both +
        "%v = onnx.Add %x, %e" + both);
}

TEST_F(FloatBlocksTest, SumsDoNotDependOnThreads) {
  isFinite = true;
  std::string clipped =
      "%c = onnx.Clip %a, %low, %high {operandSegmentSizes = array<i32: 1, 1, "
      "1>} : (" +
      matrix + ", tensor<f32>, tensor<f32>) -> " + matrix +
      "\n%x = onnx.Mul %c, %c : (" + matrix + ", " + matrix + ") -> " + matrix +
      "\n";
  for (const char *op : {"ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2",
                         "ReduceMax", "ReduceMin"}) {
    std::string body = clipped + "%r = onnx." + op + " %x : (" + matrix +
                       ") -> tensor<1x1xf32>";
    context.disableMultithreading(false);
    std::vector<double> several = evaluate(body, "tensor<1x1xf32>");
    context.disableMultithreading(true);
    EXPECT_EQ(several, evaluate(body, "tensor<1x1xf32>")) << op;
  }
}

// Sums of integers below 2^53 are exact in any order: a lane that is lost or
// counted twice shows.
TEST_F(FloatBlocksTest, ReductionsReadEachElementOnce) {
  isFinite = true;
  std::vector<float> values = makeValues(1, true);
  double sum = 0, magnitudes = 0, squares = 0;
  double largest = -20, smallest = 20;
  for (float value : values) {
    double code = std::nearbyint(std::min(std::max(value, -1.0f), 2.5f));
    sum += code;
    magnitudes += std::fabs(code);
    squares += code * code;
    largest = std::max(largest, code);
    smallest = std::min(smallest, code);
  }
  std::string codes =
      "%c = onnx.Clip %a, %low, %high {operandSegmentSizes = array<i32: 1, 1, "
      "1>} : (" +
      matrix + ", tensor<f32>, tensor<f32>) -> " + matrix +
      "\n%x = onnx.Round %c : (" + matrix + ") -> " + matrix + "\n";
  for (auto [op, expected] :
       {std::pair("ReduceSum", sum), std::pair("ReduceL1", magnitudes),
        std::pair("ReduceSumSquare", squares), std::pair("ReduceMax", largest),
        std::pair("ReduceMin", smallest)})
    EXPECT_THAT(evaluate(codes + "%r = onnx." + op + " %x : (" + matrix +
                             ") -> tensor<1x1xf32>",
                         "tensor<1x1xf32>"),
                testing::ElementsAre(expected))
        << op;
}

} // namespace
