// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes of 8 bits. docs/kernels.md has the figures.

#include "Intrinsics.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::aarch64 {

/// What makes an unsigned code of a signed one, and so the bias of products.
constexpr int64_t codeBias = 128;

static Value call(OpBuilder &builder, Location loc, StringRef name, Type result,
                  ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                       builder.getStringAttr(name), arguments)
      .getResults();
}

/// LLVM makes products by a lane of it.
static Value broadcastCodes(OpBuilder &builder, Location loc, Value word) {
  Value words = vector::BroadcastOp::create(
      builder, loc, VectorType::get(4, builder.getI32Type()), word);
  return vector::BitCastOp::create(
      builder, loc, VectorType::get(16, builder.getI8Type()), words);
}

/// Signed codes + 128.
static Value addBias(OpBuilder &builder, Location loc, Value codes) {
  Value bias = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(cast<VectorType>(codes.getType()),
                             static_cast<int8_t>(-codeBias)));
  return arith::XOrIOp::create(builder, loc, codes, bias);
}

static Value usdot(OpBuilder &builder, Location loc, Value sum, Value quads,
                   Value x) {
  return call(builder, loc, "llvm.aarch64.neon.usdot.v4i32.v16i8",
              sum.getType(), {sum, x, quads});
}

/// There is no product of unsigned by signed codes without i8mm.
static Value udot(OpBuilder &builder, Location loc, Value sum, Value quads,
                  Value x) {
  return call(builder, loc, "llvm.aarch64.neon.udot.v4i32.v16i8", sum.getType(),
              {sum, addBias(builder, loc, quads), x});
}

/// Products of 8 bytes as i16, added by pairs: of the two multipliers' pipes of
/// a core each takes one. Products of i16 factors would need twice the first.
static Value umull(OpBuilder &builder, Location loc, Value sum, Value quads,
                   Value x) {
  Type i16 = builder.getIntegerType(16), i32 = builder.getI32Type();
  auto wide = VectorType::get(8, i16);
  quads = addBias(builder, loc, quads);
  for (int64_t half : {0, 1}) {
    auto part = [&](Value bytes) -> Value {
      bytes = vector::ExtractStridedSliceOp::create(builder, loc, bytes,
                                                    half * 8, 8, 1);
      return arith::ExtUIOp::create(builder, loc, wide, bytes);
    };
    Value products = arith::MulIOp::create(builder, loc, part(quads), part(x));
    Value pairs = call(builder, loc, "llvm.aarch64.neon.uaddlp.v4i32.v8i16",
                       VectorType::get(4, i32), products);
    Value old = vector::ExtractStridedSliceOp::create(builder, loc, sum,
                                                      half * 4, 4, 1);
    // LLVM would add all products of a step first, and spill them.
    Value added =
        pin(builder, loc, arith::AddIOp::create(builder, loc, old, pairs));
    sum = vector::InsertStridedSliceOp::create(builder, loc, added, sum,
                                               half * 4, 1);
  }
  return sum;
}

void addCodeKernels(KernelRegistry &kernels) {
  kernels.addCodes({"aarch64.neon_codes",
                    {"neon"},
                    {},
                    /*columns=*/4,
                    /*partials=*/2,
                    /*rows=*/3,
                    /*vectors=*/2,
                    /*chains=*/4,
                    broadcastCodes,
                    umull,
                    /*steps=*/4,
                    /*bias=*/codeBias});
  kernels.addCodes({"aarch64.dotprod_codes",
                    {"neon", "dotprod"},
                    {},
                    /*columns=*/4,
                    /*partials=*/1,
                    /*rows=*/5,
                    /*vectors=*/4,
                    /*chains=*/8,
                    broadcastCodes,
                    udot,
                    /*steps=*/4,
                    /*bias=*/codeBias});
  kernels.addCodes({"aarch64.i8mm_codes",
                    {"neon", "dotprod", "i8mm"},
                    {},
                    /*columns=*/4,
                    /*partials=*/1,
                    /*rows=*/5,
                    /*vectors=*/4,
                    /*chains=*/8,
                    broadcastCodes,
                    usdot,
                    /*steps=*/4});
}

} // namespace bit::aarch64
