// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that are damaged or lie about their sizes: a message, never a crash,
// and no more memory than the file has bytes. What is read right is checked
// with numpy by test/tools/bit-run.

#include "Array.h"
#include "Failure.h"
#include "gmock/gmock.h"
#include <cstdio>
#include <cstring>
#include <random>
#include <unistd.h>

using namespace bitrun;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::string npy(const std::string &dictionary, const std::string &data) {
  std::string length{static_cast<char>(dictionary.size() & 0xff),
                     static_cast<char>(dictionary.size() >> 8)};
  return std::string("\x93NUMPY\1\0", 8) + length + dictionary + data;
}

std::string npyOf(const std::string &descr, const std::string &shape,
                  const std::string &data) {
  return npy("{'descr': '" + descr +
                 "', 'fortran_order': False, 'shape': " + shape + ", }\n",
             data);
}

/// A TensorProto's fields.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string field(int number, uint64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}
std::string field(int number, const std::string &bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) +
         bytes;
}

using Parse = Array (*)(const uint8_t *, size_t, const std::string &);

Array parse(Parse parser, const std::string &bytes) {
  // A copy of exactly this size, so that a sanitizer sees reads beyond it.
  std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  return parser(exact.data(), exact.size(), "f");
}

std::string failure(Parse parser, const std::string &bytes) {
  try {
    parse(parser, bytes);
  } catch (const Failure &error) {
    EXPECT_EQ(error.code, CannotRun);
    return error.text;
  }
  return "no failure";
}

/// Any prefix and any change of one byte: an array or a failure.
void expectRobust(Parse parser, const std::string &bytes) {
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(failure(parser, bytes.substr(0, size)), "no failure") << size;
  std::mt19937 generator(1);
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int trial = 0; trial < 8; ++trial) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(generator());
      failure(parser, changed);
    }
}

TEST(NpyTest, ReadsRawTypes) {
  Array array =
      parse(parseNpy, npyOf("<V2", "(2,)", std::string("\x80\x3f\0\x40", 4)));
  EXPECT_EQ(array.dtype, Array::Raw);
  adoptDtype(array, BIT_BFLOAT16, "f");
  EXPECT_EQ(array.dtype, BIT_BFLOAT16);
  EXPECT_THAT(array.shape, ElementsAre(2));
}

TEST(NpyTest, AdoptsSmallIntegers) {
  Array array = parse(parseNpy, npyOf("|i1", "(2,)", "\x07\xf8"));
  adoptDtype(array, BIT_INT4, "f");
  EXPECT_EQ(array.dtype, BIT_INT4);
  Array far = parse(parseNpy, npyOf("|i1", "(2,)", "\x07\x08"));
  try {
    adoptDtype(far, BIT_INT4, "f");
    FAIL() << "8 is no int4";
  } catch (const Failure &error) {
    EXPECT_EQ(error.text, "f: expects int4 values, got 8 at element 1");
  }
}

TEST(NpyTest, RefusesWithAReason) {
  EXPECT_EQ(failure(parseNpy, "PK"), "f: expects a .npy file");
  EXPECT_EQ(failure(parseNpy, std::string("\x93NUMPY\4\0\0\0\0\0", 12)),
            "f: expects .npy version 1, 2 or 3, got 4");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(3,)", "12345678")),
            "f: expects 12 bytes for float32 [3], got 8");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(4611686018427387904, 2)", "")),
            "f: its shape exceeds the address space");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(99999999999999999999,)", "")),
            "f: its shape exceeds the address space");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(0, 4611686018427387904, 9)", "")),
            "f: its shape exceeds the address space");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(1000000000000,)", "")),
            "f: expects 4000000000000 bytes for float32 [1000000000000], got "
            "0");
  EXPECT_EQ(failure(parseNpy, npyOf("<U3", "(1,)", "123456789012")),
            "f: expects an array of numbers, got numpy type '<U3'");
  EXPECT_EQ(failure(parseNpy, npy("{'descr': [('a', '<f4')], }", "")),
            "f: expects an array of numbers, got one of structs");
  EXPECT_EQ(failure(parseNpy, npy("{'descr': '<f4'}", "")),
            "f: its .npy header is damaged");
  EXPECT_EQ(failure(parseNpy, npyOf("<f4", "(-1,)", "")),
            "f: its .npy header is damaged");
}

TEST(NpyTest, SurvivesDamage) {
  expectRobust(parseNpy, npyOf("<f4", "(2, 3)", std::string(24, 'x')));
}

TEST(TensorProtoTest, ReadsPackedIntegers) {
  // int4 -8, 7, -1 in two bytes.
  Array array = parse(parseTensorProto, field(1, 3) + field(2, BIT_INT4) +
                                            field(9, std::string("\x78\x0f")));
  EXPECT_THAT(array.data, ElementsAre(0xf8, 7, 0xff));
  Array uint2 = parse(parseTensorProto, field(1, 5) + field(2, BIT_UINT2) +
                                            field(9, std::string("\xe4\x02")));
  EXPECT_THAT(uint2.data, ElementsAre(0, 1, 2, 3, 2));
}

TEST(TensorProtoTest, ReadsTypedFields) {
  Array halves = parse(parseTensorProto,
                       field(1, std::string("\2")) + field(2, BIT_FLOAT16) +
                           field(5, varint(0x3c00) + varint(0xc000)));
  EXPECT_THAT(halves.data, ElementsAre(0, 0x3c, 0, 0xc0));
  Array negative =
      parse(parseTensorProto, field(1, 1) + field(2, BIT_INT64) +
                                  field(7, static_cast<uint64_t>(-2)));
  EXPECT_EQ(negative.data[0], 0xfe);
  EXPECT_EQ(negative.data[7], 0xff);
}

TEST(TensorProtoTest, RefusesWithAReason) {
  EXPECT_EQ(failure(parseTensorProto, "\xff"),
            "f: is no TensorProto, or a damaged one");
  EXPECT_EQ(failure(parseTensorProto, field(1, 1)),
            "f: expects a TensorProto of numbers, got data type 0");
  EXPECT_EQ(failure(parseTensorProto, field(2, BIT_STRING)),
            "f: expects a TensorProto of numbers, got data type 8");
  EXPECT_EQ(failure(parseTensorProto, field(2, 1) + field(14, 1)),
            "f: expects its data inside the file, not in another one");
  EXPECT_EQ(
      failure(parseTensorProto, field(1, 1000000) + field(2, BIT_FLOAT32)),
      "f: expects 4000000 bytes for float32 [1000000], got 0");
  EXPECT_EQ(failure(parseTensorProto, field(1, static_cast<uint64_t>(-1)) +
                                          field(2, BIT_FLOAT32)),
            "f: expects dims >= 0, got -1");
  std::string many;
  for (int i = 0; i < 33; ++i)
    many += field(1, 1);
  EXPECT_EQ(failure(parseTensorProto, many + field(2, BIT_FLOAT32)),
            "f: expects a rank of at most 32, got 33");
}

TEST(TensorProtoTest, SurvivesDamage) {
  std::string bytes =
      field(1, 2) + field(2, BIT_FLOAT32) + field(9, std::string("12345678"));
  expectRobust(parseTensorProto, bytes);
}

uint32_t crcOf(const std::string &data) {
  uint32_t crc = ~0u;
  for (char c : data) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

/// An archive with one stored member, as numpy.savez writes it.
std::string archive(const std::string &name, const std::string &data,
                    uint32_t crc) {
  auto number = [](uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i)
      out += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
    return out;
  };
  std::string sizes = number(crc, 4) + number(data.size(), 4) +
                      number(data.size(), 4) + number(name.size(), 2);
  std::string local = number(0x04034b50, 4) + number(0, 10) + sizes +
                      number(0, 2) + name + data;
  std::string entry =
      number(0x02014b50, 4) + number(0, 12) + sizes + number(0, 16) + name;
  return local + entry + number(0x06054b50, 4) + number(0, 4) + number(1, 2) +
         number(1, 2) + number(entry.size(), 4) + number(local.size(), 4) +
         number(0, 2);
}

class NpzTest : public testing::Test {
protected:
  NpzTest() { std::snprintf(path, sizeof(path), "readers-%d.npz", getpid()); }
  ~NpzTest() override { std::remove(path); }

  std::string failureOf(const std::string &bytes) {
    FILE *file = std::fopen(path, "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    try {
      arrays = readNpz(path);
    } catch (const Failure &error) {
      return error.text;
    }
    return "no failure";
  }

  char path[64];
  NamedArrays arrays;
  std::string member = npyOf("|u1", "(4,)", "abcd");
};

TEST_F(NpzTest, Reads) {
  EXPECT_EQ(crcOf("123456789"), 0xcbf43926u);
  ASSERT_EQ(failureOf(archive("x.npy", member, crcOf(member))), "no failure");
  ASSERT_EQ(arrays.count("x"), 1u);
  EXPECT_THAT(arrays["x"].data, ElementsAre('a', 'b', 'c', 'd'));
}

TEST_F(NpzTest, RefusesWithAReason) {
  EXPECT_THAT(failureOf(archive("x.npy", member, 0)),
              HasSubstr("x.npy: its checksum is wrong"));
  EXPECT_THAT(failureOf(""), HasSubstr("the archive is damaged or truncated"));
  EXPECT_THAT(failureOf(std::string(100, '\0')),
              HasSubstr("the archive is damaged or truncated"));
  EXPECT_THAT(failureOf(archive("x.npy", "text", crcOf("text"))),
              HasSubstr("x.npy: expects a .npy file"));
}

TEST_F(NpzTest, SurvivesDamage) {
  std::string bytes = archive("x.npy", member, crcOf(member));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(failureOf(bytes.substr(0, size)), "no failure") << size;
  std::mt19937 generator(1);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(generator());
    failureOf(changed);
  }
}

TEST(ReadFileTest, RefusesFolders) {
  try {
    readFile("/");
    FAIL() << "a folder was read";
  } catch (const Failure &error) {
    EXPECT_EQ(error.text, "/: expects a file");
  }
}

} // namespace
