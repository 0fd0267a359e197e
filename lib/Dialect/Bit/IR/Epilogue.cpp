// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels do to their results before they store them.

#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "KernelOps.h"
#include "Shapes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace bit {

EpilogueAccess getEpilogueAccess(Value input) {
  int64_t rank = cast<ShapedType>(input.getType()).getRank();
  if (rank == 0)
    return EpilogueAccess::Scalar;
  return rank == 1 ? EpilogueAccess::Channel : EpilogueAccess::Element;
}

bool isEpilogueStep(Operation &op) {
  // Lanes that nobody stores may hold zeros.
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
          arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
    return false;
  auto isNumber = [](Type type) { return type.isIntOrFloat(); };
  return op.getNumRegions() == 0 &&
         (OpTrait::hasElementwiseMappableTraits(&op) ||
          op.hasTrait<OpTrait::ConstantLike>()) &&
         llvm::all_of(op.getResultTypes(), isNumber) &&
         llvm::all_of(op.getOperandTypes(), isNumber);
}

LogicalResult verifyEpilogue(Operation *op, ValueRange inputs, Region &epilogue,
                             ShapedType init, int64_t channelDim) {
  ArrayRef<int64_t> shape = init.getShape();
  for (auto type : inputs.getTypes()) {
    ArrayRef<int64_t> input = cast<ShapedType>(type).getShape();
    bool fits = input.empty() || shapesMatch(input, shape) ||
                (input.size() == 1 && dimsMatch(input[0], shape[channelDim]));
    if (!fits)
      return op->emitOpError()
             << "expects an input of the epilogue of rank 0, of an element for "
                "each channel or of the shape of the init, "
             << printShape(shape) << ", got " << printShape(input);
  }
  if (epilogue.empty()) {
    if (!inputs.empty())
      return op->emitOpError() << "expects an epilogue for its "
                               << inputs.size() << " inputs, got none";
    return success();
  }
  Block &body = epilogue.front();
  auto isF32 = [](Type type) { return type.isF32(); };
  if (body.getNumArguments() != 1 + inputs.size() ||
      !llvm::all_of(body.getArgumentTypes(), isF32))
    return op->emitOpError() << "expects " << 1 + inputs.size()
                             << " arguments of f32 of the epilogue, got "
                             << body.getArgumentTypes();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return op->emitOpError() << "expects an epilogue that ends with bit.yield";
  for (Operation &step : body.without_terminator())
    if (!isEpilogueStep(step))
      return op->emitOpError() << "expects elementwise operations in the "
                                  "epilogue and no division of integers, got "
                               << step.getName();
  return success();
}

namespace {

/// An epilogue that uses all its inputs, or none where it changes nothing.
template <typename OpT> struct SimplifyEpilogue final : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (op.getEpilogue().empty())
      return rewriter.notifyMatchFailure(op, "has no epilogue");
    Block &body = op.getEpilogue().front();
    BlockArgument result = body.getArgument(0);
    if (cast<YieldOp>(body.back()).getValue() == result) {
      rewriter.modifyOpInPlace(op, [&] {
        rewriter.eraseBlock(&body);
        op.getEpilogueInputsMutable().clear();
      });
      return success();
    }
    for (int64_t i = op.getEpilogueInputs().size() - 1; i >= 0; --i) {
      if (!body.getArgument(1 + i).use_empty())
        continue;
      rewriter.modifyOpInPlace(op, [&] {
        op.getEpilogueInputsMutable().erase(i);
        body.eraseArgument(1 + i);
      });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "uses all its inputs");
  }
};

} // namespace

void PackedMatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                 MLIRContext *context) {
  patterns.add<SimplifyEpilogue<PackedMatmulOp>>(context);
}

void PanelConvOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<SimplifyEpilogue<PanelConvOp>>(context);
}

void PanelMatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *context) {
  patterns.add<SimplifyEpilogue<PanelMatmulOp>>(context);
}

} // namespace bit
