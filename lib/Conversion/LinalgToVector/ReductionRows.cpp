// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The trailing loops are reductions. The order is normative: 64 partial results
// by index modulo 64, then halves, then the output's own value.

#include "Patterns.h"
#include "Rows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bit::rows;
using vector::CombiningKind;

static std::optional<CombiningKind> kindOf(Operation *op) {
  using Kind = std::optional<CombiningKind>;
  return TypeSwitch<Operation *, Kind>(op)
      .Case<arith::AddFOp, arith::AddIOp, math::FmaOp>(
          [](auto) { return CombiningKind::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return CombiningKind::MUL; })
      .Case([](arith::MaximumFOp) { return CombiningKind::MAXIMUMF; })
      .Case([](arith::MinimumFOp) { return CombiningKind::MINIMUMF; })
      .Case([](arith::MaxSIOp) { return CombiningKind::MAXSI; })
      .Case([](arith::MinSIOp) { return CombiningKind::MINSI; })
      .Case([](arith::MaxUIOp) { return CombiningKind::MAXUI; })
      .Case([](arith::MinUIOp) { return CombiningKind::MINUI; })
      .Case([](arith::AndIOp) { return CombiningKind::AND; })
      .Case([](arith::OrIOp) { return CombiningKind::OR; })
      .Case([](arith::XOrIOp) { return CombiningKind::XOR; })
      .Default([](Operation *) { return std::nullopt; });
}

/// e with combine(e, x) == x for every x, -0 among them.
static TypedAttr neutral(CombiningKind kind, Type type) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    switch (kind) {
    case CombiningKind::ADD:
      return FloatAttr::get(type, APFloat::getZero(semantics, true));
    case CombiningKind::MUL:
      return FloatAttr::get(type, 1.0);
    default:
      return FloatAttr::get(
          type, APFloat::getInf(semantics, kind == CombiningKind::MAXIMUMF));
    }
  }
  unsigned width = type.getIntOrFloatBitWidth();
  switch (kind) {
  case CombiningKind::MUL:
    return IntegerAttr::get(type, 1);
  case CombiningKind::MAXSI:
    return IntegerAttr::get(type, APInt::getSignedMinValue(width));
  case CombiningKind::MINSI:
    return IntegerAttr::get(type, APInt::getSignedMaxValue(width));
  case CombiningKind::MINUI:
  case CombiningKind::AND:
    return IntegerAttr::get(type, APInt::getAllOnes(width));
  default:
    return IntegerAttr::get(type, 0);
  }
}

/// How each output is combined: its last operation takes the value so far, and
/// nothing else does.
static FailureOr<SmallVector<CombiningKind>>
matchCombiners(linalg::LinalgOp op) {
  SmallVector<CombiningKind> kinds;
  Operation *yield = op.getBlock()->getTerminator();
  for (auto [soFar, result] :
       llvm::zip_equal(op.getRegionOutputArgs(), yield->getOperands())) {
    Operation *combiner = result.getDefiningOp();
    if (!combiner || !soFar.hasOneUse() || *soFar.user_begin() != combiner ||
        !result.hasOneUse())
      return failure();
    std::optional<CombiningKind> kind = kindOf(combiner);
    bool isFactor = isa<math::FmaOp>(combiner) &&
                    soFar.use_begin()->getOperandNumber() != 2;
    if (!kind || isFactor)
      return failure();
    kinds.push_back(*kind);
  }
  return kinds;
}

static bool hasTrailingReductions(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  auto isReduction = [](utils::IteratorType type) {
    return type == utils::IteratorType::reduction;
  };
  auto *first = llvm::find_if(iterators, isReduction);
  return first != iterators.end() &&
         std::all_of(first, iterators.end(), isReduction);
}

/// Vectors of partial results: as many as a core adds while one addition takes
/// its time.
static constexpr int64_t chains = 4;

namespace {
struct ReductionWriter {
  RowWriter &rows;
  ArrayRef<CombiningKind> kinds;
  unsigned firstReduction;
  SmallVector<Value> ivs = {};
  /// Operands that no reduction moves, read before.
  IRMapping still = {};

  void writeRow();

private:
  SmallVector<Value> accumulate(unsigned loop, ValueRange partials);
  SmallVector<Value> accumulateRow(ValueRange partials);
  SmallVector<Value> step(Value at, unsigned chain, ValueRange partials,
                          Value mask);
  SmallVector<Value> rotate(ValueRange partials, unsigned count);
  SmallVector<Value> restoreOrder(ValueRange partials);
  Value combineHalves(CombiningKind kind, ValueRange partials);
};
} // namespace

/// 16 elements from `at`, to one of the chains. `partials` are `chains` vectors
/// for each output; so is what this and the others return.
SmallVector<Value> ReductionWriter::step(Value at, unsigned chain,
                                         ValueRange partials, Value mask) {
  SmallVector<Value> before;
  for (unsigned output = 0; output < kinds.size(); ++output)
    before.push_back(partials[output * chains + chain]);
  IRMapping values = still;
  values.map(ValueRange(rows.op.getRegionOutputArgs()), ValueRange(before));
  ivs.push_back(at);
  for (OpOperand *input : rows.op.getDpsInputOperands())
    rows.mapArgument(*input, values, ivs, mask);
  SmallVector<Value> results = rows.evaluate(values);
  ivs.pop_back();
  SmallVector<Value> next = llvm::to_vector(partials);
  for (auto [output, result] : llvm::enumerate(results))
    next[output * chains + chain] =
        mask ? arith::SelectOp::create(rows.b, mask, result, before[output])
                   .getResult()
             : result;
  return next;
}

/// Chain i becomes chain i - count.
SmallVector<Value> ReductionWriter::rotate(ValueRange partials,
                                           unsigned count) {
  SmallVector<Value> next;
  for (unsigned output = 0; output < kinds.size(); ++output)
    for (unsigned chain = 0; chain < chains; ++chain)
      next.push_back(partials[output * chains + (chain + count) % chains]);
  return next;
}

SmallVector<Value> ReductionWriter::accumulate(unsigned loop,
                                               ValueRange partials) {
  if (loop == rows.innermost())
    return accumulateRow(partials);
  return rows.loop(rows.index(0), rows.sizes[loop], rows.index(1), partials,
                   [&](Value iv, ValueRange carried) {
                     ivs.push_back(iv);
                     SmallVector<Value> next = accumulate(loop + 1, carried);
                     ivs.pop_back();
                     if (loop + 1 == rows.innermost())
                       next = restoreOrder(next);
                     return next;
                   });
}

/// What is left after blocks of 64 goes to the first chain, after which they
/// rotate, so that a loop of 16 elements does all of it.
SmallVector<Value> ReductionWriter::accumulateRow(ValueRange partials) {
  Value size = rows.sizes.back();
  Value blocks = rows.wholeBlocks(size, chains * lanes);
  Value vectors = rows.wholeBlocks(size, lanes);
  SmallVector<Value> sums = rows.loop(
      rows.index(0), blocks, rows.index(chains * lanes), partials,
      [&](Value at, ValueRange carried) {
        SmallVector<Value> next = llvm::to_vector(carried);
        for (unsigned chain = 0; chain < chains; ++chain) {
          Value first =
              chain == 0
                  ? at
                  : arith::AddIOp::create(rows.b, at, rows.index(chain * lanes))
                        .getResult();
          next = step(first, chain, next, /*mask=*/{});
        }
        return next;
      });
  sums = rows.loop(blocks, vectors, rows.index(lanes), sums,
                   [&](Value at, ValueRange carried) {
                     return rotate(step(at, 0, carried, /*mask=*/{}), 1);
                   });
  Value rest = arith::SubIOp::create(rows.b, size, vectors);
  return rows.ifAny(rest, sums,
                    [&] { return step(vectors, 0, sums, rows.maskOf(rest)); });
}

/// Undoes the rotations of one row, for those that follow it.
SmallVector<Value> ReductionWriter::restoreOrder(ValueRange partials) {
  Value rotations =
      arith::DivUIOp::create(rows.b,
                             arith::RemUIOp::create(rows.b, rows.sizes.back(),
                                                    rows.index(chains * lanes)),
                             rows.index(lanes));
  SmallVector<Value> sums = llvm::to_vector(partials);
  for (unsigned bit = 1; bit < chains; bit *= 2) {
    Value masked = arith::AndIOp::create(rows.b, rotations, rows.index(bit));
    Value isSet = arith::CmpIOp::create(rows.b, arith::CmpIPredicate::ne,
                                        masked, rows.index(0));
    SmallVector<Value> back = rotate(sums, chains - bit);
    for (auto [sum, rotated] : llvm::zip_equal(sums, back))
      sum = arith::SelectOp::create(rows.b, isSet, rotated, sum);
  }
  return sums;
}

/// The chains may be rotated: their halves are then combined in another order
/// of operands, which is the same.
Value ReductionWriter::combineHalves(CombiningKind kind, ValueRange partials) {
  auto combine = [&](Value low, Value high) {
    return vector::makeArithReduction(rows.b, rows.b.getLoc(), kind, low, high);
  };
  SmallVector<Value> sums = llvm::to_vector(partials);
  for (; sums.size() > 1; sums.truncate(sums.size() / 2))
    for (size_t i = 0; i < sums.size() / 2; ++i)
      sums[i] = combine(sums[i], sums[i + sums.size() / 2]);
  Value sum = sums.front();
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    auto first = llvm::to_vector(llvm::seq<int64_t>(0, half));
    auto second = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    Value low = vector::ShuffleOp::create(rows.b, sum, sum, first);
    Value high = vector::ShuffleOp::create(rows.b, sum, sum, second);
    sum = combine(low, high);
  }
  return vector::ExtractOp::create(rows.b, sum, 0);
}

void ReductionWriter::writeRow() {
  still.clear();
  for (OpOperand *input : rows.op.getDpsInputOperands()) {
    bool moves = false;
    for (unsigned loop = firstReduction; loop <= rows.innermost(); ++loop)
      moves |= rows.uses(*input, loop);
    if (!moves)
      rows.mapArgument(*input, still, ivs, /*mask=*/{});
  }
  SmallVector<Value> partials;
  for (auto [kind, argument] :
       llvm::zip_equal(kinds, rows.op.getRegionOutputArgs())) {
    Value element =
        arith::ConstantOp::create(rows.b, neutral(kind, argument.getType()));
    partials.append(chains, rows.broadcast(element));
  }
  SmallVector<Value> sums = accumulate(firstReduction, partials);
  for (auto [index, kind] : llvm::enumerate(kinds)) {
    OpOperand &output = *rows.op.getDpsInitOperand(index);
    Value own = rows.loadScalar(output, ivs);
    Value total =
        combineHalves(kind, ValueRange(sums).slice(index * chains, chains));
    rows.storeScalar(
        vector::makeArithReduction(rows.b, rows.b.getLoc(), kind, own, total),
        output, ivs);
  }
}

namespace {
struct ReductionRows : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!hasTrailingReductions(op) || !hasRows(op))
      return failure();
    FailureOr<SmallVector<CombiningKind>> kinds = matchCombiners(op);
    if (failed(kinds))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RowWriter rows(op, b);
    ReductionWriter writer{rows, *kinds, op.getNumParallelLoops()};
    rows.loopNest(0, writer.firstReduction, writer.ivs,
                  [&] { writer.writeRow(); });
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void bit::rows::populateReductionRows(RewritePatternSet &patterns) {
  patterns.add<ReductionRows>(patterns.getContext());
}
