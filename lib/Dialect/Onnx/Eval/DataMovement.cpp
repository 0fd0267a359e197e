// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every operator here is a few strided copies. Offsets and strides are checked
// against both tensors before any byte moves: shapes come from files.

#include "DataMovement.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "bit/Support/TransposeWords.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit::onnx {
namespace {

using Sizes = SmallVector<int64_t>;
using Results = SmallVector<HostTensor>;

Sizes naturalStrides(ArrayRef<int64_t> shape) {
  Sizes strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

/// One side of a copy, in elements.
struct View {
  int64_t offset = 0;
  Sizes strides;
};

bool isInside(const View &view, ArrayRef<int64_t> shape, int64_t size) {
  int64_t low = view.offset, high = view.offset;
  for (auto [stride, dim] : llvm::zip_equal(view.strides, shape))
    (stride < 0 ? low : high) += stride * (dim - 1);
  return low >= 0 && high < size;
}

/// Copies `shape` elements of `bytes` bytes each.
Error copy(const HostTensor &from, View source, HostTensor &to, View target,
           ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return Error::success();
  if (from.isSplat())
    source = {0, Sizes(shape.size(), 0)};
  if (from.getFormat() != to.getFormat() ||
      !isInside(source, shape, from.isSplat() ? 1 : from.size()) ||
      !isInside(target, shape, to.size()))
    return createStringError("its shapes do not fit together");
  int64_t bytes = getByteSize(from.getFormat());
  const char *in = from.getBytes().data();
  char *out = to.getMutableBytes().data();
  Sizes at(shape.size(), 0);
  while (true) {
    int64_t rows = shape.empty() ? 1 : shape.back();
    int64_t inStep = shape.empty() ? 0 : source.strides.back() * bytes;
    int64_t outStep = shape.empty() ? 0 : target.strides.back() * bytes;
    const char *p = in + source.offset * bytes;
    char *q = out + target.offset * bytes;
    if (inStep == bytes && outStep == bytes)
      std::memcpy(q, p, rows * bytes);
    else
      for (int64_t i = 0; i < rows; ++i, p += inStep, q += outStep)
        std::memcpy(q, p, bytes);
    // The next row, carrying into the outer coordinates.
    int64_t d = int64_t(shape.size()) - 2;
    for (; d >= 0; --d) {
      source.offset += source.strides[d];
      target.offset += target.strides[d];
      if (++at[d] < shape[d])
        break;
      source.offset -= shape[d] * source.strides[d];
      target.offset -= shape[d] * target.strides[d];
      at[d] = 0;
    }
    if (d < 0)
      return Error::success();
  }
}

/// Copies what is contiguous in the last dimension of one side and in the last
/// but one of the other, as a Transpose has it, in tiles: neither side moves a
/// cache line more than once. `Word` has the size of an element.
template <typename Word>
void copyTiles(MLIRContext *context, const char *in, const View &source,
               char *out, const View &target, ArrayRef<int64_t> shape) {
  constexpr int64_t rowTile = 16, columnTile = 8, band = 64;
  size_t rank = shape.size();
  int64_t rows = shape[rank - 2], columns = shape[rank - 1];
  int64_t inStep = source.strides[rank - 1], outStep = target.strides[rank - 2];
  int64_t bands = llvm::divideCeil(rows, band), outer = 1;
  for (int64_t dim : shape.drop_back(2))
    outer *= dim;
  parallelFor(context, 0, outer * bands, [&](size_t task) {
    int64_t index = task / bands, from = source.offset, to = target.offset;
    for (size_t d = rank - 2; d-- > 0; index /= shape[d]) {
      from += index % shape[d] * source.strides[d];
      to += index % shape[d] * target.strides[d];
    }
    const char *p = in + from * sizeof(Word);
    char *q = out + to * sizeof(Word);
    int64_t begin = task % bands * band, end = std::min(rows, begin + band);
    if constexpr (sizeof(Word) == sizeof(uint32_t))
      return transposeWords(p + begin * sizeof(Word), inStep,
                            q + begin * outStep * sizeof(Word), outStep,
                            end - begin, columns);
    for (int64_t i = begin; i < end; i += rowTile)
      for (int64_t j = 0; j < columns; j += columnTile)
        for (int64_t r = i; r < std::min(end, i + rowTile); ++r)
          for (int64_t c = j; c < std::min(columns, j + columnTile); ++c)
            std::memcpy(q + (r * outStep + c) * sizeof(Word),
                        p + (c * inStep + r) * sizeof(Word), sizeof(Word));
  });
}

/// Copies by copyTiles() if that applies.
bool copyTransposed(MLIRContext *context, const HostTensor &from,
                    const View &source, HostTensor &to, const View &target,
                    ArrayRef<int64_t> shape) {
  size_t rank = shape.size();
  if (rank < 2 || from.isSplat() || llvm::is_contained(shape, 0) ||
      from.getFormat() != to.getFormat() || source.strides[rank - 2] != 1 ||
      target.strides[rank - 1] != 1 || !isInside(source, shape, from.size()) ||
      !isInside(target, shape, to.size()))
    return false;
  const char *in = from.getBytes().data();
  char *out = to.getMutableBytes().data();
  switch (getByteSize(from.getFormat())) {
  case 1:
    copyTiles<uint8_t>(context, in, source, out, target, shape);
    return true;
  case 2:
    copyTiles<uint16_t>(context, in, source, out, target, shape);
    return true;
  case 4:
    copyTiles<uint32_t>(context, in, source, out, target, shape);
    return true;
  default:
    copyTiles<uint64_t>(context, in, source, out, target, shape);
    return true;
  }
}

/// Allocates result `index` of `op`, lets `fill` write it.
template <typename Fill> Expected<Results> single(Operation *op, Fill fill) {
  Expected<HostTensor> result =
      HostTensor::allocate(cast<ShapedType>(op->getResult(0).getType()));
  if (!result)
    return result.takeError();
  if (Error error = fill(*result))
    return std::move(error);
  return Results{*result};
}

Expected<int64_t> checkedAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return createStringError("its axis is out of range");
  return axis < 0 ? axis + rank : axis;
}

Expected<Results> transpose(TransposeOp op, const HostTensor &input) {
  return single(op, [&](HostTensor &result) -> Error {
    Sizes strides = naturalStrides(input.getShape()), permuted;
    size_t rank = strides.size();
    Sizes perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
    if (std::optional<ArrayRef<int64_t>> given = op.getPerm())
      perm.assign(given->begin(), given->end());
    if (perm.size() != rank || result.getShape().size() != rank)
      return createStringError("its permutation does not fit");
    for (int64_t axis : perm) {
      if (axis < 0 || axis >= int64_t(rank))
        return createStringError("its permutation is out of range");
      permuted.push_back(strides[axis]);
    }
    View source{0, permuted}, target{0, naturalStrides(result.getShape())};
    if (copyTransposed(op.getContext(), input, source, result, target,
                       result.getShape()))
      return Error::success();
    return copy(input, source, result, target, result.getShape());
  });
}

Expected<Results> expand(ExpandOp op, const HostTensor &input) {
  return single(op, [&](HostTensor &result) -> Error {
    ArrayRef<int64_t> own = input.getShape(), shape = result.getShape();
    if (own.size() > shape.size())
      return createStringError("its shapes do not broadcast");
    Sizes strides = naturalStrides(own);
    Sizes source(shape.size() - own.size(), 0);
    for (auto [dim, stride] : llvm::zip_equal(own, strides))
      source.push_back(dim == 1 ? 0 : stride);
    return copy(input, {0, source}, result, {0, naturalStrides(shape)}, shape);
  });
}

Expected<Results> slice(SliceOp op, const HostTensor &input) {
  size_t rank = input.getShape().size();
  auto starts = getConstantIntegers(op.getStarts());
  std::optional<Sizes> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::optional<Sizes> steps = Sizes(starts ? starts->size() : 0, 1);
  if (op.getAxes())
    axes = getConstantIntegers(op.getAxes());
  if (op.getSteps())
    steps = getConstantIntegers(op.getSteps());
  if (!starts || !axes || !steps || axes->size() < starts->size() ||
      steps->size() != starts->size())
    return createStringError("its starts, axes or steps are not constant");
  return single(op, [&](HostTensor &result) -> Error {
    View source{0, naturalStrides(input.getShape())};
    if (result.getShape().size() != rank)
      return createStringError("its shapes do not fit together");
    for (auto [i, start] : llvm::enumerate(*starts)) {
      Expected<int64_t> axis = checkedAxis((*axes)[i], rank);
      if (!axis)
        return axis.takeError();
      int64_t dim = input.getShape()[*axis], step = (*steps)[i];
      if (step == 0)
        return createStringError("its steps are out of range");
      step = std::clamp(step, -dim - 1, dim + 1); // beyond: no second element
      start =
          std::clamp<int64_t>(start < 0 ? start + dim : start, 0,
                              std::max<int64_t>(step < 0 ? dim - 1 : dim, 0));
      source.offset += start * source.strides[*axis];
      source.strides[*axis] *= step;
    }
    return copy(input, source, result, {0, naturalStrides(result.getShape())},
                result.getShape());
  });
}

Expected<Results> concat(ConcatOp op, ArrayRef<HostTensor> inputs) {
  return single(op, [&](HostTensor &result) -> Error {
    Expected<int64_t> axis =
        checkedAxis(op.getAxis(), result.getShape().size());
    if (!axis)
      return axis.takeError();
    View target{0, naturalStrides(result.getShape())};
    for (const HostTensor &input : inputs) {
      if (input.getShape().size() != result.getShape().size())
        return createStringError("its shapes do not fit together");
      if (Error error = copy(input, {0, naturalStrides(input.getShape())},
                             result, target, input.getShape()))
        return error;
      target.offset += input.getShape()[*axis] * target.strides[*axis];
    }
    return Error::success();
  });
}

Expected<Results> split(SplitOp op, const HostTensor &input) {
  Expected<int64_t> axis = checkedAxis(op.getAxis(), input.getShape().size());
  if (!axis)
    return axis.takeError();
  View source{0, naturalStrides(input.getShape())};
  Results results;
  for (Value value : op.getResults()) {
    Expected<HostTensor> result =
        HostTensor::allocate(cast<ShapedType>(value.getType()));
    if (!result)
      return result.takeError();
    if (result->getShape().size() != input.getShape().size())
      return createStringError("its shapes do not fit together");
    if (Error error =
            copy(input, source, *result,
                 {0, naturalStrides(result->getShape())}, result->getShape()))
      return std::move(error);
    source.offset += result->getShape()[*axis] * source.strides[*axis];
    results.push_back(*result);
  }
  return results;
}

Expected<Results> gather(GatherOp op, ArrayRef<HostTensor> inputs) {
  const HostTensor &data = inputs[0], &indices = inputs[1];
  Expected<int64_t> axis = checkedAxis(op.getAxis(), data.getShape().size());
  if (!axis)
    return axis.takeError();
  return single(op, [&](HostTensor &result) -> Error {
    // [outer, dim, inner] gathered to [outer, count, inner].
    int64_t dim = data.getShape()[*axis], inner = 1, outer = 1;
    for (auto [d, size] : llvm::enumerate(data.getShape()))
      (int64_t(d) < *axis ? outer : inner) *= int64_t(d) == *axis ? 1 : size;
    if (result.size() != outer * indices.size() * inner)
      return createStringError("its shapes do not fit together");
    for (int64_t i = 0; i < indices.size(); ++i) {
      int64_t index = int64_t(indices.at(i));
      if (index < -dim || index >= dim)
        return createStringError("its indices are out of range");
      index += index < 0 ? dim : 0;
      if (Error error =
              copy(data, {index * inner, {dim * inner, 1}}, result,
                   {i * inner, {indices.size() * inner, 1}}, {outer, inner}))
        return error;
    }
    return Error::success();
  });
}

/// Copies `data`, then overwrites what `write` chooses.
template <typename Write>
Expected<Results> scatter(Operation *op, const HostTensor &data, Write write) {
  return single(op, [&](HostTensor &result) -> Error {
    View all{0, naturalStrides(result.getShape())};
    if (data.getShape() != result.getShape())
      return createStringError("its shapes do not fit together");
    if (Error error = copy(data, all, result, all, result.getShape()))
      return error;
    return write(result);
  });
}

Expected<int64_t> checkedIndex(double value, int64_t dim) {
  int64_t index = int64_t(value);
  if (index < -dim || index >= dim)
    return createStringError("its indices are out of range");
  return index < 0 ? index + dim : index;
}

Expected<Results> scatterND(ScatterNDOp op, ArrayRef<HostTensor> inputs) {
  const HostTensor &data = inputs[0], &indices = inputs[1];
  if (op.getReduction() != "none")
    return createStringError("it reduces");
  return scatter(op, data, [&](HostTensor &result) -> Error {
    ArrayRef<int64_t> dims = data.getShape();
    if (indices.getShape().empty() ||
        indices.getShape().back() > int64_t(dims.size()))
      return createStringError("its shapes do not fit together");
    // Each tuple of indices says where one run of elements goes.
    int64_t tuple = indices.getShape().back(), run = 1, count = 1;
    for (int64_t dim : dims.drop_front(tuple))
      run *= dim;
    for (int64_t dim : indices.getShape().drop_back())
      count *= dim;
    Sizes strides = naturalStrides(dims);
    for (int64_t i = 0; i < count; ++i) {
      int64_t offset = 0;
      for (int64_t j = 0; j < tuple; ++j) {
        Expected<int64_t> at = checkedIndex(indices.at(i * tuple + j), dims[j]);
        if (!at)
          return at.takeError();
        offset += *at * strides[j];
      }
      if (Error error =
              copy(inputs[2], {i * run, {1}}, result, {offset, {1}}, {run}))
        return error;
    }
    return Error::success();
  });
}

Expected<Results> scatterElements(ScatterElementsOp op,
                                  ArrayRef<HostTensor> inputs) {
  const HostTensor &data = inputs[0], &indices = inputs[1];
  Expected<int64_t> axis = checkedAxis(op.getAxis(), data.getShape().size());
  if (!axis)
    return axis.takeError();
  if (op.getReduction() != "none")
    return createStringError("it reduces");
  return scatter(op, data, [&](HostTensor &result) -> Error {
    Sizes strides = naturalStrides(data.getShape());
    Sizes own = naturalStrides(indices.getShape());
    if (own.size() != strides.size() ||
        indices.getShape() != inputs[2].getShape())
      return createStringError("its shapes do not fit together");
    for (int64_t i = 0; i < indices.size(); ++i) {
      Expected<int64_t> at =
          checkedIndex(indices.at(i), data.getShape()[*axis]);
      if (!at)
        return at.takeError();
      int64_t offset = *at * strides[*axis];
      for (size_t d = 0; d < own.size(); ++d)
        if (int64_t(d) != *axis)
          offset += i / own[d] % indices.getShape()[d] * strides[d];
      if (Error error = copy(inputs[2], {i, {}}, result, {offset, {}}, {}))
        return error;
    }
    return Error::success();
  });
}

Expected<Results> tile(TileOp op, const HostTensor &input) {
  return single(op, [&](HostTensor &result) -> Error {
    Sizes own = naturalStrides(input.getShape());
    Sizes strides = naturalStrides(result.getShape());
    if (own.size() != strides.size())
      return createStringError("its shapes do not fit together");
    // The repetitions are dimensions that the input does not move along.
    Sizes shape, source, target;
    for (auto [d, dim] : llvm::enumerate(input.getShape())) {
      shape.append({dim == 0 ? 0 : result.getShape()[d] / dim, dim});
      source.append({0, own[d]});
      target.append({dim * strides[d], strides[d]});
      if (shape[2 * d] * dim != result.getShape()[d])
        return createStringError("its shapes do not fit together");
    }
    return copy(input, {0, source}, result, {0, target}, shape);
  });
}

Expected<Results> fill(ConstantOfShapeOp op) {
  return single(op, [&](HostTensor &result) -> Error {
    HostTensor value;
    if (std::optional<ElementsAttr> attr = op.getValue()) {
      Expected<HostTensor> given = HostTensor::borrow(*attr);
      if (!given)
        return given.takeError();
      value = *given;
    } else {
      value = llvm::cantFail(
          HostTensor::allocate(result.getType().clone(ArrayRef<int64_t>{})));
      value.store(0, 0.0);
    }
    if (value.size() != 1)
      return createStringError("its value is not one element");
    return copy(value, {0, Sizes(result.getShape().size(), 0)}, result,
                {0, naturalStrides(result.getShape())}, result.getShape());
  });
}

Expected<Results> range(RangeOp op, ArrayRef<HostTensor> inputs) {
  return single(op, [&](HostTensor &result) -> Error {
    for (const HostTensor &input : inputs)
      if (input.size() != 1)
        return createStringError("its operands are not one element each");
    double start = inputs[0].at(0), delta = inputs[2].at(0);
    double count =
        delta == 0 ? 0 : std::ceil((inputs[1].at(0) - start) / delta);
    if (result.size() != int64_t(std::max(count, 0.0)))
      return createStringError("its shapes do not fit together");
    for (int64_t i = 0; i < result.size(); ++i)
      result.store(i, start + double(i) * delta);
    return Error::success();
  });
}

/// The dims of a static type are known whatever the tensor holds.
Expected<Results> shapeOf(ShapeOp op) {
  ArrayRef<int64_t> dims = cast<ShapedType>(op.getData().getType()).getShape();
  int64_t rank = dims.size();
  int64_t start = op.getStart(), end = op.getEnd().value_or(rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  return single(op, [&](HostTensor &result) -> Error {
    SmallVector<double> values(dims.begin() + start, dims.begin() + end);
    if (result.size() != end - start)
      return createStringError("its shapes do not fit together");
    result.store(0, values);
    return Error::success();
  });
}

} // namespace

bool isDataMovement(Operation *op) {
  if (auto shape = dyn_cast<ShapeOp>(op))
    return cast<ShapedType>(shape.getData().getType()).hasStaticShape();
  // Floats would have to be added up the way the graph does it.
  if (auto range = dyn_cast<RangeOp>(op))
    return isa<IntegerType>(getElementTypeOrSelf(range.getType()));
  return isa<TransposeOp, ExpandOp, SliceOp, ConcatOp, SplitOp, GatherOp,
             ScatterNDOp, ScatterElementsOp, TileOp, ConstantOfShapeOp>(op);
}

unsigned getNumDataOperands(Operation *op) {
  if (isa<ConcatOp, ScatterNDOp, ScatterElementsOp, RangeOp>(op))
    return op->getNumOperands();
  return isa<ShapeOp, ConstantOfShapeOp>(op) ? 0 : isa<GatherOp>(op) ? 2 : 1;
}

Expected<Results> moveData(Operation *op, ArrayRef<HostTensor> inputs) {
  return llvm::TypeSwitch<Operation *, Expected<Results>>(op)
      .Case([&](TransposeOp op) { return transpose(op, inputs[0]); })
      .Case([&](ExpandOp op) { return expand(op, inputs[0]); })
      .Case([&](SliceOp op) { return slice(op, inputs[0]); })
      .Case([&](ConcatOp op) { return concat(op, inputs); })
      .Case([&](SplitOp op) { return split(op, inputs[0]); })
      .Case([&](GatherOp op) { return gather(op, inputs); })
      .Case([&](ShapeOp op) { return shapeOf(op); })
      .Case([&](ScatterNDOp op) { return scatterND(op, inputs); })
      .Case([&](ScatterElementsOp op) { return scatterElements(op, inputs); })
      .Case([&](TileOp op) { return tile(op, inputs[0]); })
      .Case([&](ConstantOfShapeOp op) { return fill(op); })
      .Case([&](RangeOp op) { return range(op, inputs); })
      .Default(
          [](Operation *) { return createStringError("it is not evaluated"); });
}

} // namespace bit::onnx
