// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions of planes with stride 1 whose sizes are known: lanes run over
// the flattened padded plane, so that they stay full whatever the width, and
// every tap is a load at a constant distance. What lies between the end of one
// row and the start of the next is computed and dropped. Each output is one
// chain over channel, row and column of the kernel, as in the plain loops.

#include "ConvRows.h"
#include "Rows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace bit::rows;

/// More taps would make too much code, as they are unrolled.
constexpr int64_t maxTaps = 49;
/// Weights that a second-level cache keeps for all blocks of pixels.
constexpr int64_t cachedWeights = int64_t(1) << 17;

namespace {
/// lead..., row, oc, ic, kernel row, kernel column, column.
struct ConvShape {
  unsigned lead;
  int64_t outputs, inputs, rows, columns, pitch;
  /// How far each tap lies from an output's pixel.
  SmallVector<int64_t> taps;

  /// From the first output of a plane behind its last, gaps included.
  int64_t pixels() const { return (rows - 1) * pitch + columns; }
  int64_t gap() const { return pitch - columns; }
  /// Input channels in one iteration: loops of few taps are mostly counting.
  int64_t unrolled() const {
    for (int64_t count : {8, 4, 2})
      if (inputs % count == 0 &&
          count * static_cast<int64_t>(taps.size()) <= 16)
        return count;
    return 1;
  }
};
} // namespace

/// What is left of `loop + rest` if the rest depends on `tap` only.
static AffineExpr getRest(AffineExpr expr, unsigned loops, unsigned loop,
                          unsigned tap) {
  MLIRContext *context = expr.getContext();
  AffineExpr own = getAffineDimExpr(loop, context);
  AffineExpr rest;
  if (expr == own)
    rest = getAffineConstantExpr(0, context);
  else if (auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
           sum && sum.getKind() == AffineExprKind::Add)
    rest = sum.getLHS() == own   ? sum.getRHS()
           : sum.getRHS() == own ? sum.getLHS()
                                 : AffineExpr();
  for (unsigned i = 0; rest && i < loops; ++i)
    if (i != tap && rest.isFunctionOfDim(i))
      return {};
  return rest;
}

/// The value of an expression of one loop.
static int64_t evaluate(AffineExpr expr, unsigned loops, unsigned loop,
                        int64_t value) {
  MLIRContext *context = expr.getContext();
  SmallVector<AffineExpr> values(loops, getAffineConstantExpr(0, context));
  values[loop] = getAffineConstantExpr(value, context);
  return cast<AffineConstantExpr>(expr.replaceDims(values)).getValue();
}

/// acc + weight * x, fused, on f32.
static bool hasConvBody(linalg::GenericOp op) {
  Block *body = op.getBlock();
  auto fma = dyn_cast<math::FmaOp>(body->front());
  return fma && body->getOperations().size() == 2 && fma.getType().isF32() &&
         fma.getA() == body->getArgument(1) &&
         fma.getB() == body->getArgument(0) &&
         fma.getC() == body->getArgument(2) &&
         body->getTerminator()->getOperand(0) == fma.getResult();
}

static MemRefType getPlainBuffer(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getLayout().isIdentity() ? type : MemRefType();
}

static std::optional<ConvShape> matchConv(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumLoops() < 7 || !hasConvBody(op))
    return std::nullopt;
  MemRefType x = getPlainBuffer(op.getDpsInputs()[0]);
  MemRefType w = getPlainBuffer(op.getDpsInputs()[1]);
  MemRefType y = getPlainBuffer(op.getDpsInits()[0]);
  if (!x || !w || !y)
    return std::nullopt;
  unsigned loops = op.getNumLoops(), lead = loops - 6;
  const unsigned row = lead, oc = lead + 1, ic = lead + 2, kernel = lead + 3,
                 column = lead + 5;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (unsigned i = 0; i < loops; ++i)
    if ((iterators[i] == utils::IteratorType::reduction) !=
        (i >= ic && i < column))
      return std::nullopt;

  MLIRContext *context = op.getContext();
  auto dims = [&](ArrayRef<unsigned> positions, unsigned from) {
    SmallVector<AffineExpr> exprs;
    for (unsigned i = from; i < lead; ++i)
      exprs.push_back(getAffineDimExpr(i, context));
    for (unsigned position : positions)
      exprs.push_back(getAffineDimExpr(position, context));
    return exprs;
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  ArrayRef<AffineExpr> xs = maps[0].getResults();
  // Weights do not depend on the batch.
  if (maps[2].getResults() != ArrayRef(dims({oc, row, column}, 0)) ||
      maps[1].getResults() != ArrayRef(dims({oc, ic, kernel, kernel + 1}, 1)) ||
      (xs.size() != lead + 3 && xs.size() != lead + 5) ||
      xs.take_front(lead + 1) != ArrayRef(dims({ic}, 0)))
    return std::nullopt;
  // With strides each phase of rows and columns is a plane of its own.
  const bool hasPhases = xs.size() == lead + 5;
  ArrayRef<int64_t> planes = x.getShape().take_back(hasPhases ? 4 : 2);
  ArrayRef<int64_t> ws = w.getShape().take_back(4);
  ArrayRef<int64_t> ys = y.getShape().take_back(2);
  if (ShapedType::isDynamicShape(ws) || ShapedType::isDynamicShape(ys) ||
      ShapedType::isDynamicShape(planes) || ws[2] * ws[3] > maxTaps ||
      ys[0] < 1 || ys[1] < 1)
    return std::nullopt;
  AffineExpr exprs[2][2];
  for (unsigned i = 0; i < 2; ++i) {
    exprs[i][0] = getAffineConstantExpr(0, context);
    if (hasPhases)
      exprs[i][0] = xs[lead + 1 + i];
    for (unsigned loop = 0; loop < loops; ++loop)
      if (loop != kernel + i && exprs[i][0].isFunctionOfDim(loop))
        return std::nullopt;
    exprs[i][1] =
        getRest(xs[xs.size() - 2 + i], loops, i ? column : row, kernel + i);
    if (!exprs[i][1])
      return std::nullopt;
  }
  int64_t pitch = planes.back(), height = planes[planes.size() - 2];
  ConvShape shape{lead, ws[0], ws[1], ys[0], ys[1], pitch, {}};
  for (int64_t i = 0; i < ws[2]; ++i)
    for (int64_t j = 0; j < ws[3]; ++j) {
      int64_t phase = 0;
      if (hasPhases)
        phase = evaluate(exprs[0][0], loops, kernel, i) * planes[1] +
                evaluate(exprs[1][0], loops, kernel + 1, j);
      int64_t down = evaluate(exprs[0][1], loops, kernel, i);
      int64_t right = evaluate(exprs[1][1], loops, kernel + 1, j);
      // Whole vectors are read up to the last output's tap.
      if (down < 0 || right < 0 || down + ys[0] > height ||
          right + ys[1] > pitch)
        return std::nullopt;
      shape.taps.push_back((phase * height + down) * pitch + right);
    }
  // Else most lanes would lie in gaps, or rows be cut into many parts.
  if (shape.gap() > shape.columns || (shape.gap() > 0 && shape.pitch < 6) ||
      shape.pixels() < lanes)
    return std::nullopt;
  return shape;
}

namespace {
/// One part of a vector of pixels: lanes that are neighbours in the output.
struct Part {
  Value at, mask;
};

struct ConvWriter {
  RowWriter &rows;
  const ConvShape &shape;
  Value x, w, y;
  SmallVector<Value> lead = {};

  ImplicitLocOpBuilder &b() { return rows.b; }
  template <typename OpTy> Value make(Value left, Value right) {
    return b().createOrFold<OpTy>(left, right);
  }
  SmallVector<Value> at(ArrayRef<Value> last, unsigned from = 0);
  SmallVector<Part> splitRows(Value pixel, Value tail);
  Value loadOutput(Value channel, ArrayRef<Part> parts);
  void storeOutput(Value sum, Value channel, ArrayRef<Part> parts);
  void addTap(MutableArrayRef<Value> sums, Value pixel,
              ArrayRef<Value> channels, Value ic, size_t tap, Value tail);
  void writeTile(Value pixel, Value channel, int64_t height, Value tail);
  void forEachPixels(function_ref<void(Value, Value)> body);
  void forEachTile(int64_t tileRows, function_ref<void(Value, int64_t)> body);
  void write(int64_t tileRows);
};
} // namespace

SmallVector<Value> ConvWriter::at(ArrayRef<Value> last, unsigned from) {
  SmallVector<Value> indices(ArrayRef(lead).drop_front(from));
  llvm::append_range(indices, last);
  return indices;
}

/// The outputs of 16 pixels from `pixel` on, those of each row together.
SmallVector<Part> ConvWriter::splitRows(Value pixel, Value tail) {
  if (shape.gap() == 0)
    return {{pixel, tail}};
  Value width = rows.index(shape.columns), pitch = rows.index(shape.pitch);
  Value zero = rows.index(0), all = rows.index(lanes);
  Value row = make<arith::DivUIOp>(pixel, pitch);
  Value column = make<arith::RemUIOp>(pixel, pitch);
  auto bits = VectorType::get(lanes, b().getI1Type());
  Value ones = arith::ConstantOp::create(
      b(), DenseElementsAttr::get(bits, b().getBoolAttr(true)));
  auto clamp = [&](Value lane) {
    return make<arith::MinSIOp>(make<arith::MaxSIOp>(lane, zero), all);
  };
  SmallVector<Part> parts;
  int64_t count = 1 + (shape.pitch - 1 + lanes - 1) / shape.pitch;
  for (int64_t i = 0; i < count; ++i) {
    // Where the row would start in the vector; before it for the first one.
    Value start = make<arith::SubIOp>(rows.index(i * shape.pitch), column);
    Value end = clamp(make<arith::AddIOp>(start, width));
    Value current = make<arith::AddIOp>(row, rows.index(i));
    Value at = make<arith::SubIOp>(make<arith::MulIOp>(current, width), start);
    if (i == 0) {
      parts.push_back({at, rows.maskOf(end)});
      continue;
    }
    Value isRow = arith::CmpIOp::create(b(), arith::CmpIPredicate::slt, current,
                                        rows.index(shape.rows));
    end = arith::SelectOp::create(b(), isRow, end, zero);
    Value notBefore =
        arith::XOrIOp::create(b(), rows.maskOf(clamp(start)), ones);
    parts.push_back(
        {at, arith::AndIOp::create(b(), rows.maskOf(end), notBefore)});
  }
  return parts;
}

Value ConvWriter::loadOutput(Value channel, ArrayRef<Part> parts) {
  auto type = VectorType::get(lanes, b().getF32Type());
  Value sum = arith::ConstantOp::create(b(), b().getZeroAttr(type));
  for (const Part &part : parts) {
    SmallVector<Value> indices = at({channel, part.at});
    if (!part.mask)
      return vector::LoadOp::create(b(), type, y, indices);
    sum = vector::MaskedLoadOp::create(b(), type, y, indices, part.mask, sum);
  }
  return sum;
}

void ConvWriter::storeOutput(Value sum, Value channel, ArrayRef<Part> parts) {
  for (const Part &part : parts) {
    SmallVector<Value> indices = at({channel, part.at});
    if (part.mask)
      vector::MaskedStoreOp::create(b(), y, indices, part.mask, sum);
    else
      vector::StoreOp::create(b(), sum, y, indices);
  }
}

/// Adds one tap of an input channel to the sums of a tile.
void ConvWriter::addTap(MutableArrayRef<Value> sums, Value pixel,
                        ArrayRef<Value> channels, Value ic, size_t tap,
                        Value tail) {
  auto type = VectorType::get(lanes, b().getF32Type());
  SmallVector<Value> source =
      at({ic, make<arith::AddIOp>(pixel, rows.index(shape.taps[tap]))});
  Value pixels;
  if (tail)
    pixels = vector::MaskedLoadOp::create(
        b(), type, x, source, tail,
        arith::ConstantOp::create(b(), b().getZeroAttr(type)));
  else
    pixels = vector::LoadOp::create(b(), type, x, source);
  for (auto [oc, sum] : llvm::zip(channels, sums)) {
    Value weight =
        memref::LoadOp::create(b(), w, at({oc, ic, rows.index(tap)}, 1));
    sum = math::FmaOp::create(b(), rows.broadcast(weight), pixels, sum);
  }
}

/// `height` channels of 16 pixels, all taps of an input channel unrolled.
void ConvWriter::writeTile(Value pixel, Value channel, int64_t height,
                           Value tail) {
  SmallVector<Part> parts = splitRows(pixel, tail);
  SmallVector<Value> channels, sums;
  for (int64_t i = 0; i < height; ++i) {
    channels.push_back(make<arith::AddIOp>(channel, rows.index(i)));
    sums.push_back(loadOutput(channels.back(), parts));
  }
  const int64_t unrolled = shape.unrolled();
  sums =
      rows.loop(rows.index(0), rows.index(shape.inputs), rows.index(unrolled),
                sums, [&](Value first, ValueRange carried) {
                  SmallVector<Value> next(carried);
                  for (int64_t i = 0; i < unrolled; ++i) {
                    Value ic = make<arith::AddIOp>(first, rows.index(i));
                    for (size_t tap = 0; tap < shape.taps.size(); ++tap)
                      addTap(next, pixel, channels, ic, tap, tail);
                  }
                  return next;
                });
  for (auto [oc, sum] : llvm::zip(channels, sums))
    storeOutput(sum, oc, parts);
}

/// Calls `body` with the first pixel of each vector and, for the last one, the
/// mask of its pixels if they are fewer than 16.
void ConvWriter::forEachPixels(function_ref<void(Value, Value)> body) {
  int64_t rest = shape.pixels() % lanes, whole = shape.pixels() - rest;
  rows.loop(rows.index(0), rows.index(whole), rows.index(lanes),
            [&](Value pixel) { body(pixel, Value()); });
  if (rest)
    body(rows.index(whole), rows.maskOf(rows.index(rest)));
}

/// Calls `body` with the first channel of each tile and its height.
void ConvWriter::forEachTile(int64_t tileRows,
                             function_ref<void(Value, int64_t)> body) {
  int64_t rest = shape.outputs % tileRows, whole = shape.outputs - rest;
  if (whole)
    rows.loop(rows.index(0), rows.index(whole), rows.index(tileRows),
              [&](Value channel) { body(channel, tileRows); });
  if (rest)
    body(rows.index(whole), rest);
}

void ConvWriter::write(int64_t tileRows) {
  // What is read again and again should be the smaller part, unless the cache
  // keeps all weights anyway.
  int64_t weights =
      shape.outputs * shape.inputs * static_cast<int64_t>(shape.taps.size());
  int64_t pixelBlocks = llvm::divideCeil(shape.pixels(), lanes);
  int64_t tiles = llvm::divideCeil(shape.outputs, tileRows);
  bool pixelsOutside =
      weights <= cachedWeights ||
      pixelBlocks * weights <= tiles * shape.inputs * shape.pixels();
  if (pixelsOutside)
    return forEachPixels([&](Value pixel, Value tail) {
      forEachTile(tileRows, [&](Value channel, int64_t height) {
        writeTile(pixel, channel, height, tail);
      });
    });
  forEachTile(tileRows, [&](Value channel, int64_t height) {
    forEachPixels([&](Value pixel, Value tail) {
      writeTile(pixel, channel, height, tail);
    });
  });
}

/// The dims from `first` on as one.
static Value flattenPlanes(ImplicitLocOpBuilder &b, Value buffer,
                           unsigned first) {
  unsigned rank = cast<MemRefType>(buffer.getType()).getRank();
  SmallVector<ReassociationIndices> groups(first + 1);
  for (unsigned i = 0; i < rank; ++i)
    groups[std::min(i, first)].push_back(i);
  return memref::CollapseShapeOp::create(b, buffer, groups);
}

namespace {
struct ConvRows : OpRewritePattern<linalg::GenericOp> {
  ConvRows(MLIRContext *context, int64_t tileRows)
      : OpRewritePattern(context, /*benefit=*/2), tileRows(tileRows) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<ConvShape> shape = matchConv(op);
    if (!shape)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RowWriter rows(op, b);
    unsigned lead = shape->lead;
    ConvWriter writer{rows, *shape,
                      flattenPlanes(b, op.getDpsInputs()[0], lead + 1),
                      flattenPlanes(b, op.getDpsInputs()[1], lead + 1),
                      flattenPlanes(b, op.getDpsInits()[0], lead + 1)};
    rows.loopNest(0, lead, writer.lead, [&] { writer.write(tileRows); });
    rewriter.eraseOp(op);
    return success();
  }

  int64_t tileRows;
};
} // namespace

void bit::rows::populateConvRows(RewritePatternSet &patterns,
                                 int64_t tileRows) {
  patterns.add<ConvRows>(patterns.getContext(), tileRows);
}
