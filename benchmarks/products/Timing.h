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

/// Times `call`, which gets the number of the call. A sample has as many calls
/// as last 500 us: what reading a clock costs does not count.
Samples sample(const std::function<void(int)> &call, const Effort &effort);

/// The quartiles as a JSON array.
std::string toJSON(const Quartiles &quartiles);

#endif // BIT_BENCHMARKS_PRODUCTS_TIMING_H
