// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ConvTranspose as a convolution of the input with zeros between its elements
// by the mirrored kernel. The zeros are skipped, so that only real products are
// in an output's chain: over input channel, then ascending input position.

#include "Convolution.h"
#include "Pieces.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
/// Spatial dims of the input with zeros between and around its elements.
struct Stuffing {
  SmallVector<int64_t> strides;
  /// Where the first element lies; the size of all.
  Dims offsets, sizes;
};

/// Folding arithmetic on sizes.
struct Sizes {
  OpBuilder &builder;
  Location loc;

  OpFoldResult number(int64_t value) { return builder.getIndexAttr(value); }
  OpFoldResult add(OpFoldResult a, OpFoldResult b) {
    return addDims(builder, loc, a, b);
  }
  OpFoldResult sub(OpFoldResult a, OpFoldResult b) {
    return subDims(builder, loc, a, b);
  }
  OpFoldResult mul(OpFoldResult a, int64_t b) {
    return mulDims(builder, loc, a, number(b));
  }
  OpFoldResult half(OpFoldResult a) {
    return getAsOpFoldResult(builder.createOrFold<arith::DivUIOp>(
        loc, toValue(builder, loc, a), toValue(builder, loc, number(2))));
  }
};
} // namespace

/// An error, or a check at run time, unless `size` >= `least`.
static LogicalResult checkAtLeast(Sizes sizes, Operation *op, OpFoldResult size,
                                  int64_t least, StringRef message) {
  if (std::optional<int64_t> constant = getConstant(size)) {
    if (*constant < least)
      return op->emitOpError(message) << ", got " << *constant;
    return success();
  }
  emitCheck(sizes.builder, sizes.loc,
            arith::CmpIOp::create(
                sizes.builder, sizes.loc, arith::CmpIPredicate::sge,
                toValue(sizes.builder, sizes.loc, size),
                toValue(sizes.builder, sizes.loc, sizes.number(least))),
            message);
  return success();
}

namespace {
struct TransposeLists {
  SmallVector<int64_t> strides, dilations, pads, outputPadding, outputShape;
};
} // namespace

static FailureOr<TransposeLists> getLists(ConvTransposeOp op, size_t rank) {
  auto strides = getList(op, "strides", op.getStrides(), rank, 1, 1);
  auto dilations = getList(op, "dilations", op.getDilations(), rank, 1, 1);
  auto pads = getList(op, "pads", op.getPads(), 2 * rank, 0, 0);
  auto outputPadding =
      getList(op, "output_padding", op.getOutputPadding(), rank, 0, 0);
  auto outputShape =
      getList(op, "output_shape", op.getOutputShape(), rank, 0, -1);
  if (!strides || !dilations || !pads || !outputPadding || !outputShape)
    return failure();
  StringRef autoPad = op.getAutoPad();
  if (!llvm::is_contained({"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"},
                          autoPad))
    return op.emitOpError("expects an auto_pad of NOTSET, SAME_UPPER, "
                          "SAME_LOWER or VALID, got ")
           << autoPad;
  if (autoPad == "VALID")
    llvm::fill(*pads, 0);
  return TransposeLists{*strides, *dilations, *pads, *outputPadding,
                        *outputShape};
}

/// The output's size in one dim and the padding before it.
static LogicalResult addOutput(Sizes sizes, ConvTransposeOp op,
                               const TransposeLists &lists, size_t i,
                               OpFoldResult input, OpFoldResult extent,
                               Window &window) {
  size_t rank = lists.strides.size();
  OpFoldResult full =
      sizes.add(sizes.mul(sizes.sub(input, sizes.number(1)), lists.strides[i]),
                sizes.add(extent, sizes.number(lists.outputPadding[i])));
  StringRef autoPad = op.getAutoPad();
  if (lists.outputShape[i] < 0 && !autoPad.starts_with("SAME")) {
    window.begin.push_back(sizes.number(lists.pads[i]));
    window.output.push_back(
        sizes.sub(full, sizes.number(lists.pads[i] + lists.pads[rank + i])));
    return checkAtLeast(sizes, op, window.output.back(), 0,
                        "expects pads smaller than the output");
  }
  OpFoldResult output = lists.outputShape[i] < 0
                            ? sizes.mul(input, lists.strides[i])
                            : sizes.number(lists.outputShape[i]);
  OpFoldResult total = maxDims(sizes.builder, sizes.loc, sizes.number(0),
                               sizes.sub(full, output));
  OpFoldResult half = sizes.half(total);
  window.begin.push_back(autoPad == "SAME_UPPER" ? half
                                                 : sizes.sub(total, half));
  window.output.push_back(output);
  return success();
}

/// The kernel mirrored, (c, out, ...) as (out, c, ...) in each group.
static Value mirrorKernel(OpBuilder &builder, Location loc, Value w,
                          int64_t group) {
  w = splitGroups(builder, loc, w, 0, group);
  Dims sizes = getDims(builder, loc, w);
  unsigned first = group == 1 ? 0 : 1;
  std::swap(sizes[first], sizes[first + 1]);
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, elementType(w),
      [&](OpBuilder &b, Location loc, ValueRange) {
        SmallVector<Value> at;
        Value one = arith::ConstantIndexOp::create(b, loc, 1);
        for (unsigned i = 0; i < sizes.size(); ++i) {
          Value index = linalg::IndexOp::create(b, loc, i);
          if (i >= first + 2) {
            Value last = b.createOrFold<arith::SubIOp>(
                loc, toValue(b, loc, sizes[i]), one);
            index = arith::SubIOp::create(b, loc, last, index);
          }
          at.push_back(index);
        }
        std::swap(at[first], at[first + 1]);
        return tensor::ExtractOp::create(b, loc, w, at).getResult();
      });
}

/// Puts the elements into zeros, then takes the part that windows touch.
static Value stuff(OpBuilder &builder, Location loc, Value tensor,
                   const Stuffing &stuffing, const Window &window) {
  Dims source = getDims(builder, loc, tensor), sizes = source;
  unsigned rank = source.size(), first = rank - window.rank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(rank, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> begin = offsets, strides = ones, taken = source;
  for (unsigned i = 0; i < window.rank(); ++i) {
    offsets[first + i] = stuffing.offsets[i];
    strides[first + i] = builder.getIndexAttr(stuffing.strides[i]);
    sizes[first + i] = stuffing.sizes[i];
    begin[first + i] = window.begin[i];
    taken[first + i] = window.padded[i];
  }
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(elementType(tensor)));
  Value filled = createFilled(builder, loc, sizes, zero);
  if (llvm::none_of(source,
                    [](OpFoldResult size) { return getConstant(size) == 0; }))
    filled = tensor::InsertSliceOp::create(builder, loc, tensor, filled,
                                           offsets, source, strides);
  return takePiece(builder, loc, filled, begin, taken, ones);
}

static LogicalResult convTranspose(ConvTransposeOp op,
                                   ConvTransposeOp::Adaptor operands,
                                   Rewriter &rewriter,
                                   SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Value w = stripStaticCasts(operands.getW());
  Type onnxType = elementType(op.getX());
  int64_t group = op.getGroup();
  if (failed(checkConvOperands(op, x, w, operands.getB(), group)))
    return failure();
  Dims xs = getDims(rewriter, loc, x), ws = getDims(rewriter, loc, w);
  if (!checkSameDim(rewriter, loc, xs[1], ws[0],
                    "expects weights for the input's channels"))
    return op.emitOpError("expects weights for the input's ")
           << *getConstant(xs[1]) << " channels, got " << *getConstant(ws[0]);
  if (failed(checkDivisible(rewriter, op, ws[0], group, "input channels")))
    return failure();
  FailureOr<Dims> kernel = getKernel(rewriter, op, w, op.getKernelShape());
  FailureOr<TransposeLists> lists = getLists(op, xs.size() - 2);
  if (failed(kernel) || failed(lists))
    return failure();

  Sizes sizes{rewriter, loc};
  Window window;
  window.input.assign(xs.begin() + 2, xs.end());
  window.kernel = *kernel;
  window.dilations = lists->dilations;
  window.strides.assign(window.rank(), 1);
  Stuffing stuffing{lists->strides, {}, {}};
  for (unsigned i = 0; i < window.rank(); ++i) {
    OpFoldResult one = sizes.number(1), input = window.input[i];
    if (failed(checkAtLeast(sizes, op, input, 1,
                            "expects an input that is not empty")))
      return failure();
    OpFoldResult span =
        sizes.mul(sizes.sub((*kernel)[i], one), lists->dilations[i]);
    if (failed(addOutput(sizes, op, *lists, i, input, sizes.add(span, one),
                         window)))
      return failure();
    OpFoldResult elements =
        sizes.add(sizes.mul(sizes.sub(input, one), lists->strides[i]), one);
    window.padded.push_back(sizes.add(window.output[i], span));
    stuffing.offsets.push_back(span);
    stuffing.sizes.push_back(
        maxDims(rewriter, loc, sizes.add(span, elements),
                sizes.add(window.begin[i], window.padded[i])));
  }

  Dims outputs{xs[0], mulDims(rewriter, loc, ws[1], sizes.number(group))};
  llvm::append_range(outputs, window.output);
  FailureOr<Value> init =
      startFromBias(rewriter, op, operands.getB(), outputs, onnxType);
  if (failed(init))
    return failure();
  x = toComputeTensor(rewriter, loc, x, onnxType);
  Type compute = elementType(x);
  Value ones = createFilled(rewriter, loc, window.input,
                            ScalarBuilder(rewriter, loc, compute).number(1));
  Value mask = stuff(rewriter, loc, ones, stuffing, window);
  x = splitGroups(rewriter, loc, x, 1, group);
  x = stuff(rewriter, loc, x, stuffing, window);
  w = mirrorKernel(rewriter, loc, w, group);
  Value start = splitGroups(rewriter, loc, *init, 1, group);
  Value y = createConvLoops(rewriter, loc, x, w, start, window, group, onnxType,
                            mask);
  y = joinGroups(rewriter, loc, y, 1, group);
  results.push_back(toStorageTensor(rewriter, loc, y, onnxType));
  return success();
}

void bit::onnx::addConvTransposePatterns(PatternList &list) {
  list.add<ConvTransposeOp>(convTranspose);
}
