// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Verify/Verify.h"
#include "Elements.h"
#include "Inputs.h"
#include "Library.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <cstring>

using namespace llvm;

namespace bit {

void OutputComparison::add(const OutputComparison &other) {
  elements += other.elements;
  differing += other.differing;
  if (other.differing > 0 &&
      (worst.empty() || other.worstAbsolute > worstAbsolute))
    worst = other.worst;
  worstAbsolute = std::max(worstAbsolute, other.worstAbsolute);
  worstRelative = std::max(worstRelative, other.worstRelative);
}

bool Verification::agrees() const {
  return failures.empty() && all_of(outputs, [](const OutputComparison &o) {
           return o.differing == 0;
         });
}

static std::string formatList(ArrayRef<int64_t> numbers) {
  std::string text;
  for (int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

static ArrayRef<int64_t> getShape(const bit_tensor &tensor) {
  return ArrayRef(tensor.shape, static_cast<size_t>(tensor.rank));
}

/// Returns the index of element `number` of a tensor, as "[0, 3]".
static std::string formatIndex(size_t number, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    auto dim = static_cast<size_t>(shape[i]);
    index[i] = static_cast<int64_t>(number % dim);
    number /= dim;
  }
  return formatList(index);
}

/// Compares tensors of one shape. Every NaN is as good as another: which one a
/// processor makes is its own choice (docs/numerics.md).
static OutputComparison compareTensors(const bit_tensor &got,
                                       const bit_tensor &expected) {
  OutputComparison result;
  ArrayRef<int64_t> shape = getShape(expected);
  int32_t dtype = expected.dtype;
  size_t bytes = bit_dtype_bytes(dtype), count = 1;
  for (int64_t dim : shape)
    count *= static_cast<size_t>(dim);
  result.elements = count;
  auto *a = static_cast<const uint8_t *>(got.data);
  auto *b = static_cast<const uint8_t *>(expected.data);
  if (count == 0 || std::memcmp(a, b, count * bytes) == 0)
    return result;
  for (size_t i = 0; i < count; ++i, a += bytes, b += bytes) {
    if (std::memcmp(a, b, bytes) == 0)
      continue;
    double have = readNumber(a, dtype), want = readNumber(b, dtype);
    if (std::isnan(have) && std::isnan(want))
      continue;
    double off = std::fabs(have - want);
    if (!std::isfinite(off))
      off = HUGE_VAL;
    // 0 for -0 against 0, which are different bits.
    double relative = off == 0 ? 0 : off / std::fabs(want);
    if (++result.differing == 1 || off > result.worstAbsolute)
      result.worst = "expects " + formatNumber(b, dtype) + ", got " +
                     formatNumber(a, dtype) + " at " + formatIndex(i, shape);
    result.worstAbsolute = std::max(result.worstAbsolute, off);
    result.worstRelative = std::max(result.worstRelative,
                                    std::isnan(relative) ? HUGE_VAL : relative);
  }
  return result;
}

namespace {

/// The reference and all levels of the library, side by side.
class Verifier {
public:
  Verifier(LoadedLibrary reference, std::vector<LoadedLibrary> levels,
           const VerifyOptions &options)
      : reference(std::move(reference)), levels(std::move(levels)),
        sampler(this->reference.getInputs(), options.seed) {
    for (const LoadedLibrary &level : this->levels)
      result.levels.push_back(level.getLevel());
    for (const Port &port : this->reference.getOutputs())
      result.outputs.emplace_back().name = port.name;
  }

  /// Runs input set `set`, in the first way that both libraries take.
  void runSet(unsigned set);
  Verification &getResult() { return result; }

private:
  enum class Outcome { Compared, Refused };
  Outcome runOnce(const InputSet &inputs, const std::string &where);
  void compareOutputs(LoadedLibrary &level, const std::string &where);

  LoadedLibrary reference;
  std::vector<LoadedLibrary> levels;
  InputSampler sampler;
  Verification result;
};

} // namespace

void Verifier::compareOutputs(LoadedLibrary &level, const std::string &where) {
  std::string here = "level " + level.getLevel() + ", " + where;
  for (auto [index, comparison] : enumerate(result.outputs)) {
    const bit_tensor &got = level.getOutput(index);
    const bit_tensor &expected = reference.getOutput(index);
    if (got.dtype != expected.dtype || getShape(got) != getShape(expected)) {
      result.failures.push_back(here + ": output '" + comparison.name +
                                "' expects " + bit_dtype_name(expected.dtype) +
                                " " + formatList(getShape(expected)) +
                                ", got " + bit_dtype_name(got.dtype) + " " +
                                formatList(getShape(got)));
      continue;
    }
    OutputComparison compared = compareTensors(got, expected);
    if (compared.differing > 0)
      compared.worst += ", " + here;
    comparison.add(compared);
  }
}

Verifier::Outcome Verifier::runOnce(const InputSet &inputs,
                                    const std::string &where) {
  bit_status expected = reference.run(inputs.getTensors());
  // The reference keeps more in memory than what it stands for.
  if (expected == BIT_OUT_OF_MEMORY)
    return Outcome::Refused;
  for (LoadedLibrary &level : levels) {
    bit_status got = level.run(inputs.getTensors());
    if ((got == BIT_OK) != (expected == BIT_OK)) {
      bool fails = got != BIT_OK;
      result.failures.push_back(
          "level " + level.getLevel() + ", " + where + ": " +
          (fails ? "fails" : "runs") + " where the reference " +
          (fails ? "runs: " : "fails: ") +
          (fails ? level.getMessage() : reference.getMessage()));
    } else if (got == BIT_OK) {
      compareOutputs(level, where);
    }
  }
  return expected == BIT_OK ? Outcome::Compared : Outcome::Refused;
}

void Verifier::runSet(unsigned set) {
  std::string reason;
  for (unsigned attempt = 0; attempt < sampler.countAttempts(); ++attempt) {
    Expected<InputSet> inputs = sampler.make(set, attempt);
    if (!inputs) {
      reason = toString(inputs.takeError());
      continue;
    }
    std::string where = "input set " + std::to_string(set);
    if (std::string shapes = inputs->describe(reference.getInputs());
        !shapes.empty())
      where += ", " + shapes;
    size_t failures = result.failures.size();
    if (runOnce(*inputs, where) == Outcome::Compared) {
      ++result.sets;
      return;
    }
    if (result.failures.size() > failures)
      return;
    reason = reference.getMessage();
  }
  result.skipped.push_back("input set " + std::to_string(set) + ": " + reason);
}

/// Returns what differs between the signatures; they decide what a run means.
static std::string compareSignatures(const LoadedLibrary &library,
                                     const LoadedLibrary &reference) {
  auto describe = [](ArrayRef<Port> ports) {
    std::string text;
    for (const Port &port : ports)
      text += (text.empty() ? "" : ", ") + port.name + " " +
              bit_dtype_name(port.dtype) + formatList(port.dims);
    return text;
  };
  std::pair<std::string, std::string> pairs[] = {
      {describe(library.getInputs()), describe(reference.getInputs())},
      {describe(library.getOutputs()), describe(reference.getOutputs())}};
  for (auto &[got, expected] : pairs)
    if (got != expected)
      return "expects " + expected + ", got " + got;
  return "";
}

Expected<Verification> verifyLibrary(StringRef library, StringRef reference,
                                     const VerifyOptions &options) {
  Expected<LoadedLibrary> plain = LoadedLibrary::load(reference, nullptr);
  if (!plain)
    return plain.takeError();
  Expected<LoadedLibrary> best = LoadedLibrary::load(library, nullptr);
  if (!best)
    return best.takeError();
  if (std::string difference = compareSignatures(*best, *plain);
      !difference.empty())
    return createStringError("the signatures differ: " + difference);

  const bit_model_desc &description = best->getDescription();
  std::vector<std::string> lacking;
  std::vector<LoadedLibrary> levels;
  for (int32_t i = 0; i < description.n_levels; ++i) {
    const bit_abi_level &level = description.levels[i];
    if (level.features & ~bit_cpu_features()) {
      lacking.push_back(level.name);
      continue;
    }
    Expected<LoadedLibrary> loaded = LoadedLibrary::load(library, level.name);
    if (!loaded)
      return loaded.takeError();
    levels.push_back(std::move(*loaded));
  }

  Verifier verifier(std::move(*plain), std::move(levels), options);
  Verification &result = verifier.getResult();
  result.lacking = std::move(lacking);
  for (unsigned set = 0; set < options.sets; ++set)
    verifier.runSet(set);
  if (result.sets == 0 && result.failures.empty())
    return createStringError(
        "no random inputs run: " +
        (result.skipped.empty() ? "none were asked for" : result.skipped[0]));
  return std::move(result);
}

} // namespace bit
