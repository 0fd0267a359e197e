// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::x86 {

static Value call(OpBuilder &builder, Location loc, StringRef name, Type result,
                  ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                       builder.getStringAttr(name), arguments)
      .getResults();
}

Value broadcastCodes(OpBuilder &builder, Location loc, Value word,
                     int64_t bytes) {
  Value words = vector::BroadcastOp::create(
      builder, loc, VectorType::get(bytes / 4, builder.getI32Type()), word);
  return vector::BitCastOp::create(
      builder, loc, VectorType::get(bytes, builder.getI8Type()), words);
}

Value shiftAndMask(OpBuilder &builder, Location loc, Value bytes,
                   int64_t amount, uint8_t mask) {
  auto byteType = cast<VectorType>(bytes.getType());
  auto wordType =
      VectorType::get(byteType.getDimSize(0) / 4, builder.getI32Type());
  auto splat = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            wordType, builder.getI32IntegerAttr(static_cast<int32_t>(value))));
  };
  Value words = vector::BitCastOp::create(builder, loc, wordType, bytes);
  if (amount != 0)
    words = arith::ShRUIOp::create(builder, loc, words,
                                   splat(static_cast<uint32_t>(amount)));
  words = arith::AndIOp::create(builder, loc, words, splat(0x01010101u * mask));
  return vector::BitCastOp::create(builder, loc, byteType, words);
}

Value vpdpbusd(OpBuilder &builder, Location loc, Value sum, Value unsignedBytes,
               Value signedBytes) {
  bool isWide = cast<VectorType>(sum.getType()).getDimSize(0) == 16;
  return call(builder, loc,
              isWide ? "llvm.x86.avx512.vpdpbusd.512"
                     : "llvm.x86.avx512.vpdpbusd.256",
              sum.getType(), {sum, unsignedBytes, signedBytes});
}

Value vpmaddubsw(OpBuilder &builder, Location loc, Value unsignedBytes,
                 Value signedBytes) {
  return call(builder, loc, "llvm.x86.avx2.pmadd.ub.sw",
              VectorType::get(16, builder.getI16Type()),
              {unsignedBytes, signedBytes});
}

Value vpmaddubsw512(OpBuilder &builder, Location loc, Value unsignedBytes,
                    Value signedBytes) {
  return call(builder, loc, "llvm.x86.avx512.pmaddubs.w.512",
              VectorType::get(32, builder.getI16Type()),
              {unsignedBytes, signedBytes});
}

Value vpermi2b(OpBuilder &builder, Location loc, Value a, Value indices,
               Value b) {
  return call(builder, loc, "llvm.x86.avx512.vpermi2var.qi.512", a.getType(),
              {a, indices, b});
}

Value vpacksswb(OpBuilder &builder, Location loc, Value a, Value b) {
  return call(builder, loc, "llvm.x86.avx512.packsswb.512",
              VectorType::get(64, builder.getI8Type()), {a, b});
}

Value vpmaddwd(OpBuilder &builder, Location loc, Value a, Value b) {
  return call(builder, loc, "llvm.x86.avx2.pmadd.wd",
              VectorType::get(8, builder.getI32Type()), {a, b});
}

Value addPlanes(OpBuilder &builder, Location loc, ValueRange planes) {
  auto type = cast<VectorType>(planes[0].getType());
  Value sum = planes[0];
  for (auto [i, plane] : llvm::enumerate(planes.drop_front())) {
    auto bits = builder.getI32IntegerAttr(2 * static_cast<int32_t>(i + 1));
    Value amount = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(type, bits));
    Value shifted = arith::ShRSIOp::create(builder, loc, plane, amount);
    sum = arith::AddIOp::create(builder, loc, sum, shifted);
  }
  return sum;
}

Value pin(OpBuilder &builder, Location loc, Value value) {
  auto none = LLVM::TailCallKindAttr::get(builder.getContext(),
                                          LLVM::TailCallKind::None);
  return LLVM::InlineAsmOp::create(
             builder, loc, value.getType(), value, builder.getStringAttr(""),
             /*constraints=*/builder.getStringAttr("=x,0"),
             /*has_side_effects=*/UnitAttr(), /*is_align_stack=*/UnitAttr(),
             none, /*asm_dialect=*/LLVM::AsmDialectAttr(),
             /*operand_attrs=*/ArrayAttr())
      .getRes();
}

} // namespace bit::x86
