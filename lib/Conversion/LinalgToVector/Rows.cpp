// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rows.h"
#include "mlir/Dialect/Affine/Analysis/AffineStructures.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace bit::rows {

/// i1 is a byte in a memref and a bit in a vector in memory.
static bool isElement(Type type, bool inMemory) {
  if (isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type))
    return true;
  return type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
         type.isSignlessInteger(32) || type.isSignlessInteger(64) ||
         (type.isInteger(1) && !inMemory);
}

static bool hasUnitStride(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         !strides.empty() && strides.back() == 1;
}

/// Along the row the operand stands still, or moves by one element.
static bool hasRowAccess(OpOperand &operand, AffineMap map,
                         unsigned innermost) {
  Type type = operand.get().getType();
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return isElement(type, /*inMemory=*/false);
  if (!isElement(memref.getElementType(), /*inMemory=*/true))
    return false;
  for (auto [position, expr] : llvm::enumerate(map.getResults())) {
    SmallVector<int64_t> factors;
    if (failed(getFlattenedAffineExpr(expr, map.getNumDims(), 0, &factors)) ||
        factors.size() != map.getNumDims() + 1)
      return false;
    bool last = position + 1 == map.getNumResults();
    if (factors[innermost] != 0 &&
        (factors[innermost] != 1 || !last || !hasUnitStride(memref)))
      return false;
  }
  return true;
}

/// Elementwise, and harmless on the zeros that lanes outside a mask hold.
static bool hasVectorForm(Operation &op) {
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
          arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
    return false;
  bool elementwise = OpTrait::hasElementwiseMappableTraits(&op) ||
                     op.hasTrait<OpTrait::ConstantLike>();
  auto isNumber = [](Type type) { return isElement(type, /*inMemory=*/false); };
  return elementwise && op.getNumRegions() == 0 &&
         llvm::all_of(op.getResultTypes(), isNumber) &&
         llvm::all_of(op.getOperandTypes(), isNumber);
}

/// Otherwise iterations would overwrite each other's result.
static bool usesAllParallel(linalg::LinalgOp op, OpOperand &init) {
  AffineMap map = op.getMatchingIndexingMap(&init);
  SmallVector<unsigned> loops;
  op.getParallelDims(loops);
  return llvm::all_of(loops,
                      [&](unsigned loop) { return map.isFunctionOfDim(loop); });
}

bool hasRows(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumLoops() == 0 ||
      op->getNumRegions() != 1)
    return false;
  for (OpOperand &operand : op->getOpOperands())
    if (!hasRowAccess(operand, op.getMatchingIndexingMap(&operand),
                      op.getNumLoops() - 1))
      return false;
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!isa<MemRefType>(init.get().getType()) || !usesAllParallel(op, init))
      return false;
  return llvm::all_of(op.getBlock()->without_terminator(), hasVectorForm);
}

RowWriter::RowWriter(linalg::LinalgOp op, ImplicitLocOpBuilder &builder)
    : b(builder), op(op) {
  for (Range range : op.createLoopRanges(b, b.getLoc()))
    sizes.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
}

bool RowWriter::uses(OpOperand &operand, unsigned loop) {
  return op.getMatchingIndexingMap(&operand).isFunctionOfDim(loop);
}

Value RowWriter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value RowWriter::broadcast(Value scalar) {
  auto type = VectorType::get(lanes, scalar.getType());
  return vector::BroadcastOp::create(b, type, scalar);
}

SmallVector<Value> RowWriter::indices(OpOperand &operand, ValueRange ivs) {
  SmallVector<Value> result;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      result.push_back(ivs[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      result.push_back(index(constant.getValue()));
    else
      result.push_back(affine::AffineApplyOp::create(
          b, AffineMap::get(ivs.size(), 0, expr), ivs));
  }
  return result;
}

Value RowWriter::loadScalar(OpOperand &operand, ValueRange ivs) {
  Value source = operand.get();
  if (!isa<MemRefType>(source.getType()))
    return source;
  return memref::LoadOp::create(b, source, indices(operand, ivs));
}

Value RowWriter::load(OpOperand &operand, ValueRange ivs, Value mask) {
  if (!uses(operand, innermost()))
    return broadcast(loadScalar(operand, ivs));
  Value source = operand.get();
  auto type = VectorType::get(
      lanes, cast<MemRefType>(source.getType()).getElementType());
  SmallVector<Value> at = indices(operand, ivs);
  if (!mask)
    return vector::LoadOp::create(b, type, source, at);
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, type, source, at, mask, zeros);
}

void RowWriter::store(Value value, OpOperand &operand, ValueRange ivs,
                      Value mask) {
  SmallVector<Value> at = indices(operand, ivs);
  if (mask)
    vector::MaskedStoreOp::create(b, operand.get(), at, mask, value);
  else
    vector::StoreOp::create(b, value, operand.get(), at);
}

void RowWriter::storeScalar(Value value, OpOperand &operand, ValueRange ivs) {
  memref::StoreOp::create(b, value, operand.get(), indices(operand, ivs));
}

void RowWriter::mapArgument(OpOperand &operand, IRMapping &values,
                            ValueRange ivs, Value mask) {
  BlockArgument argument = op.getMatchingBlockArgument(&operand);
  if (!argument.use_empty() && !values.contains(argument))
    values.map(argument, load(operand, ivs, mask));
}

SmallVector<Value> RowWriter::evaluate(IRMapping &values) {
  for (Operation &bodyOp : op.getBlock()->without_terminator())
    cloneAsVector(bodyOp, values);
  SmallVector<Value> yields;
  for (Value yielded : op.getBlock()->getTerminator()->getOperands())
    yields.push_back(lookUp(yielded, values));
  return yields;
}

Value RowWriter::lookUp(Value value, IRMapping &values) {
  if (Value known = values.lookupOrNull(value))
    return known;
  Value vector = broadcast(value);
  values.map(value, vector);
  return vector;
}

void RowWriter::cloneAsVector(Operation &bodyOp, IRMapping &values) {
  if (bodyOp.hasTrait<OpTrait::ConstantLike>()) {
    Operation *constant = b.clone(bodyOp);
    values.map(bodyOp.getResult(0), broadcast(constant->getResult(0)));
    return;
  }
  SmallVector<Value> operands;
  for (Value operand : bodyOp.getOperands())
    operands.push_back(lookUp(operand, values));
  SmallVector<Type> types;
  for (Type type : bodyOp.getResultTypes())
    types.push_back(VectorType::get(lanes, type));
  Operation *vectorOp = b.create(b.getLoc(), bodyOp.getName().getIdentifier(),
                                 operands, types, bodyOp.getAttrs());
  values.map(bodyOp.getResults(), vectorOp->getResults());
}

void RowWriter::loop(Value from, Value to, Value step,
                     function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value>
RowWriter::loop(Value from, Value to, Value step, ValueRange carried,
                function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      b, from, to, step, carried,
      [&](OpBuilder &, Location, Value iv, ValueRange arguments) {
        scf::YieldOp::create(b, body(iv, arguments)); // `b` is in the body
      });
  return llvm::to_vector(ValueRange(loop.getResults()));
}

void RowWriter::loopNest(unsigned first, unsigned end, SmallVector<Value> &ivs,
                         function_ref<void()> body) {
  if (first == end)
    return body();
  loop(index(0), sizes[first], index(1), [&](Value iv) {
    ivs.push_back(iv);
    loopNest(first + 1, end, ivs, body);
    ivs.pop_back();
  });
}

SmallVector<Value> RowWriter::ifAny(Value count, ValueRange otherwise,
                                    function_ref<SmallVector<Value>()> body) {
  Value any =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, count, index(0));
  auto branch = scf::IfOp::create(b, TypeRange(otherwise), any,
                                  /*withElseRegion=*/!otherwise.empty());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> results = body();
  if (otherwise.empty())
    return {};
  scf::YieldOp::create(b, results);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, otherwise);
  return llvm::to_vector(ValueRange(branch.getResults()));
}

Value RowWriter::wholeBlocks(Value size, int64_t block) {
  Value rest = arith::RemUIOp::create(b, size, index(block));
  return arith::SubIOp::create(b, size, rest);
}

Value RowWriter::maskOf(Value count) {
  auto type = VectorType::get(lanes, b.getI1Type());
  return vector::CreateMaskOp::create(b, type, count);
}

} // namespace bit::rows
