// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/WeightQuantizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <vector>

using namespace llvm;

namespace bit {

/// The mean of |v|. Sums are in f64: a naive f32 sum over the weights of a
/// large layer is 1e-4 off and moves hundreds of codes.
static double meanAbs(ArrayRef<float> weights) {
  double sum = 0;
  for (float v : weights)
    sum += std::fabs(double(v));
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

/// absmean and absmedian.
static void roundToCodes(ArrayRef<float> weights, float scale,
                         MutableArrayRef<int8_t> codes) {
  for (auto [v, code] : llvm::zip_equal(weights, codes))
    code = static_cast<int8_t>(
        std::clamp(std::nearbyintf(v / scale), -1.0f, 1.0f));
}

/// Codes of the weights whose magnitude `isLarge`, and the mean of those.
template <typename Predicate>
static float keepLarge(ArrayRef<float> weights, MutableArrayRef<int8_t> codes,
                       Predicate isLarge) {
  double sum = 0;
  size_t count = 0;
  for (auto [v, code] : llvm::zip_equal(weights, codes)) {
    double magnitude = std::fabs(double(v));
    code = isLarge(magnitude) ? signOf(v) : 0;
    if (code == 0)
      continue;
    sum += magnitude;
    ++count;
  }
  return count == 0 ? 0.0f : static_cast<float>(sum / double(count));
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
                      MutableArrayRef<int8_t> codes) {
  switch (scheme) {
  case WeightScheme::Absmean:
  case WeightScheme::Absmedian: {
    float middle = scheme == WeightScheme::Absmean
                       ? static_cast<float>(meanAbs(weights))
                       : medianAbs(weights);
    float scale = std::max(middle, eps);
    roundToCodes(weights, scale, codes);
    return scale;
  }
  case WeightScheme::Twn: {
    double threshold = 0.7 * meanAbs(weights);
    return keepLarge(weights, codes,
                     [=](double magnitude) { return magnitude > threshold; });
  }
  case WeightScheme::Sign:
    for (auto [v, code] : llvm::zip_equal(weights, codes))
      code = v < 0 ? -1 : 1;
    return static_cast<float>(meanAbs(weights));
  case WeightScheme::Fit: {
    double threshold = bestThreshold(weights);
    return keepLarge(weights, codes,
                     [=](double magnitude) { return magnitude >= threshold; });
  }
  }
  llvm_unreachable("all schemes are handled");
}

std::optional<size_t> findNonFinite(ArrayRef<float> weights) {
  const float *found =
      llvm::find_if(weights, [](float v) { return !std::isfinite(v); });
  if (found == weights.end())
    return std::nullopt;
  return found - weights.begin();
}

} // namespace bit
