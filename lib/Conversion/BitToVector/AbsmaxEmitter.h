// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What emits bit.absmax_quantize on buffers. Its parts: AbsmaxScale.cpp makes
// scales, AbsmaxCodes.cpp makes codes by them, AbsmaxQuantize.cpp goes over the
// values for each granularity.

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_ABSMAXEMITTER_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_ABSMAXEMITTER_H

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

namespace bit {

/// What a quantizer makes of a statistic. Scalars, or vectors where
/// each lane has a scale of its own.
struct QuantizerScale {
  mlir::Value valid;    ///< i1: whether codes can be computed
  mlir::Value tooSmall; ///< i1: whether they can if none of the values is 0
  mlir::Value factor; ///< s, d or a': what values are multiplied or divided by
  mlir::Value xs;     ///< NaN where not valid
};

/// Emits the code of one op at the insertion point of a builder.
class AbsmaxEmitter {
public:
  static constexpr int64_t lanes = 16;
  /// Partial results of a sum along a row, as docs/numerics.md says.
  static constexpr int64_t sumLanes = 64;

  AbsmaxEmitter(mlir::OpBuilder &builder, AbsmaxQuantizeOp op)
      : builder(builder), op(op), loc(op.getLoc()),
        quantizer(op.getQuantizer()),
        rank(llvm::cast<mlir::MemRefType>(op.getX().getType()).getRank()),
        vectorType(mlir::VectorType::get(lanes, builder.getF32Type())) {}

  void emit();

private:
  void emitToken();
  void emitSample();
  void emitTensor();
  void emitChannel();

  mlir::Value emitPartials(mlir::ValueRange row, mlir::Value initial);
  mlir::Value addPartial(mlir::Value carried, mlir::Value x);
  mlir::Value finish(mlir::Value partials);
  mlir::Value divideByCount(mlir::Value sum, llvm::ArrayRef<int64_t> dims);
  QuantizerScale emitScale(mlir::Value a);
  void finishScale(QuantizerScale &scale,
                   llvm::function_ref<mlir::Value()> emitLeast);
  mlir::Value emitLeast(mlir::ValueRange row, mlir::Value initial);
  mlir::Value addLeast(mlir::Value carried, mlir::Value x, mlir::Value mask);
  mlir::Value emitScaled(mlir::Value x, mlir::Value factor);
  mlir::Value emitFloor(mlir::Value v);
  mlir::Value emitClamp(mlir::Value v);
  mlir::Value emitBiasedCodes(mlir::Value x, mlir::Value factor,
                              mlir::Value valid, mlir::Value mask);
  mlir::Value emitCodes(mlir::Value x, mlir::Value factor, mlir::Value valid,
                        mlir::Value mask);
  mlir::Value removeBias(mlir::Value sum);
  void emitRow(mlir::ValueRange row, const QuantizerScale &scale);
  void forEachRow(bool parallel,
                  llvm::function_ref<void(mlir::ValueRange row)> body);
  mlir::Value forRowsOfSample(
      mlir::Value sample, mlir::Value init,
      llvm::function_ref<mlir::Value(mlir::ValueRange row, mlir::Value carried)>
          body);
  mlir::Value
  forEachVector(int64_t width, mlir::Value init,
                llvm::function_ref<mlir::Value(mlir::Value k, mlir::Value mask,
                                               mlir::Value)>
                    body);

  mlir::Value constant(mlir::Type type, float value) {
    auto attr = builder.getF32FloatAttr(value);
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
      return mlir::arith::ConstantOp::create(
          builder, loc, mlir::DenseElementsAttr::get(vector, attr));
    return mlir::arith::ConstantOp::create(builder, loc, attr);
  }
  /// `v`, f32, rounded to the type that the quantizer computes in.
  mlir::Value round(mlir::Value v);
  mlir::Value zero(mlir::Type type) {
    return mlir::arith::ConstantOp::create(builder, loc,
                                           builder.getZeroAttr(type));
  }
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(builder, loc, value);
  }
  mlir::Value loadVector(mlir::ValueRange row, mlir::Value k, mlir::Value mask,
                         int64_t width = lanes);
  void storeVector(mlir::Value value, mlir::Value target, mlir::ValueRange row,
                   mlir::Value k, mlir::Value mask);
  mlir::Value magnitude(mlir::Value x);
  bool isMean() const { return quantizer.getStatistic() == Statistic::AbsMean; }
  /// The bits of a float of which the next integer is the next float.
  int32_t getCodeBias() const {
    return quantizer.getRounding() == Rounding::HalfEven ? 0x4B400000 : 0;
  }
  /// The partial results of a statistic: magnitudes as integers, or sums.
  mlir::VectorType partialType(int64_t width) const {
    mlir::Type element = builder.getI32Type();
    if (isMean())
      element = builder.getF32Type();
    return mlir::VectorType::get(width, element);
  }
  int64_t getPartialWidth() const { return isMean() ? sumLanes : lanes; }
  /// What those of rows start from: a sum from -0, as docs/numerics.md says.
  mlir::Value noPartials() {
    mlir::VectorType type = partialType(getPartialWidth());
    return isMean() ? constant(type, -0.0f) : zero(type);
  }
  /// The same for the smallest magnitude.
  mlir::Value noLeast() {
    auto type = mlir::VectorType::get(lanes, builder.getI32Type());
    return mlir::arith::ConstantOp::create(
        builder, loc,
        mlir::DenseElementsAttr::get(type,
                                     std::numeric_limits<int32_t>::max()));
  }
  mlir::Value reduceLeast(mlir::Value least) {
    return mlir::vector::ReductionOp::create(
        builder, loc, mlir::vector::CombiningKind::MINSI, least);
  }
  /// A vector in memory: loops over rows carry nothing.
  mlir::Value allocateState(mlir::Value initial) {
    auto type = llvm::cast<mlir::VectorType>(initial.getType());
    mlir::Value state = mlir::memref::AllocaOp::create(
        builder, loc,
        mlir::MemRefType::get(type.getShape(), type.getElementType()));
    storeState(initial, state);
    return state;
  }
  mlir::Value loadState(mlir::Value state) {
    auto type = llvm::cast<mlir::MemRefType>(state.getType());
    return mlir::vector::LoadOp::create(
        builder, loc,
        mlir::VectorType::get(type.getShape(), type.getElementType()), state,
        index(0));
  }
  void storeState(mlir::Value value, mlir::Value state) {
    mlir::vector::StoreOp::create(builder, loc, value, state, index(0));
  }
  mlir::Value broadcast(mlir::Value scalar) {
    return mlir::vector::BroadcastOp::create(
        builder, loc, mlir::VectorType::get(lanes, scalar.getType()), scalar);
  }

  mlir::OpBuilder &builder;
  AbsmaxQuantizeOp op;
  mlir::Location loc;
  QuantizerAttr quantizer;
  int64_t rank;
  mlir::VectorType vectorType;
};

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_ABSMAXEMITTER_H
