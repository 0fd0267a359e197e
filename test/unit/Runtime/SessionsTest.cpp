// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host's pool, and many sessions at once. Also run under ThreadSanitizer:
// docs/runtime.md says how.

#include "Fixture.h"
#include "FloatEnvironment.h"
#include <atomic>
#include <thread>

namespace {

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
  uint64_t environment;
} observed;

int32_t observe(bit_abi_call *call) {
  FakeInputs in(1);
  observed.nested =
      bit_session_run(observed.session, in.tensors, 3, nullptr, 0);
  observed.message = bit_last_error();
  observed.environment = readFloatEnvironment();
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
  uint64_t before = readFloatEnvironment();
  writeFloatEnvironment(before | flushes); // as some hosts do
  EXPECT_EQ(bit_session_run(observed.session, in.tensors, 3, nullptr, 0),
            BIT_RUN_FAILED);
  EXPECT_EQ(readFloatEnvironment(), before | flushes);
  writeFloatEnvironment(before);
  EXPECT_EQ(observed.environment, ours);
  EXPECT_EQ(observed.nested, BIT_SESSION_BUSY);
  EXPECT_EQ(observed.message, "the session is running in another thread");
  bit_session_destroy(observed.session);
  bit_model_close(model);
}

} // namespace
