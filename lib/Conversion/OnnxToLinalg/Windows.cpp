// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Windows.h"
#include "Pieces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace bit::onnx;

template <typename OpTy>
static OpFoldResult combine(OpBuilder &builder, Location loc, OpFoldResult a,
                            OpFoldResult b) {
  return getAsOpFoldResult(builder.createOrFold<OpTy>(
      loc, toValue(builder, loc, a), toValue(builder, loc, b)));
}

OpFoldResult bit::onnx::subDims(OpBuilder &builder, Location loc,
                                OpFoldResult a, OpFoldResult b) {
  if (getConstant(b) == 0)
    return a;
  return combine<arith::SubIOp>(builder, loc, a, b);
}

OpFoldResult bit::onnx::maxDims(OpBuilder &builder, Location loc,
                                OpFoldResult a, OpFoldResult b) {
  return combine<arith::MaxSIOp>(builder, loc, a, b);
}

std::optional<SmallVector<int64_t>>
bit::onnx::getList(Operation *op, StringRef name,
                   std::optional<ArrayRef<int64_t>> values, size_t rank,
                   int64_t least, int64_t fallback) {
  if (!values || values->empty())
    return SmallVector<int64_t>(rank, fallback);
  if (values->size() != rank) {
    op->emitOpError("expects ")
        << rank << " numbers in " << name << ", got " << values->size();
    return std::nullopt;
  }
  for (int64_t value : *values)
    if (value < least || value >= int64_t(1) << 31) {
      op->emitOpError("expects ")
          << name << " in [" << least << ", 2147483648), got " << value;
      return std::nullopt;
    }
  return llvm::to_vector(*values);
}

FailureOr<Dims>
bit::onnx::getKernel(OpBuilder &builder, Operation *op, Value weight,
                     std::optional<ArrayRef<int64_t>> attribute) {
  Location loc = op->getLoc();
  Dims all = getDims(builder, loc, weight);
  Dims kernel(ArrayRef(all).drop_front(2));
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (OpFoldResult size : kernel) {
    if (getConstant(size) == 0)
      return op->emitOpError("expects a kernel that is not empty");
    if (!getConstant(size))
      emitCheck(builder, loc,
                arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                      toValue(builder, loc, size), zero),
                "expects a kernel that is not empty");
  }
  if (!attribute || attribute->empty())
    return kernel;
  auto given = getList(op, "kernel_shape", attribute, kernel.size(), 1, 1);
  if (!given)
    return failure();
  for (auto [size, value] : llvm::zip(kernel, *given)) {
    OpFoldResult asked = builder.getIndexAttr(value);
    if (!checkSameDim(builder, loc, size, asked,
                      "expects weights of kernel_shape"))
      return op->emitOpError("expects weights of kernel_shape, got ")
             << *getConstant(size) << " for " << value;
    size = asked;
  }
  return kernel;
}

namespace {
/// What one spatial dim is computed from.
struct Axis {
  OpBuilder &builder;
  Location loc;
  OpFoldResult input, extent;
  int64_t stride;

  OpFoldResult number(int64_t value) { return builder.getIndexAttr(value); }
  OpFoldResult add(OpFoldResult a, OpFoldResult b) {
    return addDims(builder, loc, a, b);
  }
  OpFoldResult sub(OpFoldResult a, OpFoldResult b) {
    return subDims(builder, loc, a, b);
  }
  OpFoldResult divide(OpFoldResult a, int64_t b) {
    return b == 1 ? a : combine<arith::DivUIOp>(builder, loc, a, number(b));
  }
  OpFoldResult roundUp(OpFoldResult a, int64_t b) {
    return divide(add(a, number(b - 1)), b);
  }
  /// From the first tap of the first window behind the last tap of the last.
  OpFoldResult reach(OpFoldResult output) {
    return add(mulDims(builder, loc, sub(output, number(1)), number(stride)),
               extent);
  }
};
} // namespace

/// SAME_UPPER and SAME_LOWER: as many outputs as strides in the input.
static void padEvenly(Axis axis, Window &window, bool isUpper) {
  OpFoldResult output = axis.roundUp(axis.input, axis.stride);
  OpFoldResult total = maxDims(axis.builder, axis.loc, axis.number(0),
                               axis.sub(axis.reach(output), axis.input));
  OpFoldResult half = axis.divide(total, 2), rest = axis.sub(total, half);
  window.begin.push_back(isUpper ? half : rest);
  window.end.push_back(isUpper ? rest : half);
  window.output.push_back(output);
}

/// One output for each whole step, or for each started one that does not start
/// in the padding behind.
static LogicalResult countOutputs(Axis axis, Operation *op, Window &window,
                                  bool ceilMode) {
  OpFoldResult before = axis.add(axis.input, window.begin.back());
  OpFoldResult all = axis.add(before, window.end.back());
  OpFoldResult room = axis.sub(all, axis.extent);
  constexpr llvm::StringLiteral message =
      "expects a kernel that fits in the padded input";
  if (std::optional<int64_t> constant = getConstant(room)) {
    if (*constant < 0)
      return op->emitOpError(message)
             << ", got " << *getConstant(axis.extent) << " for "
             << *getConstant(all) << " in spatial dim " << window.output.size();
  } else {
    emitCheck(axis.builder, axis.loc,
              arith::CmpIOp::create(
                  axis.builder, axis.loc, arith::CmpIPredicate::sge,
                  toValue(axis.builder, axis.loc, room),
                  arith::ConstantIndexOp::create(axis.builder, axis.loc, 0)),
              message);
    // Memory is asked for before the check is made.
    room = maxDims(axis.builder, axis.loc, axis.number(0), room);
  }
  OpFoldResult steps = ceilMode ? axis.roundUp(room, axis.stride)
                                : axis.divide(room, axis.stride);
  OpFoldResult output = axis.add(steps, axis.number(1));
  if (ceilMode && axis.stride > 1)
    output = combine<arith::MinSIOp>(axis.builder, axis.loc, output,
                                     axis.roundUp(before, axis.stride));
  window.output.push_back(output);
  return success();
}

FailureOr<Window> bit::onnx::getWindow(OpBuilder &builder, Operation *op,
                                       ArrayRef<OpFoldResult> input,
                                       ArrayRef<OpFoldResult> kernel,
                                       const WindowAttributes &attributes) {
  size_t rank = input.size();
  auto strides = getList(op, "strides", attributes.strides, rank, 1, 1);
  auto dilations = getList(op, "dilations", attributes.dilations, rank, 1, 1);
  auto pads = getList(op, "pads", attributes.pads, 2 * rank, 0, 0);
  if (!strides || !dilations || !pads)
    return failure();
  StringRef autoPad = attributes.autoPad;
  bool isUpper = autoPad == "SAME_UPPER", isSame = isUpper;
  isSame |= autoPad == "SAME_LOWER";
  if (!isSame && autoPad != "NOTSET" && autoPad != "VALID" && !autoPad.empty())
    return op->emitOpError("expects an auto_pad of NOTSET, SAME_UPPER, "
                           "SAME_LOWER or VALID, got ")
           << autoPad;
  if (autoPad == "VALID")
    llvm::fill(*pads, 0);

  Location loc = op->getLoc();
  Window window{Dims(input), Dims(kernel), *strides, *dilations,
                {},          {},           {},       {}};
  for (size_t i = 0; i < rank; ++i) {
    OpFoldResult one = builder.getIndexAttr(1);
    OpFoldResult span =
        mulDims(builder, loc, subDims(builder, loc, kernel[i], one),
                OpFoldResult(builder.getIndexAttr((*dilations)[i])));
    Axis axis{builder, loc, input[i], addDims(builder, loc, span, one),
              (*strides)[i]};
    if (isSame) {
      padEvenly(axis, window, isUpper);
    } else {
      window.begin.push_back(axis.number((*pads)[i]));
      window.end.push_back(axis.number((*pads)[rank + i]));
      if (failed(countOutputs(axis, op, window, attributes.ceilMode)))
        return failure();
    }
    window.padded.push_back(maxDims(builder, loc,
                                    axis.add(window.begin.back(), input[i]),
                                    axis.reach(window.output.back())));
  }
  return window;
}

Value bit::onnx::padSpatial(OpBuilder &builder, Location loc, Value tensor,
                            const Window &window, Value value) {
  Dims sizes = getDims(builder, loc, tensor), padded = sizes;
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  size_t first = sizes.size() - window.rank();
  bool same = true;
  for (size_t i = 0; i < window.rank(); ++i) {
    padded[first + i] = window.padded[i];
    offsets[first + i] = window.begin[i];
    same &= isSameDim(window.padded[i], window.input[i]);
  }
  if (same)
    return tensor;
  Value filled = createFilled(builder, loc, padded, value);
  return putPiece(builder, loc, tensor, filled, offsets, sizes);
}
