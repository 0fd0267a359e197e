// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes of 8 bits. docs/kernels.md has the figures.

#include "Intrinsics.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

template <int64_t bytes>
static Value broadcastBytes(OpBuilder &builder, Location loc, Value word) {
  return broadcastCodes(builder, loc, word, bytes);
}

static Value addBytes(OpBuilder &builder, Location loc, Value sum, Value quads,
                      Value x) {
  return vpdpbusd(builder, loc, sum, x, quads);
}

/// vpmaddubsw saturates: the products of all codes need i16 factors.
static Value broadcastHalves(OpBuilder &builder, Location loc, Value word) {
  // A broadcast from memory costs no port that shuffles need.
  Value quads = broadcastCodes(builder, loc, word, 16);
  return arith::ExtUIOp::create(
      builder, loc, VectorType::get(16, builder.getI16Type()), quads);
}

static Value addHalves(OpBuilder &builder, Location loc, Value sum, Value quads,
                       Value x) {
  Value wide = arith::ExtSIOp::create(builder, loc, x.getType(), quads);
  return arith::AddIOp::create(builder, loc, sum,
                               vpmaddwd(builder, loc, wide, x));
}

void addCodeKernels(KernelRegistry &kernels) {
  kernels.addCodes({"x86.avx2_codes",
                    {"avx2"},
                    {},
                    /*columns=*/4,
                    /*partials=*/2,
                    /*rows=*/2, // three spill
                    /*vectors=*/4,
                    /*chains=*/1,
                    broadcastHalves,
                    addHalves});
  // The same instruction has two encodings.
  kernels.addCodes({"x86.avxvnni_codes",
                    {"avx2", "avxvnni"},
                    {"avx2", "avx512f", "avx512vl", "avx512vnni"},
                    /*columns=*/8,
                    /*partials=*/1,
                    /*rows=*/3,
                    /*vectors=*/4,
                    /*chains=*/8,
                    broadcastBytes<32>,
                    addBytes});
  kernels.addCodes({"x86.vnni_codes",
                    {"avx512f", "avx512bw", "avx512vl", "avx512vnni"},
                    {},
                    /*columns=*/16,
                    /*partials=*/1,
                    /*rows=*/8,
                    /*vectors=*/2,
                    /*chains=*/8,
                    broadcastBytes<64>,
                    addBytes});
}

} // namespace bit::x86
