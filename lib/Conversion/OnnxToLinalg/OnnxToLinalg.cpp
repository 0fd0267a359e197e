// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/OnnxToLinalg/OnnxToLinalg.h"
#include "ControlFlow.h"
#include "GridSample.h"
#include "IntegerConvolution.h"
#include "OnnxPattern.h"
#include "Resize.h"
#include "Sorting.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace bit {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "bit/Conversion/OnnxToLinalg/Passes.h.inc"
} // namespace bit

using namespace mlir;
using namespace bit::onnx;

void bit::populateOnnxToLinalgPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  PatternList list{converter, patterns};
  addActivationPatterns(list);
  addArgReducePatterns(list);
  addArithmeticPatterns(list);
  addAttentionPatterns(list);
  addCastPatterns(list);
  addChannelNormalizationPatterns(list);
  addComparisonPatterns(list);
  addConcatPatterns(list);
  addConstantPatterns(list);
  addControlFlowPatterns(list);
  addConvTransposePatterns(list);
  addConvolutionPatterns(list);
  addCumulativePatterns(list);
  addEinsumPatterns(list);
  addGatherNDPatterns(list);
  addGatherPatterns(list);
  addGridSamplePatterns(list);
  addIntegerConvolutionPatterns(list);
  addMathPatterns(list);
  addMatMulPatterns(list);
  addNormalizationPatterns(list);
  addPadPatterns(list);
  addPoolingPatterns(list);
  addPositionPatterns(list);
  addQuantizationPatterns(list);
  addRangePatterns(list);
  addRearrangePatterns(list);
  addReducePatterns(list);
  addReshapePatterns(list);
  addResizePatterns(list);
  addScatterPatterns(list);
  addSelectionPatterns(list);
  addShapePatterns(list);
  addSlicePatterns(list);
  addSoftmaxPatterns(list);
  addTopKPatterns(list);
  addTransposePatterns(list);
  addUniquePatterns(list);
}

void bit::getLowerableOnnxOps(llvm::StringSet<> &ops) {
  // The patterns themselves are the list.
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<OnnxDialect>();
  TypeConverter converter;
  RewritePatternSet patterns(&context);
  populateOnnxToLinalgPatterns(converter, patterns);
  for (const std::unique_ptr<RewritePattern> &pattern :
       patterns.getNativePatterns()) {
    StringRef name = pattern->getRootKind()->getStringRef();
    if (!name.consume_front("onnx."))
      continue;
    ops.insert(name.contains('.') ? name.str() : ("ai.onnx." + name).str());
  }
}

static Value castValue(OpBuilder &builder, Type type, ValueRange values,
                       Location loc) {
  return UnrealizedConversionCastOp::create(builder, loc, type, values)
      .getResult(0);
}

static TypeAttr getSignedElement(Type type) {
  return TypeAttr::get(getElementTypeOrSelf(type));
}

/// Drops the signs of the function's own types; the operations inside still
/// see them, by way of casts that the conversion removes.
static void convertSignature(func::FuncOp func,
                             const TypeConverter &converter) {
  OpBuilder builder(func.getContext());
  SmallVector<Type> inputs, results;
  (void)converter.convertTypes(func.getArgumentTypes(), inputs);
  (void)converter.convertTypes(func.getResultTypes(), results);
  // What a caller passes stays known.
  for (auto [i, type] : llvm::enumerate(inputs))
    if (type != func.getArgumentTypes()[i])
      func.setArgAttr(i, "onnx.element_type",
                      getSignedElement(func.getArgumentTypes()[i]));
  for (auto [i, type] : llvm::enumerate(results))
    if (type != func.getResultTypes()[i])
      func.setResultAttr(i, "onnx.element_type",
                         getSignedElement(func.getResultTypes()[i]));
  func.setType(builder.getFunctionType(inputs, results));
  if (func.isExternal())
    return;
  builder.setInsertionPointToStart(&func.front());
  for (auto [argument, type] : llvm::zip(func.getArguments(), inputs)) {
    Type signedType = argument.getType();
    if (signedType == type)
      continue;
    argument.setType(type);
    auto cast = UnrealizedConversionCastOp::create(builder, func.getLoc(),
                                                   signedType, argument);
    argument.replaceAllUsesExcept(cast.getResult(0), cast);
  }
  func.walk([&](func::ReturnOp op) {
    builder.setInsertionPoint(op);
    for (OpOperand &operand : op->getOpOperands())
      if (Type type = results[operand.getOperandNumber()];
          operand.get().getType() != type)
        operand.set(castValue(builder, type, operand.get(), op.getLoc()));
  });
}

namespace {
struct ConvertOnnxToLinalg
    : bit::impl::ConvertOnnxToLinalgBase<ConvertOnnxToLinalg> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([](RankedTensorType type) {
      return type.clone(getStorageType(type.getElementType()));
    });
    converter.addTargetMaterialization(castValue);
    converter.addSourceMaterialization(castValue);
    convertSignature(func, converter);
    OpBuilder builder(&getContext());
    if (failed(materializeArgumentDims(builder, func)) ||
        failed(convert(converter)))
      signalPassFailure();
  }

  LogicalResult convert(const TypeConverter &converter);
};
} // namespace

/// The operations of earlier stages that ask ONNX values for sizes, and those
/// that use the answers. What lowerings create asks what they know.
static DenseSet<Operation *> collectAsking(func::FuncOp func) {
  DenseSet<Operation *> asking;
  func.walk([&](tensor::DimOp dim) {
    Operation *source = dim.getSource().getDefiningOp();
    if (!source || !isa_and_present<OnnxDialect>(source->getDialect()))
      return;
    asking.insert(dim);
    for (Operation *user : dim->getUsers())
      if (isa<tensor::ExpandShapeOp>(user))
        asking.insert(user);
  });
  return asking;
}

/// The branch or loop that `value` leaves or is carried by, and its number.
static std::pair<Operation *, int64_t> getCarrier(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *owner = argument.getOwner()->getParentOp();
    return {isa<scf::WhileOp>(owner) ? owner : nullptr,
            argument.getArgNumber()};
  }
  Operation *owner = value.getDefiningOp();
  return {isa<scf::IfOp, scf::WhileOp>(owner) ? owner : nullptr,
          cast<OpResult>(value).getResultNumber()};
}

/// Whether `size` asks `tensor` for a dim, the answer of who knows no better.
static bool isDimOf(OpFoldResult size, Value tensor) {
  auto value = dyn_cast<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : nullptr;
  return dim && dim.getSource() == tensor;
}

/// Lowers what it can, then reports everything that is left.
LogicalResult ConvertOnnxToLinalg::convert(const TypeConverter &converter) {
  func::FuncOp func = getOperation();
  auto countOps = [&] {
    int64_t count = 0;
    func.walk([&](Operation *op) {
      count += isa_and_present<OnnxDialect>(op->getDialect());
    });
    return count;
  };
  const int64_t before = countOps();
  // A pattern that declines has said why; the others are reported below.
  llvm::DenseSet<Location> reported;
  {
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        reported.insert(diagnostic.getLocation());
      return failure();
    });
    ConversionTarget target(getContext());
    // Neither legal nor illegal: converted if possible, else left for the
    // report, whereas an illegal one would stop the conversion.
    const DenseSet<Operation *> asking = collectAsking(func);
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) -> std::optional<bool> {
          if (isa_and_present<OnnxDialect>(op->getDialect()) ||
              asking.contains(op))
            return std::nullopt;
          return true;
        });
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    RewritePatternSet patterns(&getContext());
    bit::populateOnnxToLinalgPatterns(converter, patterns);
    if (failed(
            applyPartialConversion(func, target, std::move(patterns), config)))
      return failure();
  }
  // Layers have asked for sizes before there were any to trace.
  OpBuilder builder(func);
  func.walk([&](tensor::DimOp op) {
    std::optional<int64_t> dim = op.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
    if (!dim || !type || *dim < 0 || *dim >= type.getRank())
      return;
    builder.setInsertionPoint(op);
    OpFoldResult size;
    if (auto [owner, index] = getCarrier(op.getSource()); owner) {
      auto named = getNamedDim(builder, op.getLoc(), owner, index, *dim);
      size = named ? *named : OpFoldResult();
    } else if (!isa<BlockArgument>(op.getSource())) {
      size = getDim(builder, op.getLoc(), op.getSource(), *dim);
    }
    if (size && !isDimOf(size, op.getSource())) {
      op.replaceAllUsesWith(toValue(builder, op.getLoc(), size));
      op.erase();
    }
  });
  // The names have served.
  func.walk([](Operation *op) {
    if (isa<scf::IfOp, scf::WhileOp>(op))
      op->removeAttr(dimNamesAttr);
  });
  bool failedOp = !reported.empty();
  func.walk([&](Operation *op) {
    if (!isa_and_present<OnnxDialect>(op->getDialect()))
      return;
    failedOp = true;
    ++numDeclined;
    if (!isa<YieldOp>(op) && !reported.contains(op->getLoc()))
      op->emitOpError("is not supported");
  });
  numLowered += before - numDeclined;
  return failure(failedOp);
}
