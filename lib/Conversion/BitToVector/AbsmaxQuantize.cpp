// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit.absmax_quantize on buffers: one pass over the values for their absolute
// maximum or mean, one for the codes and their sum, 16 values at a time.

#include "AbsmaxEmitter.h"
#include "ParallelRange.h"
#include "Patterns.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace bit {

static SmallVector<Value> append(ValueRange row, Value k) {
  SmallVector<Value> where(row);
  where.push_back(k);
  return where;
}

/// Calls `body` with the leading indices of each row of x.
void AbsmaxEmitter::forEachRow(bool parallel,
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
    number = emitParallelRange(builder, loc, count, size, pieceWork);
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

/// Calls `body` for each `width` elements of the last dimension, then, with a
/// mask, for the rest of them. What it returns is carried on.
Value AbsmaxEmitter::forEachVector(
    int64_t width, Value init,
    function_ref<Value(Value k, Value mask, Value carried)> body) {
  Value size = memref::DimOp::create(builder, loc, op.getX(), rank - 1);
  Value rest = arith::RemUIOp::create(builder, loc, size, index(width));
  Value whole = arith::SubIOp::create(builder, loc, size, rest);
  auto loop = scf::ForOp::create(
      builder, loc, index(0), whole, index(width), init,
      [&](OpBuilder &, Location, Value k, ValueRange carried) {
        scf::YieldOp::create(builder, loc, body(k, Value(), carried[0]));
      });
  auto type = cast<MemRefType>(op.getX().getType());
  Value carried = loop.getResult(0);
  if (!type.isDynamicDim(rank - 1) && type.getDimSize(rank - 1) % width == 0)
    return carried;
  Value mask = vector::CreateMaskOp::create(
      builder, loc, VectorType::get(width, builder.getI1Type()), rest);
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

Value AbsmaxEmitter::loadVector(ValueRange row, Value k, Value mask,
                                int64_t width) {
  SmallVector<Value> where = append(row, k);
  auto type = VectorType::get(width, builder.getF32Type());
  if (mask)
    return vector::MaskedLoadOp::create(builder, loc, type, op.getX(), where,
                                        mask, zero(type));
  return vector::LoadOp::create(builder, loc, type, op.getX(), where);
}

void AbsmaxEmitter::storeVector(Value value, Value target, ValueRange row,
                                Value k, Value mask) {
  SmallVector<Value> where = append(row, k);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, target, where, mask, value);
  else
    vector::StoreOp::create(builder, loc, value, target, where);
}

void AbsmaxEmitter::emitToken() {
  forEachRow(/*parallel=*/true, [&](ValueRange row) {
    Value a = divideByCount(finish(emitPartials(row, noPartials())), rank - 1);
    QuantizerScale scale = emitScale(a);
    finishScale(scale, [&] { return reduceLeast(emitLeast(row, noLeast())); });
    memref::StoreOp::create(builder, loc, scale.xs, op.getScaleInit(), row);
    emitRow(row, scale);
  });
}

/// Calls `body` with the leading indices of each row of one sample, in order;
/// what it returns is carried on.
Value AbsmaxEmitter::forRowsOfSample(
    Value sample, Value init,
    function_ref<Value(ValueRange row, Value carried)> body) {
  SmallVector<Value> dims;
  Value count = index(1);
  for (int64_t i = 1; i + 1 < rank; ++i) {
    dims.push_back(memref::DimOp::create(builder, loc, op.getX(), i));
    count = arith::MulIOp::create(builder, loc, count, dims.back());
  }
  auto loop = scf::ForOp::create(
      builder, loc, index(0), count, index(1), init,
      [&](OpBuilder &, Location, Value number, ValueRange carried) {
        SmallVector<Value> row(dims.size() + 1, sample);
        for (size_t i = dims.size(); i > 1; --i) {
          row[i] = arith::RemUIOp::create(builder, loc, number, dims[i - 1]);
          number = arith::DivUIOp::create(builder, loc, number, dims[i - 1]);
        }
        if (!dims.empty())
          row[1] = number;
        scf::YieldOp::create(builder, loc, body(row, carried[0]));
      });
  return loop.getResult(0);
}

void AbsmaxEmitter::emitSample() {
  Value samples = memref::DimOp::create(builder, loc, op.getX(), 0);
  Value size = index(1);
  for (int64_t i = 1; i < rank; ++i)
    size = arith::MulIOp::create(
        builder, loc, size, memref::DimOp::create(builder, loc, op.getX(), i));
  constexpr int64_t pieceWork = 1 << 16;
  OpBuilder::InsertionGuard guard(builder);
  Value sample = emitParallelRange(builder, loc, samples, size, pieceWork);
  Value partials =
      forRowsOfSample(sample, noPartials(), [&](ValueRange row, Value carried) {
        return emitPartials(row, carried);
      });
  QuantizerScale scale = emitScale(divideByCount(
      finish(partials), llvm::to_vector(llvm::seq<int64_t>(1, rank))));
  forRowsOfSample(sample, scale.xs, [&](ValueRange row, Value xs) {
    QuantizerScale own = scale;
    finishScale(own, [&] { return reduceLeast(emitLeast(row, noLeast())); });
    memref::StoreOp::create(builder, loc, own.xs, op.getScaleInit(), row);
    emitRow(row, own);
    return xs;
  });
}

void AbsmaxEmitter::emitTensor() {
  Value state = allocateState(noPartials());
  forEachRow(/*parallel=*/false, [&](ValueRange row) {
    storeState(emitPartials(row, loadState(state)), state);
  });
  QuantizerScale scale = emitScale(divideByCount(
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

void AbsmaxEmitter::emitChannel() {
  auto i8Type = VectorType::get(lanes, builder.getI8Type());
  forEachRow(/*parallel=*/false, [&](ValueRange row) {
    memref::StoreOp::create(builder, loc, zero(builder.getI32Type()),
                            op.getSumInit(), row);
  });
  // One chain of additions a lane, from 0.
  Value noSum = zero(partialType(lanes)), state = allocateState(noSum);
  Value least = quantizer.clampsOverflow() ? allocateState(noLeast()) : Value();
  Value none = zero(builder.getI32Type());
  forEachVector(lanes, none, [&](Value k, Value mask, Value carried) {
    storeState(noSum, state);
    forEachRow(/*parallel=*/false, [&](ValueRange row) {
      Value x = loadVector(row, k, mask);
      storeState(addPartial(loadState(state), x), state);
    });
    Value a = loadState(state);
    if (!isMean())
      a = arith::BitcastOp::create(builder, loc, vectorType, a);
    QuantizerScale scale = emitScale(
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

void AbsmaxEmitter::emit() {
  switch (quantizer.getGranularity()) {
  case ActivationGranularity::Token:
    return emitToken();
  case ActivationGranularity::Sample:
    return emitSample();
  case ActivationGranularity::Tensor:
    return emitTensor();
  case ActivationGranularity::Channel:
    return emitChannel();
  }
}

namespace {

struct LowerAbsmaxQuantize final : OpRewritePattern<AbsmaxQuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AbsmaxQuantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    AbsmaxEmitter(rewriter, op).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateAbsmaxQuantizeToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAbsmaxQuantize>(patterns.getContext());
}

} // namespace bit
