// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Timing.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <time.h>

static constexpr double sampleSeconds = 5e-4;

static double read(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

void Samples::append(const Samples &more) {
  wall.insert(wall.end(), more.wall.begin(), more.wall.end());
  cpu.insert(cpu.end(), more.cpu.begin(), more.cpu.end());
}

/// The value at `share` of the way through sorted values, between neighbours.
static double interpolate(const std::vector<double> &sorted, double share) {
  double place = share * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(place);
  size_t above = std::min(below + 1, sorted.size() - 1);
  double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

Quartiles getQuartiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {interpolate(values, 0.25), interpolate(values, 0.5),
          interpolate(values, 0.75)};
}

namespace {
/// One of several that take turns.
struct Timed {
  const Call &call;
  int number = 0;
  int calls = 1; ///< of a sample
  Samples samples = {};

  void warmUp();
  void takeSample();
};
} // namespace

void Timed::warmUp() {
  call(number++);
  // The least of a few: after one that was interrupted, samples would be short.
  double once = 1;
  for (int i = 0; i < 3; ++i) {
    double start = read(CLOCK_MONOTONIC);
    call(number++);
    once = std::min(once, read(CLOCK_MONOTONIC) - start);
    if (once > 20 * sampleSeconds)
      break;
  }
  once = std::max(once, 1e-8);
  calls = std::max(1, static_cast<int>(std::ceil(sampleSeconds / once)));
}

void Timed::takeSample() {
  double cpu = read(CLOCK_THREAD_CPUTIME_ID);
  double wall = read(CLOCK_MONOTONIC);
  for (int i = 0; i < calls; ++i)
    call(number++);
  wall = read(CLOCK_MONOTONIC) - wall;
  cpu = read(CLOCK_THREAD_CPUTIME_ID) - cpu;
  samples.wall.push_back(wall / calls);
  samples.cpu.push_back(cpu / calls);
}

std::vector<Samples> sample(const std::vector<Call> &calls,
                            const Effort &effort) {
  std::vector<Timed> all;
  for (const Call &call : calls) {
    all.push_back({call});
    all.back().warmUp();
  }
  double begin = read(CLOCK_MONOTONIC);
  double seconds = effort.seconds * static_cast<double>(calls.size());
  for (int turn = 0;
       turn < effort.samples || read(CLOCK_MONOTONIC) - begin < seconds; ++turn)
    for (Timed &timed : all) {
      // While another had its turn, threads went to sleep.
      if (all.size() > 1)
        timed.call(timed.number++);
      timed.takeSample();
    }
  std::vector<Samples> result;
  for (Timed &timed : all)
    result.push_back(std::move(timed.samples));
  return result;
}

Samples sample(const Call &call, const Effort &effort) {
  return sample(std::vector<Call>{call}, effort).front();
}

std::string toJSON(const Quartiles &quartiles) {
  char text[96];
  std::snprintf(text, sizeof(text), "[%.6g, %.6g, %.6g]", quartiles.low,
                quartiles.median, quartiles.high);
  return text;
}
