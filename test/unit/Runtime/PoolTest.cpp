// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pool, and many sessions at once. Also run under ThreadSanitizer:
// docs/runtime.md says how.

#include "Fixture.h"
#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
  if (GetParam() > 1)
    EXPECT_EQ(nested.calls, 50);
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

/// A host's pool that calls bodies in two threads of its own.
void hostParallelFor(void *context, void (*body)(void *, int64_t, int64_t),
                     void *bodyContext, int64_t n, int64_t grain) {
  *static_cast<std::atomic<int> *>(context) += 1;
  int64_t middle = std::min(n, (n / 2 + grain - 1) / grain * grain);
  std::thread first([=] { body(bodyContext, 0, middle); });
  std::thread second([=] {
    if (middle < n)
      body(bodyContext, middle, n);
  });
  first.join();
  second.join();
}

TEST(HostPoolTest, ReplacesOurs) {
  std::atomic<int> calls{0};
  bit_options options = BIT_OPTIONS_INIT;
  options.parallel_for = hostParallelFor;
  options.parallel_for_context = &calls;
  bit_model *model;
  bit_session *session;
  ASSERT_EQ(bit_model_open(fake_describe(), &options, &model), BIT_OK);
  ASSERT_EQ(bit_session_create(model, &session), BIT_OK);
  FakeInputs in(9);
  FakeOutputs out;
  ASSERT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 3), BIT_OK);
  EXPECT_EQ(calls, 1);
  for (int64_t i = 0; i < 36; ++i)
    EXPECT_EQ(out.y()[i], in.expectedY(i / 4, i % 4));
  bit_session_destroy(session);
  bit_model_close(model);
}

TEST(SessionsTest, RunConcurrently) {
  constexpr int threads = 8, sessionsPerThread = 4, runs = 60;
  bit_options options = BIT_OPTIONS_INIT;
  options.threads = 3;
  bit_model *model;
  ASSERT_EQ(bit_model_open(fake_describe(), &options, &model), BIT_OK);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t)
    callers.emplace_back([&, t] {
      for (int s = 0; s < sessionsPerThread; ++s) {
        bit_session *session;
        if (bit_session_create(model, &session) != BIT_OK) {
          wrong += 1;
          continue;
        }
        for (int i = 0; i < runs; ++i) {
          FakeInputs in(1 + (t * 7 + i) % 50);
          FakeOutputs out;
          wrong +=
              bit_session_run(session, in.tensors, 3, out.tensors, 3) != BIT_OK;
          for (int64_t e = 0; e < in.batch * 4; ++e)
            wrong += out.y()[e] != in.expectedY(e / 4, e % 4);
        }
        bit_session_destroy(session);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
  bit_model_close(model);
}

/// What a level sees of the session's state while it runs.
struct {
  bit_session *session;
  bit_status nested;
  std::string message;
  unsigned csr;
} observed;

int32_t observe(bit_abi_call *call) {
  FakeInputs in(1);
  observed.nested =
      bit_session_run(observed.session, in.tensors, 3, nullptr, 0);
  observed.message = bit_last_error();
#if defined(__x86_64__)
  observed.csr = _mm_getcsr();
#endif
  call->api->fail(call, "done");
  return 1;
}

TEST(SessionsTest, RefuseASecondRunAndSetTheFloatEnvironment) {
  bit_abi_level level{"observing", 0, observe};
  bit_model_desc desc = copyOfFake();
  desc.levels = &level;
  desc.n_levels = 1;
  bit_model *model;
  ASSERT_EQ(bit_model_open(&desc, nullptr, &model), BIT_OK);
  ASSERT_EQ(bit_session_create(model, &observed.session), BIT_OK);
  FakeInputs in(1);
#if defined(__x86_64__)
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040); // flush denormals, as some hosts do
#endif
  EXPECT_EQ(bit_session_run(observed.session, in.tensors, 3, nullptr, 0),
            BIT_RUN_FAILED);
#if defined(__x86_64__)
  EXPECT_EQ(_mm_getcsr() & 0x8040, 0x8040u);
  _mm_setcsr(before);
  EXPECT_EQ(observed.csr, 0x1f80u);
#endif
  EXPECT_EQ(observed.nested, BIT_SESSION_BUSY);
  EXPECT_EQ(observed.message, "the session is running in another thread");
  bit_session_destroy(observed.session);
  bit_model_close(model);
}

} // namespace
