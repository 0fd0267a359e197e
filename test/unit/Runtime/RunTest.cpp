// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs of a session: what comes out, and what is refused with which words.

#include "Fixture.h"
#include <cstring>

namespace {

TEST_F(FakeModelTest, RunsWithSessionOwnedOutputs) {
  in.index = {2, -1, 0};
  in.tensors[2].data = in.index.data();
  ASSERT_EQ(run(), BIT_OK) << bit_error_message(session);
  ASSERT_EQ(out.tensors[0].rank, 2);
  EXPECT_EQ(out.tensors[0].dtype, BIT_FLOAT32);
  EXPECT_EQ(out.tensors[0].shape[0], 3);
  EXPECT_EQ(out.tensors[1].shape[0], 2);
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t c = 0; c < 4; ++c)
      EXPECT_EQ(out.y()[b * 4 + c], in.expectedY(b, c));
  EXPECT_EQ(out.kept()[0], in.expectedY(2, 0));
  EXPECT_EQ(out.kept()[7], in.expectedY(0, 3));
}

TEST_F(FakeModelTest, RunsAgainWithWhatTheSessionGave) {
  ASSERT_EQ(run(), BIT_OK);
  FakeInputs larger(40);
  ASSERT_EQ(bit_session_run(session, larger.tensors, 3, out.tensors, 3), BIT_OK)
      << bit_error_message(session);
  EXPECT_EQ(out.tensors[0].shape[0], 40);
  EXPECT_EQ(out.y()[159], larger.expectedY(39, 3));
}

TEST_F(FakeModelTest, RunsWithCallersOutputs) {
  float y[12];
  int64_t shape[2] = {3, 4};
  out.tensors[0] = {sizeof(bit_tensor), y, BIT_FLOAT32, 2, shape, nullptr};
  ASSERT_EQ(run(), BIT_OK) << bit_error_message(session);
  EXPECT_EQ(out.tensors[0].data, y);
  EXPECT_EQ(y[11], in.expectedY(2, 3));
}

TEST_F(FakeModelTest, DropsOutputs) {
  EXPECT_EQ(bit_session_run(session, in.tensors, 3, nullptr, 0), BIT_OK);
}

TEST_F(FakeModelTest, RunsAnEmptyBatch) {
  FakeInputs empty(0);
  empty.tensors[0].data = nullptr;
  empty.tensors[2].data = nullptr;
  ASSERT_EQ(bit_session_run(session, empty.tensors, 3, out.tensors, 3), BIT_OK)
      << bit_error_message(session);
  EXPECT_EQ(out.tensors[0].shape[0], 0);
  EXPECT_NE(out.tensors[0].data, nullptr);
}

TEST_F(FakeModelTest, GathersStridedInputs) {
  // x transposed in memory, index backwards, one bias for all columns.
  std::vector<float> transposed(12);
  for (int b = 0; b < 3; ++b)
    for (int c = 0; c < 4; ++c)
      transposed[c * 3 + b] = in.x[b * 4 + c];
  int64_t xStrides[2] = {1, 3}, backwards[1] = {-1}, repeated[1] = {0};
  in.tensors[0].data = transposed.data();
  in.tensors[0].strides = xStrides;
  in.tensors[1].strides = repeated;
  in.tensors[2].data = in.index.data() + 2;
  in.tensors[2].strides = backwards;
  ASSERT_EQ(run(), BIT_OK) << bit_error_message(session);
  for (int64_t i = 0; i < 12; ++i)
    EXPECT_EQ(out.y()[i], in.expectedY(i / 4, i % 4));
  EXPECT_EQ(out.kept()[0], in.expectedY(2, 0));
}

TEST_F(FakeModelTest, ScattersToStridedOutputs) {
  // Every second row of a larger matrix, columns backwards.
  float y[6][8];
  std::memset(y, 0, sizeof(y));
  int64_t shape[2] = {3, 4}, strides[2] = {16, -2};
  out.tensors[0] = {
      sizeof(bit_tensor), &y[0][6], BIT_FLOAT32, 2, shape, strides};
  ASSERT_EQ(run(), BIT_OK) << bit_error_message(session);
  for (int b = 0; b < 3; ++b)
    for (int c = 0; c < 4; ++c)
      EXPECT_EQ(y[2 * b][6 - 2 * c], in.expectedY(b, c));
  EXPECT_EQ(y[0][1], 0);
  EXPECT_EQ(y[1][0], 0);
}

TEST_F(FakeModelTest, StepsByTheCallersTensorSize) {
  struct Larger {
    bit_tensor tensor;
    int64_t future;
  } larger[3];
  for (int i = 0; i < 3; ++i) {
    larger[i].tensor = in.tensors[i];
    larger[i].tensor.size = sizeof(Larger);
  }
  EXPECT_EQ(bit_session_run(session, &larger[0].tensor, 3, out.tensors, 3),
            BIT_OK)
      << bit_error_message(session);
  larger[1].tensor.size = sizeof(bit_tensor);
  EXPECT_EQ(bit_session_run(session, &larger[0].tensor, 3, out.tensors, 3),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_error_message(session),
               "input 1: expects bit_tensor.size of 48, got 40");
}

TEST_F(FakeModelTest, RefusesWrongCounts) {
  EXPECT_EQ(bit_session_run(session, in.tensors, 2, out.tensors, 3),
            BIT_WRONG_COUNT);
  EXPECT_STREQ(bit_error_message(session), "expects 3 inputs, got 2");
  EXPECT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 1),
            BIT_WRONG_COUNT);
  EXPECT_STREQ(bit_error_message(session), "expects 3 outputs, got 1");
  EXPECT_EQ(bit_session_run(session, nullptr, 3, out.tensors, 3),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_error_message(session),
               "expects an array of inputs, got NULL");
  EXPECT_EQ(bit_session_run(session, in.tensors, 3, nullptr, 3),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_error_message(session),
               "expects an array of outputs, got NULL");
  EXPECT_EQ(bit_session_run(nullptr, in.tensors, 3, out.tensors, 3),
            BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_error_message(nullptr), "expects a session, got NULL");
}

TEST_F(FakeModelTest, RefusesATensorOfNoSize) {
  in.tensors[0].size = 0;
  expectRefused(BIT_INVALID_ARGUMENT,
                "input 0: expects bit_tensor.size of 40, got 0");
}

TEST_F(FakeModelTest, RefusesADtype) {
  in.tensors[0].dtype = BIT_FLOAT64;
  expectRefused(BIT_WRONG_DTYPE,
                "input 'x': expects dtype float32, got float64 (11)");
  in.tensors[0].dtype = 77;
  expectRefused(BIT_WRONG_DTYPE,
                "input 'x': expects dtype float32, got unknown (77)");
}

TEST_F(FakeModelTest, RefusesARank) {
  in.tensors[0].rank = 3;
  expectRefused(BIT_WRONG_RANK,
                "input 'x': expects rank 2 [batch, 4], got rank 3");
  in.tensors[0].rank = -1;
  expectRefused(BIT_WRONG_RANK,
                "input 'x': expects rank 2 [batch, 4], got rank -1");
}

TEST_F(FakeModelTest, RefusesAShape) {
  in.xShape[1] = 5;
  expectRefused(BIT_WRONG_SHAPE,
                "input 'x': expects shape [batch, 4], got [3, 5]");
  in.xShape[0] = -3;
  in.xShape[1] = 4;
  expectRefused(BIT_WRONG_SHAPE,
                "input 'x': expects shape [batch, 4], got [-3, 4]");
  in.tensors[0].shape = nullptr;
  expectRefused(BIT_WRONG_SHAPE, "input 'x': expects a shape, got NULL");
}

TEST_F(FakeModelTest, RefusesSymbolsThatDisagree) {
  in.indexShape[0] = 2;
  expectRefused(BIT_WRONG_SHAPE, "input 'index': expects dim 0 ('batch') of 3 "
                                 "as in input 'x', got 2");
}

TEST_F(FakeModelTest, RefusesAShapeBeyondTheAddressSpace) {
  in.xShape[0] = INT64_MAX / 4;
  expectRefused(BIT_WRONG_SHAPE, "input 'x': shape [2305843009213693951, 4] "
                                 "exceeds the address space");
}

TEST_F(FakeModelTest, RefusesALargeShapeWithoutElements) {
  // Nothing is read, but code multiplies the dims.
  bit_model_desc desc = copyOfFake();
  static const int64_t dims[2] = {-1, -1};
  bit_abi_tensor x = desc.inputs[0];
  x.dims = dims;
  desc.inputs = &x;
  desc.n_inputs = 1;
  bit_model *other;
  bit_session *otherSession;
  ASSERT_EQ(bit_model_open(&desc, nullptr, &other), BIT_OK);
  ASSERT_EQ(bit_session_create(other, &otherSession), BIT_OK);
  int64_t shape[2] = {int64_t{1} << 46, 0};
  bit_tensor tensor{
      sizeof(bit_tensor), nullptr, BIT_FLOAT32, 2, shape, nullptr};
  EXPECT_EQ(bit_session_run(otherSession, &tensor, 1, nullptr, 0),
            BIT_WRONG_SHAPE);
  EXPECT_STREQ(bit_error_message(otherSession),
               "input 'x': shape [70368744177664, 0] exceeds the address "
               "space");
  bit_session_destroy(otherSession);
  bit_model_close(other);
}

TEST_F(FakeModelTest, RefusesStridesBeyondTheAddressSpace) {
  int64_t strides[2] = {INT64_MAX / 4, 1};
  in.tensors[0].strides = strides;
  expectRefused(BIT_WRONG_STRIDES,
                "input 'x': strides [2305843009213693951, 1] of shape [3, 4] "
                "leave the address space");
  strides[0] = INT64_MIN;
  expectRefused(BIT_WRONG_STRIDES,
                "input 'x': strides [-9223372036854775808, 1] of shape [3, 4] "
                "leave the address space");
}

TEST_F(FakeModelTest, RefusesPointers) {
  in.tensors[1].data = nullptr;
  expectRefused(BIT_BAD_POINTER, "input 'bias': expects data, got NULL");
  in.tensors[1].data = reinterpret_cast<char *>(in.bias) + 2;
  EXPECT_EQ(run(), BIT_BAD_POINTER);
  EXPECT_EQ(std::string(bit_error_message(session))
                .find("input 'bias': expects data aligned to 4 bytes, got 0x"),
            0u);
}

TEST_F(FakeModelTest, RefusesOutputs) {
  float y[16];
  int64_t shape[2] = {4, 4};
  out.tensors[0] = {sizeof(bit_tensor), y, BIT_FLOAT32, 2, shape, nullptr};
  expectRefused(BIT_WRONG_SHAPE,
                "output 'y': expects shape [3, 4] in this run, "
                "got [4, 4]");
  out.tensors[0].dtype = BIT_INT8;
  expectRefused(BIT_WRONG_DTYPE,
                "output 'y': expects dtype float32, got int8 (3)");
  out.tensors[0].dtype = BIT_FLOAT32;
  shape[0] = 3;
  int64_t strides[2] = {2, 1};
  out.tensors[0].strides = strides;
  expectRefused(BIT_WRONG_STRIDES,
                "output 'y': expects strides whose elements do not overlap");
}

TEST_F(FakeModelTest, RefusesOverlaps) {
  int64_t shape[2] = {3, 4};
  out.tensors[0] = {
      sizeof(bit_tensor), in.x.data(), BIT_FLOAT32, 2, shape, nullptr};
  expectRefused(BIT_BAD_POINTER, "output 'y' is written over input 'x'");
  std::vector<float> both(20);
  out.tensors[0].data = both.data();
  out.tensors[1] = out.tensors[0];
  out.tensors[1].data = both.data() + 8;
  expectRefused(BIT_BAD_POINTER, "outputs 'y' and 'out/kept rows' overlap");
}

TEST_F(FakeModelTest, RefusesItsOwnOutputAsInput) {
  ASSERT_EQ(run(), BIT_OK);
  in.tensors[0].data = out.tensors[0].data;
  FakeOutputs fresh;
  EXPECT_EQ(bit_session_run(session, in.tensors, 3, fresh.tensors, 3),
            BIT_BAD_POINTER);
  EXPECT_STREQ(bit_error_message(session),
               "output 'y' is written over input 'x'");
}

TEST_F(FakeModelTest, ReportsAFailedCheckOfTheModel) {
  in.index[1] = 3;
  EXPECT_EQ(run(), BIT_RUN_FAILED);
  EXPECT_EQ(out.tensors[0].data, nullptr);
  expectRefused(BIT_RUN_FAILED, "node 'pick' (ai.onnx Gather, opset 13): "
                                "expects an index below the batch");
}

} // namespace
