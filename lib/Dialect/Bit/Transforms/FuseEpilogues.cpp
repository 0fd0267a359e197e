// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise operations become epilogues of the kernels whose results they
// read.

#include "PanelProducts.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace bit {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Where an operation reads a kernel's result.
struct Producer {
  Operation *kernel = nullptr;
  tensor::ExpandShapeOp expand; ///< between the two, if there is one
  OpOperand *operand = nullptr; ///< of the reader
  int64_t channelDim = 0;       ///< of the reader's loops

  explicit operator bool() const { return kernel; }
};

} // namespace

static bool isKernel(Operation *op) {
  return isa_and_nonnull<bit::PackedMatmulOp, bit::PanelConvOp,
                         bit::PanelMatmulOp>(op);
}

/// Calls `body` with `kernel` as what it is.
template <typename FunctionT>
static auto withKernel(Operation *kernel, FunctionT body) {
  if (auto conv = dyn_cast<bit::PanelConvOp>(kernel))
    return body(conv);
  if (auto matmul = dyn_cast<bit::PanelMatmulOp>(kernel))
    return body(matmul);
  return body(cast<bit::PackedMatmulOp>(kernel));
}

/// The kernel whose result `operand` is, if nothing else reads it.
static Producer getProducer(OpOperand &operand) {
  Producer producer;
  producer.operand = &operand;
  Value value = operand.get();
  if (!value.hasOneUse())
    return {};
  producer.expand = value.getDefiningOp<tensor::ExpandShapeOp>();
  if (producer.expand) {
    value = producer.expand.getSrc();
    // The channels stay what they are.
    if (!value.hasOneUse() ||
        producer.expand.getReassociationIndices().back().size() != 1)
      return {};
  }
  producer.kernel = value.getDefiningOp();
  if (!isKernel(producer.kernel) ||
      producer.kernel->getBlock() != operand.getOwner()->getBlock())
    return {};
  producer.channelDim = withKernel(
      producer.kernel, [](auto kernel) { return kernel.getChannelDim(); });
  if (producer.expand) {
    if (isa<bit::PanelConvOp>(producer.kernel))
      return {};
    producer.channelDim =
        cast<ShapedType>(operand.get().getType()).getRank() - 1;
  }
  return producer;
}

/// Of the kernels whose results `op` reads the last one.
static Producer getLastProducer(linalg::GenericOp op) {
  Producer last;
  for (OpOperand *input : op.getDpsInputOperands())
    if (op.getMatchingIndexingMap(input).isIdentity())
      if (Producer producer = getProducer(*input))
        if (!last || last.kernel->isBeforeInBlock(producer.kernel))
          last = producer;
  return last;
}

/// Elementwise on f32, each result stored where its operand is.
static bool isElementwise(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      !op.getRegionOutputArgs()[0].use_empty() ||
      !cast<ShapedType>(op.getResult(0).getType()).getElementType().isF32())
    return false;
  return llvm::all_of(op.getBlock()->without_terminator(), bit::isEpilogueStep);
}

/// Whether `op` has functions that become polynomials. Repeated for a whole
/// tile these take all registers and more, and loops of their own are faster.
static bool hasFunctions(linalg::GenericOp op) {
  return llvm::any_of(op.getBlock()->without_terminator(), [](Operation &step) {
    return isa<math::MathDialect>(step.getDialect()) &&
           !isa<math::AbsFOp, math::CeilOp, math::FloorOp, math::FmaOp,
                math::RoundEvenOp, math::SqrtOp>(step);
  });
}

/// Whether `image` is copied to where its rows have gaps between them, as where
/// it is padded. That takes a loop of its own, which an elementwise operation
/// does not make slower; convolutions write such rows pixel by pixel.
static bool getsGaps(Value image) {
  return llvm::any_of(image.getUsers(), [&](Operation *user) {
    auto insert = dyn_cast<tensor::InsertSliceOp>(user);
    if (!insert)
      return false;
    ArrayRef<int64_t> from = insert.getSourceType().getShape().drop_front(2);
    ArrayRef<int64_t> to =
        insert.getDestType().getShape().take_back(from.size());
    return from != to || ShapedType::isDynamicShape(to);
  });
}

/// How an epilogue reads what `map` reads, or none if it cannot.
static std::optional<bit::EpilogueAccess> getAccess(Type type, AffineMap map,
                                                    int64_t channelDim) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) // A scalar, which the region captures.
    return bit::EpilogueAccess::Scalar;
  if (!tensor.getElementType().isF32())
    return std::nullopt;
  if (map.isIdentity() && map.getNumDims() > 1)
    return bit::EpilogueAccess::Element;
  auto access = bit::EpilogueAccess::Scalar;
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (tensor.getDimSize(i) == 1 && (dim || isa<AffineConstantExpr>(result)))
      continue;
    if (!dim || static_cast<int64_t>(dim.getPosition()) != channelDim ||
        access == bit::EpilogueAccess::Channel)
      return std::nullopt;
    access = bit::EpilogueAccess::Channel;
  }
  return access;
}

/// `input` in the shape in which an epilogue reads it.
static Value reshape(OpBuilder &builder, Location loc, Value input,
                     bit::EpilogueAccess access, tensor::ExpandShapeOp expand) {
  int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
  SmallVector<ReassociationIndices> groups;
  if (access == bit::EpilogueAccess::Element) {
    if (!expand)
      return input;
    groups = expand.getReassociationIndices();
  } else {
    int64_t wanted = access == bit::EpilogueAccess::Channel;
    if (rank == wanted)
      return input;
    if (wanted)
      groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  }
  return tensor::CollapseShapeOp::create(builder, loc, input, groups);
}

/// The block that a kernel's epilogue ends with; one that yields the result
/// where there is none yet.
static Block &getBody(OpBuilder &builder, Location loc, Region &epilogue) {
  if (epilogue.empty()) {
    OpBuilder::InsertionGuard guard(builder);
    Block *body =
        builder.createBlock(&epilogue, {}, {builder.getF32Type()}, {loc});
    bit::YieldOp::create(builder, loc, body->getArgument(0));
  }
  return epilogue.front();
}

template <typename OpT>
static void fuse(PatternRewriter &rewriter, OpT kernel, linalg::GenericOp op,
                 const Producer &producer) {
  Location loc = op.getLoc();
  IRMapping values;
  SmallVector<Value> inputs;
  SmallVector<BlockArgument> arguments;
  rewriter.setInsertionPoint(op);
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (input == producer.operand || argument.use_empty())
      continue;
    if (!isa<ShapedType>(input->get().getType())) {
      values.map(argument, input->get());
      continue;
    }
    bit::EpilogueAccess access =
        *getAccess(input->get().getType(), op.getMatchingIndexingMap(input),
                   producer.channelDim);
    inputs.push_back(
        reshape(rewriter, loc, input->get(), access, producer.expand));
    arguments.push_back(argument);
  }
  // The other inputs may be computed after the kernel's.
  rewriter.moveOpBefore(kernel, op);
  rewriter.modifyOpInPlace(kernel, [&] {
    Block &body = getBody(rewriter, loc, kernel.getEpilogue());
    auto yield = cast<bit::YieldOp>(body.getTerminator());
    values.map(op.getMatchingBlockArgument(producer.operand), yield.getValue());
    for (auto [input, argument] : llvm::zip_equal(inputs, arguments)) {
      kernel.getEpilogueInputsMutable().append(input);
      values.map(argument, body.addArgument(rewriter.getF32Type(), loc));
    }
    rewriter.setInsertionPoint(yield);
    for (Operation &step : op.getBlock()->without_terminator())
      rewriter.clone(step, values);
    Value result = op.getBlock()->getTerminator()->getOperand(0);
    rewriter.modifyOpInPlace(yield, [&] {
      yield.getValueMutable().assign(values.lookupOrDefault(result));
    });
  });
  if (producer.expand)
    rewriter.moveOpBefore(producer.expand, op);
  rewriter.replaceOp(op, producer.operand->get());
}

namespace {

struct FuseEpilogue final : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isElementwise(op))
      return rewriter.notifyMatchFailure(op, "is not elementwise on f32");
    if (hasFunctions(op))
      return rewriter.notifyMatchFailure(op, "has functions");
    Producer producer = getLastProducer(op);
    if (!producer)
      return rewriter.notifyMatchFailure(op, "alone reads no kernel's result");
    if (producer.operand->get().getType() != op.getResult(0).getType())
      return rewriter.notifyMatchFailure(op, "has a result of another type");
    for (OpOperand *input : op.getDpsInputOperands())
      if (!op.getMatchingBlockArgument(input).use_empty() &&
          (!getAccess(input->get().getType(), op.getMatchingIndexingMap(input),
                      producer.channelDim) ||
           bit::isWithoutBytes(input->get())))
        return rewriter.notifyMatchFailure(op, "reads what no epilogue can");
    if (isa<bit::PanelConvOp>(producer.kernel) && getsGaps(op.getResult(0)))
      return rewriter.notifyMatchFailure(op, "writes rows with gaps");
    withKernel(producer.kernel,
               [&](auto kernel) { fuse(rewriter, kernel, op, producer); });
    return success();
  }
};

struct FuseEpilogues : bit::impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    bit::populateFuseEpiloguesPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([&](Operation *op) {
      if (isKernel(op))
        numFused += withKernel(
            op, [](auto kernel) { return !kernel.getEpilogue().empty(); });
      else if (auto generic = dyn_cast<linalg::GenericOp>(op))
        numDeclined += readsKernel(generic);
    });
  }

  static bool readsKernel(linalg::GenericOp op) {
    return op.getNumParallelLoops() == op.getNumLoops() &&
           llvm::any_of(op.getInputs(), [](Value input) {
             return isKernel(input.getDefiningOp());
           });
  }
};

} // namespace

void bit::populateFuseEpiloguesPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseEpilogue>(patterns.getContext());
}
