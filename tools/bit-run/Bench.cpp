// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Json.h"
#include "Run.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace bitrun {

using Clock = std::chrono::steady_clock;

static double microseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

/// Times of single runs in us, sorted.
static std::vector<double> measure(Model &model, double seconds) {
  constexpr size_t fewestRuns = 5, mostRuns = 1000000;
  std::vector<double> times;
  Clock::time_point start = Clock::now(), now = start;
  while (
      times.size() < mostRuns &&
      (times.size() < fewestRuns || microseconds(start, now) < seconds * 1e6)) {
    Clock::time_point before = Clock::now();
    model.run();
    now = Clock::now();
    times.push_back(microseconds(before, now));
  }
  std::sort(times.begin(), times.end());
  return times;
}

/// The smallest time that `share` of the runs do not exceed.
static double percentile(const std::vector<double> &sorted, double share) {
  auto rank = static_cast<size_t>(
      std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[rank > 0 ? rank - 1 : 0];
}

void bench(const Options &options, Model &model) {
  std::vector<Array> inputs = collectInputs(options, model);
  model.bind(inputs);
  // Warm-up: caches, pages, the clock of the CPU, the pool's threads.
  measure(model, std::min(options.seconds / 5, 0.2));
  std::vector<double> times = measure(model, options.seconds);

  const std::pair<const char *, double> figures[] = {
      {"min", times.front()},
      {"p10", percentile(times, .1)},
      {"median", percentile(times, .5)},
      {"p90", percentile(times, .9)},
      {"p99", percentile(times, .99)}};
  uint64_t weightBytes = model.getDescription().weights_bytes;
  // Bytes a microsecond are MB a second.
  double gbPerSecond =
      static_cast<double>(weightBytes) / percentile(times, .5) / 1e3;
  if (options.json) {
    json::Object us, object;
    for (auto [name, value] : figures)
      us.add(name, json::number(value));
    object.add("model", json::quote(model.getDescription().name))
        .add("level", json::quote(model.getLevel()))
        .add("threads", json::number(int64_t{model.getThreads()}))
        .add("runs", json::number(uint64_t{times.size()}))
        .add("us", us.str())
        .add("weight_bytes", json::number(weightBytes))
        .add("arena_bytes", json::number(model.getArenaBytes()))
        .add("gb_per_s", json::number(gbPerSecond));
    std::printf("%s\n", object.str().c_str());
    return;
  }
  std::printf("%s, level %s, %d threads, %zu runs\n",
              model.getDescription().name, model.getLevel().c_str(),
              model.getThreads(), times.size());
  for (auto [name, value] : figures)
    std::printf("  %-7s%12.2f us\n", name, value);
  std::printf("  weights%12.3f GB/s\n", gbPerSecond);
}

} // namespace bitrun
