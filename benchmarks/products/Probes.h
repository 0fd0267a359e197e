// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the machine can do at best: multiply-adds of bytes from registers, and
// reading memory; and what it leaves of its caches, which other programs share.
// Calls of these are timed before and after what is measured,
// on the same threads.

#ifndef BIT_BENCHMARKS_PRODUCTS_PROBES_H
#define BIT_BENCHMARKS_PRODUCTS_PROBES_H

#include "Memory.h"
#include "Timing.h"
#include <string>

enum class Probe { Vpdpbusd, Vpmaddubsw, Read, L2, L3 };

/// "vpdpbusd", "vpmaddubsw", "read", "l2", "l3".
const char *getName(Probe probe);

/// Whether this CPU can run it.
bool isSupported(Probe probe);

/// Multiply-adds, or bytes, a second: the median. `memory` is what Read reads.
/// L2 adds to each word of 112 KB, L3 reads 8 MB, again and again.
double runProbe(Probe probe, int threads, const Region &memory,
                const Effort &effort);

#endif // BIT_BENCHMARKS_PRODUCTS_PROBES_H
