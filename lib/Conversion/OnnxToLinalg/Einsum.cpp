// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Einsum, operand by operand: each step multiplies what there is by the next
// operand and sums over the labels that nothing after it has.

#include "Indexing.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

namespace {
/// Letters are themselves; the dims of an ellipsis are counted from its end, so
/// that they are aligned: the last one is -1.
using Labels = SmallVector<int>;

struct Term {
  Labels labels;
  bool hasEllipsis = false;
};

struct Equation {
  SmallVector<Term> inputs;
  std::optional<Term> output;
};

struct Factor {
  Value tensor;
  Labels labels;
};
} // namespace

/// Where the ellipsis stands in the labels of a term until its rank is known.
constexpr int ellipsis = 0;

static FailureOr<Term> parseTerm(EinsumOp op, StringRef text) {
  Term term;
  while (!text.empty()) {
    if (text.consume_front("...")) {
      if (term.hasEllipsis)
        return op.emitOpError("expects at most one ellipsis a term in "
                              "equation, got '")
               << op.getEquation() << "'";
      term.hasEllipsis = true;
      term.labels.push_back(ellipsis);
      continue;
    }
    char letter = text.front();
    text = text.drop_front();
    if (letter == ' ')
      continue;
    if (!llvm::isAlpha(letter))
      return op.emitOpError("expects letters in equation, got '")
             << op.getEquation() << "'";
    term.labels.push_back(letter);
  }
  return term;
}

static FailureOr<Equation> parseEquation(EinsumOp op) {
  StringRef text = op.getEquation();
  auto [inputs, output] = text.split("->");
  SmallVector<StringRef> terms;
  inputs.split(terms, ',');
  Equation equation;
  for (StringRef text : terms) {
    FailureOr<Term> term = parseTerm(op, text);
    if (failed(term))
      return failure();
    equation.inputs.push_back(*term);
  }
  if (text.contains("->")) {
    FailureOr<Term> term = parseTerm(op, output);
    if (failed(term))
      return failure();
    equation.output = *term;
  }
  if (equation.inputs.size() != op.getInputs().size())
    return op.emitOpError("expects one term in equation for each of ")
           << op.getInputs().size() << " inputs, got "
           << equation.inputs.size();
  return equation;
}

/// Puts the dims of an ellipsis of rank `rank` in its place.
static Labels expandEllipsis(ArrayRef<int> labels, int64_t rank) {
  Labels expanded;
  for (int label : labels) {
    if (label != ellipsis) {
      expanded.push_back(label);
      continue;
    }
    for (int64_t i = rank; i > 0; --i)
      expanded.push_back(-i);
  }
  return expanded;
}

/// Without an output: the ellipsis, then the letters that occur once.
static Term getImplicitOutput(ArrayRef<Term> inputs) {
  std::map<int, int> counts;
  bool hasEllipsis = false;
  for (const Term &term : inputs) {
    hasEllipsis |= term.hasEllipsis;
    for (int label : term.labels)
      if (label != ellipsis)
        ++counts[label];
  }
  Term output;
  output.hasEllipsis = hasEllipsis;
  if (hasEllipsis)
    output.labels.push_back(ellipsis);
  for (auto [label, count] : counts)
    if (count == 1)
      output.labels.push_back(label);
  return output;
}

/// A label that a term has twice becomes one dim: the diagonal.
static void takeDiagonal(OpBuilder &builder, Location loc, Factor &factor) {
  Labels unique;
  Dims sizes, all = getDims(builder, loc, factor.tensor);
  for (auto [label, size] : llvm::zip(factor.labels, all))
    if (!llvm::is_contained(unique, label)) {
      unique.push_back(label);
      sizes.push_back(size);
    }
  if (unique.size() == factor.labels.size())
    return;
  factor.tensor = createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, elementType(factor.tensor),
      [&](OpBuilder &b, Location loc, ValueRange) {
        SmallVector<Value> where;
        for (int label : factor.labels)
          where.push_back(linalg::IndexOp::create(
              b, loc, llvm::find(unique, label) - unique.begin()));
        return tensor::ExtractOp::create(b, loc, factor.tensor, where)
            .getResult();
      });
  factor.labels = unique;
}

/// Agrees on one size for each label. A dim of 1 beside others is dropped: it
/// is the same element for all of them.
static LogicalResult unifySizes(OpBuilder &builder, EinsumOp op,
                                MutableArrayRef<Factor> factors) {
  Location loc = op.getLoc();
  std::map<int, OpFoldResult> sizes;
  for (const Factor &factor : factors)
    for (auto [label, size] :
         llvm::zip(factor.labels, getDims(builder, loc, factor.tensor)))
      if (getConstant(size) != 1)
        sizes.emplace(label, size);
  for (Factor &factor : factors) {
    Dims own = getDims(builder, loc, factor.tensor);
    for (int64_t i = own.size(); i-- > 0;) {
      auto size = sizes.find(factor.labels[i]);
      if (size == sizes.end())
        continue; // 1 everywhere
      if (getConstant(own[i]) != 1) {
        if (failed(expectSameDim(builder, op, size->second, own[i],
                                 "expects one size for each label")))
          return failure();
        continue;
      }
      // Once twice in a term it would have to be a diagonal.
      if (llvm::count(factor.labels, factor.labels[i]) > 1)
        return op.emitOpError("expects one size for each label of a term");
      factor.tensor = dropUnitDim(builder, loc, factor.tensor, i);
      factor.labels.erase(factor.labels.begin() + i);
    }
  }
  return success();
}

/// Sums over the labels that are not in `kept`.
static void sumOthers(OpBuilder &builder, Location loc, Factor &factor,
                      Type onnxType, ArrayRef<int> kept) {
  SmallVector<int64_t> axes;
  Labels labels;
  for (auto [axis, label] : llvm::enumerate(factor.labels))
    if (llvm::is_contained(kept, label))
      labels.push_back(label);
    else
      axes.push_back(axis);
  if (axes.empty())
    return;
  factor.tensor =
      reduceWith(builder, loc, factor.tensor, onnxType, axes, sumReduction);
  factor.labels = labels;
}

static AffineMap getMap(OpBuilder &builder, ArrayRef<int> loops,
                        ArrayRef<int> labels) {
  SmallVector<AffineExpr> exprs;
  for (int label : labels)
    exprs.push_back(
        builder.getAffineDimExpr(llvm::find(loops, label) - loops.begin()));
  return AffineMap::get(loops.size(), 0, exprs, builder.getContext());
}

/// The sum over the labels outside `kept` of the products, in the compute type
/// and with the labels in that order. All of `kept` occur.
static Factor contract(OpBuilder &builder, Location loc, const Factor &a,
                       const Factor &b, Type onnxType, ArrayRef<int> kept) {
  llvm::MapVector<int, OpFoldResult> sizes;
  for (const Factor *factor : {&a, &b})
    for (auto [label, size] :
         llvm::zip(factor->labels, getDims(builder, loc, factor->tensor)))
      sizes.insert({label, size});
  Labels summed;
  for (auto [label, size] : sizes)
    if (!llvm::is_contained(kept, label))
      summed.push_back(label);
  Dims resultSizes;
  for (int label : kept)
    resultSizes.push_back(sizes.lookup(label));
  // Vectors run over the last dim of the result, inside of the sums.
  Labels loops(kept);
  SmallVector<IteratorType> iterators(kept.size(), IteratorType::parallel);
  size_t at = kept.empty() ? 0 : kept.size() - 1;
  loops.insert(loops.begin() + at, summed.begin(), summed.end());
  iterators.insert(iterators.begin() + at, summed.size(),
                   IteratorType::reduction);
  ScalarBuilder outer(builder, loc, onnxType);
  if (summed.empty())
    return {createPointwise(
                builder, loc,
                {LoopOperand{a.tensor, getMap(builder, loops, a.labels), {}},
                 LoopOperand{b.tensor, getMap(builder, loops, b.labels), {}}},
                resultSizes, outer.getType(),
                [&](OpBuilder &b, Location loc, ValueRange x) {
                  return ScalarBuilder(b, loc, onnxType)
                      .mul(toCompute(b, loc, x[0], onnxType),
                           toCompute(b, loc, x[1], onnxType));
                }),
            Labels(kept)};
  Value init = createFilled(builder, loc, resultSizes, outer.number(0));
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{a.tensor, b.tensor}, init,
      ArrayRef<AffineMap>{getMap(builder, loops, a.labels),
                          getMap(builder, loops, b.labels),
                          getMap(builder, loops, kept)},
      iterators, [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, onnxType);
        linalg::YieldOp::create(b, loc,
                                scalar.fma(toCompute(b, loc, x[0], onnxType),
                                           toCompute(b, loc, x[1], onnxType),
                                           x[2]));
      });
  return {generic.getResult(0), Labels(kept)};
}

/// The operands with their labels, then those of the result.
static FailureOr<SmallVector<Factor>> getFactors(EinsumOp op,
                                                 EinsumOp::Adaptor operands,
                                                 OpBuilder &builder,
                                                 Labels &result) {
  FailureOr<Equation> equation = parseEquation(op);
  if (failed(equation))
    return failure();
  SmallVector<Factor> factors;
  int64_t widest = 0;
  for (auto [input, term] : llvm::zip(operands.getInputs(), equation->inputs)) {
    Value tensor = stripStaticCasts(input);
    int64_t letters = term.labels.size() - term.hasEllipsis;
    int64_t rest = rankOf(tensor) - letters;
    if (rest < 0 || (rest > 0 && !term.hasEllipsis))
      return op.emitOpError("expects ")
             << letters << " dims for a term of equation, got "
             << rankOf(tensor);
    widest = std::max(widest, rest);
    factors.push_back({tensor, expandEllipsis(term.labels, rest)});
  }
  Term output = equation->output.value_or(getImplicitOutput(equation->inputs));
  result = expandEllipsis(output.labels, widest);
  for (int label : result)
    if (llvm::count(result, label) > 1 ||
        llvm::none_of(factors, [&](const Factor &factor) {
          return llvm::is_contained(factor.labels, label);
        }))
      return op.emitOpError("expects labels of the output once, and in an "
                            "input, got equation '")
             << op.getEquation() << "'";
  if (failed(unifySizes(builder, op, factors)))
    return failure();
  for (Factor &factor : factors)
    takeDiagonal(builder, op.getLoc(), factor);
  return factors;
}

static LogicalResult einsum(EinsumOp op, EinsumOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getOutput());
  Labels result;
  auto factors = getFactors(op, operands, rewriter, result);
  if (failed(factors))
    return failure();
  Factor product = factors->front();
  for (size_t i = 0; i < factors->size(); ++i) {
    // What this step's result has to keep.
    Labels needed(result);
    for (const Factor &later : ArrayRef(*factors).drop_front(i + 1))
      needed.append(later.labels);
    if (i == 0) {
      sumOthers(rewriter, loc, product, onnxType, needed);
      continue;
    }
    Factor next = (*factors)[i];
    Labels shared(needed);
    shared.append(product.labels);
    sumOthers(rewriter, loc, next, onnxType, shared);
    Labels kept;
    auto keep = [&](ArrayRef<int> labels) {
      for (int label : labels)
        if ((llvm::is_contained(product.labels, label) ||
             llvm::is_contained(next.labels, label)) &&
            !llvm::is_contained(kept, label))
          kept.push_back(label);
    };
    keep(needed);
    product = contract(rewriter, loc, product, next, onnxType, kept);
  }
  // Of one operand the order is still its own.
  AffineMap map = getMap(rewriter, result, product.labels);
  Type storage = getStorageType(onnxType);
  if (map.isIdentity() && elementType(product.tensor) == storage) {
    results.push_back(product.tensor);
    return success();
  }
  Dims own = getDims(rewriter, loc, product.tensor), sizes;
  for (int label : result)
    sizes.push_back(
        own[llvm::find(product.labels, label) - product.labels.begin()]);
  results.push_back(createPointwise(
      rewriter, loc, LoopOperand{product.tensor, map, {}}, sizes, storage,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return toStorage(b, loc, toCompute(b, loc, x.front(), onnxType),
                         onnxType);
      }));
  return success();
}

void bit::onnx::addEinsumPatterns(PatternList &list) {
  list.add<EinsumOp>(einsum);
}
