// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::aarch64 {

static Value call(OpBuilder &builder, Location loc, StringRef name, Type result,
                  ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                       builder.getStringAttr(name), arguments)
      .getResults();
}

static Value emitAsm(OpBuilder &builder, Location loc, Type type,
                     ValueRange operands, StringRef text,
                     StringRef constraints) {
  auto none = LLVM::TailCallKindAttr::get(builder.getContext(),
                                          LLVM::TailCallKind::None);
  return LLVM::InlineAsmOp::create(
             builder, loc, type, operands, builder.getStringAttr(text),
             builder.getStringAttr(constraints),
             /*has_side_effects=*/UnitAttr(), /*is_align_stack=*/UnitAttr(),
             none, /*asm_dialect=*/LLVM::AsmDialectAttr(),
             /*operand_attrs=*/ArrayAttr())
      .getRes();
}

static VectorType getSumType(OpBuilder &builder) {
  return VectorType::get(4, builder.getI32Type());
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

Value zeroSums(OpBuilder &builder, Location loc) {
  return splat(builder, loc, getSumType(builder), 0);
}

Value sdot(OpBuilder &builder, Location loc, Value sum, Value a, Value b) {
  return call(builder, loc, "llvm.aarch64.neon.sdot.v4i32.v16i8", sum.getType(),
              {sum, a, b});
}

Value shuffleWords(OpBuilder &builder, Location loc, Value a, Value b,
                   ArrayRef<int64_t> lanes) {
  auto words = getSumType(builder);
  Value shuffled = vector::ShuffleOp::create(
      builder, loc, vector::BitCastOp::create(builder, loc, words, a),
      vector::BitCastOp::create(builder, loc, words, b), lanes);
  return vector::BitCastOp::create(builder, loc, a.getType(), shuffled);
}

Value broadcastWord(OpBuilder &builder, Location loc, Value bytes,
                    int64_t lane) {
  return shuffleWords(builder, loc, bytes, bytes, {lane, lane, lane, lane});
}

Value smmla(OpBuilder &builder, Location loc, Value sum, Value a, Value b) {
  return call(builder, loc, "llvm.aarch64.neon.smmla.v4i32.v16i8",
              sum.getType(), {sum, a, b});
}

Value smull(OpBuilder &builder, Location loc, Value a, Value b, bool upper) {
  SmallVector<int64_t> lanes =
      llvm::to_vector(llvm::seq<int64_t>(upper ? 8 : 0, upper ? 16 : 8));
  auto half = [&](Value value) -> Value {
    return vector::ShuffleOp::create(builder, loc, value, value, lanes);
  };
  return call(builder, loc, "llvm.aarch64.neon.smull.v8i16",
              VectorType::get(8, builder.getI16Type()), {half(a), half(b)});
}

Value addQuads(OpBuilder &builder, Location loc, Value lower, Value upper) {
  auto type = getSumType(builder);
  auto addPairs = [&](Value value) {
    return call(builder, loc, "llvm.aarch64.neon.saddlp.v4i32.v8i16", type,
                value);
  };
  return call(builder, loc, "llvm.aarch64.neon.addp.v4i32", type,
              {addPairs(lower), addPairs(upper)});
}

Value shiftBytes(OpBuilder &builder, Location loc, Value bytes,
                 int64_t amount) {
  return arith::ShRUIOp::create(builder, loc, bytes,
                                splat(builder, loc, bytes.getType(), amount));
}

Value maskBytes(OpBuilder &builder, Location loc, Value bytes, uint8_t mask) {
  return arith::AndIOp::create(builder, loc, bytes,
                               splat(builder, loc, bytes.getType(), mask));
}

// As generic IR it would be two shifts.
Value testBytes(OpBuilder &builder, Location loc, Value bytes, uint8_t mask) {
  return emitAsm(builder, loc, bytes.getType(),
                 {bytes, splat(builder, loc, bytes.getType(), mask)},
                 "cmtst $0.16b, $1.16b, $2.16b", "=w,w,w");
}

Value pin(OpBuilder &builder, Location loc, Value value) {
  return emitAsm(builder, loc, value.getType(), value, "", "=w,0");
}

} // namespace bit::aarch64
