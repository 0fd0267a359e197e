// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fake model opened, with a valid set of inputs that tests then spoil.

#ifndef BIT_TEST_FIXTURE_H
#define BIT_TEST_FIXTURE_H

#include "FakeModel.h"
#include "bit/runtime.h"
#include "gtest/gtest.h"
#include <vector>

/// A description that a test may change.
inline bit_model_desc copyOfFake() { return *fake_describe(); }

/// Inputs of `batch` rows: x[b, c] = 10 b + c, bias = .5, index[b] = b.
struct FakeInputs {
  explicit FakeInputs(int64_t batch) : batch(batch) {
    for (int64_t b = 0; b < batch; ++b) {
      for (int c = 0; c < 4; ++c)
        x.push_back(static_cast<float>(10 * b + c));
      index.push_back(b);
    }
    xShape[0] = indexShape[0] = batch;
    tensors[0] = {
        sizeof(bit_tensor), x.data(), BIT_FLOAT32, 2, xShape, nullptr};
    tensors[1] = {sizeof(bit_tensor), bias, BIT_FLOAT32, 1, biasShape, nullptr};
    tensors[2] = {sizeof(bit_tensor), index.data(), BIT_INT64, 1,
                  indexShape,         nullptr};
  }
  FakeInputs(const FakeInputs &) = delete;

  float expectedY(int64_t b, int64_t c) const {
    return x[b * 4 + c] * static_cast<float>(c + 1) + bias[c];
  }

  int64_t batch;
  std::vector<float> x;
  float bias[4] = {.5f, .5f, .5f, .5f};
  std::vector<int64_t> index;
  int64_t xShape[2] = {0, 4}, biasShape[1] = {4}, indexShape[1] = {0};
  bit_tensor tensors[3];
};

/// Outputs that the session owns until a test gives them memory.
struct FakeOutputs {
  bit_tensor tensors[3] = {
      {sizeof(bit_tensor), nullptr, 0, 0, nullptr, nullptr},
      {sizeof(bit_tensor), nullptr, 0, 0, nullptr, nullptr},
      {sizeof(bit_tensor), nullptr, 0, 0, nullptr, nullptr}};

  const float *y() const { return static_cast<float *>(tensors[0].data); }
  const float *kept() const { return static_cast<float *>(tensors[1].data); }
  int32_t level() const { return *static_cast<int32_t *>(tensors[2].data); }
};

class FakeModelTest : public testing::Test {
protected:
  void SetUp() override {
    bit_options options = BIT_OPTIONS_INIT;
    options.threads = 2;
    ASSERT_EQ(bit_model_open(fake_describe(), &options, &model), BIT_OK)
        << bit_last_error();
    ASSERT_EQ(bit_session_create(model, &session), BIT_OK);
  }
  void TearDown() override {
    bit_session_destroy(session);
    bit_model_close(model);
  }

  bit_status run() {
    return bit_session_run(session, in.tensors, 3, out.tensors, 3);
  }
  /// The run is refused with this status and message; afterwards a good run
  /// still works.
  void expectRefused(bit_status status, const char *message) {
    EXPECT_EQ(run(), status) << bit_status_string(status);
    EXPECT_STREQ(bit_error_message(session), message);
    FakeInputs goodIn(2);
    FakeOutputs goodOut;
    EXPECT_EQ(bit_session_run(session, goodIn.tensors, 3, goodOut.tensors, 3),
              BIT_OK);
    EXPECT_STREQ(bit_error_message(session), "");
  }

  bit_model *model = nullptr;
  bit_session *session = nullptr;
  FakeInputs in{3};
  FakeOutputs out;
};

#endif // BIT_TEST_FIXTURE_H
