// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An allocator that fails at its n-th call, for every n.

#include "Fixture.h"
#include <cstdlib>

/// AddressSanitizer's allocator would end the program where malloc gives NULL.
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}

namespace {

struct FailingAllocator {
  int calls = 0, failAt = -1;
  size_t liveBytes = 0;
  int liveBlocks = 0;

  static void *alloc(void *context, size_t bytes, size_t alignment) {
    auto *self = static_cast<FailingAllocator *>(context);
    EXPECT_EQ(alignment, 64u);
    if (self->calls++ == self->failAt)
      return nullptr;
    self->liveBytes += bytes;
    self->liveBlocks += 1;
    return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  }
  static void free(void *context, void *memory, size_t bytes) {
    auto *self = static_cast<FailingAllocator *>(context);
    self->liveBytes -= bytes;
    self->liveBlocks -= 1;
    std::free(memory);
  }
};

/// Opens, creates and runs, with strided inputs and outputs; true if all of it
/// worked.
bool runAll(FailingAllocator &memory) {
  bit_allocator allocator{FailingAllocator::alloc, FailingAllocator::free,
                          &memory};
  bit_options options = BIT_OPTIONS_INIT;
  options.threads = 1;
  options.allocator = &allocator;
  bit_model *model = nullptr;
  bit_session *session = nullptr;
  bit_status status = bit_model_open(fake_describe(), &options, &model);
  if (status == BIT_OK)
    status = bit_session_create(model, &session);
  if (status != BIT_OK) {
    EXPECT_EQ(status, BIT_OUT_OF_MEMORY);
    EXPECT_NE(std::string(bit_last_error()).find("no memory for"),
              std::string::npos);
    bit_model_close(model);
    return false;
  }

  FakeInputs in(3);
  FakeOutputs out;
  int64_t repeated[1] = {0};
  in.tensors[1].strides = repeated;
  float y[24];
  int64_t shape[2] = {3, 4}, strides[2] = {8, 2};
  out.tensors[0] = {sizeof(bit_tensor), y, BIT_FLOAT32, 2, shape, strides};
  status = bit_session_run(session, in.tensors, 3, out.tensors, 3);
  bool worked = status == BIT_OK;
  if (!worked) {
    EXPECT_EQ(status, BIT_OUT_OF_MEMORY);
    EXPECT_NE(std::string(bit_error_message(session)).find("no memory for"),
              std::string::npos);
    // The next run has memory again.
    EXPECT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 3), BIT_OK)
        << bit_error_message(session);
  }
  EXPECT_EQ(y[22], in.expectedY(2, 3));
  bit_session_destroy(session);
  bit_model_close(model);
  return worked;
}

TEST(MemoryTest, SurvivesEachFailureOfAnAllocation) {
  int failAt = 0;
  for (;; ++failAt) {
    FailingAllocator memory;
    memory.failAt = failAt;
    bool worked = runAll(memory);
    EXPECT_EQ(memory.liveBlocks, 0) << failAt;
    EXPECT_EQ(memory.liveBytes, 0u) << failAt;
    if (worked)
      break;
  }
  // Model, session, copy of the bias, arena, three outputs, a temporary.
  EXPECT_EQ(failAt, 8);
}

TEST(MemoryTest, AllocatesNothingButTemporariesWhenHot) {
  FailingAllocator memory;
  bit_allocator allocator{FailingAllocator::alloc, FailingAllocator::free,
                          &memory};
  bit_options options = BIT_OPTIONS_INIT;
  options.allocator = &allocator;
  bit_model *model;
  bit_session *session;
  ASSERT_EQ(bit_model_open(fake_describe(), &options, &model), BIT_OK);
  ASSERT_EQ(bit_session_create(model, &session), BIT_OK);
  FakeInputs in(3);
  FakeOutputs out;
  ASSERT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 3), BIT_OK);
  int before = memory.calls;
  ASSERT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 3), BIT_OK);
  EXPECT_EQ(memory.calls, before + 1);
  bit_session_destroy(session);
  bit_model_close(model);
  EXPECT_EQ(memory.liveBlocks, 0);
}

/// A library that asks for what cannot be, by way of its run function.
bit_status runWith(bit_abi_run run, std::string &message) {
  bit_abi_level level{"test", 0, run};
  bit_model_desc desc = copyOfFake();
  desc.levels = &level;
  desc.n_levels = 1;
  bit_model *model;
  bit_session *session;
  EXPECT_EQ(bit_model_open(&desc, nullptr, &model), BIT_OK);
  EXPECT_EQ(bit_session_create(model, &session), BIT_OK);
  FakeInputs in(3);
  FakeOutputs out;
  bit_status status = bit_session_run(session, in.tensors, 3, out.tensors, 3);
  message = bit_error_message(session);
  bit_session_destroy(session);
  bit_model_close(model);
  return status;
}

TEST(MemoryTest, RefusesImpossibleRequests) {
  std::string message;
  auto negative = [](bit_abi_call *c) {
    return int32_t{!c->api->reserve(c, -1)};
  };
  EXPECT_EQ(runWith(negative, message), BIT_OUT_OF_MEMORY);
  EXPECT_EQ(message, "no memory for an arena of -1 bytes");
  auto huge = [](bit_abi_call *c) {
    return int32_t{!c->api->alloc(c, INT64_MAX)};
  };
  EXPECT_EQ(runWith(huge, message), BIT_OUT_OF_MEMORY);
  EXPECT_EQ(message, "no memory for a temporary of 9223372036854775807 bytes");
  auto twice = [](bit_abi_call *c) {
    return int32_t{!c->api->reserve(c, 1) || !c->api->reserve(c, 1)};
  };
  EXPECT_EQ(runWith(twice, message), BIT_RUN_FAILED);
  EXPECT_EQ(message, "the library reserved its arena twice");
  auto output = [](bit_abi_call *c) {
    const int64_t dims[2] = {INT64_MAX / 2, 4};
    return int32_t{!c->api->output(c, 0, dims)};
  };
  EXPECT_EQ(runWith(output, message), BIT_OUT_OF_MEMORY);
  EXPECT_EQ(message, "output 'y': no memory for shape [4611686018427387903, 4] "
                     "of float32");
}

TEST(MemoryTest, RefusesWhatALibraryMayNotDo) {
  std::string message;
  auto nothing = [](bit_abi_call *) { return int32_t{0}; };
  EXPECT_EQ(runWith(nothing, message), BIT_RUN_FAILED);
  EXPECT_EQ(message, "output 'y' was not computed");
  auto silent = [](bit_abi_call *) { return int32_t{5}; };
  EXPECT_EQ(runWith(silent, message), BIT_RUN_FAILED);
  EXPECT_EQ(message, "the model's code failed with 5 and no message");
  auto failing = [](bit_abi_call *c) {
    c->api->fail(c, "the first");
    c->api->fail(c, "the second");
    return int32_t{0};
  };
  EXPECT_EQ(runWith(failing, message), BIT_RUN_FAILED);
  EXPECT_EQ(message, "the first");
  auto index = [](bit_abi_call *c) {
    const int64_t dims[2] = {1, 4};
    return int32_t{!c->api->output(c, 3, dims)};
  };
  EXPECT_EQ(runWith(index, message), BIT_RUN_FAILED);
  EXPECT_EQ(message, "the library asked for output 3 without dims, twice, or "
                     "for one that is not there");
  auto dims = [](bit_abi_call *c) {
    const int64_t dims[2] = {1, 5};
    return int32_t{!c->api->output(c, 0, dims)};
  };
  EXPECT_EQ(runWith(dims, message), BIT_RUN_FAILED);
  EXPECT_EQ(message,
            "output 'y': the model declares shape [-1, 4] but computed [1, 5]");
}

} // namespace
