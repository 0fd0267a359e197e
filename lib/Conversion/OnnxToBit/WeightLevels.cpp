// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
#include "WeightLevels.h"
#include "Magnitudes.h"
#include "bit/Support/TransposeWords.h"
#include "bit/Support/Vectorize.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <atomic>
#include <cmath>

using namespace mlir;
using llvm::createStringError;
using llvm::Expected;

namespace bit {
namespace {

/// Groups with fewer elements would need more bytes for scales than for codes.
constexpr int64_t kMinGroup = 8;

BIT_INLINE_BODY Range getRangeBody(ArrayRef<float> values) {
  // Signed, since the smallest machines compare nothing else at once.
  int32_t low = INT32_MAX, high = 0;
  for (float value : values) {
    int32_t bits = magnitude(value);
    high = std::max(high, bits);
    low = std::min(low, bits == 0 ? INT32_MAX : bits);
  }
  return high == 0 ? Range() : Range{uint32_t(low), uint32_t(high)};
}

Range getRangeBaseline(ArrayRef<float> values) { return getRangeBody(values); }
BIT_AVX2 Range getRangeAvx2(ArrayRef<float> values) {
  return getRangeBody(values);
}

Range getRange(ArrayRef<float> values) {
  return hasAvx2() ? getRangeAvx2(values) : getRangeBaseline(values);
}

/// Calls `fn` for each row, for about as many elements at once as are worth a
/// task.
template <typename Fn>
void forEachRow(MLIRContext *context, int64_t n, int64_t k, Fn fn) {
  int64_t batch = std::max<int64_t>(1, 32768 / k);
  parallelFor(context, 0, llvm::divideCeil(n, batch), [&](size_t task) {
    int64_t end = std::min<int64_t>(n, (task + 1) * batch);
    for (int64_t r = task * batch; r < end; ++r)
      fn(r);
  });
}

/// The magnitude that occurs most often: where rounding scattered a level, the
/// true one.
class Mode {
public:
  Mode(Range range, Precision precision)
      : low(range.low), shift(precision.shift) {}
  void add(ArrayRef<float> values) {
    // Most have the same magnitude: in several counts, one addition need not
    // wait for the one before. 0 goes to the end, which no branch has to guess.
    std::array<std::array<uint32_t, kMaxUlps + 2>, 4> own;
    constexpr size_t step = size_t(1) << 30;
    for (; !values.empty();
         values = values.drop_front(std::min(step, values.size()))) {
      own = {};
      size_t size = std::min(step, values.size());
      auto count = [&](size_t part, float value) {
        uint32_t distance = (magnitude(value) - low) >> shift;
        ++own[part][std::min(distance, kMaxUlps + 1)];
      };
      size_t i = 0;
      for (; i + 4 <= size; i += 4)
        for (size_t part = 0; part < 4; ++part)
          count(part, values[i + part]);
      for (; i < size; ++i)
        count(0, values[i]);
      for (const auto &part : own)
        for (size_t i = 0; i < counts.size(); ++i)
          counts[i] += part[i];
    }
  }
  void add(const Mode &other) {
    for (auto [count, more] : llvm::zip_equal(counts, other.counts))
      count += more;
  }
  /// 1 where all values are 0: any scale is right, and this one is harmless.
  float get() const {
    auto best = llvm::max_element(counts);
    return *best == 0 ? 1.0f
                      : llvm::bit_cast<float>(
                            low + (uint32_t(best - counts.begin()) << shift));
  }

private:
  uint32_t low;
  unsigned shift;
  std::array<int64_t, kMaxUlps + 1> counts = {};
};

/// The scale of values whose range is a level.
float getScale(ArrayRef<float> values, Range range, Precision precision) {
  if (range.isExact())
    return range.high == 0 ? 1.0f : llvm::bit_cast<float>(range.high);
  Mode mode(range, precision);
  mode.add(values);
  return mode.get();
}

/// The weight as N x K floats.
class Matrix {
public:
  Matrix(const onnx::HostTensor &weight, bool isTransposed)
      : n(weight.getShape()[isTransposed]), k(weight.getShape()[!isTransposed]),
        context(weight.getType().getContext()),
        precision(*getPrecision(weight.getFormat())) {
    std::optional<ArrayRef<float>> floats = weight.getFloats();
    if (!isTransposed && floats) {
      values = floats->take_front(n * k);
      return;
    }
    owned.reset(new float[n * k]);
    values = {owned.get(), size_t(n * k)};
    int64_t rows = weight.getShape()[0], columns = weight.getShape()[1];
    // Sixteen rows at once, so that a transposition writes whole cache lines.
    parallelFor(context, 0, llvm::divideCeil(rows, 16), [&](size_t block) {
      int64_t begin = block * 16, count = std::min<int64_t>(rows - begin, 16);
      if (!isTransposed) {
        weight.loadFloats(begin * columns,
                          {owned.get() + begin * k, size_t(count * k)});
        return;
      }
      const float *source;
      std::vector<float> loaded;
      if (floats) {
        source = floats->data() + begin * columns;
      } else {
        loaded.resize(count * columns);
        weight.loadFloats(begin * columns, loaded);
        source = loaded.data();
      }
      transposeWords(reinterpret_cast<const char *>(source), columns,
                     reinterpret_cast<char *>(owned.get() + begin), k, columns,
                     count);
    });
  }

  ArrayRef<float> row(int64_t r) const { return values.slice(r * k, k); }

  int64_t n, k;
  MLIRContext *context;
  Precision precision;

private:
  std::unique_ptr<float[]> owned;
  ArrayRef<float> values;
};

/// The first magnitudes of a row, for a reason.
std::string describe(ArrayRef<float> row) {
  std::vector<float> seen;
  for (float value : row)
    if (seen.size() < 5 && !llvm::is_contained(seen, std::fabs(value)))
      seen.push_back(std::fabs(value));
  std::string text;
  llvm::raw_string_ostream os(text);
  for (size_t i = 0; i < std::min<size_t>(seen.size(), 4); ++i)
    os << (i ? ", " : "") << llvm::format("%.4g", seen[i]);
  os << (seen.size() > 4 ? ", ..." : "");
  return text;
}

size_t countMagnitudes(ArrayRef<float> row, Precision precision) {
  std::vector<uint32_t> bits;
  for (float value : row)
    if (uint32_t m = magnitude(value))
      bits.push_back(m);
  llvm::sort(bits);
  size_t count = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    count += i == 0 || bits[i] - bits[i - 1] > precision.maxUlps
                                                   << precision.shift;
  return count;
}

llvm::Error declineValues(ArrayRef<float> row, Precision precision) {
  return createStringError(
      llvm::formatv("weights take {0} or more distinct magnitudes where a "
                    "ternary or binary weight has one (first row: {1})",
                    std::max<size_t>(2, countMagnitudes(row, precision)),
                    describe(row))
          .str());
}

/// Finds the largest groups along K that have one level each; 0 if there are
/// none.
int64_t findGroup(const Matrix &matrix) {
  for (int64_t group = matrix.k / 2; group >= kMinGroup; --group) {
    if (matrix.k % group != 0)
      continue;
    std::atomic<bool> isLevel = true;
    forEachRow(matrix.context, matrix.n, matrix.k, [&](int64_t r) {
      for (int64_t c = 0; c < matrix.k && isLevel; c += group)
        if (!getRange(matrix.row(r).slice(c, group)).isLevel(matrix.precision))
          isLevel = false;
    });
    if (isLevel)
      return group;
  }
  return 0;
}

/// Fills the scales once the groups are known.
void findScales(const Matrix &matrix, bool isPerTensor, Range whole,
                WeightLevels &levels) {
  if (!isPerTensor) {
    int64_t group = levels.group ? levels.group : matrix.k;
    int64_t groups = matrix.k / group;
    levels.scales.resize(matrix.n * groups);
    forEachRow(matrix.context, matrix.n, matrix.k, [&](int64_t r) {
      for (int64_t g = 0; g < groups; ++g) {
        ArrayRef<float> part = matrix.row(r).slice(g * group, group);
        levels.scales[r * groups + g] =
            getScale(part, getRange(part), matrix.precision);
      }
    });
    return;
  }
  if (whole.isExact()) {
    levels.scales = {getScale({}, whole, matrix.precision)};
    return;
  }
  int64_t chunks = std::min<int64_t>(matrix.n, 64);
  std::vector<Mode> modes(chunks, Mode(whole, matrix.precision));
  parallelFor(matrix.context, 0, chunks, [&](size_t chunk) {
    for (int64_t r = chunk; r < matrix.n; r += chunks)
      modes[chunk].add(matrix.row(r));
  });
  for (const Mode &mode : ArrayRef(modes).drop_front())
    modes.front().add(mode);
  levels.scales = {modes.front().get()};
}

/// What the codes of a row leave of it.
struct Sums {
  double error = 0, norm = 0;
  int64_t zeros = 0;
};

/// Fills the codes of one group and counts zeros.
BIT_INLINE_BODY void fillCodesBody(ArrayRef<float> part, float scale,
                                   int8_t *codes, Sums &sums) {
  uint32_t level = llvm::bit_cast<uint32_t>(scale);
  uint32_t differences = 0;
  int64_t zeros = 0;
  for (size_t begin = 0; begin < part.size(); begin += 65536) {
    size_t end = std::min<size_t>(part.size(), begin + 65536);
    uint32_t own = 0;
    for (size_t i = begin; i < end; ++i) {
      int32_t bits = llvm::bit_cast<int32_t>(part[i]);
      bool isZero = (bits & 0x7fffffff) == 0;
      codes[i] = int8_t(isZero ? 0 : (bits >> 31) | 1);
      own += isZero;
      differences |= isZero ? 0 : (uint32_t(bits) & 0x7fffffff) ^ level;
    }
    zeros += own;
  }
  sums.zeros += zeros;
  if (differences == 0) {
    sums.norm += double(scale) * scale * double(part.size() - zeros);
    return;
  }
  // In a fixed order, several at once.
  constexpr size_t lanes = 8;
  double error[lanes] = {}, norm[lanes] = {};
  auto add = [&](size_t lane, float value, int8_t code) {
    double difference = double(value) - double(code) * scale;
    error[lane] += difference * difference;
    norm[lane] += double(value) * value;
  };
  size_t i = 0;
  for (; i + lanes <= part.size(); i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      add(lane, part[i + lane], codes[i + lane]);
  for (size_t lane = 0; i < part.size(); ++i, ++lane)
    add(lane, part[i], codes[i]);
  for (size_t lane = 0; lane < lanes; ++lane) {
    sums.error += error[lane];
    sums.norm += norm[lane];
  }
}

void fillCodesBaseline(ArrayRef<float> part, float scale, int8_t *codes,
                       Sums &sums) {
  fillCodesBody(part, scale, codes, sums);
}
BIT_AVX2 void fillCodesAvx2(ArrayRef<float> part, float scale, int8_t *codes,
                            Sums &sums) {
  fillCodesBody(part, scale, codes, sums);
}

/// Fills codes and the error once the scales are known.
llvm::Error findCodes(const Matrix &matrix, bool isPerTensor,
                      WeightLevels &levels) {
  int64_t group = levels.group ? levels.group : matrix.k;
  Expected<onnx::HostTensor> codes =
      onnx::HostTensor::allocate(RankedTensorType::get(
          {matrix.n, matrix.k}, IntegerType::get(matrix.context, 8)));
  if (!codes)
    return codes.takeError();
  levels.codes = *codes;
  auto *first =
      reinterpret_cast<int8_t *>(levels.codes.getMutableBytes().data());
  std::vector<Sums> sums(matrix.n);
  forEachRow(matrix.context, matrix.n, matrix.k, [&](int64_t r) {
    Sums own;
    for (int64_t begin = 0; begin < matrix.k; begin += group) {
      ArrayRef<float> part = matrix.row(r).slice(begin, group);
      int8_t *to = first + r * matrix.k + begin;
      float scale =
          levels.scales[isPerTensor ? 0 : (r * matrix.k + begin) / group];
      if (hasAvx2())
        fillCodesAvx2(part, scale, to, own);
      else
        fillCodesBaseline(part, scale, to, own);
    }
    sums[r] = own;
  });
  Sums all;
  for (const Sums &own : sums) {
    all.error += own.error;
    all.norm += own.norm;
    all.zeros += own.zeros;
  }
  levels.isBinary = all.zeros == 0;
  levels.error = all.norm == 0 ? 0 : std::sqrt(all.error / all.norm);
  return llvm::Error::success();
}

bool isOne(int64_t size) { return size == 1; }

/// A float weight shows itself in the first elements, which `at` gives: most
/// are not read.
llvm::Error checkHead(llvm::function_ref<float(int64_t)> at, int64_t k,
                      Precision precision) {
  std::vector<float> head;
  for (int64_t i = 0; i < std::min<int64_t>(k, 64); ++i)
    head.push_back(at(i));
  if (getRange(head).high >= kInfinity)
    return createStringError("weights are not all finite");
  if (!getRange(ArrayRef<float>(head).take_front(kMinGroup)).isLevel(precision))
    return declineValues(head, precision);
  return llvm::Error::success();
}

} // namespace

Expected<WeightLevels> findWeightLevels(const onnx::Chain &weight,
                                        bool isTransposed) {
  ArrayRef<int64_t> shape = weight.getType().getShape();
  // Leading ones only broadcast.
  if (shape.size() < 2 || !llvm::all_of(shape.drop_back(2), isOne))
    return createStringError("its weight is not a matrix");
  std::optional<Precision> precision = getPrecision(weight.getFormat());
  if (weight.isReadable() && precision && shape.size() == 2 && shape[0] > 0 &&
      shape[1] > 0) {
    onnx::ChainReader reader(weight);
    int64_t step = isTransposed ? shape[1] : 1;
    if (llvm::Error error = checkHead(
            [&](int64_t i) { return reader.read(i * step, 1).front(); },
            shape[!isTransposed], *precision))
      return error;
    if (!isTransposed)
      if (std::optional<WeightLevels> levels = findExactLevels(weight))
        return std::move(*levels);
  }
  Expected<onnx::HostTensor> values = weight.evaluate();
  if (!values)
    return values.takeError();
  if (shape.size() > 2)
    *values = values->reshaped(shape.take_back(2));
  return findWeightLevels(*values, isTransposed);
}

Expected<WeightLevels> findWeightLevels(const onnx::HostTensor &weight,
                                        bool isTransposed) {
  if (weight.getShape().size() != 2)
    return createStringError("its weight is not a matrix");
  std::optional<Precision> precision = getPrecision(weight.getFormat());
  if (!precision)
    return createStringError("its weight is not float32, float16 or bfloat16");
  WeightLevels levels;
  levels.n = weight.getShape()[isTransposed];
  levels.k = weight.getShape()[!isTransposed];
  if (levels.n == 0 || levels.k == 0)
    return createStringError("its weight is empty");

  int64_t step = isTransposed ? levels.n : 1;
  if (llvm::Error error =
          checkHead([&](int64_t i) { return float(weight.at(i * step)); },
                    levels.k, *precision))
    return error;
  Matrix matrix(weight, isTransposed);
  std::vector<Range> rows(matrix.n);
  forEachRow(matrix.context, matrix.n, matrix.k,
             [&](int64_t r) { rows[r] = getRange(matrix.row(r)); });
  Range whole;
  for (Range row : rows)
    whole.add(row);
  if (whole.high >= kInfinity)
    return createStringError("weights are not all finite");
  bool isPerTensor = whole.isLevel(*precision);
  bool isPerChannel = levels.k > 1 && llvm::all_of(rows, [&](Range r) {
                        return r.isLevel(*precision);
                      });
  if (!isPerTensor && !isPerChannel) {
    levels.group = findGroup(matrix);
    if (levels.group == 0) {
      // K = 1 has no row with more than one magnitude: show the column.
      for (int64_t r = 0; r < matrix.n; ++r)
        if (!rows[r].isLevel(*precision))
          return declineValues(matrix.row(r), *precision);
      return createStringError("weights of one column take more than one "
                               "magnitude");
    }
  }
  findScales(matrix, isPerTensor, whole, levels);
  if (llvm::Error error = findCodes(matrix, isPerTensor, levels))
    return error;
  return levels;
}

} // namespace bit
