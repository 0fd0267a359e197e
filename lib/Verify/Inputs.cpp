// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Inputs.h"
#include "Elements.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>

using namespace llvm;

namespace bit {

namespace {

enum Attempt : unsigned { Free, OneSize, SmallIntegers, Tame, AttemptCount };
enum FloatKind : unsigned { Plain, Ragged, Ties, Edges, FloatKindCount };

constexpr int64_t sizes[] = {2, 1, 3, 17, 5, 8, 33, 4};
constexpr uint64_t maxBytes = uint64_t(1) << 32;

/// Numbers of one row share a kind, as activations of one token share a scale.
class FloatRow {
public:
  FloatRow(FloatKind kind, bool isHalf, std::mt19937_64 &engine)
      : kind(kind), engine(engine) {
    std::uniform_int_distribution<int> exponent(isHalf ? -8 : -20,
                                                isHalf ? 8 : 20);
    if (kind == Ragged)
      magnitude = std::ldexp(1, exponent(engine));
    if (kind == Edges)
      magnitude = pick({0, isHalf ? 1e-7 : 1e-42, isHalf ? 6e4 : 1e30, 1});
    hasNaN = kind == Edges && magnitude == 1;
  }

  double next() {
    if (kind == Ties)
      return std::uniform_int_distribution<int>(-254, 254)(engine) / 2.0;
    double value = normal(engine);
    // One number far outside of all others is what real activations have.
    if (kind == Ragged && engine() % 256 == 0)
      value *= 64;
    if (hasNaN && engine() % 16 == 0)
      value = pick({std::numeric_limits<double>::quiet_NaN(),
                    std::numeric_limits<double>::infinity(), -0.0});
    return value * magnitude;
  }

private:
  double pick(ArrayRef<double> values) {
    return values[engine() % values.size()];
  }

  FloatKind kind;
  std::mt19937_64 &engine;
  std::normal_distribution<double> normal;
  double magnitude = 1;
  bool hasNaN = false;
};

/// What integers lie in: 32 and 64 bits may be indices, sizes or trip counts.
struct IntegerRange {
  int64_t low, high;
};

} // namespace

static bool mayBeIndex(int32_t dtype) {
  return dtype == BIT_INT32 || dtype == BIT_INT64;
}

static IntegerRange getRange(int32_t dtype, unsigned set, unsigned attempt) {
  if (attempt == Tame)
    return {0, 0};
  if (dtype == BIT_BOOL)
    return {0, 1};
  if (mayBeIndex(dtype)) {
    static constexpr IntegerRange ranges[] = {{0, 7}, {-4, 3}, {0, 31}, {0, 1}};
    return attempt == SmallIntegers ? IntegerRange{0, 1}
                                    : ranges[set % std::size(ranges)];
  }
  if (dtype == BIT_INT8)
    return {-128, 127};
  return {isSigned(dtype) ? -1000 : 0, dtype == BIT_UINT8 ? 255 : 1000};
}

std::string InputSet::describe(ArrayRef<Port> ports) const {
  std::string text;
  for (auto [port, shape] : zip(ports, shapes)) {
    text += text.empty() ? "" : ", ";
    text += port.name + " [";
    text += join(map_range(shape, [](int64_t d) { return std::to_string(d); }),
                 ", ");
    text += "]";
  }
  return text;
}

InputSampler::InputSampler(ArrayRef<Port> ports, uint64_t seed)
    : ports(ports), seed(seed) {
  StringMap<size_t> named;
  size_t next = 0;
  for (const Port &port : ports) {
    std::vector<size_t> &list = symbols.emplace_back();
    for (auto [dim, name] : zip(port.dims, port.dimNames)) {
      bool isKnown = !name.empty() && named.contains(name);
      list.push_back(isKnown ? named[name] : next);
      if (dim >= 0 || isKnown)
        continue;
      hasSymbols = true;
      if (!name.empty())
        named[name] = next;
      ++next;
    }
    hasIndices |= mayBeIndex(port.dtype);
  }
}

unsigned InputSampler::countAttempts() const {
  return hasSymbols || hasIndices ? unsigned(AttemptCount) : 1;
}

std::vector<int64_t> InputSampler::chooseShape(size_t port, unsigned set,
                                               unsigned attempt) const {
  std::vector<int64_t> shape = ports[port].dims;
  for (auto [dim, symbol] : zip(shape, symbols[port])) {
    if (dim >= 0)
      continue;
    // Three apart: the sizes of two symbols differ in every set.
    size_t shift = attempt == Free ? 3 * symbol : 0;
    dim = attempt == Tame ? 1 : sizes[(set + shift) % std::size(sizes)];
  }
  return shape;
}

void InputSampler::fill(InputSet &inputs, size_t port, unsigned set,
                        unsigned attempt, std::mt19937_64 &engine) const {
  int32_t dtype = ports[port].dtype;
  ArrayRef<int64_t> shape = inputs.shapes[port];
  std::vector<uint8_t> &data = inputs.data[port];
  size_t bytes = bit_dtype_bytes(dtype);
  size_t count = data.size() / bytes;
  if (!isFloat(dtype)) {
    IntegerRange range = getRange(dtype, set, attempt);
    std::uniform_int_distribution<int64_t> number(range.low, range.high);
    for (size_t i = 0; i < count; ++i)
      writeNumber(&data[i * bytes], dtype, static_cast<double>(number(engine)));
    return;
  }
  auto kind = attempt == Tame ? Plain : FloatKind(set % FloatKindCount);
  size_t rowLength = shape.empty() ? 1 : static_cast<size_t>(shape.back());
  bool isHalf = dtype == BIT_FLOAT16;
  for (size_t i = 0; i < count; i += rowLength) {
    FloatRow row(kind, isHalf, engine);
    for (size_t j = i; j < i + rowLength; ++j)
      writeNumber(&data[j * bytes], dtype, row.next());
  }
}

Expected<InputSet> InputSampler::make(unsigned set, unsigned attempt) const {
  // The attempt is no part of it: the first that runs is no other input.
  std::seed_seq seeds{uint32_t(seed), uint32_t(seed >> 32), uint32_t(set)};
  std::mt19937_64 engine(seeds);
  InputSet inputs;
  for (auto [index, port] : enumerate(ports)) {
    if (!isNumber(port.dtype))
      return createStringError("input '" + port.name + "' has type " +
                               bit_dtype_name(port.dtype) +
                               ", of which there are no random numbers");
    inputs.shapes.push_back(chooseShape(index, set, attempt));
    uint64_t bytes = bit_dtype_bytes(port.dtype);
    for (int64_t dim : inputs.shapes.back())
      bytes = SaturatingMultiply(bytes, static_cast<uint64_t>(dim));
    if (bytes > maxBytes)
      return createStringError("input '" + port.name + "' takes " +
                               Twine(bytes) + " bytes, more than 4 GiB");
    inputs.data.emplace_back(bytes);
    fill(inputs, index, set, attempt, engine);
  }
  for (auto [index, port] : enumerate(ports)) {
    bit_tensor tensor = {};
    tensor.size = sizeof(bit_tensor);
    tensor.data = inputs.data[index].data();
    tensor.dtype = port.dtype;
    tensor.rank = static_cast<int32_t>(inputs.shapes[index].size());
    tensor.shape = inputs.shapes[index].data();
    inputs.tensors.push_back(tensor);
  }
  return inputs;
}

} // namespace bit
