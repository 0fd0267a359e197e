// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Samples of what one call takes.

#ifndef BIT_BENCHMARKS_PRODUCTS_TIMING_H
#define BIT_BENCHMARKS_PRODUCTS_TIMING_H

#include <functional>
#include <string>
#include <vector>

/// Seconds a call by both clocks. CPU time of the thread has all that waiting
/// for memory takes and leaves out what else runs on the machine; only wall
/// time sees other threads.
struct Samples {
  std::vector<double> wall, cpu;

  void append(const Samples &more);
};

/// How long and how often calls are timed.
struct Effort {
  int samples = 20;      ///< at least
  double seconds = 0.03; ///< at least, all of them
};

/// Median and quartiles.
struct Quartiles {
  double low, median, high;
};
Quartiles getQuartiles(std::vector<double> values);

using Call = std::function<void(int)>;

/// Times each of `calls`, which get the number of the call. They take turns, a
/// sample each: what changes on the machine changes all. A sample has as many
/// calls as last 500 us: what reading a clock costs does not count.
std::vector<Samples> sample(const std::vector<Call> &calls,
                            const Effort &effort);
Samples sample(const Call &call, const Effort &effort);

/// The quartiles as a JSON array.
std::string toJSON(const Quartiles &quartiles);

#endif // BIT_BENCHMARKS_PRODUCTS_TIMING_H
