// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Magnitudes are compared as bit patterns: for positive floats the difference
// of two patterns is their distance in ulp.

#include "WeightLevels.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <cmath>

using namespace mlir;
using llvm::createStringError;
using llvm::Expected;

namespace bit {
namespace {

/// How far the magnitudes of one level may lie apart. Straight-through
/// arithmetic, w + (q - w), is exact up to |w| = 2s; from there its error grows
/// with |w|, to 32 ulp either way at 64 times the level.
constexpr uint32_t kMaxUlps = 64;

/// Groups with fewer elements would need more bytes for scales than for codes.
constexpr int64_t kMinGroup = 8;

constexpr uint32_t kInfinity = 0x7f800000;

uint32_t magnitude(float value) {
  return llvm::bit_cast<uint32_t>(value) & 0x7fffffff;
}

/// The smallest and largest magnitude besides 0.
struct Range {
  uint32_t low = ~0u, high = 0;

  void add(Range other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
  bool isLevel() const {
    return high == 0 || (high < kInfinity && high - low <= kMaxUlps);
  }
};

Range getRange(ArrayRef<float> values) {
  Range range;
  for (float value : values) {
    uint32_t bits = magnitude(value);
    range.high = std::max(range.high, bits);
    range.low = std::min(range.low, bits == 0 ? ~0u : bits);
  }
  return range;
}

/// The magnitude that occurs most often: where rounding scattered a level, the
/// true one.
class Mode {
public:
  explicit Mode(Range range) : low(range.low) {}
  void add(ArrayRef<float> values) {
    for (float value : values)
      if (uint32_t bits = magnitude(value))
        ++counts[bits - low];
  }
  /// 1 where all values are 0: any scale is right, and this one is harmless.
  float get() const {
    auto best = llvm::max_element(counts);
    return *best == 0
               ? 1.0f
               : llvm::bit_cast<float>(low + uint32_t(best - counts.begin()));
  }

private:
  uint32_t low;
  std::array<int64_t, kMaxUlps + 1> counts = {};
};

/// The weight as N x K floats.
class Matrix {
public:
  Matrix(const onnx::HostTensor &weight, bool isTransposed)
      : n(weight.getShape()[isTransposed]), k(weight.getShape()[!isTransposed]),
        values(n * k) {
    MLIRContext *context = weight.getType().getContext();
    int64_t rows = weight.getShape()[0], columns = weight.getShape()[1];
    // Sixteen rows at once, so that a transposition writes whole cache lines.
    parallelFor(context, 0, (rows + 15) / 16, [&](size_t block) {
      std::vector<double> row(columns);
      for (int64_t r = block * 16, e = std::min(rows, r + 16); r < e; ++r) {
        weight.load(r * columns, row);
        for (int64_t c = 0; c < columns; ++c)
          values[isTransposed ? c * k + r : r * k + c] = float(row[c]);
      }
    });
  }

  ArrayRef<float> row(int64_t r) const {
    return ArrayRef<float>(values).slice(r * k, k);
  }

  int64_t n, k;

private:
  std::vector<float> values;
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

size_t countMagnitudes(ArrayRef<float> row) {
  std::vector<uint32_t> bits;
  for (float value : row)
    if (uint32_t m = magnitude(value))
      bits.push_back(m);
  llvm::sort(bits);
  size_t count = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    count += i == 0 || bits[i] - bits[i - 1] > kMaxUlps;
  return count;
}

llvm::Error declineValues(ArrayRef<float> row) {
  return createStringError(
      llvm::formatv("weights take {0} or more distinct magnitudes where a "
                    "ternary or binary weight has one (first row: {1})",
                    std::max<size_t>(2, countMagnitudes(row)), describe(row))
          .str());
}

/// Finds the largest groups along K that have one level each; 0 if there are
/// none.
int64_t findGroup(const Matrix &matrix) {
  for (int64_t group = matrix.k / 2; group >= kMinGroup; --group) {
    if (matrix.k % group != 0)
      continue;
    bool isLevel = true;
    for (int64_t r = 0; r < matrix.n && isLevel; ++r)
      for (int64_t c = 0; c < matrix.k && isLevel; c += group)
        isLevel = getRange(matrix.row(r).slice(c, group)).isLevel();
    if (isLevel)
      return group;
  }
  return 0;
}

/// Fills scales, codes and the error once the groups are known.
void quantize(const Matrix &matrix, bool isPerTensor, Range whole,
              WeightLevels &levels) {
  int64_t group = levels.group ? levels.group : matrix.k;
  if (isPerTensor) {
    Mode mode(whole);
    for (int64_t r = 0; r < matrix.n; ++r)
      mode.add(matrix.row(r));
    levels.scales = {mode.get()};
  } else {
    for (int64_t r = 0; r < matrix.n; ++r)
      for (int64_t c = 0; c < matrix.k; c += group) {
        ArrayRef<float> part = matrix.row(r).slice(c, group);
        Mode mode(getRange(part));
        mode.add(part);
        levels.scales.push_back(mode.get());
      }
  }
  levels.codes.resize(matrix.n * matrix.k);
  levels.isBinary = true;
  double error = 0, norm = 0;
  for (int64_t r = 0; r < matrix.n; ++r)
    for (auto [c, value] : llvm::enumerate(matrix.row(r))) {
      int8_t code = value > 0 ? 1 : value < 0 ? -1 : 0;
      levels.codes[r * matrix.k + c] = code;
      levels.isBinary &= code != 0;
      float scale = levels.scales[isPerTensor ? 0 : (r * matrix.k + c) / group];
      double difference = double(value) - double(code) * scale;
      error += difference * difference;
      norm += double(value) * value;
    }
  levels.error = norm == 0 ? 0 : std::sqrt(error / norm);
}

} // namespace

Expected<WeightLevels> findWeightLevels(const onnx::HostTensor &weight,
                                        bool isTransposed) {
  if (weight.getShape().size() != 2)
    return createStringError("its weight is not a matrix");
  if (weight.getFormat() != onnx::Format::F32)
    return createStringError("its weight is not float32");
  WeightLevels levels;
  levels.n = weight.getShape()[isTransposed];
  levels.k = weight.getShape()[!isTransposed];
  if (levels.n == 0 || levels.k == 0)
    return createStringError("its weight is empty");

  // A float weight shows itself in the first elements: most are not read.
  std::vector<float> head;
  int64_t step = isTransposed ? levels.n : 1;
  for (int64_t c = 0; c < std::min<int64_t>(levels.k, 64); ++c)
    head.push_back(float(weight.at(c * step)));
  if (getRange(head).high >= kInfinity)
    return createStringError("weights are not all finite");
  if (!getRange(ArrayRef<float>(head).take_front(kMinGroup)).isLevel())
    return declineValues(head);

  Matrix matrix(weight, isTransposed);
  std::vector<Range> rows(matrix.n);
  parallelFor(weight.getType().getContext(), 0, matrix.n,
              [&](size_t r) { rows[r] = getRange(matrix.row(r)); });
  Range whole;
  for (Range row : rows)
    whole.add(row);
  if (whole.high >= kInfinity)
    return createStringError("weights are not all finite");
  bool isPerTensor = whole.isLevel();
  bool isPerChannel =
      levels.k > 1 && llvm::all_of(rows, [](Range r) { return r.isLevel(); });
  if (!isPerTensor && !isPerChannel) {
    levels.group = findGroup(matrix);
    if (levels.group == 0) {
      // K = 1 has no row with more than one magnitude: show the column.
      for (int64_t r = 0; r < matrix.n; ++r)
        if (!rows[r].isLevel())
          return declineValues(matrix.row(r));
      return createStringError("weights of one column take more than one "
                               "magnitude");
    }
  }
  quantize(matrix, isPerTensor, whole, levels);
  return levels;
}

} // namespace bit
