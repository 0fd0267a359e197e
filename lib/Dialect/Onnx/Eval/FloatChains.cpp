// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chains of elementwise operations: eight vectors at once go through all of
// them in registers, so that what lies in between never reaches memory. The
// results are those of computeFloats, bit for bit.

#include "Expression.h"
#include "bit/Support/Vectorize.h"
#include <cstring>
#include <limits>
#include <utility>

namespace bit::onnx {
namespace {

constexpr size_t kWidth = 8, kVectors = 8, kTile = kWidth * kVectors;
using Vector [[gnu::vector_size(kWidth * sizeof(float))]] = float;
using Mask [[gnu::vector_size(kWidth * sizeof(float))]] = int32_t;

// Vectors are passed by reference: how others are depends on the instructions
// that a function is compiled for.

BIT_INLINE_BODY void load(Vector &to, const float *from) {
  std::memcpy(&to, from, sizeof(to));
}

BIT_INLINE_BODY void absolute(Vector &x) { x = Vector(Mask(x) & 0x7fffffff); }

/// Half to even. From 2^23 on every float is an integer.
template <bool hasRound> BIT_INLINE_BODY void round(Vector &x) {
#if __has_builtin(__builtin_elementwise_roundeven)
  if constexpr (hasRound) {
    x = __builtin_elementwise_roundeven(x);
    return;
  }
#endif
  const Vector magic = Vector{} + 0x1p23f;
  Vector magnitude = x;
  absolute(magnitude);
  Vector rounded = (magnitude + magic) - magic;
  rounded = Vector(Mask(rounded) | (Mask(x) & INT32_MIN));
  x = magnitude < magic ? rounded : x;
}

#define BIT_ALWAYS __attribute__((always_inline))

template <typename Fn, size_t... i>
BIT_INLINE_BODY void forIndices(Fn fn, std::index_sequence<i...>) {
  (fn(std::integral_constant<size_t, i>()), ...);
}
/// Calls `fn` with each index of a tile: with constants, so that the tile stays
/// in registers.
template <typename Fn> BIT_INLINE_BODY void forVectors(Fn fn) {
  forIndices(fn, std::make_index_sequence<kVectors>());
}

/// The one that is smaller (or larger), the first one if that is NaN.
BIT_INLINE_BODY void choose(Vector &x, const Vector &b, bool isFirst,
                            bool isMin) {
  Vector first = isFirst ? x : b, second = isFirst ? b : x;
  Mask isChosen = isMin ? Mask(first < second) : Mask(first > second);
  x = (isChosen | Mask(first != first)) != 0 ? first : second;
}

/// Applies `step` to all vectors of a tile; `at` is where its operands have it.
template <bool hasRound>
BIT_INLINE_BODY void apply(const ChainStep &step, const float *const *at,
                           Vector *tile) {
  const Vector zero = {}, one = zero + 1.0f;
  auto forEach = [&](auto fn) BIT_ALWAYS {
    forVectors([&](auto i) BIT_ALWAYS { fn(tile[i], i * kWidth); });
  };
  auto withOperand = [&](auto fn) BIT_ALWAYS {
    forVectors([&](auto i) BIT_ALWAYS {
      Vector b;
      load(b, at[0] + i * kWidth);
      fn(tile[i], b);
    });
  };
#define BIT_FN [&](Vector & x, auto) BIT_ALWAYS
#define BIT_FN2 [&](Vector & x, const Vector &b) BIT_ALWAYS
  switch (step.op) {
  case FloatOp::Abs:
    return forEach(BIT_FN { absolute(x); });
  case FloatOp::Neg:
    return forEach(BIT_FN { x = -x; });
  case FloatOp::Sign:
    return forEach(BIT_FN { x = x > zero ? one : x < zero ? -one : x; });
  case FloatOp::Round:
    return forEach(BIT_FN { round<hasRound>(x); });
  case FloatOp::Reciprocal:
    return forEach(BIT_FN { x = one / x; });
  case FloatOp::Relu:
    return forEach(BIT_FN { x = x < zero ? zero : x; });
  case FloatOp::Add:
    return withOperand(BIT_FN2 { x = x + b; });
  case FloatOp::Sub:
    if (step.isFirst)
      return withOperand(BIT_FN2 { x = x - b; });
    return withOperand(BIT_FN2 { x = b - x; });
  case FloatOp::Mul:
    return withOperand(BIT_FN2 { x = x * b; });
  case FloatOp::Div:
    if (step.isFirst)
      return withOperand(BIT_FN2 { x = x / b; });
    return withOperand(BIT_FN2 { x = b / x; });
  case FloatOp::Min:
    if (step.isFirst)
      return withOperand(BIT_FN2 { choose(x, b, true, true); });
    return withOperand(BIT_FN2 { choose(x, b, false, true); });
  case FloatOp::Max:
    if (step.isFirst)
      return withOperand(BIT_FN2 { choose(x, b, true, false); });
    return withOperand(BIT_FN2 { choose(x, b, false, false); });
  case FloatOp::Clip:
    if (step.hasLow)
      withOperand(BIT_FN2 { x = x < b ? b : x; });
    else
      forVectors([&](auto i) BIT_ALWAYS {
        Vector b = Vector{} - std::numeric_limits<float>::max();
        tile[i] = tile[i] < b ? b : tile[i];
      });
    forVectors([&](auto i) BIT_ALWAYS {
      Vector b = Vector{} + std::numeric_limits<float>::max();
      if (step.hasHigh)
        load(b, at[step.hasLow] + i * kWidth);
      tile[i] = tile[i] > b ? b : tile[i];
    });
    return;
  default: // Copy
    return;
  }
#undef BIT_FN
#undef BIT_FN2
}

template <bool hasRound>
BIT_INLINE_BODY void computeBody(llvm::ArrayRef<ChainStep> chain,
                                 const float *in, float *out, size_t size) {
  float padded[3][kTile] = {};
  for (size_t begin = 0; begin < size; begin += kTile) {
    size_t count = std::min(kTile, size - begin);
    // What lies behind the last element belongs to somebody else.
    auto find = [&](const float *from, float *copy)
                    BIT_ALWAYS -> const float * {
      if (count == kTile)
        return from + begin;
      std::memcpy(copy, from + begin, count * sizeof(float));
      return copy;
    };
    // The next block of what is read in place: page by page, since hardware
    // does not look across them.
    for (size_t i = 0; i < kTile; i += 16)
      __builtin_prefetch(in + begin + kFloatBlockSize + i);
    Vector tile[kVectors];
    const float *source = find(in, padded[0]);
    forVectors([&](auto i) BIT_ALWAYS { load(tile[i], source + i * kWidth); });
    for (const ChainStep &step : chain) {
      const float *at[2] = {};
      for (unsigned i = 0; i < step.numOperands; ++i)
        at[i] = find(step.operands[i], padded[1 + i]);
      apply<hasRound>(step, at, tile);
    }
    float *target = count == kTile ? out + begin : padded[0];
    forVectors([&](auto i) BIT_ALWAYS {
      std::memcpy(target + i * kWidth, &tile[i], sizeof(Vector));
    });
    if (count != kTile)
      std::memcpy(out + begin, target, count * sizeof(float));
  }
}

void computeBaseline(llvm::ArrayRef<ChainStep> chain, const float *in,
                     float *out, size_t size) {
  computeBody<false>(chain, in, out, size);
}

BIT_AVX2 void computeAvx2(llvm::ArrayRef<ChainStep> chain, const float *in,
                          float *out, size_t size) {
  computeBody<true>(chain, in, out, size);
}

} // namespace

std::optional<ChainStep> getChainStep(FloatOp op, const BlockInfo &info,
                                      bool isFirst) {
  ChainStep step;
  step.op = op;
  step.isFirst = isFirst;
  step.numOperands = info.numInputs - 1;
  if (info.format != Format::F32)
    return std::nullopt;
  switch (op) {
  case FloatOp::Copy:
  case FloatOp::Abs:
  case FloatOp::Neg:
  case FloatOp::Sign:
  case FloatOp::Round:
  case FloatOp::Reciprocal:
  case FloatOp::Relu:
  case FloatOp::Add:
  case FloatOp::Sub:
  case FloatOp::Mul:
  case FloatOp::Div:
    return step;
  case FloatOp::Min:
  case FloatOp::Max:
    if (info.numInputs != 2)
      return std::nullopt;
    return step;
  case FloatOp::Clip:
    // Bounds are the operands: the result of the step before is what is
    // clipped.
    step.hasLow = info.hasLow;
    step.hasHigh = info.numInputs > 1 + unsigned(info.hasLow);
    if (!isFirst)
      return std::nullopt;
    return step;
  default:
    return std::nullopt;
  }
}

void computeChain(llvm::ArrayRef<ChainStep> chain, const float *in, float *out,
                  size_t size) {
  hasAvx2() ? computeAvx2(chain, in, out, size)
            : computeBaseline(chain, in, out, size);
}

} // namespace bit::onnx
