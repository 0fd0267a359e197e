// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit.absmax_quantize on buffers: one pass over the values for their absolute
// maximum or mean, one for the codes and their sum, 16 values at a time.

#include "ParallelRange.h"
#include "Patterns.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace {

constexpr int64_t lanes = 16;

/// What a quantizer makes of a statistic. Scalars, or vectors where
/// each lane has a scale of its own.
struct Scale {
  Value valid;    ///< i1: whether codes can be computed
  Value tooSmall; ///< i1: whether they can if none of the values is 0
  Value factor;   ///< s, d or a': what values are multiplied or divided by
  Value xs;       ///< NaN where not valid
};

class Emitter {
public:
  Emitter(OpBuilder &builder, bit::AbsmaxQuantizeOp op)
      : builder(builder), op(op), loc(op.getLoc()),
        quantizer(op.getQuantizer()),
        rank(cast<MemRefType>(op.getX().getType()).getRank()),
        vectorType(VectorType::get(lanes, builder.getF32Type())) {}

  void emit();

private:
  void emitToken();
  void emitTensor();
  void emitChannel();

  Value emitPartials(ValueRange row, Value initial);
  Value addPartial(Value carried, Value x);
  Value finish(Value partials);
  Value divideByCount(Value sum, ArrayRef<int64_t> dims);
  Scale emitScale(Value a);
  void finishScale(Scale &scale, function_ref<Value()> emitLeast);
  Value emitLeast(ValueRange row, Value initial);
  Value addLeast(Value carried, Value x, Value mask);
  Value emitScaled(Value x, Value factor);
  Value emitClamp(Value v);
  Value emitCodes(Value x, Value factor, Value valid, Value mask);
  void emitRow(ValueRange row, const Scale &scale);
  void forEachRow(bool parallel, function_ref<void(ValueRange row)> body);
  Value forEachVector(Value init,
                      function_ref<Value(Value k, Value mask, Value)> body);

  Value constant(Type type, float value) {
    auto attr = builder.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(builder, loc,
                                       DenseElementsAttr::get(vector, attr));
    return arith::ConstantOp::create(builder, loc, attr);
  }
  Value zero(Type type) {
    return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value loadVector(ValueRange row, Value k, Value mask);
  void storeVector(Value value, Value target, ValueRange row, Value k,
                   Value mask);
  Value magnitude(Value x);
  bool isMean() const {
    return quantizer.getStatistic() == bit::Statistic::AbsMean;
  }
  /// The partial results of a statistic: magnitudes as integers, or sums.
  VectorType partialType() const {
    return isMean() ? vectorType : VectorType::get(lanes, builder.getI32Type());
  }
  /// What they start from: a sum from -0, as docs/numerics.md says.
  Value noPartials() {
    return isMean() ? constant(vectorType, -0.0f) : zero(partialType());
  }
  /// The same for the smallest magnitude.
  Value noLeast() {
    auto type = VectorType::get(lanes, builder.getI32Type());
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, std::numeric_limits<int32_t>::max()));
  }
  Value reduceLeast(Value least) {
    return vector::ReductionOp::create(builder, loc,
                                       vector::CombiningKind::MINSI, least);
  }
  /// 16 values in memory: loops over rows carry nothing.
  Value allocateState(Value initial) {
    auto type = cast<VectorType>(initial.getType());
    Value state = memref::AllocaOp::create(
        builder, loc, MemRefType::get({lanes}, type.getElementType()));
    storeState(initial, state);
    return state;
  }
  Value loadState(Value state) {
    Type element = getElementTypeOrSelf(state.getType());
    return vector::LoadOp::create(builder, loc, VectorType::get(lanes, element),
                                  state, index(0));
  }
  void storeState(Value value, Value state) {
    vector::StoreOp::create(builder, loc, value, state, index(0));
  }
  Value broadcast(Value scalar) {
    return vector::BroadcastOp::create(
        builder, loc, VectorType::get(lanes, scalar.getType()), scalar);
  }

  OpBuilder &builder;
  bit::AbsmaxQuantizeOp op;
  Location loc;
  bit::QuantizerAttr quantizer;
  int64_t rank;
  VectorType vectorType;
};

} // namespace

static SmallVector<Value> append(ValueRange row, Value k) {
  SmallVector<Value> where(row);
  where.push_back(k);
  return where;
}

/// Calls `body` with the leading indices of each row of x.
void Emitter::forEachRow(bool parallel,
                         function_ref<void(ValueRange row)> body) {
  if (rank == 1)
    return body({});
  SmallVector<Value> dims;
  Value count;
  for (int64_t i = 0; i + 1 < rank; ++i) {
    dims.push_back(memref::DimOp::create(builder, loc, op.getX(), i));
    count = count ? arith::MulIOp::create(builder, loc, count, dims.back())
                        .getResult()
                  : dims.back();
  }
  Value number;
  OpBuilder::InsertionGuard guard(builder);
  if (parallel) {
    // A row of 2560 takes about 0.2 us.
    constexpr int64_t pieceWork = 1 << 16;
    Value size = memref::DimOp::create(builder, loc, op.getX(), rank - 1);
    number = bit::emitParallelRange(builder, loc, count, size, pieceWork);
  } else {
    auto loop = scf::ForOp::create(builder, loc, index(0), count, index(1));
    number = loop.getInductionVar();
    builder.setInsertionPointToStart(loop.getBody());
  }
  SmallVector<Value> row(dims.size());
  for (size_t i = dims.size() - 1; i > 0; --i) {
    row[i] = arith::RemUIOp::create(builder, loc, number, dims[i]);
    number = arith::DivUIOp::create(builder, loc, number, dims[i]);
  }
  row[0] = number;
  body(row);
}

/// Calls `body` for each 16 of the last dimension, then, with a mask, for the
/// rest of them. What it returns is carried on.
Value Emitter::forEachVector(
    Value init, function_ref<Value(Value k, Value mask, Value carried)> body) {
  Value size = memref::DimOp::create(builder, loc, op.getX(), rank - 1);
  Value rest = arith::RemUIOp::create(builder, loc, size, index(lanes));
  Value whole = arith::SubIOp::create(builder, loc, size, rest);
  auto loop = scf::ForOp::create(
      builder, loc, index(0), whole, index(lanes), init,
      [&](OpBuilder &, Location, Value k, ValueRange carried) {
        scf::YieldOp::create(builder, loc, body(k, Value(), carried[0]));
      });
  auto type = cast<MemRefType>(op.getX().getType());
  Value carried = loop.getResult(0);
  if (!type.isDynamicDim(rank - 1) && type.getDimSize(rank - 1) % lanes == 0)
    return carried;
  Value mask = vector::CreateMaskOp::create(
      builder, loc, VectorType::get(lanes, builder.getI1Type()), rest);
  if (!type.isDynamicDim(rank - 1))
    return body(whole, mask, carried);
  Value ragged = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                       rest, index(0));
  auto branch = scf::IfOp::create(
      builder, loc, ragged,
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(builder, loc, body(whole, mask, carried));
      },
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(builder, loc, carried);
      });
  return branch.getResult(0);
}

Value Emitter::loadVector(ValueRange row, Value k, Value mask) {
  SmallVector<Value> where = append(row, k);
  if (mask)
    return vector::MaskedLoadOp::create(builder, loc, vectorType, op.getX(),
                                        where, mask, zero(vectorType));
  return vector::LoadOp::create(builder, loc, vectorType, op.getX(), where);
}

void Emitter::storeVector(Value value, Value target, ValueRange row, Value k,
                          Value mask) {
  SmallVector<Value> where = append(row, k);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, target, where, mask, value);
  else
    vector::StoreOp::create(builder, loc, value, target, where);
}

/// |x| as an integer: it has the order of the floats, with NaN above all, so
/// its maximum needs no care for NaN.
Value Emitter::magnitude(Value x) {
  auto type = VectorType::get(lanes, builder.getI32Type());
  Value bits = arith::BitcastOp::create(builder, loc, type, x);
  Value mask = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, builder.getI32IntegerAttr(
                                       std::numeric_limits<int32_t>::max())));
  return arith::AndIOp::create(builder, loc, bits, mask);
}

/// `carried` and the magnitudes of 16 values.
Value Emitter::addPartial(Value carried, Value x) {
  if (isMean())
    return arith::AddFOp::create(builder, loc, carried,
                                 math::AbsFOp::create(builder, loc, x));
  return arith::MaxSIOp::create(builder, loc, carried, magnitude(x));
}

/// The partial results of a row, from `initial`.
Value Emitter::emitPartials(ValueRange row, Value initial) {
  return forEachVector(initial, [&](Value k, Value mask, Value carried) {
    return addPartial(carried, loadVector(row, k, mask));
  });
}

/// The smaller of `carried` and 16 magnitudes; those masked do not count.
Value Emitter::addLeast(Value carried, Value x, Value mask) {
  Value least = arith::MinSIOp::create(builder, loc, carried, magnitude(x));
  return mask ? arith::SelectOp::create(builder, loc, mask, least, carried)
                    .getResult()
              : least;
}

/// The smallest magnitudes of a row, from `initial`.
Value Emitter::emitLeast(ValueRange row, Value initial) {
  return forEachVector(initial, [&](Value k, Value mask, Value carried) {
    return addLeast(carried, loadVector(row, k, mask), mask);
  });
}

/// The statistic of all partial results, a sum in the order of
/// docs/numerics.md; not yet divided.
Value Emitter::finish(Value partials) {
  if (!isMean()) {
    Value most = vector::ReductionOp::create(
        builder, loc, vector::CombiningKind::MAXSI, partials);
    return arith::BitcastOp::create(builder, loc, builder.getF32Type(), most);
  }
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          builder, loc, partials, ArrayRef<int64_t>{offset},
          ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    partials = arith::AddFOp::create(builder, loc, part(0), part(half));
  }
  Value sum = vector::ExtractOp::create(builder, loc, partials, 0);
  return arith::AddFOp::create(builder, loc, constant(sum.getType(), 0.0f),
                               sum);
}

/// The mean from the sum over `dims`.
Value Emitter::divideByCount(Value sum, ArrayRef<int64_t> dims) {
  if (!isMean())
    return sum;
  Value count = index(1);
  for (int64_t dim : dims)
    count = arith::MulIOp::create(
        builder, loc, count,
        memref::DimOp::create(builder, loc, op.getX(), dim));
  count = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), count);
  count = arith::SIToFPOp::create(builder, loc, builder.getF32Type(), count);
  if (isa<VectorType>(sum.getType()))
    count = broadcast(count);
  return arith::DivFOp::create(builder, loc, sum, count);
}

Scale Emitter::emitScale(Value a) {
  Type type = a.getType();
  auto isBelow = [&](Value low, Value high) -> Value {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, low,
                                 high);
  };
  Value eps = constant(type, quantizer.getEpsValue());
  if (quantizer.getEpsMode() == bit::EpsMode::Clamp)
    a = arith::MaximumFOp::create(builder, loc, a, eps);
  else if (quantizer.getEpsMode() == bit::EpsMode::Add)
    a = arith::AddFOp::create(builder, loc, a, eps);

  float maxCode = static_cast<float>(quantizer.getMaxCode());
  Value q = constant(type, maxCode), one = constant(type, 1.0f);
  auto emitStep = [&]() -> Value {
    Value d;
    if (quantizer.getScale() == bit::ScaleForm::InverseMul)
      d = arith::MulFOp::create(builder, loc, a,
                                constant(type, 1.0f / maxCode));
    else
      d = arith::DivFOp::create(builder, loc, a, q);
    if (quantizer.getEpsMode() == bit::EpsMode::ClampStep)
      d = arith::MaximumFOp::create(builder, loc, d, eps);
    else if (quantizer.getEpsMode() == bit::EpsMode::AddStep)
      d = arith::AddFOp::create(builder, loc, d, eps);
    return d;
  };

  Value infinity = constant(type, std::numeric_limits<float>::infinity());
  Scale scale;
  scale.valid = scale.tooSmall = isBelow(a, infinity);
  auto require = [&](Value condition, bool isAlways = false) {
    scale.valid = arith::AndIOp::create(builder, loc, scale.valid, condition);
    if (isAlways)
      scale.tooSmall =
          arith::AndIOp::create(builder, loc, scale.tooSmall, condition);
  };
  switch (quantizer.getScale()) {
  case bit::ScaleForm::RecipMul:
    scale.factor = arith::MulFOp::create(
        builder, loc, arith::DivFOp::create(builder, loc, one, a), q);
    break;
  case bit::ScaleForm::Div:
    scale.factor = arith::DivFOp::create(builder, loc, q, a);
    break;
  case bit::ScaleForm::DivMul:
  case bit::ScaleForm::MulDiv:
    scale.factor = a;
    require(isBelow(zero(type), a));
    break;
  case bit::ScaleForm::Inverse:
  case bit::ScaleForm::InverseMul:
  case bit::ScaleForm::RecipStep:
    scale.factor = scale.xs = emitStep();
    require(isBelow(zero(type), scale.xs));
    require(isBelow(scale.xs, infinity), /*isAlways=*/true);
    if (quantizer.getScale() == bit::ScaleForm::RecipStep)
      scale.factor = arith::DivFOp::create(builder, loc, one, scale.xs);
    break;
  }
  if (quantizer.hasFactor()) {
    require(isBelow(scale.factor, infinity));
    if (quantizer.getDequant() == bit::DequantForm::Recip)
      scale.xs = arith::DivFOp::create(builder, loc, one, scale.factor);
  }
  if (!scale.xs)
    scale.xs = emitStep();
  return scale;
}

/// Says what becomes of values too small for a finite scale. `emitLeast` emits
/// their smallest magnitude, as an integer, where it is needed.
void Emitter::finishScale(Scale &scale, function_ref<Value()> emitLeast) {
  auto areNonZero = [&]() -> Value {
    Value least = emitLeast();
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, least,
                                 zero(least.getType()));
  };
  Type type = scale.xs.getType();
  if (!quantizer.clampsOverflow()) {
  } else if (isa<VectorType>(type)) {
    Value alsoValid =
        arith::AndIOp::create(builder, loc, scale.tooSmall, areNonZero());
    scale.valid = arith::OrIOp::create(builder, loc, scale.valid, alsoValid);
  } else {
    // Almost never: the values are not read a third time for it.
    Value isRare = arith::AndIOp::create(
        builder, loc, scale.tooSmall,
        arith::XOrIOp::create(
            builder, loc, scale.valid,
            arith::ConstantIntOp::create(builder, loc, 1, 1)));
    auto branch = scf::IfOp::create(
        builder, loc, isRare,
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, loc, areNonZero());
        },
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, loc, scale.valid);
        });
    scale.valid = branch.getResult(0);
  }
  Value nan = constant(type, std::numeric_limits<float>::quiet_NaN());
  scale.xs = arith::SelectOp::create(builder, loc, scale.valid, scale.xs, nan);
}

/// A comparison and a select are one instruction where NaN may go either way,
/// and here is none: it would be in the statistic.
Value Emitter::emitClamp(Value v) {
  auto bound = [&](arith::CmpFPredicate inside, int64_t limit) {
    Value bound = constant(vectorType, static_cast<float>(limit));
    Value is = arith::CmpFOp::create(builder, loc, inside, v, bound);
    v = arith::SelectOp::create(builder, loc, is, v, bound);
  };
  bound(arith::CmpFPredicate::OGT, quantizer.getClampLow());
  bound(arith::CmpFPredicate::OLT, quantizer.getClampHigh());
  return v;
}

/// 16 values as integers that are not clamped yet.
Value Emitter::emitScaled(Value x, Value factor) {
  Value v, q = constant(vectorType, static_cast<float>(quantizer.getMaxCode()));
  if (quantizer.hasFactor()) {
    v = arith::MulFOp::create(builder, loc, x, factor);
  } else {
    if (quantizer.getScale() == bit::ScaleForm::MulDiv)
      x = arith::MulFOp::create(builder, loc, x, q);
    v = arith::DivFOp::create(builder, loc, x, factor);
    if (quantizer.getScale() == bit::ScaleForm::DivMul)
      v = arith::MulFOp::create(builder, loc, v, q);
  }
  Value half = constant(vectorType, 0.5f);
  switch (quantizer.getRounding()) {
  case bit::Rounding::HalfEven:
    return math::RoundEvenOp::create(builder, loc, v);
  case bit::Rounding::HalfUp:
    return math::FloorOp::create(builder, loc,
                                 arith::AddFOp::create(builder, loc, v, half));
  case bit::Rounding::HalfDown:
    return math::CeilOp::create(builder, loc,
                                arith::SubFOp::create(builder, loc, v, half));
  }
  llvm_unreachable("all roundings are handled");
}

/// The codes of 16 values as i32; those of masked values, which are 0, are 0.
/// `valid` and `mask` are null where they hold for all lanes.
Value Emitter::emitCodes(Value x, Value factor, Value valid, Value mask) {
  Value v = emitScaled(x, factor);
  // |v| is at most Q and three roundings, which is Q when rounded to an
  // integer; a mean, a subnormal d and an overflow of x * Q have no such bound.
  int64_t q = quantizer.getMaxCode();
  bool isBounded = !isMean() && !quantizer.clampsOverflow() &&
                   (quantizer.getScale() == bit::ScaleForm::RecipMul ||
                    quantizer.getScale() == bit::ScaleForm::Div ||
                    quantizer.getScale() == bit::ScaleForm::DivMul);
  bool inRange = isBounded && quantizer.getClampLow() <= -q &&
                 quantizer.getClampHigh() >= q;
  if (!inRange)
    v = emitClamp(v);
  // 0 times an infinite scale is NaN.
  if (mask && quantizer.clampsOverflow())
    valid = valid ? arith::AndIOp::create(builder, loc, valid, mask) : mask;
  if (valid)
    v = arith::SelectOp::create(builder, loc, valid, v, zero(vectorType));
  return arith::FPToSIOp::create(
      builder, loc, VectorType::get(lanes, builder.getI32Type()), v);
}

/// The codes and the sum of a row that has one scale.
void Emitter::emitRow(ValueRange row, const Scale &scale) {
  auto i32Type = VectorType::get(lanes, builder.getI32Type());
  auto i8Type = VectorType::get(lanes, builder.getI8Type());
  auto branch = scf::IfOp::create(
      builder, loc, scale.valid,
      [&](OpBuilder &, Location) {
        Value factor = broadcast(scale.factor);
        Value sums = forEachVector(
            zero(i32Type), [&](Value k, Value mask, Value carried) -> Value {
              Value codes =
                  emitCodes(loadVector(row, k, mask), factor, Value(), mask);
              Value bytes =
                  arith::TruncIOp::create(builder, loc, i8Type, codes);
              storeVector(bytes, op.getCodesInit(), row, k, mask);
              return arith::AddIOp::create(builder, loc, carried, codes);
            });
        Value sum = vector::ReductionOp::create(
            builder, loc, vector::CombiningKind::ADD, sums);
        scf::YieldOp::create(builder, loc, sum);
      },
      [&](OpBuilder &, Location) {
        Value none = zero(builder.getI32Type());
        forEachVector(none, [&](Value k, Value mask, Value carried) {
          storeVector(zero(i8Type), op.getCodesInit(), row, k, mask);
          return carried;
        });
        scf::YieldOp::create(builder, loc, none);
      });
  memref::StoreOp::create(builder, loc, branch.getResult(0), op.getSumInit(),
                          row);
}

void Emitter::emitToken() {
  forEachRow(/*parallel=*/true, [&](ValueRange row) {
    Value a = divideByCount(finish(emitPartials(row, noPartials())), rank - 1);
    Scale scale = emitScale(a);
    finishScale(scale, [&] { return reduceLeast(emitLeast(row, noLeast())); });
    memref::StoreOp::create(builder, loc, scale.xs, op.getScaleInit(), row);
    emitRow(row, scale);
  });
}

void Emitter::emitTensor() {
  Value state = allocateState(noPartials());
  forEachRow(/*parallel=*/false, [&](ValueRange row) {
    storeState(emitPartials(row, loadState(state)), state);
  });
  Scale scale = emitScale(divideByCount(
      finish(loadState(state)), llvm::to_vector(llvm::seq<int64_t>(0, rank))));
  finishScale(scale, [&] {
    Value state = allocateState(noLeast());
    forEachRow(/*parallel=*/false, [&](ValueRange row) {
      storeState(emitLeast(row, loadState(state)), state);
    });
    return reduceLeast(loadState(state));
  });
  memref::StoreOp::create(builder, loc, scale.xs, op.getScaleInit(),
                          ValueRange());
  forEachRow(/*parallel=*/true, [&](ValueRange row) { emitRow(row, scale); });
}

void Emitter::emitChannel() {
  auto i8Type = VectorType::get(lanes, builder.getI8Type());
  forEachRow(/*parallel=*/false, [&](ValueRange row) {
    memref::StoreOp::create(builder, loc, zero(builder.getI32Type()),
                            op.getSumInit(), row);
  });
  // One chain of additions a lane, from 0.
  Value noSum = zero(partialType()), state = allocateState(noSum);
  Value least = quantizer.clampsOverflow() ? allocateState(noLeast()) : Value();
  Value none = zero(builder.getI32Type());
  forEachVector(none, [&](Value k, Value mask, Value carried) {
    storeState(noSum, state);
    forEachRow(/*parallel=*/false, [&](ValueRange row) {
      Value x = loadVector(row, k, mask);
      storeState(addPartial(loadState(state), x), state);
    });
    Value a = loadState(state);
    if (!isMean())
      a = arith::BitcastOp::create(builder, loc, vectorType, a);
    Scale scale = emitScale(
        divideByCount(a, llvm::to_vector(llvm::seq<int64_t>(0, rank - 1))));
    finishScale(scale, [&] {
      storeState(noLeast(), least);
      forEachRow(/*parallel=*/false, [&](ValueRange row) {
        Value x = loadVector(row, k, mask);
        storeState(addLeast(loadState(least), x, Value()), least);
      });
      return loadState(least);
    });
    storeVector(scale.xs, op.getScaleInit(), {}, k, mask);
    forEachRow(/*parallel=*/false, [&](ValueRange row) {
      Value codes =
          emitCodes(loadVector(row, k, mask), scale.factor, scale.valid, mask);
      storeVector(arith::TruncIOp::create(builder, loc, i8Type, codes),
                  op.getCodesInit(), row, k, mask);
      Value before = memref::LoadOp::create(builder, loc, op.getSumInit(), row);
      Value sum = vector::ReductionOp::create(
          builder, loc, vector::CombiningKind::ADD, codes, before);
      memref::StoreOp::create(builder, loc, sum, op.getSumInit(), row);
    });
    return carried;
  });
}

void Emitter::emit() {
  switch (quantizer.getGranularity()) {
  case bit::ActivationGranularity::Token:
    return emitToken();
  case bit::ActivationGranularity::Tensor:
    return emitTensor();
  case bit::ActivationGranularity::Channel:
    return emitChannel();
  }
}

namespace {

struct LowerAbsmaxQuantize final : OpRewritePattern<bit::AbsmaxQuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::AbsmaxQuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    Emitter(rewriter, op).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populateAbsmaxQuantizeToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAbsmaxQuantize>(patterns.getContext());
}
