// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conv and ConvInteger. Each element of the result is one chain of fused
// multiply-adds over input channel and kernel position, starting from the bias;
// the last spatial dim is the innermost loop, so that vectors run over it.

#include "Convolution.h"
#include "bit/Layout/Panels.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

Value bit::onnx::splitGroups(OpBuilder &builder, Location loc, Value tensor,
                             unsigned dim, int64_t group) {
  if (group == 1)
    return tensor;
  Dims sizes = getDims(builder, loc, tensor);
  SmallVector<ReassociationIndices> groups(sizes.size());
  for (unsigned i = 0; i < sizes.size(); ++i) {
    groups[i].push_back(i + (i > dim));
    if (i == dim)
      groups[i].push_back(i + 1);
  }
  Value each = builder.createOrFold<arith::DivUIOp>(
      loc, toValue(builder, loc, sizes[dim]),
      arith::ConstantIndexOp::create(builder, loc, group));
  sizes[dim] = getAsOpFoldResult(each);
  sizes.insert(sizes.begin() + dim, builder.getIndexAttr(group));
  return tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(sizes, elementType(tensor)), tensor, groups,
      sizes);
}

Value bit::onnx::joinGroups(OpBuilder &builder, Location loc, Value tensor,
                            unsigned dim, int64_t group) {
  if (group == 1)
    return tensor;
  SmallVector<ReassociationIndices> groups(rankOf(tensor) - 1);
  for (unsigned i = 0, e = rankOf(tensor); i < e; ++i)
    groups[i - (i > dim)].push_back(i);
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

LogicalResult bit::onnx::checkDivisible(OpBuilder &builder, Operation *op,
                                        OpFoldResult size, int64_t group,
                                        StringRef what) {
  if (std::optional<int64_t> constant = getConstant(size)) {
    if (*constant % group)
      return op->emitOpError("expects ") << what << " divisible by group "
                                         << group << ", got " << *constant;
    return success();
  }
  if (group == 1)
    return success();
  Location loc = op->getLoc();
  Value rest = arith::RemUIOp::create(
      builder, loc, toValue(builder, loc, size),
      arith::ConstantIndexOp::create(builder, loc, group));
  emitCheck(
      builder, loc,
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, rest,
                            arith::ConstantIndexOp::create(builder, loc, 0)),
      "expects " + what + " divisible by group " + Twine(group));
  return success();
}

LogicalResult bit::onnx::checkConvOperands(Operation *op, Value x, Value w,
                                           Value bias, int64_t group) {
  if (rankOf(x) < 3 || rankOf(w) != rankOf(x))
    return op->emitOpError(
               "expects an input and weights of one rank of 3 or more, got ")
           << rankOf(x) << " and " << rankOf(w);
  if (bias && rankOf(bias) != 1)
    return op->emitOpError("expects a bias of rank 1, got ") << rankOf(bias);
  if (group < 1 || group >= int64_t(1) << 31)
    return op->emitOpError("expects a group of 1 or more, got ") << group;
  return success();
}

Value bit::onnx::toComputeTensor(OpBuilder &builder, Location loc, Value tensor,
                                 Type onnxType) {
  Type compute = getComputeType(onnxType);
  if (elementType(tensor) == compute)
    return tensor;
  return createPointwise(builder, loc, tensor, compute,
                         [&](OpBuilder &b, Location loc, ValueRange in) {
                           return toCompute(b, loc, in.front(), onnxType);
                         });
}

Value bit::onnx::toStorageTensor(OpBuilder &builder, Location loc, Value tensor,
                                 Type onnxType) {
  Type storage = getStorageType(onnxType);
  if (elementType(tensor) == storage)
    return tensor;
  return createPointwise(builder, loc, tensor, storage,
                         [&](OpBuilder &b, Location loc, ValueRange in) {
                           return toStorage(b, loc, in.front(), onnxType);
                         });
}

FailureOr<Value> bit::onnx::startFromBias(OpBuilder &builder, Operation *op,
                                          Value bias, const Dims &sizes,
                                          Type onnxType) {
  Location loc = op->getLoc();
  if (!bias)
    return createFilled(builder, loc, sizes,
                        ScalarBuilder(builder, loc, onnxType).number(0));
  bias = stripStaticCasts(bias);
  OpFoldResult count = getDim(builder, loc, bias, 0);
  if (!checkSameDim(builder, loc, count, sizes[1],
                    "expects a bias for each output channel"))
    return op->emitOpError("expects a bias for each output channel, got ")
           << *getConstant(count) << " for " << *getConstant(sizes[1]);
  AffineMap map = AffineMap::get(sizes.size(), 0, builder.getAffineDimExpr(1));
  return createPointwise(builder, loc, LoopOperand{bias, map, {}}, sizes,
                         getComputeType(onnxType),
                         [&](OpBuilder &b, Location loc, ValueRange in) {
                           return toCompute(b, loc, in.front(), onnxType);
                         });
}

Value bit::onnx::createConvLoops(OpBuilder &builder, Location loc, Value x,
                                 Value w, Value init, const Window &window,
                                 int64_t group, Type onnxType, Value mask) {
  unsigned rank = window.rank(), lead = group == 1 ? 1 : 2;
  OpFoldResult channels = getDim(builder, loc, init, lead);
  // The channel is outside of the rows if there are too few for a tile.
  bool channelsFirst = getConstant(channels).value_or(16) < 4;
  unsigned loops = lead + 2 + 2 * rank, next = 0;
  SmallVector<AffineExpr> leading, rows, taps;
  auto take = [&] { return builder.getAffineDimExpr(next++); };
  for (unsigned i = 0; i < lead; ++i)
    leading.push_back(take());
  AffineExpr oc;
  if (channelsFirst)
    oc = take();
  for (unsigned i = 0; i + 1 < rank; ++i)
    rows.push_back(take());
  if (!channelsFirst)
    oc = take();
  SmallVector<IteratorType> iterators(loops, IteratorType::parallel);
  std::fill(iterators.begin() + next, iterators.end() - 1,
            IteratorType::reduction);
  AffineExpr ic = take();
  for (unsigned i = 0; i < rank; ++i)
    taps.push_back(take());
  rows.push_back(take());

  SmallVector<AffineExpr> xs(leading), ws(ArrayRef(leading).drop_front()),
      ys(leading);
  xs.push_back(ic);
  ws.append({oc, ic});
  ys.push_back(oc);
  const bool hasPhases =
      rankOf(x) == static_cast<int64_t>(xs.size() + 2 * rank);
  for (unsigned i = 0; i < rank; ++i) {
    if (hasPhases)
      xs.push_back(taps[i] * window.dilations[i] % window.strides[i]);
    ws.push_back(taps[i]);
    ys.push_back(rows[i]);
  }
  for (unsigned i = 0; i < rank; ++i)
    xs.push_back(
        hasPhases
            ? rows[i] +
                  (taps[i] * window.dilations[i]).floorDiv(window.strides[i])
            : window.position(i, rows[i], taps[i]));
  SmallVector<Value> inputs{x, w};
  SmallVector<SmallVector<AffineExpr>> exprs{xs, ws, ys};
  if (mask) {
    inputs.push_back(mask);
    exprs.insert(exprs.end() - 1,
                 llvm::to_vector(ArrayRef(xs).take_back(rank)));
  }
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> results : exprs)
    maps.push_back(AffineMap::get(loops, 0, results, builder.getContext()));
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value weight = toCompute(b, loc, in[1], onnxType), sum = in.back();
        Value next = scalar.fma(weight, in[0], sum);
        if (mask)
          next =
              scalar.select(scalar.equal(in[2], scalar.number(0)), sum, next);
        linalg::YieldOp::create(b, loc, next);
      });
  return generic.getResult(0);
}

/// Whether a convolution becomes one by panels, which reads strided planes as
/// they are.
static bool usesPanels(Value w, int64_t group) {
  auto type = cast<RankedTensorType>(w.getType());
  return group == 1 && matchPattern(w, m_Constant()) &&
         type.getNumElements() > 0 &&
         bit::PanelLayout::suitsConvolution(
             type.getDimSize(0), type.getNumElements() / type.getDimSize(0));
}

/// Whether the vector form of a convolution can run over the phases of a
/// strided plane: sizes are known, there are channels for a tile and pixels for
/// vectors.
static bool usesPhases(const Window &window, OpFoldResult channels,
                       int64_t group, Type onnxType) {
  if (window.rank() != 2 || !onnxType.isF32() ||
      getConstant(channels).value_or(0) < 4 * group)
    return false;
  int64_t pitch = 0, rows = 0, columns = 0, taps = 1;
  for (unsigned i = 0; i < 2; ++i) {
    auto padded = getConstant(window.padded[i]);
    auto output = getConstant(window.output[i]);
    auto kernel = getConstant(window.kernel[i]);
    // Padding to a multiple of a great stride would take much memory.
    if (!padded || !output || !kernel || window.strides[i] > 4 || *kernel > 49)
      return false;
    rows = columns;
    columns = *output;
    pitch = llvm::divideCeil(*padded, window.strides[i]);
    taps *= *kernel;
  }
  bool strided =
      llvm::any_of(window.strides, [](int64_t stride) { return stride > 1; });
  return strided && taps <= 49 && pitch >= 6 && pitch <= 2 * columns &&
         (rows - 1) * pitch + columns >= 16;
}

/// (n, c, h, w) as (n, c, row phase, column phase, h / stride, w / stride),
/// those phases that the kernel has taps in. Then neighbours in memory are
/// neighbours in the output.
static Value splitPhases(OpBuilder &builder, Location loc, Value x,
                         const Window &window) {
  Dims sizes{getDim(builder, loc, x, 0), getDim(builder, loc, x, 1)};
  SmallVector<AffineExpr> source{builder.getAffineDimExpr(0),
                                 builder.getAffineDimExpr(1)};
  for (unsigned i = 0; i < 2; ++i) {
    int64_t span = (*getConstant(window.kernel[i]) - 1) * window.dilations[i];
    sizes.push_back(
        builder.getIndexAttr(std::min(window.strides[i], span + 1)));
  }
  for (unsigned i = 0; i < 2; ++i) {
    int64_t extent = *getConstant(getDim(builder, loc, x, 2 + i));
    sizes.push_back(builder.getIndexAttr(extent / window.strides[i]));
    source.push_back(builder.getAffineDimExpr(4 + i) * window.strides[i] +
                     builder.getAffineDimExpr(2 + i));
  }
  AffineMap map = AffineMap::get(6, 0, source, builder.getContext());
  return createPointwise(
      builder, loc, LoopOperand{x, map, {}}, sizes, elementType(x),
      [](OpBuilder &, Location, ValueRange in) { return in.front(); });
}

FailureOr<Value>
bit::onnx::createConvolution(OpBuilder &builder, Operation *op, Value x,
                             Value w, Value bias, Type onnxType, int64_t group,
                             const WindowAttributes &attributes) {
  Location loc = op->getLoc();
  if (failed(checkConvOperands(op, x, w, bias, group)))
    return failure();
  Dims xs = getDims(builder, loc, x), ws = getDims(builder, loc, w);
  OpFoldResult channels =
      mulDims(builder, loc, ws[1], OpFoldResult(builder.getIndexAttr(group)));
  if (!checkSameDim(builder, loc, xs[1], channels,
                    "expects weights for the input's channels"))
    return op->emitOpError("expects weights for the input's ")
           << *getConstant(xs[1]) << " channels, got "
           << *getConstant(channels);
  if (failed(checkDivisible(builder, op, ws[0], group, "output channels")))
    return failure();
  FailureOr<Dims> kernel = getKernel(builder, op, w, attributes.kernel);
  if (failed(kernel))
    return failure();
  FailureOr<Window> window =
      getWindow(builder, op, ArrayRef(xs).drop_front(2), *kernel, attributes);
  if (failed(window))
    return failure();

  Dims sizes{xs[0], ws[0]};
  llvm::append_range(sizes, window->output);
  FailureOr<Value> init = startFromBias(builder, op, bias, sizes, onnxType);
  if (failed(init))
    return failure();
  Value zero = ScalarBuilder(builder, loc, onnxType).number(0);
  x = toComputeTensor(builder, loc, x, onnxType);
  const bool hasPhases =
      !usesPanels(w, group) && usesPhases(*window, ws[0], group, onnxType);
  for (unsigned i = 0; hasPhases && i < window->rank(); ++i)
    window->padded[i] = builder.getIndexAttr(
        llvm::alignTo(*getConstant(window->padded[i]), window->strides[i]));
  x = padSpatial(builder, loc, x, *window, zero);
  if (hasPhases)
    x = splitPhases(builder, loc, x, *window);
  x = splitGroups(builder, loc, x, 1, group);
  w = splitGroups(builder, loc, w, 0, group);
  Value start = splitGroups(builder, loc, *init, 1, group);
  Value y =
      createConvLoops(builder, loc, x, w, start, *window, group, onnxType);
  return joinGroups(builder, loc, y, 1, group);
}

static LogicalResult conv(ConvOp op, ConvOp::Adaptor operands,
                          Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  Type onnxType = elementType(op.getX());
  WindowAttributes attributes{op.getKernelShape(), op.getStrides(),
                              op.getDilations(), op.getPads(), op.getAutoPad()};
  FailureOr<Value> y =
      createConvolution(rewriter, op, stripStaticCasts(operands.getX()),
                        stripStaticCasts(operands.getW()), operands.getB(),
                        onnxType, op.getGroup(), attributes);
  if (failed(y))
    return failure();
  results.push_back(toStorageTensor(rewriter, op.getLoc(), *y, onnxType));
  return success();
}

void bit::onnx::addConvolutionPatterns(PatternList &list) {
  list.add<ConvOp>(conv);
}
