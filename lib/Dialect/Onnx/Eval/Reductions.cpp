// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Reductions.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>
#include <vector>

using namespace mlir;
using llvm::Expected;

namespace bit::onnx {
namespace {

double sum(double a, double x) { return a + x; }
double sumOfMagnitudes(double a, double x) { return a + std::fabs(x); }
double sumOfSquares(double a, double x) { return a + x * x; }
double largest(double a, double x) { return x > a || std::isnan(x) ? x : a; }
double smallest(double a, double x) { return x < a || std::isnan(x) ? x : a; }

/// Accumulates `row` into `acc`: element by element, or all into one.
using Accumulate = void (*)(MutableArrayRef<double> acc, ArrayRef<double> row);

template <double (*fn)(double, double)>
void accumulate(MutableArrayRef<double> acc, ArrayRef<double> row) {
  if (acc.size() == 1) {
    for (double x : row)
      acc[0] = fn(acc[0], x);
    return;
  }
  for (size_t i = 0; i < row.size(); ++i)
    acc[i] = fn(acc[i], row[i]);
}

struct Reduction {
  Accumulate step = nullptr;  ///< adds elements
  Accumulate merge = nullptr; ///< adds partial results
  double start = 0;
  Accumulation kind = Accumulation::Sum; ///< what `step` does
};

Reduction getReduction(StringRef opType) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Reduction plain{accumulate<sum>, accumulate<sum>, 0, Accumulation::Sum};
  return llvm::StringSwitch<Reduction>(opType)
      .Cases({"ReduceSum", "ReduceMean"}, plain)
      .Case("ReduceL1", {accumulate<sumOfMagnitudes>, accumulate<sum>, 0,
                         Accumulation::Magnitudes})
      .Cases(
          {"ReduceL2", "ReduceSumSquare"},
          {accumulate<sumOfSquares>, accumulate<sum>, 0, Accumulation::Squares})
      .Case("ReduceMax", {accumulate<largest>, accumulate<largest>, -infinity,
                          Accumulation::Largest})
      .Case("ReduceMin", {accumulate<smallest>, accumulate<smallest>, infinity,
                          Accumulation::Smallest})
      .Default({});
}

/// The reduced axes lie side by side: elements are [outer, reduced, inner].
struct Extent {
  int64_t outer = 1, reduced = 1, inner = 1;
};

Expected<Extent> getExtent(Operation *op) {
  auto type = cast<ShapedType>(op->getOperand(0).getType());
  int64_t rank = type.getRank();
  SmallVector<int64_t> axes;
  if (op->getNumOperands() > 1 && op->getOperand(1)) {
    std::optional<SmallVector<int64_t>> values =
        getConstantIntegers(op->getOperand(1));
    if (!values)
      return llvm::createStringError("its axes are not constant");
    axes = *values;
  }
  SmallVector<bool> isReduced(rank, axes.empty());
  if (axes.empty())
    if (auto noop = op->getAttrOfType<IntegerAttr>("noop_with_empty_axes"))
      if (noop.getInt() != 0)
        isReduced.assign(rank, false);
  for (int64_t axis : axes) {
    if (axis < -rank || axis >= rank)
      return llvm::createStringError("its axes are out of range");
    isReduced[axis < 0 ? axis + rank : axis] = true;
  }
  Extent extent;
  int phase = 0; // before, in, after the reduced axes
  for (int64_t d = 0; d < rank; ++d) {
    if (isReduced[d] != (phase == 1))
      ++phase;
    if (phase > 2)
      return llvm::createStringError("its axes do not lie side by side");
    (phase == 0   ? extent.outer
     : phase == 1 ? extent.reduced
                  : extent.inner) *= type.getDimSize(d);
  }
  return extent;
}

/// Reduces the elements of rows `begin` to `end` of one outer index into `acc`.
void reduceRows(const Expression &source, const Extent &extent, int64_t outer,
                int64_t begin, int64_t end, Accumulate step,
                MutableArrayRef<double> acc) {
  double block[kBlockSize];
  int64_t base = outer * extent.reduced * extent.inner;
  if (extent.inner == 1) {
    for (int64_t i = begin; i < end; i += kBlockSize) {
      MutableArrayRef<double> part(block, std::min(kBlockSize, end - i));
      source.run(base + i, part);
      step(acc, part);
    }
    return;
  }
  for (int64_t row = begin; row < end; ++row)
    for (int64_t i = 0; i < extent.inner; i += kBlockSize) {
      MutableArrayRef<double> part(block,
                                   std::min(kBlockSize, extent.inner - i));
      source.run(base + row * extent.inner + i, part);
      step(acc.slice(i, part.size()), part);
    }
}

/// The same for an expression of floats.
void reduceFloats(FloatRun &source, const Extent &extent, int64_t outer,
                  int64_t begin, int64_t end, const Reduction &reduction,
                  MutableArrayRef<double> acc) {
  int64_t base = outer * extent.reduced * extent.inner;
  if (extent.inner == 1) {
    double lanes[kLanes];
    std::fill_n(lanes, kLanes, reduction.start);
    for (int64_t i = begin; i < end; i += kFloatBlockSize) {
      ArrayRef<float> part =
          source.run(base + i, std::min(kFloatBlockSize, end - i));
      accumulateFloats(reduction.kind, part.data(), part.size(), lanes);
    }
    reduction.merge(acc, lanes);
    return;
  }
  double block[kFloatBlockSize];
  for (int64_t row = begin; row < end; ++row)
    for (int64_t i = 0; i < extent.inner; i += kFloatBlockSize) {
      ArrayRef<float> part =
          source.run(base + row * extent.inner + i,
                     std::min(kFloatBlockSize, extent.inner - i));
      llvm::copy(part, block);
      reduction.step(acc.slice(i, part.size()), {block, part.size()});
    }
}

} // namespace

bool isReduction(Operation *op) {
  return getReduction(op->getName().stripDialect()).step != nullptr;
}

Expected<HostTensor> reduce(Operation *op, Expression &source) {
  StringRef name = op->getName().stripDialect();
  Reduction reduction = getReduction(name);
  Expected<Extent> extent = getExtent(op);
  if (!extent)
    return extent.takeError();
  auto type = cast<ShapedType>(op->getResult(0).getType());
  if (type.getNumElements() != extent->outer * extent->inner)
    return llvm::createStringError("its shape is not that of its reduction");
  Expected<HostTensor> result = HostTensor::allocate(type);
  if (!result)
    return result;

  // A reduction to few elements is split along the reduced axis, always in the
  // same way, so that the sum does not depend on the threads.
  bool isSplit = extent->inner == 1 && extent->outer <= 64;
  int64_t chunkRows =
      isSplit ? 16 * kBlockSize : std::max<int64_t>(extent->reduced, 1);
  int64_t chunks =
      std::max<int64_t>(1, llvm::divideCeil(extent->reduced, chunkRows));
  int64_t inner = extent->inner;
  std::vector<double> partial(extent->outer * chunks * inner, reduction.start);
  // Short rows are taken several at once.
  bool isFloat = source.isFloat();
  // Magnitudes need no block of their own.
  if (isFloat && reduction.kind == Accumulation::Sum && source.dropAbs())
    reduction.kind = Accumulation::Magnitudes,
    reduction.step = accumulate<sumOfMagnitudes>;
  int64_t tasks = extent->outer * chunks;
  int64_t rowSize = std::max<int64_t>(1, chunkRows * inner);
  int64_t batch = std::max<int64_t>(1, 16 * kFloatBlockSize / rowSize);
  parallelFor(
      op->getContext(), 0, llvm::divideCeil(tasks, batch), [&](size_t b) {
        std::optional<FloatRun> run;
        if (isFloat)
          run.emplace(source);
        int64_t last = std::min<int64_t>(tasks, (b + 1) * batch);
        for (int64_t task = b * batch; task < last; ++task) {
          int64_t begin = (task % chunks) * chunkRows;
          int64_t end = std::min(extent->reduced, begin + chunkRows);
          auto acc =
              MutableArrayRef<double>(partial).slice(task * inner, inner);
          if (isFloat)
            reduceFloats(*run, *extent, task / chunks, begin, end, reduction,
                         acc);
          else
            reduceRows(source, *extent, task / chunks, begin, end,
                       reduction.step, acc);
        }
      });

  std::vector<double> values(inner);
  for (int64_t outer = 0; outer < extent->outer; ++outer) {
    std::fill(values.begin(), values.end(), reduction.start);
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      reduction.merge(values, ArrayRef<double>(partial).slice(
                                  (outer * chunks + chunk) * inner, inner));
    for (double &value : values) {
      if (name == "ReduceMean")
        value /= double(extent->reduced);
      else if (name == "ReduceL2")
        value = std::sqrt(value);
    }
    roundTo(result->getFormat(), values);
    result->store(outer * inner, values);
  }
  return result;
}

} // namespace bit::onnx
