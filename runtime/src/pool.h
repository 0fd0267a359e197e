/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one thread pool of the process. */
#ifndef BITRT_POOL_H
#define BITRT_POOL_H

#include <stdint.h>

enum { BITRT_MAX_THREADS = 1024 };

typedef void (*bitrt_body)(void *context, int64_t lo, int64_t hi);

/* Cores that the process may use, 1 .. BITRT_MAX_THREADS. */
int32_t bitrt_core_count(void);

/* A user of the pool that wants `threads`, itself among them, comes or goes.
   Workers start with the first and end with the last user. Where the system
   gives fewer threads, there are fewer. */
void bitrt_pool_retain(int32_t threads);
void bitrt_pool_release(void);

/* bit_abi_functions.parallel_for on at most `threads` threads. While another
   caller has the pool, and inside a body, the caller does all of it. */
void bitrt_pool_run(int32_t threads, bitrt_body body, void *context, int64_t n,
                    int64_t grain);

#endif /* BITRT_POOL_H */
