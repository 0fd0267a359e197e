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

Value splat(OpBuilder &builder, Location loc, Type type, int64_t value) {
  auto vector = cast<VectorType>(type);
  unsigned width = vector.getElementTypeBitWidth();
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(vector, APInt(width, static_cast<uint64_t>(value),
                                           /*isSigned=*/true,
                                           /*implicitTrunc=*/true)));
}

Value shift(OpBuilder &builder, Location loc, Value value, int64_t amount) {
  if (amount == 0)
    return value;
  Value by = splat(builder, loc, value.getType(), std::abs(amount));
  if (amount < 0)
    return arith::ShLIOp::create(builder, loc, value, by);
  return arith::ShRSIOp::create(builder, loc, value, by);
}

Value join(OpBuilder &builder, Location loc, Value low, Value high) {
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, 16));
  return vector::ShuffleOp::create(builder, loc, low, high, lanes);
}

Value broadcastCodes(OpBuilder &builder, Location loc, Value word,
                     int64_t bytes) {
  Value words = vector::BroadcastOp::create(
      builder, loc, VectorType::get(bytes / 4, builder.getI32Type()), word);
  return vector::BitCastOp::create(
      builder, loc, VectorType::get(bytes, builder.getI8Type()), words);
}

/// `body` of 4 bytes each as i32.
static Value asWords(OpBuilder &builder, Location loc, Value bytes,
                     function_ref<Value(Value)> body) {
  auto type = cast<VectorType>(bytes.getType());
  auto wordType = VectorType::get(type.getDimSize(0) / 4, builder.getI32Type());
  Value words = vector::BitCastOp::create(builder, loc, wordType, bytes);
  return vector::BitCastOp::create(builder, loc, type, body(words));
}

Value shiftWords(OpBuilder &builder, Location loc, Value bytes,
                 int64_t amount) {
  return asWords(builder, loc, bytes, [&](Value words) -> Value {
    return arith::ShRUIOp::create(builder, loc, words,
                                  splat(builder, loc, words.getType(), amount));
  });
}

Value maskBytes(OpBuilder &builder, Location loc, Value bytes, uint8_t mask) {
  return asWords(builder, loc, bytes, [&](Value words) -> Value {
    return arith::AndIOp::create(
        builder, loc, words,
        splat(builder, loc, words.getType(), int64_t(0x01010101) * mask));
  });
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
