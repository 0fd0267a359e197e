/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the pool costs while its workers spin: the time of a job of one unit a
 * thread over the time of the unit, beside two threads that only set flags for
 * each other, which no pool can beat. The least and the median of each are
 * printed; the exit code is 1 where the pool's least is above the bar and above
 * three times that of the flags.
 */
#define _GNU_SOURCE
#include "pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 200, JOBS = 500 };
static const double UNIT_NS = 1000, BAR_NS = 300;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Work that needs no memory: a chain of multiplications. */
static int64_t unit_turns;
static void spend(int64_t turns) {
  uint64_t value = 1;
  for (int64_t i = 0; i < turns; ++i)
    __asm__ volatile("imul %0, %0" : "+r"(value));
}

static void body(void *context, int64_t lo, int64_t hi) {
  (void)context;
  spend((hi - lo) * unit_turns);
}

/* The bound: a thread that works whenever it is told. */
static struct {
  _Alignas(64) _Atomic int64_t told;
  _Alignas(64) _Atomic int64_t done;
} flags;

static void *follow(void *unused) {
  (void)unused;
  for (int64_t job = 1;; ++job) {
    int64_t told;
    do
      told = atomic_load_explicit(&flags.told, memory_order_acquire);
    while (told >= 0 && told < job);
    if (told < 0)
      return NULL;
    spend(unit_turns);
    atomic_store_explicit(&flags.done, job, memory_order_release);
  }
}

static void lead(int64_t job) {
  atomic_store_explicit(&flags.told, job, memory_order_release);
  spend(unit_turns);
  while (atomic_load_explicit(&flags.done, memory_order_acquire) < job)
    ;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Nanoseconds a job over the unit alone, from samples of JOBS jobs. */
static void report(const char *name, double *samples) {
  qsort(samples, ROUNDS, sizeof(*samples), compare);
  printf("pool: %-22s least %6.0f ns, median %6.0f ns\n", name, samples[0],
         samples[ROUNDS / 2]);
}

int main(void) {
  double start = now();
  spend(100000000);
  unit_turns = (int64_t)(UNIT_NS * 1e8 / (now() - start));

  static double alone[ROUNDS], pooled[ROUNDS], flagged[ROUNDS];
  bitrt_pool_retain(2);
  for (int round = 0; round < ROUNDS; ++round) {
    start = now();
    for (int i = 0; i < JOBS; ++i)
      spend(unit_turns);
    alone[round] = (now() - start) / JOBS;
    for (int i = 0; i < JOBS; ++i) /* until its worker spins */
      bitrt_pool_run(2, body, NULL, 2, 1);
    start = now();
    for (int i = 0; i < JOBS; ++i)
      bitrt_pool_run(2, body, NULL, 2, 1);
    pooled[round] = (now() - start) / JOBS;
  }
  bitrt_pool_release();

  pthread_t other;
  if (pthread_create(&other, NULL, follow, NULL) != 0)
    return 2;
  int64_t job = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    start = now();
    for (int i = 0; i < JOBS; ++i)
      lead(++job);
    flagged[round] = (now() - start) / JOBS;
  }
  atomic_store(&flags.told, -1);
  pthread_join(other, NULL);

  qsort(alone, ROUNDS, sizeof(*alone), compare);
  for (int round = 0; round < ROUNDS; ++round) {
    pooled[round] -= alone[0];
    flagged[round] -= alone[0];
  }
  report("fork and join", pooled);
  report("two flags (bound)", flagged);
  /* On busy cores flags take long, too. */
  bool below = pooled[0] > BAR_NS && pooled[0] > 3 * flagged[0];
  printf("pool: bar %.0f ns%s\n", BAR_NS, below ? "  BELOW" : "");
  return below;
}
