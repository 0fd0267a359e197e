// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Epilogue.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

bool bit::readsElements(ValueRange inputs) {
  return llvm::any_of(inputs, [](Value input) {
    return getEpilogueAccess(input) == EpilogueAccess::Element;
  });
}

Value bit::emitEpilogue(OpBuilder &builder, Location loc, Region &epilogue,
                        Value result, ValueRange inputs) {
  if (epilogue.empty())
    return result;
  Block &body = epilogue.front();
  ArrayRef<int64_t> shape = cast<VectorType>(result.getType()).getShape();
  IRMapping values;
  values.map(body.getArgument(0), result);
  values.map(body.getArguments().drop_front(), inputs);
  // Constants, and what the region captures.
  auto lookUp = [&](Value value) {
    if (Value known = values.lookupOrNull(value))
      return known;
    auto type = VectorType::get(shape, value.getType());
    Value vector = vector::BroadcastOp::create(builder, loc, type, value);
    values.map(value, vector);
    return vector;
  };
  for (Operation &step : body.without_terminator()) {
    if (step.hasTrait<OpTrait::ConstantLike>()) {
      Value constant = builder.clone(step)->getResult(0);
      auto type = VectorType::get(shape, constant.getType());
      values.map(step.getResult(0),
                 vector::BroadcastOp::create(builder, loc, type, constant));
      continue;
    }
    SmallVector<Value> operands =
        llvm::map_to_vector(step.getOperands(), lookUp);
    SmallVector<Type> types =
        llvm::map_to_vector(step.getResultTypes(), [&](Type type) -> Type {
          return VectorType::get(shape, type);
        });
    Operation *emitted = builder.create(loc, step.getName().getIdentifier(),
                                        operands, types, step.getAttrs());
    values.map(step.getResults(), emitted->getResults());
  }
  return lookUp(cast<YieldOp>(body.getTerminator()).getValue());
}
