// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first elements of a vector, loaded or stored without masks: LLVM would
// test each lane by itself. They go through a vector in memory, in pieces whose
// sizes are the bits of their number.

#include "bit/Conversion/BitToVector/BitToVector.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace bit {
#define GEN_PASS_DEF_EXPANDMASKS
#include "bit/Conversion/BitToVector/Passes.h.inc"
} // namespace bit

/// Up to four lanes are tested as fast as their number's bits are, and tiles of
/// a product have many such vectors: LLVM compiles their masks sooner.
constexpr int64_t mostTested = 4;

/// How many of the first lanes a mask has; null where it is no such mask.
static Value getLanes(OpBuilder &builder, Location loc, Value mask) {
  auto type = cast<VectorType>(mask.getType());
  if (type.getRank() != 1 || type.getNumElements() <= mostTested)
    return nullptr;
  if (auto create = mask.getDefiningOp<vector::CreateMaskOp>())
    return create.getOperand(0);
  if (auto constant = mask.getDefiningOp<vector::ConstantMaskOp>())
    return arith::ConstantIndexOp::create(builder, loc,
                                          constant.getMaskDimSizes()[0]);
  return nullptr;
}

namespace {

class Expander {
public:
  explicit Expander(func::FuncOp function) : function(function) {}

  bool expand(vector::MaskedLoadOp op);
  bool expand(vector::MaskedStoreOp op);

private:
  Value getBuffer(VectorType type);
  void copy(ImplicitLocOpBuilder &b, VectorType type, Value lanes, Value from,
            ValueRange fromWhere, Value to, ValueRange toWhere);

  func::FuncOp function;
  llvm::SmallDenseMap<Type, Value> buffers; ///< one of each type
};

} // namespace

/// A vector in the function's frame: of what is in it, nothing outlives one
/// load or store.
Value Expander::getBuffer(VectorType type) {
  Value &buffer = buffers[type];
  if (!buffer) {
    OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
    buffer = memref::AllocaOp::create(
        builder, function.getLoc(),
        MemRefType::get(type.getShape(), type.getElementType()),
        builder.getI64IntegerAttr(16));
  }
  return buffer;
}

/// Copies the first `lanes` elements, fewer than a vector has.
void Expander::copy(ImplicitLocOpBuilder &b, VectorType type, Value lanes,
                    Value from, ValueRange fromWhere, Value to,
                    ValueRange toWhere) {
  auto after = [&](ValueRange where, Value offset) {
    SmallVector<Value> moved(where);
    moved.back() = b.createOrFold<arith::AddIOp>(where.back(), offset);
    return moved;
  };
  Value zero = arith::ConstantIndexOp::create(b, 0), offset = zero;
  for (int64_t size = llvm::PowerOf2Ceil(type.getNumElements()) / 2; size > 0;
       size /= 2) {
    Value bit = b.createOrFold<arith::AndIOp>(
        lanes, arith::ConstantIndexOp::create(b, size).getResult());
    std::optional<int64_t> known = getConstantIntValue(bit);
    if (known == 0)
      continue;
    auto copyPiece = [&] {
      Value piece = vector::LoadOp::create(
          b, VectorType::get(size, type.getElementType()), from,
          after(fromWhere, offset));
      vector::StoreOp::create(b, piece, to, after(toWhere, offset));
    };
    if (known) {
      copyPiece();
    } else {
      Value exists =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, zero);
      auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      copyPiece();
    }
    offset = b.createOrFold<arith::AddIOp>(offset, bit);
  }
}

/// Where all lanes exist, as they do in most tiles of a matrix, `whole` emits
/// what is done; else `part`, by their number.
static SmallVector<Value> branch(ImplicitLocOpBuilder &b, Value lanes,
                                 int64_t all, TypeRange results,
                                 function_ref<SmallVector<Value>()> whole,
                                 function_ref<SmallVector<Value>(Value)> part) {
  Value some = b.createOrFold<arith::MaxSIOp>(
      lanes, arith::ConstantIndexOp::create(b, 0).getResult());
  if (std::optional<int64_t> known = getConstantIntValue(some))
    return *known >= all ? whole() : part(some);
  Value isWhole =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, some,
                            arith::ConstantIndexOp::create(b, all).getResult());
  auto branch = scf::IfOp::create(b, results, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, auto body) {
    if (results.empty()) {
      b.setInsertionPointToStart(block);
      body();
      return;
    }
    b.setInsertionPointToEnd(block);
    SmallVector<Value> values = body();
    scf::YieldOp::create(b, values);
  };
  fill(branch.thenBlock(), [&] { return whole(); });
  fill(branch.elseBlock(), [&] { return part(some); });
  return llvm::to_vector(ValueRange(branch.getResults()));
}

bool Expander::expand(vector::MaskedLoadOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value lanes = getLanes(b, op.getLoc(), op.getMask());
  if (!lanes)
    return false;
  VectorType type = op.getVectorType();
  Value buffer = getBuffer(type), zero = arith::ConstantIndexOp::create(b, 0);
  SmallVector<Value> result = branch(
      b, lanes, type.getNumElements(), type,
      [&]() -> SmallVector<Value> {
        return {vector::LoadOp::create(b, type, op.getBase(), op.getIndices())};
      },
      [&](Value some) -> SmallVector<Value> {
        vector::StoreOp::create(b, op.getPassThru(), buffer, zero);
        copy(b, type, some, op.getBase(), op.getIndices(), buffer, zero);
        return {vector::LoadOp::create(b, type, buffer, zero)};
      });
  op.getResult().replaceAllUsesWith(result.front());
  op.erase();
  return true;
}

bool Expander::expand(vector::MaskedStoreOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value lanes = getLanes(b, op.getLoc(), op.getMask());
  if (!lanes)
    return false;
  VectorType type = op.getVectorType();
  Value buffer = getBuffer(type), zero = arith::ConstantIndexOp::create(b, 0);
  branch(
      b, lanes, type.getNumElements(), {},
      [&]() -> SmallVector<Value> {
        vector::StoreOp::create(b, op.getValueToStore(), op.getBase(),
                                op.getIndices());
        return {};
      },
      [&](Value some) -> SmallVector<Value> {
        vector::StoreOp::create(b, op.getValueToStore(), buffer, zero);
        copy(b, type, some, buffer, zero, op.getBase(), op.getIndices());
        return {};
      });
  op.erase();
  return true;
}

namespace {

struct ExpandMasks : bit::impl::ExpandMasksBase<ExpandMasks> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || hasMasks(function))
      return;
    SmallVector<Operation *> masked;
    function.walk([&](Operation *op) {
      if (isa<vector::MaskedLoadOp, vector::MaskedStoreOp>(op))
        masked.push_back(op);
    });
    Expander expander(function);
    for (Operation *op : masked) {
      auto load = dyn_cast<vector::MaskedLoadOp>(op);
      bool done = load ? expander.expand(load)
                       : expander.expand(cast<vector::MaskedStoreOp>(op));
      ++(done ? numExpanded : numDeclined);
    }
  }

  static bool hasMasks(func::FuncOp function) {
    return bit::getRegisterFile(&function.front().front()).hasMasks;
  }
};

} // namespace
