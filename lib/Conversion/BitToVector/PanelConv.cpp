// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions by panels: the product of PanelMatmul.cpp, whose rows are pixels
// that are read where they lie. A pixel's sums are neighbours in a register and
// far apart in memory, so tiles are transposed before they are stored.

#include "Epilogue.h"
#include "ParallelRange.h"
#include "Patterns.h"
#include "RowTiles.h"
#include "bit/Conversion/BitToVector/IndexMath.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// Pixels that threads share out beside panels.
constexpr int64_t blockPixels = 96;

/// About 10 us of multiplications are worth another thread.
constexpr int64_t pieceWork = 1 << 19;

/// Weights that a second-level cache keeps for all blocks of pixels.
constexpr int64_t cachedWeights = int64_t(1) << 17;

/// How many channels ahead an element of x is fetched where each has one tap:
/// the next one is a whole plane away, too far for the hardware to foresee.
constexpr int64_t channelsAhead = 8;

/// A buffer as one row of elements, and how far those of each dim lie apart.
struct Strided {
  Value flat;
  SmallVector<Value> strides;
};

class Emitter : bit::IndexMath {
public:
  Emitter(ImplicitLocOpBuilder &b, bit::PanelConvOp op,
          const bit::PanelKernel &kernel)
      : IndexMath(b, op.getLoc()), b(b), op(op), rank(op.getSpatialRank()),
        lanes(kernel.lanes), tilePixels(kernel.pixels),
        tileVectors(kernel.pixelVectors), width(op.getWidth()), kernel(kernel) {
    if (ArrayRef<int64_t> tile = op.getKernel().getTile(); tile.size() == 2) {
      tilePixels = tile[0];
      tileVectors = tile[1];
    } else if (width == tileVectors * lanes) {
      tilePixels = std::min(tilePixels, kernel.wholePixels);
    }
  }

  void emit();

private:
  Strided flatten(Value buffer);
  SmallVector<Value> getRowOffsets(bool unrollsRow);
  Value getNextRow(ArrayRef<int64_t> rolled, ValueRange counters,
                   SmallVectorImpl<Value> &next);
  SmallVector<SmallVector<Value>> getPositions(Value pixel, int64_t pixels);
  Value getBase(Value pixel, ArrayRef<Value> position);
  void emitTile(Value pixel, int64_t pixels);
  SmallVector<Value> startSums(int64_t firstVector, int64_t vectors,
                               int64_t pixels);
  void addTap(MutableArrayRef<Value> sums, ArrayRef<Value> bases, Value offset,
              Value k, int64_t firstVector);
  SmallVector<Value> emitSums(ArrayRef<Value> bases, int64_t firstVector,
                              int64_t vectors);
  void store(ArrayRef<Value> sums, int64_t vector, Value pixel,
             ArrayRef<SmallVector<Value>> positions);
  SmallVector<Value> transpose(ArrayRef<Value> sums);
  Value loadChannels(Value source, int64_t vector);
  SmallVector<Value> loadOfChannels(int64_t vector);
  Value loadRow(Value input, const std::optional<Strided> &plain, int64_t first,
                Value pixel, ArrayRef<SmallVector<Value>> positions,
                int64_t pixels);
  Value finishRow(Value row, int64_t vector, int64_t first, Value pixel,
                  ArrayRef<SmallVector<Value>> positions, int64_t pixels,
                  ArrayRef<Value> ofChannels);
  void ifChannel(Value channel, llvm::function_ref<void()> body);

  /// Where a channel of the image begins.
  Value getPlane(const Strided &buffer, Value channel) {
    return add(mul(image, buffer.strides[0]), mul(channel, buffer.strides[1]));
  }
  /// Whether each channel of each panel exists.
  bool isWhole() {
    int64_t count = op.getInit().getType().getShape()[1];
    return !ShapedType::isDynamic(count) && count % width == 0;
  }
  /// A channel of the panel, or the last one that exists.
  Value getStored(int64_t channelOfPanel) {
    Value channel = add(firstChannel, channelOfPanel);
    if (isWhole())
      return channel;
    return arith::MinUIOp::create(
        b, channel, arith::SubIOp::create(b, channelsOut, index(1)));
  }
  Value dim(Value memref, int64_t position) {
    return b.createOrFold<memref::DimOp>(memref, position);
  }
  VectorType sumType() { return VectorType::get(lanes, b.getF32Type()); }
  /// Whether a tile's pixels are neighbours in x as they are in y.
  bool isContiguous() {
    auto isOne = [](int64_t value) { return value == 1; };
    return llvm::all_of(op.getStrides(), isOne) &&
           llvm::all_of(op.getWindow().drop_front(), isOne) &&
           hasPlainRows(op.getX());
  }
  bool hasPlainRows(Value buffer);

  ImplicitLocOpBuilder &b;
  bit::PanelConvOp op;
  int64_t rank, lanes, tilePixels, tileVectors, width;
  const bit::PanelKernel &kernel;

  Strided x, y;
  Value channelsIn, channelsOut;
  SmallVector<Value> outputs; ///< the spatial dims of y
  bool isPlain = false;       ///< pixels of y are neighbours in memory

  /// Of the epilogue's inputs those whose pixels are neighbours in memory.
  SmallVector<std::optional<Strided>> inputs;
  bool arePlain = true; ///< so are all that have the shape of y
  /// Whether the epilogue is computed with pixels as lanes, as it reads them,
  /// and not with channels.
  bool finishesPixels = false;

  // Of the item that is being emitted.
  Value image, panel, firstChannel;
};

} // namespace

Strided Emitter::flatten(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, buffer);
  SmallVector<int64_t> strides;
  int64_t offset;
  // Of all layouts, those that bufferization makes have strides.
  if (failed(type.getStridesAndOffset(strides, offset)))
    llvm_unreachable("expects a strided layout");
  Strided result;
  for (auto [i, stride] : llvm::enumerate(strides))
    result.strides.push_back(ShapedType::isDynamic(stride)
                                 ? Value(metadata.getStrides()[i])
                                 : index(stride));
  OpFoldResult start = metadata.getOffset();
  if (!ShapedType::isDynamic(offset))
    start = b.getIndexAttr(offset);
  Value size = mul(dim(buffer, 0), result.strides[0]);
  auto layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
  auto flatType = MemRefType::get({ShapedType::kDynamic}, type.getElementType(),
                                  layout, type.getMemorySpace());
  result.flat = memref::ReinterpretCastOp::create(
      b, flatType, metadata.getBaseBuffer(), start,
      ArrayRef<OpFoldResult>{OpFoldResult(size)},
      ArrayRef<OpFoldResult>{OpFoldResult(b.getIndexAttr(1))});
  return result;
}

/// Whether the spatial dims follow each other without gaps.
bool Emitter::hasPlainRows(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getLayout().isIdentity())
    return true;
  SmallVector<int64_t> strides;
  int64_t offset, expected = 1;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  for (int64_t i = type.getRank() - 1; i >= 2; --i) {
    if (ShapedType::isDynamic(expected) || strides[i] != expected)
      return false;
    expected = type.isDynamicDim(i) ? ShapedType::kDynamic
                                    : expected * type.getDimSize(i);
  }
  return true;
}

/// How far those taps of a row of the window that one iteration has lie from
/// the first one.
SmallVector<Value> Emitter::getRowOffsets(bool unrollsRow) {
  const int64_t taps = unrollsRow ? op.getWindow().back() : 1;
  SmallVector<Value> offsets;
  for (int64_t tap = 0; tap < taps; ++tap)
    offsets.push_back(mul(x.strides.back(), tap * op.getDilations().back()));
  return offsets;
}

/// The coordinates of a tile's pixels: the first one's by division.
SmallVector<SmallVector<Value>> Emitter::getPositions(Value pixel,
                                                      int64_t pixels) {
  SmallVector<Value> position(rank);
  Value rest = pixel;
  for (int64_t i = rank - 1; i > 0; --i) {
    position[i] = b.createOrFold<arith::RemUIOp>(rest, outputs[i]);
    rest = b.createOrFold<arith::DivUIOp>(rest, outputs[i]);
  }
  position[0] = rest;
  SmallVector<SmallVector<Value>> positions{position};
  for (int64_t p = 1; p < pixels; ++p) {
    position.back() = add(position.back(), 1);
    for (int64_t i = rank - 1; i > 0; --i) {
      Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                          position[i], outputs[i]);
      position[i] = arith::SelectOp::create(b, wraps, index(0), position[i]);
      position[i - 1] = arith::SelectOp::create(
          b, wraps, add(position[i - 1], 1), position[i - 1]);
    }
    positions.push_back(position);
  }
  return positions;
}

/// Where the window of an output starts in an image of x.
Value Emitter::getBase(Value pixel, ArrayRef<Value> position) {
  Value base = mul(image, x.strides[0]);
  for (int64_t i = 0; i < rank; ++i)
    base =
        add(base, mul(position[i], mul(x.strides[2 + i], op.getStrides()[i])));
  return base;
}

/// What `source` has for each channel of a vector; zero for those that pad.
Value Emitter::loadChannels(Value source, int64_t vector) {
  Value channel = add(firstChannel, vector * lanes);
  if (isWhole())
    return vector::LoadOp::create(b, sumType(), source, channel);
  auto maskType = VectorType::get(lanes, b.getI1Type());
  Value left = arith::SubIOp::create(b, channelsOut, channel);
  Value none = arith::MaxSIOp::create(b, left, index(0));
  Value mask = vector::CreateMaskOp::create(b, maskType, none);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sumType()));
  return vector::MaskedLoadOp::create(b, sumType(), source, channel, mask,
                                      zero);
}

SmallVector<Value> Emitter::startSums(int64_t firstVector, int64_t vectors,
                                      int64_t pixels) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sumType()));
  SmallVector<Value> row(vectors, zero), sums;
  for (int64_t v = 0; op.getBias() && v < vectors; ++v)
    row[v] = loadChannels(op.getBias(), firstVector + v);
  for (int64_t i = 0; i < pixels; ++i)
    llvm::append_range(sums, row);
  return sums;
}

/// One tap of one channel: a row of the panel by an element for each pixel.
void Emitter::addTap(MutableArrayRef<Value> sums, ArrayRef<Value> bases,
                     Value offset, Value k, int64_t firstVector) {
  const int64_t vectors = sums.size() / bases.size();
  Type element = op.getPanels().getType().getElementType();
  auto loadWeights = [&](int64_t v) {
    Value loaded = vector::LoadOp::create(
        b, VectorType::get(lanes, element), op.getPanels(),
        ValueRange{panel, k, index((firstVector + v) * lanes)});
    if (element != b.getF32Type())
      loaded = arith::ExtFOp::create(b, sumType(), loaded);
    return loaded;
  };
  auto loadX = [&](Value base) -> Value {
    Value element = memref::LoadOp::create(b, x.flat, add(base, offset));
    if (kernel.hold)
      element = kernel.hold(b, b.getLoc(), element);
    return vector::BroadcastOp::create(b, sumType(), element);
  };
  auto accumulate = [&](size_t i, int64_t v, Value pixel, Value weights) {
    Value &sum = sums[i * vectors + v];
    sum = math::FmaOp::create(b, pixel, weights, sum);
  };
  // Of the factors, the fewer stay in registers, so that the sums do, too.
  if (static_cast<int64_t>(bases.size()) < vectors) {
    SmallVector<Value> pixels = llvm::map_to_vector(bases, loadX);
    for (int64_t v = 0; v < vectors; ++v) {
      Value weights = loadWeights(v);
      for (auto [i, pixel] : llvm::enumerate(pixels))
        accumulate(i, v, pixel, weights);
    }
    return;
  }
  SmallVector<Value> weights;
  for (int64_t v = 0; v < vectors; ++v)
    weights.push_back(loadWeights(v));
  for (auto [i, base] : llvm::enumerate(bases)) {
    Value pixel = loadX(base);
    for (int64_t v = 0; v < vectors; ++v)
      accumulate(i, v, pixel, weights[v]);
  }
}

/// From a row of the window to the next one: its distance, and `next` counters
/// of the `rolled` dims. After a channel's last row comes the next channel's
/// first.
Value Emitter::getNextRow(ArrayRef<int64_t> rolled, ValueRange counters,
                          SmallVectorImpl<Value> &next) {
  SmallVector<Value> isLast;
  Value forward = x.strides[1];
  for (auto [dim, counter] : llvm::zip_equal(rolled, counters)) {
    int64_t last = op.getWindow()[dim] - 1;
    isLast.push_back(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, counter,
                                           index(last)));
    Value down = mul(x.strides[2 + dim], op.getDilations()[dim]);
    // One more of the dims before, and back to this one's start.
    forward = arith::SubIOp::create(b, forward, mul(down, last));
  }
  Value distance = forward;
  for (size_t i = 0; i < rolled.size(); ++i) {
    Value step = mul(x.strides[2 + rolled[i]], op.getDilations()[rolled[i]]);
    for (int64_t dim : rolled.drop_front(i + 1))
      step = arith::SubIOp::create(
          b, step,
          mul(x.strides[2 + dim],
              op.getDilations()[dim] * (op.getWindow()[dim] - 1)));
    distance = arith::SelectOp::create(b, isLast[i], distance, step);
  }
  next.assign(rolled.size(), nullptr);
  Value wraps; // all dims behind
  for (int64_t i = rolled.size() - 1; i >= 0; --i) {
    Value more = add(counters[i], 1);
    Value stepped = arith::SelectOp::create(b, isLast[i], index(0), more);
    next[i] =
        wraps ? Value(arith::SelectOp::create(b, wraps, stepped, counters[i]))
              : stepped;
    wraps =
        wraps ? Value(arith::AndIOp::create(b, wraps, isLast[i])) : isLast[i];
  }
  return distance;
}

/// One chain of fma for each pixel and channel, over channels and taps, in one
/// loop over all rows of the window: loops in each other would move the sums
/// between them, and the taps of all rows at once take more registers than
/// there are.
SmallVector<Value> Emitter::emitSums(ArrayRef<Value> bases, int64_t firstVector,
                                     int64_t vectors) {
  SmallVector<int64_t> rolled;
  int64_t rows = 1;
  const bool unrollsRow =
      kernel.unrollsDynamicTaps || !op.getX().getType().isDynamicDim(1 + rank);
  for (int64_t i = 0; i < rank; ++i)
    if (op.getWindow()[i] > 1 && (i + 1 < rank || !unrollsRow)) {
      rolled.push_back(i);
      rows *= op.getWindow()[i];
    }
  SmallVector<Value> offsets = getRowOffsets(unrollsRow);
  SmallVector<Value> init(rolled.size() + 1, index(0));
  llvm::append_range(init, startSums(firstVector, vectors, bases.size()));
  auto loop =
      scf::ForOp::create(b, index(0), mul(channelsIn, rows), index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ValueRange carried = loop.getRegionIterArgs();
  Value start = carried[rolled.size()];
  SmallVector<Value> sums(carried.drop_front(rolled.size() + 1)), yields;
  if (offsets.size() == 1 && rolled.empty()) {
    Value last = arith::SubIOp::create(b, channelsIn, index(1));
    Value channel = arith::MinUIOp::create(
        b, add(loop.getInductionVar(), channelsAhead), last);
    memref::PrefetchOp::create(
        b, x.flat, add(bases.front(), mul(channel, x.strides[1])),
        /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }
  Value firstK = mul(loop.getInductionVar(), offsets.size());
  for (auto [tap, offset] : llvm::enumerate(offsets))
    addTap(sums, bases, add(start, offset), add(firstK, tap), firstVector);
  Value distance =
      getNextRow(rolled, carried.take_front(rolled.size()), yields);
  yields.push_back(arith::AddIOp::create(b, start, distance));
  llvm::append_range(yields, sums);
  scf::YieldOp::create(b, yields);
  return llvm::to_vector_of<Value>(
      loop.getResults().drop_front(rolled.size() + 1));
}

/// Rows of lanes as one row after the other of `sums.size()` elements, a lane
/// each. Their number is a power of two, at most that of lanes.
SmallVector<Value> Emitter::transpose(ArrayRef<Value> sums) {
  SmallVector<Value> rows(sums);
  const size_t half = rows.size() / 2;
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes / 2; ++i) {
    low.append({i, i + lanes});
    high.append({i + lanes / 2, i + lanes + lanes / 2});
  }
  for (size_t done = 1; done < rows.size(); done *= 2) {
    SmallVector<Value> next;
    for (size_t i = 0; i < half; ++i)
      for (ArrayRef<int64_t> part : {ArrayRef(low), ArrayRef(high)})
        next.push_back(
            vector::ShuffleOp::create(b, rows[i], rows[i + half], part));
    rows = std::move(next);
  }
  return rows;
}

/// The epilogue's inputs for a vector of channels; null for those that have the
/// shape of y.
SmallVector<Value> Emitter::loadOfChannels(int64_t vector) {
  return llvm::map_to_vector(op.getEpilogueInputs(), [&](Value input) -> Value {
    bit::EpilogueAccess access = bit::getEpilogueAccess(input);
    if (access == bit::EpilogueAccess::Element)
      return nullptr;
    if (access == bit::EpilogueAccess::Channel)
      return loadChannels(input, vector);
    return vector::BroadcastOp::create(b, sumType(),
                                       memref::LoadOp::create(b, input));
  });
}

/// The elements of a transposed tile's row of an input with the shape of y: of
/// some channels after `vector` and `first`, and of all pixels. What pads is
/// any number.
Value Emitter::loadRow(Value input, const std::optional<Strided> &plain,
                       int64_t first, Value pixel,
                       ArrayRef<SmallVector<Value>> positions, int64_t pixels) {
  const int64_t padded = llvm::PowerOf2Ceil(pixels);
  if (!plain || pixels == 1) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < lanes; ++i) {
      Value channel = getStored(first + i / padded);
      if (plain) {
        elements.push_back(memref::LoadOp::create(
            b, plain->flat, add(getPlane(*plain, channel), pixel)));
        continue;
      }
      SmallVector<Value> at{image, channel};
      llvm::append_range(at, positions[std::min(i % padded, pixels - 1)]);
      elements.push_back(memref::LoadOp::create(b, input, at));
    }
    return vector::FromElementsOp::create(b, sumType(), elements);
  }
  auto type = VectorType::get(padded, b.getF32Type());
  Value row;
  for (int64_t i = 0; i < lanes / padded; ++i) {
    Value at = add(getPlane(*plain, getStored(first + i)), pixel);
    Value loaded;
    if (padded == pixels) {
      loaded = vector::LoadOp::create(b, type, plain->flat, at);
    } else {
      Value mask = vector::ConstantMaskOp::create(
          b, VectorType::get(padded, b.getI1Type()), pixels);
      loaded = vector::MaskedLoadOp::create(
          b, type, plain->flat, at, mask,
          arith::ConstantOp::create(b, b.getZeroAttr(type)));
    }
    if (padded == lanes)
      return loaded;
    if (!row)
      row = arith::ConstantOp::create(b, b.getZeroAttr(sumType()));
    row = vector::InsertStridedSliceOp::create(b, loaded, row, i * padded, 1);
  }
  return row;
}

/// The epilogue of a row of a transposed tile, whose lanes are pixels as they
/// lie in its inputs: of the channels of `vector` from `first` on.
Value Emitter::finishRow(Value row, int64_t vector, int64_t first, Value pixel,
                         ArrayRef<SmallVector<Value>> positions, int64_t pixels,
                         ArrayRef<Value> ofChannels) {
  SmallVector<Value> loaded;
  for (auto [input, plain, ofChannel] :
       llvm::zip_equal(op.getEpilogueInputs(), inputs, ofChannels)) {
    if (!ofChannel) {
      loaded.push_back(loadRow(input, plain, vector * lanes + first, pixel,
                               positions, pixels));
      continue;
    }
    SmallVector<int64_t> channels;
    for (int64_t i = 0; i < lanes; ++i)
      channels.push_back(first + i / llvm::PowerOf2Ceil(pixels));
    loaded.push_back(
        vector::ShuffleOp::create(b, ofChannel, ofChannel, channels));
  }
  return bit::emitEpilogue(b, b.getLoc(), op.getEpilogue(), row, loaded);
}

/// The last panel may have more channels than there are.
void Emitter::ifChannel(Value channel, llvm::function_ref<void()> body) {
  if (isWhole())
    return body();
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, channel, channelsOut);
  auto branch = scf::IfOp::create(b, exists, /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void Emitter::store(ArrayRef<Value> sums, int64_t vector, Value pixel,
                    ArrayRef<SmallVector<Value>> positions) {
  const int64_t pixels = sums.size();
  SmallVector<Value> rows(sums);
  const int64_t padded = llvm::PowerOf2Ceil(pixels);
  rows.resize(padded, rows.back());
  rows = transpose(rows);
  SmallVector<Value> ofChannels;
  if (finishesPixels)
    ofChannels = loadOfChannels(vector);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value channel = add(firstChannel, vector * lanes + lane);
    const int64_t from = lane * padded;
    // Right before it is stored, as registers are few.
    if (Value &row = rows[from / lanes]; finishesPixels && from % lanes == 0)
      row = finishRow(row, vector, lane, pixel, positions, pixels, ofChannels);
    ifChannel(channel, [&] {
      Value values = vector::ExtractStridedSliceOp::create(
          b, rows[from / lanes], from % lanes, pixels, 1);
      if (isPlain) {
        vector::StoreOp::create(b, values, y.flat,
                                add(getPlane(y, channel), pixel));
        return;
      }
      for (int64_t i = 0; i < pixels; ++i) {
        SmallVector<Value> at{image, channel};
        llvm::append_range(at, positions[i]);
        memref::StoreOp::create(b, vector::ExtractOp::create(b, values, i),
                                op.getInit(), at);
      }
    });
  }
}

void Emitter::emitTile(Value pixel, int64_t pixels) {
  const bool contiguous = isContiguous();
  SmallVector<SmallVector<Value>> positions;
  if (!contiguous || !isPlain || !arePlain)
    positions = getPositions(pixel, pixels);
  SmallVector<Value> bases;
  for (int64_t i = 0; i < pixels; ++i)
    bases.push_back(contiguous ? add(add(mul(image, x.strides[0]), pixel), i)
                               : getBase(pixel, positions[i]));
  const int64_t all = width / lanes;
  int64_t vectors = std::min(all, tileVectors);
  while (all % vectors != 0)
    --vectors;
  for (int64_t first = 0; first < all; first += vectors) {
    SmallVector<Value> sums = emitSums(bases, first, vectors);
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> column, loaded;
      if (!finishesPixels)
        loaded = loadOfChannels(first + v);
      for (int64_t i = 0; i < pixels; ++i) {
        Value sum = sums[i * vectors + v];
        column.push_back(finishesPixels ? sum
                                        : bit::emitEpilogue(b, b.getLoc(),
                                                            op.getEpilogue(),
                                                            sum, loaded));
      }
      store(column, first + v, pixel, positions);
    }
  }
}

void Emitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  x = flatten(op.getX());
  y = flatten(op.getInit());
  isPlain = hasPlainRows(op.getInit());
  finishesPixels = bit::readsElements(op.getEpilogueInputs());
  for (Value input : op.getEpilogueInputs()) {
    inputs.emplace_back();
    if (bit::getEpilogueAccess(input) != bit::EpilogueAccess::Element)
      continue;
    if (hasPlainRows(input))
      inputs.back() = flatten(input);
    else
      arePlain = false;
  }
  channelsIn = dim(op.getX(), 1);
  channelsOut = dim(op.getInit(), 1);
  Value pixels = index(1), images = dim(op.getInit(), 0);
  for (int64_t i = 0; i < rank; ++i) {
    outputs.push_back(dim(op.getInit(), 2 + i));
    pixels = mul(pixels, outputs.back());
  }
  Value panels = dim(op.getPanels(), 0);
  Value blocks = b.createOrFold<arith::CeilDivUIOp>(pixels, index(blockPixels));
  Value count = mul(mul(images, blocks), panels);
  Value work = mul(
      dim(op.getPanels(), 1),
      mul(b.createOrFold<arith::MinUIOp>(pixels, index(blockPixels)), width));
  Value item = bit::emitParallelRange(b, b.getLoc(), count, work, pieceWork);
  // What is read again and again should be what a cache keeps.
  ArrayRef<int64_t> weights = op.getPanels().getType().getShape();
  Value block;
  if (!ShapedType::isDynamicShape(weights) &&
      weights[0] * weights[1] * weights[2] <= cachedWeights) {
    panel = b.createOrFold<arith::RemUIOp>(item, panels);
    Value rest = b.createOrFold<arith::DivUIOp>(item, panels);
    block = b.createOrFold<arith::RemUIOp>(rest, blocks);
    image = b.createOrFold<arith::DivUIOp>(rest, blocks);
  } else {
    block = b.createOrFold<arith::RemUIOp>(item, blocks);
    Value rest = b.createOrFold<arith::DivUIOp>(item, blocks);
    image = b.createOrFold<arith::RemUIOp>(rest, images);
    panel = b.createOrFold<arith::DivUIOp>(rest, images);
  }
  firstChannel = mul(panel, width);
  Value from = mul(block, blockPixels);
  Value to = b.createOrFold<arith::MinUIOp>(add(from, blockPixels), pixels);
  if (std::optional<int64_t> known = getConstantIntValue(pixels);
      known && *known <= blockPixels) {
    // So that only the tiles are emitted that there are.
    from = index(0);
    to = pixels;
  }
  bit::emitRowTiles(b, from, to, tilePixels, [&](Value pixel, int64_t count) {
    emitTile(pixel, count);
  });
}

namespace {

struct LowerPanelConv final : OpRewritePattern<bit::PanelConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(bit::PanelConvOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getX().getType()))
      return rewriter.notifyMatchFailure(op, "is on tensors");
    auto *dialect = getContext()->getLoadedDialect<bit::BitDialect>();
    const bit::PanelKernel *kernel =
        dialect->getKernels().lookupPanel(op.getKernel().getName());
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "has no registered kernel");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Emitter(b, op, *kernel).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populatePanelConvToVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPanelConv>(patterns.getContext());
}
