// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pool. Also run under ThreadSanitizer: docs/runtime.md says how.

#include "Fixture.h"
#include <atomic>
#include <mutex>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>

extern "C" {
#include "pool.h"
}

/// ThreadSanitizer forbids threads in a forked child unless asked.
extern "C" const char *__tsan_default_options() { return "die_after_fork=0"; }

namespace {

struct Counts {
  explicit Counts(int64_t n, int64_t grain) : seen(n), grain(grain) {}

  std::vector<std::atomic<int>> seen;
  int64_t grain;
  std::atomic<int> calls{0}, tooShort{0}, unaligned{0};

  static void body(void *context, int64_t lo, int64_t hi) {
    auto &self = *static_cast<Counts *>(context);
    self.calls += 1;
    auto n = static_cast<int64_t>(self.seen.size());
    self.tooShort += hi - lo < self.grain && hi != n;
    self.unaligned += lo % self.grain != 0;
    for (int64_t i = lo; i < hi; ++i)
      self.seen[static_cast<size_t>(i)] += 1;
  }
};

class PoolTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override { bitrt_pool_retain(GetParam()); }
  void TearDown() override { bitrt_pool_release(); }
};

TEST_P(PoolTest, CoversEachIndexOnce) {
  for (int64_t n : {1, 2, 3, 7, 64, 1000, 1001})
    for (int64_t grain : {1, 2, 16, 999, 5000}) {
      Counts counts(n, grain);
      bitrt_pool_run(GetParam(), Counts::body, &counts, n, grain);
      for (const auto &seen : counts.seen)
        ASSERT_EQ(seen, 1) << n << " by " << grain;
      EXPECT_EQ(counts.tooShort, 0);
      EXPECT_EQ(counts.unaligned, 0);
    }
}

TEST_P(PoolTest, TakesOddRanges) {
  Counts counts(1, 1);
  bitrt_pool_run(GetParam(), Counts::body, &counts, 0, 1);
  bitrt_pool_run(GetParam(), Counts::body, &counts, -5, 1);
  EXPECT_EQ(counts.calls, 0);
  bitrt_pool_run(GetParam(), Counts::body, &counts, 1, -1);
  EXPECT_EQ(counts.calls, 1);
  // Ranges near the largest number: only their ends are looked at.
  std::atomic<int64_t> total{0};
  auto add = [](void *context, int64_t lo, int64_t hi) {
    *static_cast<std::atomic<int64_t> *>(context) += hi - lo;
  };
  bitrt_pool_run(GetParam(), add, &total, INT64_MAX, INT64_MAX / 3);
  EXPECT_EQ(total, INT64_MAX);
  total = 0;
  bitrt_pool_run(GetParam(), add, &total, INT64_MAX, 1);
  EXPECT_EQ(total, INT64_MAX);
}

TEST_P(PoolTest, RunsNestedLoopsInline) {
  struct Nested {
    int threads;
    std::atomic<int64_t> total{0}, calls{0};
  } nested{GetParam(), {}, {}};
  auto inner = [](void *context, int64_t lo, int64_t hi) {
    auto *self = static_cast<Nested *>(context);
    self->total += hi - lo;
    self->calls += 1;
  };
  struct Outer {
    Nested *nested;
    bitrt_body inner;
  } outer{&nested, inner};
  bitrt_pool_run(
      GetParam(),
      [](void *context, int64_t lo, int64_t hi) {
        auto *self = static_cast<Outer *>(context);
        for (int64_t i = lo; i < hi; ++i)
          bitrt_pool_run(self->nested->threads, self->inner, self->nested, 10,
                         1);
      },
      &outer, 50, 1);
  EXPECT_EQ(nested.total, 500);
  if (GetParam() > 1) {
    EXPECT_EQ(nested.calls, 50);
  }
}

TEST_P(PoolTest, WakesAfterSleeping) {
  for (int round = 0; round < 3; ++round) {
    // Much longer than the workers spin.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Counts counts(100, 1);
    bitrt_pool_run(GetParam(), Counts::body, &counts, 100, 1);
    for (const auto &seen : counts.seen)
      ASSERT_EQ(seen, 1);
  }
}

TEST_P(PoolTest, ServesManyCallers) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        Counts counts(64, 1);
        bitrt_pool_run(GetParam(), Counts::body, &counts, 64, 1);
        for (const auto &seen : counts.seen)
          wrong += seen != 1;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, PoolTest, testing::Values(1, 2, 3, 8));

TEST(PoolLifeTest, UsesSeveralThreads) {
  bitrt_pool_retain(4);
  struct Ids {
    std::atomic<int> waiting{0};
    std::atomic<bool> met{false};
  } ids;
  // Two bodies that wait for each other: one thread alone would never end, so
  // there is a limit.
  bitrt_pool_run(
      4,
      [](void *context, int64_t, int64_t) {
        auto *self = static_cast<Ids *>(context);
        self->waiting += 1;
        for (int i = 0; i < 2000 && !self->met; ++i) {
          if (self->waiting >= 2)
            self->met = true;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      },
      &ids, 2, 1);
  EXPECT_TRUE(ids.met);
  bitrt_pool_release();
}

/// Calls of a body that the first two threads enter together.
struct Together {
  struct Call {
    std::thread::id thread;
    int64_t lo, hi;
  };
  explicit Together(int64_t n) : n(n) {}

  int64_t n;
  std::mutex mutex;
  std::vector<Call> calls;
  std::atomic<int64_t> done{0};

  bool haveTwoThreads() {
    std::lock_guard<std::mutex> lock(mutex);
    for (const Call &call : calls)
      if (call.thread != calls.front().thread)
        return true;
    return false;
  }
  void note(int64_t lo, int64_t hi) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      calls.push_back({std::this_thread::get_id(), lo, hi});
    }
    // Bounded: a machine may not run the other thread at all.
    for (int i = 0; i < 5000 && !haveTwoThreads(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
};

TEST(PoolLifeTest, DealsContiguousRanges) {
  bitrt_pool_retain(2);
  Together together(100);
  bitrt_pool_run(
      2,
      [](void *context, int64_t lo, int64_t hi) {
        static_cast<Together *>(context)->note(lo, hi);
      },
      &together, together.n, 1);
  bitrt_pool_release();
  ASSERT_TRUE(together.haveTwoThreads());
  // Each thread goes through its own half from the front; only then does it
  // take from the back of the other's.
  for (bool isCaller : {true, false}) {
    int64_t next = isCaller ? 0 : together.n / 2;
    for (const auto &call : together.calls)
      if ((call.thread == std::this_thread::get_id()) == isCaller &&
          call.lo == next)
        next = call.hi;
    EXPECT_GT(next, isCaller ? 10 : together.n / 2 + 10);
  }
}

TEST(PoolLifeTest, DoesTheWorkOfALateThread) {
  bitrt_pool_retain(2);
  Together together(64);
  bitrt_pool_run(
      2,
      [](void *context, int64_t lo, int64_t hi) {
        auto *self = static_cast<Together *>(context);
        self->note(lo, hi);
        // The second half's thread is late: the other one does all but what
        // it has taken.
        if (lo == self->n / 2)
          for (int i = 0; i < 5000 && self->done < self->n - (hi - lo); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        self->done += hi - lo;
      },
      &together, together.n, 1);
  bitrt_pool_release();
  EXPECT_EQ(together.done, together.n);
  int64_t byCaller = 0;
  for (const auto &call : together.calls)
    if (call.thread == std::this_thread::get_id())
      byCaller += call.hi - call.lo;
  EXPECT_GT(byCaller, together.n / 2);
}

TEST(PoolLifeTest, WorksOnBusyCores) {
  // More threads than cores, in the pool and beside it.
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> others{0};
  std::vector<std::thread> busy;
  for (int i = 0; i < 4; ++i)
    busy.emplace_back([&] {
      while (!stop)
        others += 1;
    });
  bitrt_pool_retain(8);
  for (int job = 0; job < 200; ++job) {
    Counts counts(1000 + job, 3);
    bitrt_pool_run(8, Counts::body, &counts, 1000 + job, 3);
    for (const auto &seen : counts.seen)
      ASSERT_EQ(seen, 1);
    // Units are handed out by parts of what is left, not one by one: 42 of a
    // range in about a dozen, and a few more where two take from it.
    EXPECT_LE(counts.calls, 8 * 24);
  }
  bitrt_pool_release();
  stop = true;
  for (std::thread &thread : busy)
    thread.join();
  EXPECT_GT(others, 0u);
}

TEST(PoolLifeTest, BurnsNothingWhenParked) {
  bitrt_pool_retain(4);
  Counts counts(100, 1);
  bitrt_pool_run(4, Counts::body, &counts, 100, 1);
  auto cpuMilliseconds = [] {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e3 * static_cast<double>(time.tv_sec) +
           1e-6 * static_cast<double>(time.tv_nsec);
  };
  // By then the workers have spun and sleep: also those that the system did
  // not run at once.
  double spent = 1e9;
  for (int attempt = 0; attempt < 20 && spent >= 5; ++attempt) {
    double before = cpuMilliseconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    spent = cpuMilliseconds() - before;
  }
  EXPECT_LT(spent, 5);
  bitrt_pool_release();
}

TEST(PoolLifeTest, StaysAwakeAmongShortJobs) {
  bitrt_pool_retain(2);
  // These are over before a worker wakes. One that slept again whenever it came
  // too late would sleep before each of them. Several attempts: the system may
  // run others between.
  using std::chrono::steady_clock;
  constexpr int jobs = 200;
  int64_t fewest = jobs;
  for (int attempt = 0; attempt < 20 && fewest >= jobs / 4; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (int job = 0; job < jobs; ++job) {
      bitrt_pool_run(2, [](void *, int64_t, int64_t) {}, nullptr, 2, 1);
      auto end = steady_clock::now() + std::chrono::microseconds(20);
      while (steady_clock::now() < end)
        ;
    }
    getrusage(RUSAGE_SELF, &after);
    fewest = std::min<int64_t>(fewest, after.ru_nvcsw - before.ru_nvcsw);
  }
  EXPECT_LT(fewest, jobs / 4);
  bitrt_pool_release();
}

TEST(PoolLifeTest, StartsAndStopsOften) {
  for (int i = 0; i < 50; ++i) {
    bitrt_pool_retain(3);
    Counts counts(30, 1);
    bitrt_pool_run(3, Counts::body, &counts, 30, 1);
    EXPECT_EQ(counts.seen[29], 1);
    bitrt_pool_release();
  }
}

TEST(PoolLifeTest, WorksInAForkedChild) {
  bitrt_pool_retain(3);
  Counts before(30, 1);
  bitrt_pool_run(3, Counts::body, &before, 30, 1);
  pid_t child = fork();
  if (child == 0) {
    Counts counts(30, 1);
    bitrt_pool_run(3, Counts::body, &counts, 30, 1);
    bitrt_pool_retain(3);
    bitrt_pool_run(3, Counts::body, &counts, 30, 1);
    bitrt_pool_release();
    _exit(counts.seen[0] == 2 && counts.seen[29] == 2 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  bitrt_pool_release();
}

} // namespace
