// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/WeightQuantizer.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <vector>

using namespace llvm;
using mlir::MLIRContext;

namespace bit {

/// How many weights one thread takes at a time. It is part of the result: each
/// block has a sum of its own.
static constexpr size_t kBlock = 16384;

static size_t countBlocks(size_t size) { return divideCeil(size, kBlock); }

/// Calls `work(block, begin, end)` for the blocks of `size` weights.
template <typename Work>
static void forBlocks(MLIRContext *context, size_t size, Work work) {
  auto run = [&](size_t block) {
    work(block, block * kBlock, std::min(size, (block + 1) * kBlock));
  };
  size_t blocks = countBlocks(size);
  if (context && blocks > 1)
    return mlir::parallelFor(context, 0, blocks, run);
  for (size_t block = 0; block < blocks; ++block)
    run(block);
}

/// The mean of |v|. Sums are in f64: a naive f32 sum over the weights of a
/// large layer is 1e-4 off and moves hundreds of codes.
static double meanAbs(ArrayRef<float> weights, MLIRContext *context) {
  std::vector<double> sums(countBlocks(weights.size()));
  forBlocks(context, weights.size(),
            [&](size_t block, size_t begin, size_t end) {
              double sum = 0;
              for (float v : weights.slice(begin, end - begin))
                sum += std::fabs(double(v));
              sums[block] = sum;
            });
  double sum = 0;
  for (double part : sums)
    sum += part;
  return weights.empty() ? 0 : sum / double(weights.size());
}

/// The lower of the middle two where their number is even.
static float medianAbs(ArrayRef<float> weights) {
  if (weights.empty())
    return 0;
  std::vector<float> magnitudes(weights.size());
  llvm::transform(weights, magnitudes.begin(),
                  [](float v) { return std::fabs(v); });
  auto middle = magnitudes.begin() + (magnitudes.size() - 1) / 2;
  std::nth_element(magnitudes.begin(), middle, magnitudes.end());
  return *middle;
}

static int8_t signOf(float v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

/// absmean and absmedian: clamp(round(v / scale), -1, 1). That is the sign
/// where the quotient is above a half, which, being a tie, goes to 0.
static void roundToCodes(ArrayRef<float> weights, float scale,
                         MutableArrayRef<int8_t> codes, MLIRContext *context) {
  forBlocks(context, weights.size(), [&](size_t, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      float quotient = weights[i] / scale;
      codes[i] = int8_t(quotient > 0.5f) - int8_t(quotient < -0.5f);
    }
  });
}

/// Codes of the weights whose magnitude `isLarge`, and the mean of those.
template <typename Predicate>
static float keepLarge(ArrayRef<float> weights, MutableArrayRef<int8_t> codes,
                       MLIRContext *context, Predicate isLarge) {
  struct Part {
    double sum = 0;
    size_t count = 0;
  };
  std::vector<Part> parts(countBlocks(weights.size()));
  forBlocks(context, weights.size(),
            [&](size_t block, size_t begin, size_t end) {
              Part part;
              for (size_t i = begin; i < end; ++i) {
                double magnitude = std::fabs(double(weights[i]));
                codes[i] = isLarge(magnitude) ? signOf(weights[i]) : 0;
                part.sum += codes[i] == 0 ? 0 : magnitude;
                part.count += codes[i] != 0;
              }
              parts[block] = part;
            });
  Part all;
  for (Part part : parts) {
    all.sum += part.sum;
    all.count += part.count;
  }
  return all.count == 0 ? 0.0f
                        : static_cast<float>(all.sum / double(all.count));
}

/// The best codes keep the k largest magnitudes, for the k with the largest
/// (their sum)^2 / k. Returns the smallest magnitude that is kept.
static double bestThreshold(ArrayRef<float> weights) {
  std::vector<float> magnitudes(weights.size());
  llvm::transform(weights, magnitudes.begin(),
                  [](float v) { return std::fabs(v); });
  llvm::sort(magnitudes, std::greater<float>());
  double sum = 0, best = -1, threshold = 0;
  for (size_t k = 1; k <= magnitudes.size(); ++k) {
    sum += magnitudes[k - 1];
    // Equal magnitudes are kept together.
    if (k < magnitudes.size() && magnitudes[k] == magnitudes[k - 1])
      continue;
    double gain = sum * sum / double(k);
    if (gain > best) {
      best = gain;
      threshold = magnitudes[k - 1];
    }
  }
  return threshold;
}

float quantizeWeights(WeightScheme scheme, float eps, ArrayRef<float> weights,
                      MutableArrayRef<int8_t> codes, MLIRContext *context) {
  switch (scheme) {
  case WeightScheme::Absmean:
  case WeightScheme::Absmedian: {
    float middle = scheme == WeightScheme::Absmean
                       ? static_cast<float>(meanAbs(weights, context))
                       : medianAbs(weights);
    float scale = std::max(middle, eps);
    roundToCodes(weights, scale, codes, context);
    return scale;
  }
  case WeightScheme::Twn: {
    double threshold = 0.7 * meanAbs(weights, context);
    return keepLarge(weights, codes, context,
                     [=](double magnitude) { return magnitude > threshold; });
  }
  case WeightScheme::Sign:
    forBlocks(context, weights.size(), [&](size_t, size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        codes[i] = weights[i] < 0 ? -1 : 1;
    });
    return static_cast<float>(meanAbs(weights, context));
  case WeightScheme::Fit: {
    double threshold = bestThreshold(weights);
    return keepLarge(weights, codes, context,
                     [=](double magnitude) { return magnitude >= threshold; });
  }
  }
  llvm_unreachable("all schemes are handled");
}

double getWeightError(ArrayRef<float> weights, ArrayRef<int8_t> codes,
                      ArrayRef<float> scales, MLIRContext *context) {
  if (weights.empty())
    return 0;
  size_t run = weights.size() / scales.size();
  std::vector<std::pair<double, double>> parts(countBlocks(weights.size()));
  forBlocks(
      context, weights.size(), [&](size_t block, size_t begin, size_t end) {
        double error = 0, norm = 0;
        for (size_t i = begin; i < end;) {
          double scale = scales[i / run];
          for (size_t e = std::min(end, (i / run + 1) * run); i < e; ++i) {
            double difference = weights[i] - codes[i] * scale;
            error += difference * difference;
            norm += double(weights[i]) * weights[i];
          }
        }
        parts[block] = {error, norm};
      });
  double error = 0, norm = 0;
  for (auto [e, n] : parts) {
    error += e;
    norm += n;
  }
  return norm == 0 ? 0 : std::sqrt(error / norm);
}

std::optional<size_t> findNonFinite(ArrayRef<float> weights) {
  const float *found =
      llvm::find_if(weights, [](float v) { return !std::isfinite(v); });
  if (found == weights.end())
    return std::nullopt;
  return found - weights.begin();
}

} // namespace bit
