// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the machine can do at best: multiply-adds of bytes from registers, and
// reading memory. Calls of these are timed before and after what is measured,
// on the same threads.

#ifndef BIT_BENCHMARKS_PRODUCTS_PROBES_H
#define BIT_BENCHMARKS_PRODUCTS_PROBES_H

#include "Memory.h"
#include "Timing.h"
#include <string>

enum class Probe { Vpdpbusd, Vpmaddubsw, Read };

/// "vpdpbusd", ...
const char *getName(Probe probe);

/// Whether this CPU can run it.
bool isSupported(Probe probe);

/// Multiply-adds, or bytes, a second: the median. `memory` is what Read reads.
double runProbe(Probe probe, int threads, const Region &memory,
                const Effort &effort);

#endif // BIT_BENCHMARKS_PRODUCTS_PROBES_H
