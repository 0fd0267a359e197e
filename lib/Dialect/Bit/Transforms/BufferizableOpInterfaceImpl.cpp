// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/BufferizableOpInterfaceImpl.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace bit {
namespace {

/// The op on `buffers`, which stand for its operands.
void createOnBuffers(RewriterBase &rewriter, AbsmaxQuantizeOp op,
                     ArrayRef<Value> buffers) {
  auto newOp =
      AbsmaxQuantizeOp::create(rewriter, op.getLoc(), buffers[0], buffers[1],
                               buffers[2], buffers[3], op.getQuantizer());
  newOp->setDiscardableAttrs(op->getDiscardableAttrDictionary());
}

template <typename OpT>
void createOnBuffers(RewriterBase &rewriter, OpT op, ArrayRef<Value> buffers) {
  Operation *newOp = cloneWithoutRegions(
      rewriter, op, /*newResultTypes=*/TypeRange(), buffers);
  // Epilogues are on scalars and stay what they are.
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), newOp->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
}

template <typename OpT>
struct KernelOpModel
    : DstBufferizableOpInterfaceExternalModel<KernelOpModel<OpT>, OpT> {
  /// Inits are written without being read, so that an init which is still
  /// needed is replaced by an allocation and not copied.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return cast<DestinationStyleOpInterface>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    SmallVector<Value> results;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      results.push_back(buffers[init.getOperandNumber()]);
    createOnBuffers(rewriter, cast<OpT>(op), buffers);
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};

} // namespace

void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, BitDialect *) {
    AbsmaxQuantizeOp::attachInterface<KernelOpModel<AbsmaxQuantizeOp>>(
        *context);
    AttentionOp::attachInterface<KernelOpModel<AttentionOp>>(*context);
    CodeMatmulOp::attachInterface<KernelOpModel<CodeMatmulOp>>(*context);
    PackedMatmulOp::attachInterface<KernelOpModel<PackedMatmulOp>>(*context);
    PackPanelsOp::attachInterface<KernelOpModel<PackPanelsOp>>(*context);
    PanelConvOp::attachInterface<KernelOpModel<PanelConvOp>>(*context);
    PanelMatmulOp::attachInterface<KernelOpModel<PanelMatmulOp>>(*context);
  });
}

} // namespace bit
