// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's C and the compiler's C++ write layouts P1 and P2 each for
// itself: the same bytes.

#include "bit/Layout/Planes.h"
#include "bit/quant.h"
#include "gtest/gtest.h"
#include <random>
#include <vector>

TEST(SameLayoutTest, PacksTernaryWeightsAsTheCompilerDoes) {
  std::mt19937 generator(1);
  for (int64_t n : {1, 15, 16, 17, 63, 64, 65, 80, 127, 129, 200})
    for (int64_t k : {1, 4, 15, 16, 17, 31, 33, 64, 100}) {
      auto layout = bit::PlaneLayout::get(2, n, k);
      ASSERT_TRUE(layout);
      auto rows = static_cast<size_t>(n), columns = static_cast<size_t>(k);
      auto bytes = static_cast<size_t>(layout->getPackedBytes());
      ASSERT_EQ(bit_rt_packed_bytes(rows, columns), bytes);
      std::vector<int8_t> codes(rows * columns), back(rows * columns);
      for (int8_t &code : codes)
        code = static_cast<int8_t>(generator() % 3) - 1;
      std::vector<uint8_t> ours(bytes, 1), theirs(bytes, 2);
      ASSERT_EQ(bit_rt_pack_ternary(codes.data(), rows, columns, ours.data()),
                BIT_OK);
      ASSERT_FALSE(layout->pack(codes.data(), 0, n, theirs.data()));
      ASSERT_EQ(ours, theirs) << n << " x " << k;
      ASSERT_EQ(
          bit_rt_unpack_ternary(theirs.data(), rows, columns, back.data()),
          BIT_OK);
      ASSERT_EQ(back, codes);
    }
}

TEST(SameLayoutTest, PacksBinaryWeightsAsTheCompilerDoes) {
  std::mt19937 generator(1);
  for (int64_t n : {1, 15, 16, 17, 63, 64, 65, 80, 127, 129, 200})
    for (int64_t k : {1, 4, 15, 16, 17, 31, 32, 33, 64, 100}) {
      auto layout = bit::PlaneLayout::get(1, n, k);
      ASSERT_TRUE(layout);
      auto rows = static_cast<size_t>(n), columns = static_cast<size_t>(k);
      auto bytes = static_cast<size_t>(layout->getPackedBytes());
      ASSERT_EQ(bit_rt_packed_binary_bytes(rows, columns), bytes);
      std::vector<int8_t> codes(rows * columns), back(rows * columns);
      for (int8_t &code : codes)
        code = static_cast<int8_t>(generator() % 2 * 2) - 1;
      std::vector<uint8_t> ours(bytes, 1), theirs(bytes, 2);
      ASSERT_EQ(bit_rt_pack_binary(codes.data(), rows, columns, ours.data()),
                BIT_OK);
      ASSERT_FALSE(layout->pack(codes.data(), 0, n, theirs.data()));
      ASSERT_EQ(ours, theirs) << n << " x " << k;
      ASSERT_EQ(bit_rt_unpack_binary(theirs.data(), rows, columns, back.data()),
                BIT_OK);
      ASSERT_EQ(back, codes);
    }
}
