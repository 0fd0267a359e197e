// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of a weight that is ternary to the last bit, made from each block of it
// while that lies in the cache: its floats never reach memory.

#include "Magnitudes.h"
#include "WeightLevels.h"
#include "bit/Support/Vectorize.h"
#include "mlir/IR/Threading.h"
#include <atomic>

using namespace mlir;
using llvm::Expected;

namespace bit {
namespace {

/// What is known of a row.
struct Row {
  Range range;
  int64_t zeros = 0;
};

/// Fills the codes of at most a block and adds it to `row`.
BIT_INLINE_BODY void addPartBody(ArrayRef<float> part, int8_t *codes,
                                 Row &row) {
  // Signed, since the smallest machines compare nothing else at once.
  int32_t low = INT32_MAX, high = 0, zeros = 0;
  for (size_t i = 0; i < part.size(); ++i) {
    int32_t bits = llvm::bit_cast<int32_t>(part[i]);
    int32_t size = bits & 0x7fffffff;
    bool isZero = size == 0;
    codes[i] = int8_t(isZero ? 0 : (bits >> 31) | 1);
    zeros += isZero;
    high = std::max(high, size);
    low = std::min(low, isZero ? INT32_MAX : size);
  }
  row.zeros += zeros;
  if (high != 0)
    row.range.add({uint32_t(low), uint32_t(high)});
}

void addPartBaseline(ArrayRef<float> part, int8_t *codes, Row &row) {
  addPartBody(part, codes, row);
}
BIT_AVX2 void addPartAvx2(ArrayRef<float> part, int8_t *codes, Row &row) {
  addPartBody(part, codes, row);
}

bool isFiniteAndExact(Range range) {
  return range.isExact() && range.high < kInfinity;
}

} // namespace

std::optional<WeightLevels> findExactLevels(const onnx::Chain &weight) {
  MLIRContext *context = weight.getType().getContext();
  WeightLevels levels;
  levels.n = weight.getType().getDimSize(0);
  levels.k = weight.getType().getDimSize(1);
  Expected<onnx::HostTensor> codes =
      onnx::HostTensor::allocate(RankedTensorType::get(
          {levels.n, levels.k}, IntegerType::get(context, 8)));
  if (!codes) {
    llvm::consumeError(codes.takeError());
    return std::nullopt;
  }
  levels.codes = *codes;
  auto *first =
      reinterpret_cast<int8_t *>(levels.codes.getMutableBytes().data());
  std::vector<Row> rows(levels.n);
  // Most weights that are not exact show it in their first rows.
  std::atomic<bool> isExact = true;
  int64_t k = levels.k, batch = std::max<int64_t>(1, 32768 / k);
  parallelFor(context, 0, llvm::divideCeil(levels.n, batch), [&](size_t task) {
    if (!isExact)
      return;
    onnx::ChainReader reader(weight);
    int64_t begin = task * batch * k;
    int64_t end = std::min<int64_t>(levels.n, (task + 1) * batch) * k;
    while (begin < end && isExact) {
      ArrayRef<float> block = reader.read(
          begin, std::min(end - begin, onnx::ChainReader::kMaxSize));
      while (!block.empty()) {
        Row &row = rows[begin / k];
        ArrayRef<float> part = block.take_front(k - begin % k);
        hasAvx2() ? addPartAvx2(part, first + begin, row)
                  : addPartBaseline(part, first + begin, row);
        if (!isFiniteAndExact(row.range))
          isExact = false;
        begin += part.size();
        block = block.drop_front(part.size());
      }
    }
  });
  if (!isExact)
    return std::nullopt;
  Range whole;
  int64_t zeros = 0;
  for (const Row &row : rows) {
    whole.add(row.range);
    zeros += row.zeros;
  }
  auto getScale = [](Range range) {
    return range.high == 0 ? 1.0f : llvm::bit_cast<float>(range.high);
  };
  levels.isBinary = zeros == 0;
  if (whole.isExact()) {
    levels.scales = {getScale(whole)};
    return levels;
  }
  // Rows that lie so close together are one level, which is the most frequent.
  if (whole.isLevel(*getPrecision(weight.getFormat())) || k == 1)
    return std::nullopt;
  for (const Row &row : rows)
    levels.scales.push_back(getScale(row.range));
  return levels;
}

} // namespace bit
