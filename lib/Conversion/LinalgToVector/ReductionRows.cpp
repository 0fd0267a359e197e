// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The trailing loops are reductions. The order is normative: 16 partial results
// by index modulo 16, then halves, then the output's own value.

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

namespace {
struct ReductionWriter {
  RowWriter &rows;
  ArrayRef<CombiningKind> kinds;
  Value whole, rest, mask;
  unsigned firstReduction;
  SmallVector<Value> ivs = {};
  /// Operands that no reduction moves, read before.
  IRMapping still = {};

  void writeRow();
  SmallVector<Value> accumulate(unsigned loop, ValueRange partial);
  SmallVector<Value> step(Value at, ValueRange partial, Value stepMask);
  Value combineHalves(CombiningKind kind, Value partial);
};
} // namespace

SmallVector<Value> ReductionWriter::step(Value at, ValueRange partial,
                                         Value stepMask) {
  IRMapping values = still;
  values.map(ValueRange(rows.op.getRegionOutputArgs()), partial);
  ivs.push_back(at);
  for (OpOperand *input : rows.op.getDpsInputOperands())
    rows.mapArgument(*input, values, ivs, stepMask);
  SmallVector<Value> results = rows.evaluate(values);
  ivs.pop_back();
  if (stepMask)
    for (auto [result, before] : llvm::zip_equal(results, partial))
      result = arith::SelectOp::create(rows.b, stepMask, result, before);
  return results;
}

SmallVector<Value> ReductionWriter::accumulate(unsigned loop,
                                               ValueRange partial) {
  if (loop < rows.innermost())
    return rows.loop(rows.index(0), rows.sizes[loop], rows.index(1), partial,
                     [&](Value iv, ValueRange carried) {
                       ivs.push_back(iv);
                       SmallVector<Value> next = accumulate(loop + 1, carried);
                       ivs.pop_back();
                       return next;
                     });
  SmallVector<Value> sums =
      rows.loop(rows.index(0), whole, rows.index(lanes), partial,
                [&](Value at, ValueRange carried) {
                  return step(at, carried, /*stepMask=*/{});
                });
  return rows.ifAny(rest, sums, [&] { return step(whole, sums, mask); });
}

Value ReductionWriter::combineHalves(CombiningKind kind, Value partial) {
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    auto first = llvm::to_vector(llvm::seq<int64_t>(0, half));
    auto second = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    Value low = vector::ShuffleOp::create(rows.b, partial, partial, first);
    Value high = vector::ShuffleOp::create(rows.b, partial, partial, second);
    partial =
        vector::makeArithReduction(rows.b, rows.b.getLoc(), kind, low, high);
  }
  return vector::ExtractOp::create(rows.b, partial, 0);
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
  SmallVector<Value> partial;
  for (auto [kind, argument] :
       llvm::zip_equal(kinds, rows.op.getRegionOutputArgs())) {
    Value element =
        arith::ConstantOp::create(rows.b, neutral(kind, argument.getType()));
    partial.push_back(rows.broadcast(element));
  }
  SmallVector<Value> sums = accumulate(firstReduction, partial);
  for (auto [kind, sum, output] :
       llvm::zip_equal(kinds, sums, rows.op.getDpsInitsMutable())) {
    Value own = rows.loadScalar(output, ivs);
    Value total = combineHalves(kind, sum);
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
    Value size = rows.sizes.back();
    Value whole = rows.wholeBlocks(size, lanes);
    Value rest = arith::SubIOp::create(b, size, whole);
    ReductionWriter writer{
        rows, *kinds, whole, rest, rows.maskOf(rest), op.getNumParallelLoops()};
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
