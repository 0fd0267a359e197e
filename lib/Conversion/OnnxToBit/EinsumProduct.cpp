// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Product.h"
#include "llvm/ADT/StringExtras.h"
#include <map>
#include <set>

using namespace mlir;
using llvm::createStringError;
using llvm::Expected;

namespace bit {
namespace {

/// Letters, and -1, -2, ... for what an ellipsis stands for.
using Labels = SmallVector<int>;

/// Reads the labels of a tensor of `rank`, or, if there is none, of the result,
/// whose ellipsis stands for `ellipsis` dimensions.
std::optional<Labels> readLabels(StringRef term, std::optional<int64_t> rank,
                                 int64_t &ellipsis) {
  size_t dots = term.find("...");
  StringRef head = term.take_front(dots);
  StringRef tail = dots == StringRef::npos ? "" : term.drop_front(dots + 3);
  if (!llvm::all_of((head + tail).str(), llvm::isAlpha))
    return std::nullopt;
  int64_t named = head.size() + tail.size();
  int64_t others = rank ? *rank - named : ellipsis;
  if (dots == StringRef::npos ? rank && others != 0 : others < 0)
    return std::nullopt;
  Labels labels(head.begin(), head.end());
  if (dots != StringRef::npos) {
    for (int64_t i = others; i > 0; --i)
      labels.push_back(-int(i));
    if (rank)
      ellipsis = std::max(ellipsis, others);
  }
  labels.append(tail.begin(), tail.end());
  return labels;
}

/// Without "->" the result has the labels that occur once, in order.
Labels getImplicitResult(ArrayRef<Labels> terms, int64_t ellipsis) {
  std::map<int, int> counts;
  for (const Labels &term : terms)
    for (int label : term)
      ++counts[label];
  Labels result;
  for (int64_t i = ellipsis; i > 0; --i)
    result.push_back(-int(i));
  for (auto [label, count] : counts)
    if (label > 0 && count == 1)
      result.push_back(label);
  return result;
}

bool hasRepeats(const Labels &labels) {
  return std::set<int>(labels.begin(), labels.end()).size() != labels.size();
}

/// Returns where each of `to` stands in `from`; empty if at the same place.
SmallVector<int64_t> getPermutation(const Labels &from, const Labels &to) {
  SmallVector<int64_t> perm;
  for (int label : to)
    perm.push_back(llvm::find(from, label) - from.begin());
  return llvm::is_sorted(perm) ? SmallVector<int64_t>() : perm;
}

} // namespace

Expected<Product> getEinsumProduct(onnx::EinsumOp op) {
  std::string equation = op.getEquation().str();
  llvm::erase(equation, ' ');
  auto decline = [&](const Twine &why) {
    return createStringError("Einsum '" + equation + "' " + why);
  };
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> texts;
  left.split(texts, ',');
  if (op.getInputs().size() != 2 || texts.size() != 2)
    return decline("is no product of two operands");
  int64_t ellipsis = 0;
  SmallVector<Labels> terms;
  for (auto [text, input] : llvm::zip(texts, op.getInputs())) {
    auto labels =
        readLabels(text, cast<ShapedType>(input.getType()).getRank(), ellipsis);
    if (!labels || hasRepeats(*labels))
      return decline("has a term that names no dimensions one by one");
    terms.push_back(*labels);
  }
  Labels result = getImplicitResult(terms, ellipsis);
  if (StringRef(equation).contains("->")) {
    auto labels = readLabels(right, std::nullopt, ellipsis);
    if (!labels || hasRepeats(*labels))
      return decline("has a result that names no dimensions one by one");
    result = *labels;
  }

  Product product;
  bool isLeft = isConstant(op.getInputs()[0]) && !isConstant(op.getInputs()[1]);
  product.weight = op.getInputs()[!isLeft];
  product.x = op.getInputs()[isLeft];
  const Labels &weight = terms[!isLeft], &x = terms[isLeft];
  if (weight.size() != 2)
    return createStringError("its weight is not a matrix");
  // K is summed, N is the weight's alone, all others are the activations'.
  product.isWeightTransposed = llvm::is_contained(x, weight[0]);
  int k = weight[!product.isWeightTransposed];
  int n = weight[product.isWeightTransposed];
  Labels rows;
  for (int label : x)
    if (label != k)
      rows.push_back(label);
  Labels input = rows, output = rows;
  input.push_back(k);
  output.push_back(n);
  if (!llvm::is_contained(x, k) || llvm::is_contained(x, n) ||
      llvm::is_contained(result, k) || result.size() != output.size() ||
      !llvm::all_of(output,
                    [&](int l) { return llvm::is_contained(result, l); }))
    return decline("is no product of rows by a matrix");
  product.inputPerm = getPermutation(x, input);
  product.resultPerm = getPermutation(output, result);
  return product;
}

} // namespace bit
