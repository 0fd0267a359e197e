// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights in a file, in the library, in huge pages.

#include "Opening.h"
#include "bit/checksum.h"
#include "gmock/gmock.h"
#include <array>
#include <cstring>

using testing::HasSubstr;

namespace {

/// A description whose weights are in a file.
bit_model_desc external() {
  bit_model_desc desc = copyOfFake();
  desc.weights = nullptr;
  desc.weights_file = "fake.weights";
  desc.weights_hash[0] = 42;
  return desc;
}

std::string weightsFile(const bit_model_desc &desc,
                        void (*change)(bit_abi_weights_header &) = nullptr) {
  bit_abi_weights_header header{};
  std::memcpy(header.magic, BIT_ABI_WEIGHTS_MAGIC, sizeof(header.magic));
  header.version = BIT_ABI_WEIGHTS_VERSION;
  header.header_bytes = 64;
  header.weights_bytes = desc.weights_bytes;
  std::memcpy(header.model_hash, desc.model_hash, sizeof(header.model_hash));
  std::memcpy(header.weights_hash, desc.weights_hash,
              sizeof(header.weights_hash));
  if (change)
    change(header);
  std::string bytes(64, '\0');
  std::memcpy(&bytes[0], &header, sizeof(header));
  float weights[4] = {2, 4, 6, 8};
  bytes.append(reinterpret_cast<const char *>(weights), sizeof(weights));
  return bytes;
}

TEST(WeightsTest, MapsAFile) {
  bit_model_desc desc = external();
  TemporaryFile file(weightsFile(desc));
  bit_options options = withThreads(1);
  options.weights_path = file.path;
  bit_model *model;
  bit_session *session;
  ASSERT_EQ(bit_model_open(&desc, &options, &model), BIT_OK)
      << bit_last_error();
  ASSERT_EQ(bit_session_create(model, &session), BIT_OK);
  FakeInputs in(2);
  FakeOutputs out;
  ASSERT_EQ(bit_session_run(session, in.tensors, 3, out.tensors, 3), BIT_OK);
  EXPECT_EQ(out.y()[7], 8 * in.x[7] + .5f);
  bit_session_destroy(session);
  bit_model_close(model);
}

TEST(WeightsTest, LooksBesideTheLibrary) {
  // In the program's own data, as a linked model's would be.
  static const bit_model_desc desc = external();
  EXPECT_EQ(open(desc), BIT_FILE_ERROR);
  EXPECT_THAT(bit_last_error(), HasSubstr("/fake.weights: No such file or "
                                          "directory (the weights of model "
                                          "'fake')"));
}

TEST(WeightsTest, RefusesFilesThatDoNotFit) {
  auto message = [](const std::string &bytes) {
    TemporaryFile file(bytes);
    bit_options options = withThreads(1);
    options.weights_path = file.path;
    EXPECT_EQ(open(external(), options), BIT_BAD_WEIGHTS);
    return std::string(bit_last_error());
  };
  bit_model_desc desc = external();
  EXPECT_THAT(message("short"), HasSubstr(": too short for a weights file"));
  EXPECT_THAT(message(std::string(80, 'x')),
              HasSubstr(": expects a weights file"));
  EXPECT_THAT(message(weightsFile(desc, [](auto &h) { h.version = 2; })),
              HasSubstr(": expects version 1 of weights, got 2"));
  EXPECT_THAT(message(weightsFile(desc, [](auto &h) { h.model_hash[1] ^= 1; })),
              HasSubstr(": holds the weights of another model than 'fake'"));
  EXPECT_THAT(
      message(weightsFile(desc, [](auto &h) { h.weights_hash[0] = 0; })),
      HasSubstr(": holds the weights of another model than 'fake'"));
  EXPECT_THAT(message(weightsFile(desc, [](auto &h) { h.weights_bytes = 8; })),
              HasSubstr(": expects 16 bytes of weights, got 8"));
  EXPECT_THAT(message(weightsFile(desc, [](auto &h) { h.header_bytes = 60; })),
              HasSubstr(": its header is damaged"));
  EXPECT_THAT(message(weightsFile(desc).substr(0, 79)),
              HasSubstr(": truncated: weights end after the file's 79 bytes"));
}

TEST(WeightsTest, HaveAChecksum) {
  std::vector<unsigned char> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(i * 31);
  using Hash = std::array<uint64_t, 2>;
  auto hash = [&](std::vector<size_t> pieces) {
    bit_checksum sum{};
    size_t at = 0;
    for (size_t piece : pieces) {
      bit_checksum_add(&sum, bytes.data() + at, piece);
      at += piece;
    }
    uint64_t result[2];
    bit_checksum_finish(&sum, result);
    return Hash{result[0], result[1]};
  };
  // Fixed for all time: libraries have it in them.
  EXPECT_EQ(hash({1000}), (Hash{0xd31725a11ea0c88d, 0xe50cfd0f64490ada}));
  EXPECT_EQ(hash({1, 62, 1, 64, 130, 0, 742}), hash({1000}));
  EXPECT_EQ(hash({500, 500}), hash({1000}));
  Hash whole = hash({1000});
  EXPECT_NE(hash({999}), whole);
  EXPECT_NE(hash({}), (Hash{0, 0}));
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; bit += 7) {
      bytes[i] ^= static_cast<unsigned char>(1 << bit);
      ASSERT_NE(hash({1000}), whole) << i;
      bytes[i] ^= static_cast<unsigned char>(1 << bit);
    }
  // Zeros at the end count, too.
  std::fill(bytes.begin(), bytes.end(), 0);
  EXPECT_NE(hash({64}), hash({65}));
  EXPECT_NE(hash({64}), hash({128}));
}

TEST(WeightsTest, AreVerifiedIfAsked) {
  bit_options options = withThreads(1);
  options.flags = BIT_VERIFY_WEIGHTS;
  EXPECT_EQ(open(copyOfFake(), options), BIT_BAD_WEIGHTS);
  EXPECT_STREQ(bit_last_error(), "model 'fake' has no checksum of its weights");

  alignas(64) float weights[4] = {2, 4, 6, 8};
  bit_checksum sum{};
  bit_checksum_add(&sum, weights, sizeof(weights));
  bit_model_desc desc = external();
  bit_checksum_finish(&sum, desc.weights_hash);
  std::string bytes = weightsFile(desc);
  {
    TemporaryFile file(bytes);
    options.weights_path = file.path;
    EXPECT_EQ(open(desc, options), BIT_OK) << bit_last_error();
  }
  bytes.back() ^= 1;
  TemporaryFile damaged(bytes);
  EXPECT_EQ(open(desc, options), BIT_BAD_WEIGHTS);
  EXPECT_THAT(bit_last_error(),
              HasSubstr("the weights of model 'fake' are damaged: expects "
                        "checksum "));
  // Not without asking.
  options.flags = 0;
  EXPECT_EQ(open(desc, options), BIT_OK);

  desc.weights = reinterpret_cast<const uint8_t *>(weights);
  options.flags = BIT_VERIFY_WEIGHTS | BIT_HUGE_PAGES;
  EXPECT_EQ(open(desc, options), BIT_OK) << bit_last_error();
  weights[2] = 7;
  EXPECT_EQ(open(desc, options), BIT_BAD_WEIGHTS);
}

/// What a level saw of its weights.
struct {
  const uint8_t *address;
  float values[4];
} seen;

int32_t look(bit_abi_call *call) {
  seen.address = call->weights;
  std::memcpy(seen.values, call->weights, sizeof(seen.values));
  call->api->fail(call, "seen");
  return 1;
}

/// The line of /proc/self/maps with `address`, "" if nothing is there.
std::string findMapping(const void *address) {
  std::ifstream maps("/proc/self/maps");
  auto number = reinterpret_cast<uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &first, &end) == 2 &&
        first <= number && number < end)
      return line;
  }
  return "";
}

/// Opens the model, looks at its weights and closes it; returns their mapping
/// while it was open.
std::string lookAtWeights(bit_model_desc desc, const bit_options &options) {
  bit_abi_level level{"looking", 0, look};
  desc.levels = &level;
  desc.n_levels = 1;
  bit_model *model = nullptr;
  bit_session *session = nullptr;
  EXPECT_EQ(bit_model_open(&desc, &options, &model), BIT_OK)
      << bit_last_error();
  EXPECT_EQ(bit_session_create(model, &session), BIT_OK);
  FakeInputs in(1);
  EXPECT_EQ(bit_session_run(session, in.tensors, 3, nullptr, 0),
            BIT_RUN_FAILED);
  std::string mapping = findMapping(seen.address);
  bit_session_destroy(session);
  bit_model_close(model);
  return mapping;
}

TEST(WeightsTest, AreUsedWhereTheyAre) {
  bit_model_desc desc = copyOfFake();
  lookAtWeights(desc, withThreads(1));
  EXPECT_EQ(seen.address, desc.weights);

  desc = external();
  TemporaryFile file(weightsFile(desc));
  bit_options options = withThreads(1);
  options.weights_path = file.path;
  EXPECT_THAT(lookAtWeights(desc, options), HasSubstr("runtime-test"));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(seen.address) % 64, 0u);
  EXPECT_EQ(findMapping(seen.address), "");
}

TEST(WeightsTest, AreCopiedToHugePages) {
  bit_model_desc desc = copyOfFake();
  bit_options options = withThreads(1);
  options.flags = BIT_HUGE_PAGES;
  auto expectCopy = [&](std::vector<float> values) {
    std::string mapping = lookAtWeights(desc, options);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(seen.address) % (2 << 20), 0u);
    EXPECT_EQ(std::vector<float>(seen.values, seen.values + 4), values);
    // Read-only and of no file; gone with the model.
    EXPECT_THAT(mapping, HasSubstr(" r--p 00000000 00:00 0"));
    EXPECT_EQ(findMapping(seen.address), "");
  };
  expectCopy({1, 2, 3, 4});

  desc = external();
  TemporaryFile file(weightsFile(desc));
  options.weights_path = file.path;
  expectCopy({2, 4, 6, 8});
}

TEST(WeightsTest, RefusesACopyWithoutMemory) {
  bit_model_desc desc = copyOfFake();
  desc.weights_bytes = PTRDIFF_MAX;
  bit_options options = withThreads(1);
  options.flags = BIT_HUGE_PAGES;
  EXPECT_EQ(open(desc, options), BIT_OUT_OF_MEMORY);
  EXPECT_STREQ(bit_last_error(),
               "no memory for a copy of the 9223372036854775807 bytes of "
               "weights of model 'fake'");
  desc.weights_bytes = PTRDIFF_MAX / 2;
  EXPECT_EQ(open(desc, options), BIT_OUT_OF_MEMORY);
}

} // namespace
