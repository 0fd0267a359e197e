// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Dims.h"
#include "ControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace bit::onnx;

Value bit::onnx::stripCasts(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CastOp, UnrealizedConversionCastOp>(op) ||
        op->getNumOperands() != 1 || op->getNumResults() != 1)
      break;
    value = op->getOperand(0);
  }
  return value;
}

Value bit::onnx::stripStaticCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>()) {
    auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
    if (!source || !tensor::preservesStaticInformation(cast.getType(), source))
      break;
    value = cast.getSource();
  }
  return value;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

static StringRef getDimName(func::FuncOp func, unsigned argument, int64_t dim) {
  auto names = func.getArgAttrOfType<ArrayAttr>(argument, "onnx.dims");
  if (!names || dim >= static_cast<int64_t>(names.size()))
    return "";
  auto name = dyn_cast<StringAttr>(names[dim]);
  return name ? name.getValue() : "";
}

LogicalResult bit::onnx::materializeArgumentDims(OpBuilder &builder,
                                                 func::FuncOp func) {
  if (func.isExternal())
    return success();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&func.front());
  Location loc = func.getLoc();
  llvm::StringMap<OpFoldResult> named;
  for (BlockArgument argument : func.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    for (int64_t dim = 0; type && dim < type.getRank(); ++dim) {
      OpFoldResult size = builder.getIndexAttr(type.getDimSize(dim));
      if (type.isDynamicDim(dim))
        size = tensor::DimOp::create(builder, loc, argument, dim).getResult();
      StringRef name = getDimName(func, argument.getArgNumber(), dim);
      if (name.empty())
        continue;
      auto first = named.try_emplace(name, size).first;
      if (!checkSameDim(builder, loc, first->second, size,
                        "expects dimension '" + name +
                            "' to be the same in all inputs"))
        return func.emitError("expects dimension '")
               << name << "' to be the same in all inputs, got "
               << *getConstant(first->second) << " and " << *getConstant(size);
    }
  }
  return success();
}

/// The entry block's tensor.dim of `argument`, or its static size; null where
/// it has not been made.
static OpFoldResult findDim(OpBuilder &builder, BlockArgument argument,
                            int64_t dim) {
  auto type = cast<RankedTensorType>(argument.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  for (Operation *user : argument.getUsers())
    if (auto size = dyn_cast<tensor::DimOp>(user))
      if (size->getBlock() == argument.getOwner() &&
          size.getConstantIndex() == dim)
        return size.getResult();
  return nullptr;
}

/// The size of the first argument's dim that has this name.
static OpFoldResult findDim(OpBuilder &builder, func::FuncOp func,
                            StringRef name) {
  for (BlockArgument argument : func.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    for (int64_t i = 0; type && i < type.getRank(); ++i)
      if (getDimName(func, argument.getArgNumber(), i) == name)
        if (OpFoldResult size = findDim(builder, argument, i))
          return size;
  }
  return nullptr;
}

std::optional<OpFoldResult> bit::onnx::getNamedDim(OpBuilder &builder,
                                                   Location loc, Operation *op,
                                                   int64_t result,
                                                   int64_t dim) {
  auto lists = op->getAttrOfType<ArrayAttr>(dimNamesAttr);
  auto func = op->getParentOfType<func::FuncOp>();
  if (!lists || !func || result >= static_cast<int64_t>(lists.size()))
    return std::nullopt;
  auto names = dyn_cast<ArrayAttr>(lists[result]);
  if (!names || dim >= static_cast<int64_t>(names.size()))
    return std::nullopt;
  auto name = dyn_cast<StringAttr>(names[dim]);
  if (!name || name.empty())
    return std::nullopt;
  OpFoldResult size = findDim(builder, func, name);
  return size ? std::optional(size) : std::nullopt;
}

static OpFoldResult getArgumentDim(OpBuilder &builder, Location loc,
                                   BlockArgument argument, int64_t dim) {
  Operation *owner = argument.getOwner()->getParentOp();
  OpFoldResult size;
  if (isa_and_nonnull<scf::WhileOp>(owner)) {
    if (auto named =
            getNamedDim(builder, loc, owner, argument.getArgNumber(), dim))
      return *named;
  } else if (auto func = dyn_cast_if_present<func::FuncOp>(owner);
             func && argument.getOwner()->isEntryBlock()) {
    StringRef name = getDimName(func, argument.getArgNumber(), dim);
    size = name.empty() ? findDim(builder, argument, dim)
                        : findDim(builder, func, name);
  }
  if (size)
    return size;
  return tensor::DimOp::create(builder, loc, argument, dim).getResult();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// A size that a reshape computed may itself be a tensor.dim.
static OpFoldResult traceDim(OpBuilder &builder, Location loc,
                             OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return builder.getIndexAttr(*constant);
  auto dim = dyn_cast<Value>(size).getDefiningOp<tensor::DimOp>();
  if (!dim || isa<BlockArgument>(dim.getSource()))
    return size;
  std::optional<int64_t> index = dim.getConstantIndex();
  return index ? getDim(builder, loc, dim.getSource(), *index) : size;
}

/// Whether `value` is `initial`, or that with elements written into it.
static bool isWrittenInto(Value value, Value initial) {
  while (value != initial) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    unsigned index = cast<OpResult>(value).getResultNumber();
    if (auto insert = dyn_cast<tensor::InsertOp>(op)) {
      value = insert.getDest();
    } else if (auto choice = dyn_cast<scf::IfOp>(op)) {
      if (!isWrittenInto(choice.elseYield()->getOperand(index), initial))
        return false;
      value = choice.thenYield()->getOperand(index);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (!isWrittenInto(loop.getBody()->getTerminator()->getOperand(index),
                         loop.getRegionIterArg(index)))
        return false;
      value = loop.getInitArgs()[index];
    } else {
      return false;
    }
  }
  return true;
}

OpFoldResult bit::onnx::getDim(OpBuilder &builder, Location loc, Value tensor,
                               int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  Value source = stripCasts(tensor);
  if (source != tensor) {
    // Inside of a body it may be an operation's that is converted later.
    if (auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(source));
        element && !element.isSignless())
      return tensor::DimOp::create(builder, loc, tensor, dim).getResult();
    return getDim(builder, loc, source, dim);
  }
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return getArgumentDim(builder, loc, argument, dim);
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[dim];
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return traceDim(builder, loc, expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Dims group;
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (int64_t i : groups[dim])
      group.push_back(getDim(builder, loc, collapse.getSrc(), i));
    return mulDims(builder, loc, group);
  }
  if (OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return getDim(builder, loc, operand, dim);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (slice.getSourceType().getRank() == type.getRank())
      return slice.getMixedSizes()[dim];
  } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    return getDim(builder, loc, insert.getDest(), dim);
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    Value initial =
        loop.getInitArgs()[cast<OpResult>(tensor).getResultNumber()];
    if (isWrittenInto(tensor, initial))
      return getDim(builder, loc, initial, dim);
  } else if (auto dps = dyn_cast<DestinationStyleOpInterface>(op)) {
    return getDim(builder, loc,
                  dps.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  } else if (isa<scf::IfOp, scf::WhileOp>(op)) {
    if (auto named = getNamedDim(builder, loc, op,
                                 cast<OpResult>(tensor).getResultNumber(), dim))
      return *named;
  } else if (auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(op)) {
    ReifiedRankedShapedTypeDims shapes;
    if (succeeded(shaped.reifyResultShapes(builder, shapes)))
      return traceDim(builder, loc,
                      shapes[cast<OpResult>(tensor).getResultNumber()][dim]);
  }
  return tensor::DimOp::create(builder, loc, tensor, dim).getResult();
}

Dims bit::onnx::getDims(OpBuilder &builder, Location loc, Value tensor) {
  Dims dims;
  for (int64_t i = 0, e = cast<RankedTensorType>(tensor.getType()).getRank();
       i < e; ++i)
    dims.push_back(getDim(builder, loc, tensor, i));
  return dims;
}

static bool isSameValue(Value a, Value b, int depth) {
  if (a == b)
    return true;
  auto left = dyn_cast<OpResult>(a), right = dyn_cast<OpResult>(b);
  if (!left || !right || depth == 0)
    return false;
  Operation *x = left.getOwner(), *y = right.getOwner();
  if (x->getName() != y->getName() || x->getNumRegions() ||
      x->getNumOperands() != y->getNumOperands() ||
      left.getResultNumber() != right.getResultNumber() ||
      x->getAttrDictionary() != y->getAttrDictionary() || !isPure(x))
    return false;
  return llvm::all_of(
      llvm::zip(x->getOperands(), y->getOperands()), [&](auto pair) {
        return isSameValue(std::get<0>(pair), std::get<1>(pair), depth - 1);
      });
}

namespace {
/// A size as a product: its constant factors in one number, the others listed.
struct Factors {
  int64_t constant = 1;
  SmallVector<Value> values;
  /// Whether the constant fits its type.
  bool isExact = true;

  void multiply(OpFoldResult size) {
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      isExact &= !llvm::MulOverflow(constant, *known, constant);
    } else if (auto product =
                   cast<Value>(size).getDefiningOp<arith::MulIOp>()) {
      multiply(product.getLhs());
      multiply(product.getRhs());
    } else {
      values.push_back(cast<Value>(size));
    }
  }

  /// Takes one factor that equals `value` out; false where there is none.
  bool cancel(Value value) {
    auto *same = llvm::find_if(values, [&](Value other) {
      return isSameValue(value, other, /*depth=*/6);
    });
    if (same == values.end())
      return false;
    values.erase(same);
    return true;
  }
};
} // namespace

bool bit::onnx::isSameDim(OpFoldResult a, OpFoldResult b) {
  Factors left, right;
  left.multiply(a);
  right.multiply(b);
  return left.isExact && right.isExact && left.constant == right.constant &&
         left.values.size() == right.values.size() &&
         llvm::all_of(left.values,
                      [&](Value value) { return right.cancel(value); });
}

std::optional<OpFoldResult>
bit::onnx::divideDims(OpBuilder &builder, Location loc,
                      ArrayRef<OpFoldResult> dividend,
                      ArrayRef<OpFoldResult> divisor) {
  Factors quotient, by;
  for (OpFoldResult size : dividend)
    quotient.multiply(size);
  for (OpFoldResult size : divisor)
    by.multiply(size);
  if (!quotient.isExact || !by.isExact || by.constant <= 0 ||
      quotient.constant % by.constant != 0 ||
      !llvm::all_of(by.values,
                    [&](Value value) { return quotient.cancel(value); }))
    return std::nullopt;
  Dims factors = llvm::to_vector_of<OpFoldResult>(quotient.values);
  if (factors.empty() || quotient.constant != by.constant)
    factors.push_back(builder.getIndexAttr(quotient.constant / by.constant));
  return mulDims(builder, loc, factors);
}

Value bit::onnx::toValue(OpBuilder &builder, Location loc, OpFoldResult dim) {
  return getValueOrCreateConstantIndexOp(builder, loc, dim);
}

OpFoldResult bit::onnx::addDims(OpBuilder &builder, Location loc,
                                OpFoldResult a, OpFoldResult b) {
  Value sum = builder.createOrFold<arith::AddIOp>(loc, toValue(builder, loc, a),
                                                  toValue(builder, loc, b));
  return getAsOpFoldResult(sum);
}

OpFoldResult bit::onnx::mulDims(OpBuilder &builder, Location loc,
                                OpFoldResult a, OpFoldResult b) {
  Value product = builder.createOrFold<arith::MulIOp>(
      loc, toValue(builder, loc, a), toValue(builder, loc, b));
  return getAsOpFoldResult(product);
}

OpFoldResult bit::onnx::mulDims(OpBuilder &builder, Location loc,
                                ArrayRef<OpFoldResult> dims) {
  OpFoldResult product = builder.getIndexAttr(1);
  for (OpFoldResult dim : dims)
    product = mulDims(builder, loc, product, dim);
  return product;
}

RankedTensorType bit::onnx::getTensorType(ArrayRef<OpFoldResult> sizes,
                                          Type elementType) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, elementType);
}

void bit::onnx::emitCheck(OpBuilder &builder, Location loc, Value condition,
                          const Twine &message) {
  if (matchPattern(condition, m_One()))
    return;
  cf::AssertOp::create(builder, loc, condition, builder.getStringAttr(message));
}

bool bit::onnx::checkSameDim(OpBuilder &builder, Location loc, OpFoldResult a,
                             OpFoldResult b, const Twine &message) {
  if (isSameDim(a, b))
    return true;
  if (getConstantIntValue(a) && getConstantIntValue(b))
    return false;
  Value equal =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                            toValue(builder, loc, a), toValue(builder, loc, b));
  emitCheck(builder, loc, equal, message);
  return true;
}
