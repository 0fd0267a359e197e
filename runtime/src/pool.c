/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One job at a time. A caller publishes it in `state`, works on it itself, and
 * waits only for those workers that have entered it: a worker that sleeps, or
 * that the system does not run, delays nobody. Workers spin for a while after
 * a job and then sleep, so a parked model burns no CPU.
 *
 * The job's units are dealt out in contiguous ranges, one a thread, so that
 * each thread reads one sequential stream of weights, and the same one in every
 * run. A thread takes from the front of its own range; when that is empty it
 * takes from the back of the others'.
 */
#define _GNU_SOURCE
#include "pool.h"

#include "float_environment.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/* Turns of pause before a worker sleeps, and before a caller that waits for
   the others yields its core to them: about 50 us and 5 us. */
enum { SPINS_BEFORE_SLEEP = 2000, SPINS_BEFORE_YIELD = 200 };
/* What a thread takes of the units that a range still has: a part, so that
   nobody waits long for the last thread, and not one by one, since a call of
   the body costs some nanoseconds. */
enum { SHARE_TAKEN = 4 };
/* Two numbers of units fit 64 bits. */
#define MAX_UNITS (INT64_C(1) << 31)
/* Kernels use 280 KB; some C libraries give a thread 128. */
enum { STACK_BYTES = 1 << 20 };

/* `state`: workers inside the job, how many may be, whether it takes more,
   and its number. Fields of the job are read only after entering it. */
#define ACTIVE UINT64_C(0xffff)
#define LIMIT_SHIFT 16
#define OPEN (UINT64_C(1) << 32)
#define GENERATION_SHIFT 33

/* Units first .. end of a job, as end << 32 | first, on a line of its own. */
typedef struct range {
  _Alignas(64) _Atomic uint64_t units;
} range;

static struct {
  /* One line: who enters by changing the state has the whole job with it. */
  _Alignas(64) _Atomic uint64_t state;
  bitrt_body body;
  void *context;
  int64_t n, unit;  /* all but the last unit have `unit` indices */
  int64_t n_ranges; /* threads that the job is dealt to */
  range ranges[BITRT_MAX_THREADS];
  _Alignas(64) atomic_flag taken; /* by the caller of the job */
  _Atomic int sleepers;
  _Atomic int waker; /* the core of who woke sleepers last */
  _Atomic bool stop;
  pthread_mutex_t mutex; /* of `wake` */
  pthread_cond_t wake;
  /* Below: under `lifecycle`, but for reads of `workers`. */
  pthread_mutex_t lifecycle;
  _Atomic int workers;
  int users, wanted;
  pthread_t threads[BITRT_MAX_THREADS];
} pool = {.taken = ATOMIC_FLAG_INIT,
          .mutex = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .lifecycle = PTHREAD_MUTEX_INITIALIZER};

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  /* yield does nothing on most cores; this takes tens of cycles, as pause. */
  __asm__ volatile("isb");
#endif
}

int32_t bitrt_core_count(void) {
  cpu_set_t set;
  long count;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    count = CPU_COUNT(&set);
  else
    count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1)
    return 1;
  return count < BITRT_MAX_THREADS ? (int32_t)count : BITRT_MAX_THREADS;
}

/* Takes units from the front (the range's owner) or the back of a range. */
static bool take_units(range *from, bool front, uint64_t *lo, uint64_t *hi) {
  uint64_t old = atomic_load_explicit(&from->units, memory_order_relaxed);
  for (;;) {
    uint64_t first = (uint32_t)old, end = old >> 32;
    if (first >= end)
      return false;
    uint64_t count = (end - first + SHARE_TAKEN - 1) / SHARE_TAKEN;
    *lo = front ? first : end - count;
    *hi = *lo + count;
    uint64_t rest = front ? end << 32 | *hi : *lo << 32 | first;
    if (atomic_compare_exchange_weak_explicit(&from->units, &old, rest,
                                              memory_order_relaxed,
                                              memory_order_relaxed))
      return true;
  }
}

static void run_units(int64_t lo, int64_t hi) {
  int64_t begin = lo * pool.unit;
  /* Divided, not multiplied: the end may exceed int64_t. */
  bool is_last = (pool.n - begin) / pool.unit < hi - lo;
  pool.body(pool.context, begin,
            is_last ? pool.n : begin + (hi - lo) * pool.unit);
}

/* Runs the range `home`, then what others have left. */
static void run_ranges(int64_t home) {
  const int64_t count = pool.n_ranges;
  uint64_t lo, hi;
  while (take_units(&pool.ranges[home], true, &lo, &hi))
    run_units((int64_t)lo, (int64_t)hi);
  for (int64_t i = 1; i < count; ++i) {
    range *other = &pool.ranges[home + i < count ? home + i : home + i - count];
    while (take_units(other, false, &lo, &hi))
      run_units((int64_t)lo, (int64_t)hi);
  }
}

/* There is a job that the worker has not seen. */
static bool is_new(uint64_t state, uint64_t seen) {
  return (state & OPEN) && state >> GENERATION_SHIFT != seen;
}

/* Moves the thread to another core if it runs on this one. Linux wakes a thread
   on its waker's core where it takes the others for busy, and leaves it there
   for milliseconds: there a worker only stops its caller. */
static void leave_core(int core) {
  cpu_set_t allowed, others;
  if (sched_getcpu() != core ||
      sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return;
  others = allowed;
  CPU_CLR((size_t)core, &others);
  if (CPU_COUNT(&others) > 0 &&
      sched_setaffinity(0, sizeof(others), &others) == 0)
    sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* Returns when woken, even if the job is done by then: jobs of some
   microseconds follow each other, and who slept again would miss them all. */
static void sleep_until_woken(uint64_t seen) {
  pthread_mutex_lock(&pool.mutex);
  /* Counted before the last look at the state: a caller that publishes after
     that look sees the count and signals. */
  atomic_fetch_add(&pool.sleepers, 1);
  if (!atomic_load(&pool.stop) && !is_new(atomic_load(&pool.state), seen))
    pthread_cond_wait(&pool.wake, &pool.mutex);
  atomic_fetch_sub(&pool.sleepers, 1);
  pthread_mutex_unlock(&pool.mutex);
  leave_core(atomic_load_explicit(&pool.waker, memory_order_relaxed));
}

static void *work(void *argument) {
  /* The caller's range is the first. */
  const int64_t place = (const range *)argument - pool.ranges;
  bitrt_enter_float();
  uint64_t seen = UINT64_MAX;
  int spins = 0;
  while (!atomic_load_explicit(&pool.stop, memory_order_relaxed)) {
    uint64_t state = atomic_load_explicit(&pool.state, memory_order_acquire);
    if (is_new(state, seen)) {
      if ((state & ACTIVE) >= (state >> LIMIT_SHIFT & ACTIVE)) {
        seen = state >> GENERATION_SHIFT;
      } else if (atomic_compare_exchange_weak_explicit(
                     &pool.state, &state, state + 1, memory_order_acq_rel,
                     memory_order_relaxed)) {
        /* The same range in every job: what it reads may still be in the
           core's cache. Where a job is for fewer, by the order of entering. */
        run_ranges(place < pool.n_ranges ? place
                                         : (int64_t)(state & ACTIVE) + 1);
        seen = state >> GENERATION_SHIFT;
        atomic_fetch_sub_explicit(&pool.state, 1, memory_order_release);
        spins = 0;
      }
    } else if (++spins < SPINS_BEFORE_SLEEP) {
      pause_briefly();
    } else {
      sleep_until_woken(seen);
      spins = 0;
    }
  }
  return NULL;
}

/* Under `lifecycle`. */
static void start_workers(void) {
  /* The host's signals are not for our threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int count = atomic_load(&pool.workers);
  while (count < pool.wanted &&
         pthread_create(&pool.threads[count], &attributes, work,
                        &pool.ranges[count + 1]) == 0)
    ++count;
  atomic_store(&pool.workers, count);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A child has none of its parent's workers; its next model starts new ones. */
static void forget_workers(void) {
  pthread_mutex_init(&pool.mutex, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pthread_mutex_init(&pool.lifecycle, NULL);
  atomic_store(&pool.state, 0);
  atomic_store(&pool.sleepers, 0);
  atomic_store(&pool.workers, 0);
  atomic_flag_clear(&pool.taken);
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_workers); }

void bitrt_pool_retain(int32_t threads) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&pool.lifecycle);
  ++pool.users;
  if (threads - 1 > pool.wanted)
    pool.wanted = threads - 1;
  start_workers();
  pthread_mutex_unlock(&pool.lifecycle);
}

void bitrt_pool_release(void) {
  pthread_mutex_lock(&pool.lifecycle);
  if (--pool.users == 0) {
    atomic_store(&pool.stop, true);
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
    for (int i = atomic_load(&pool.workers); i > 0; --i)
      pthread_join(pool.threads[i - 1], NULL);
    atomic_store(&pool.workers, 0);
    atomic_store(&pool.stop, false);
    pool.wanted = 0;
  }
  pthread_mutex_unlock(&pool.lifecycle);
}

static void wake_sleepers(int64_t limit) {
  int64_t count = atomic_load(&pool.sleepers);
  if (count == 0)
    return;
  atomic_store_explicit(&pool.waker, sched_getcpu(), memory_order_relaxed);
  pthread_mutex_lock(&pool.mutex);
  for (count = count < limit ? count : limit; count > 0; --count)
    pthread_cond_signal(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);
}

/* Lets workers in, does its own share and waits for those who are in. */
static void run_job(int64_t limit) {
  uint64_t generation =
      (atomic_load_explicit(&pool.state, memory_order_relaxed) >>
       GENERATION_SHIFT) +
      1;
  atomic_store(&pool.state, generation << GENERATION_SHIFT | OPEN |
                                (uint64_t)limit << LIMIT_SHIFT);
  wake_sleepers(limit);
  run_ranges(0);
  uint64_t state = atomic_fetch_and(&pool.state, ~OPEN);
  for (int spins = 0; state & ACTIVE; ++spins) {
    if (spins < SPINS_BEFORE_YIELD)
      pause_briefly();
    else
      sched_yield();
    state = atomic_load_explicit(&pool.state, memory_order_acquire);
  }
}

/* Deals the job's units out, the same number to each or one more. */
static void deal_units(int64_t units, int64_t count) {
  pool.n_ranges = count;
  uint64_t first = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t end = (uint64_t)(units * (i + 1) / count);
    atomic_store_explicit(&pool.ranges[i].units, end << 32 | first,
                          memory_order_relaxed);
    first = end;
  }
}

void bitrt_pool_run(int32_t threads, bitrt_body body, void *context, int64_t n,
                    int64_t grain) {
  if (n <= 0)
    return;
  if (grain < 1)
    grain = 1;
  int64_t workers = atomic_load_explicit(&pool.workers, memory_order_relaxed);
  int64_t limit = threads - 1 < workers ? threads - 1 : workers;
  int64_t units = n / grain + (n % grain != 0);
  if (limit > units - 1)
    limit = units - 1;
  if (limit < 1 ||
      atomic_flag_test_and_set_explicit(&pool.taken, memory_order_acquire)) {
    body(context, 0, n);
    return;
  }
  if (units > MAX_UNITS) {
    grain *= units / MAX_UNITS + (units % MAX_UNITS != 0);
    units = n / grain + (n % grain != 0);
  }
  pool.body = body;
  pool.context = context;
  pool.n = n;
  pool.unit = grain;
  deal_units(units, limit + 1);
  run_job(limit);
  atomic_flag_clear_explicit(&pool.taken, memory_order_release);
}
