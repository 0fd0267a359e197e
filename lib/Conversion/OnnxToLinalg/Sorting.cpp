// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sorting.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

static Value load(OpBuilder &b, Location loc, Value heap, Value slot) {
  return IndexBuilder{b, loc}.from(
      tensor::ExtractOp::create(b, loc, heap, slot));
}

static Value store(OpBuilder &b, Location loc, Value heap, Value slot,
                   Value position) {
  Value element = IndexBuilder{b, loc}.to(position, b.getI64Type());
  return tensor::InsertOp::create(b, loc, element, heap, slot);
}

static Value swap(OpBuilder &b, Location loc, Value heap, Value x, Value y) {
  Value atX = load(b, loc, heap, x), atY = load(b, loc, heap, y);
  heap = store(b, loc, heap, x, atY);
  return store(b, loc, heap, y, atX);
}

/// Moves the element at `start` down until none of its children comes after
/// it; `size` elements are in the heap.
static Value siftDown(OpBuilder &builder, Location loc, Value heap, Value start,
                      Value size, ComesBefore comesBefore) {
  Type index = builder.getIndexType();
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{heap.getType(), index, index},
      ValueRange{heap, start},
      [&](OpBuilder &b, Location loc, ValueRange state) {
        IndexBuilder at{b, loc};
        Value parent = state[1], one = at.constant(1);
        Value left = at.add(at.add(parent, parent), one);
        Value right = at.add(left, one);
        Value hasLeft = at.less(left, size);
        // Where there is no child, the parent stands for it.
        left = at.select(hasLeft, left, parent);
        right = at.select(at.less(right, size), right, left);
        Value atLeft = load(b, loc, state[0], left);
        Value atRight = load(b, loc, state[0], right);
        Value takeRight = comesBefore(b, loc, atLeft, atRight);
        Value child = at.select(takeRight, right, left);
        Value atChild = at.select(takeRight, atRight, atLeft);
        Value atParent = load(b, loc, state[0], parent);
        scf::ConditionOp::create(b, loc, comesBefore(b, loc, atParent, atChild),
                                 ValueRange{state[0], parent, child});
      },
      [&](OpBuilder &b, Location loc, ValueRange state) {
        scf::YieldOp::create(
            b, loc,
            ValueRange{swap(b, loc, state[0], state[1], state[2]), state[2]});
      });
  return loop.getResult(0);
}

Value bit::onnx::selectFirst(OpBuilder &builder, Location loc, Value heap,
                             Value room, Value count, ComesBefore comesBefore) {
  IndexBuilder at{builder, loc};
  Value zero = at.constant(0), one = at.constant(1), two = at.constant(2);
  using State = SmallVector<Value>;
  // The last of those kept is on top.
  heap = createSerialLoops(builder, loc, OpFoldResult(room), heap,
                           [&](OpBuilder &b, Location loc, ValueRange i,
                               ValueRange state) -> State {
                             return {store(b, loc, state[0], i[0], i[0])};
                           })
             .front();
  Value half = at.div(room, two);
  heap = createSerialLoops(
             builder, loc, OpFoldResult(half), heap,
             [&](OpBuilder &b, Location loc, ValueRange i,
                 ValueRange state) -> State {
               IndexBuilder in{b, loc};
               Value start = in.sub(in.sub(half, one), i[0]);
               return {siftDown(b, loc, state[0], start, room, comesBefore)};
             })
             .front();
  // Without room nothing is looked at.
  Value others = at.select(at.less(zero, room), at.sub(count, room), zero);
  heap =
      createSerialLoops(
          builder, loc, OpFoldResult(others), heap,
          [&](OpBuilder &b, Location loc, ValueRange i,
              ValueRange state) -> State {
            Value position = IndexBuilder{b, loc}.add(room, i[0]);
            Value top = load(b, loc, state[0], zero);
            auto choice = scf::IfOp::create(
                b, loc, comesBefore(b, loc, position, top),
                [&](OpBuilder &b, Location loc) {
                  Value next = store(b, loc, state[0], zero, position);
                  scf::YieldOp::create(
                      b, loc, siftDown(b, loc, next, zero, room, comesBefore));
                },
                [&](OpBuilder &b, Location loc) {
                  scf::YieldOp::create(b, loc, state[0]);
                });
            return {choice.getResult(0)};
          })
          .front();
  // The top goes to the end until the heap is empty.
  Value swaps = at.max(at.sub(room, one), zero);
  return createSerialLoops(
             builder, loc, OpFoldResult(swaps), heap,
             [&](OpBuilder &b, Location loc, ValueRange i,
                 ValueRange state) -> State {
               IndexBuilder in{b, loc};
               Value last = in.sub(in.sub(room, one), i[0]);
               Value next = swap(b, loc, state[0], zero, last);
               return {siftDown(b, loc, next, zero, last, comesBefore)};
             })
      .front();
}

Value bit::onnx::lessWithNaN(ScalarBuilder &scalar, Value a, Value b) {
  Value less = scalar.less(a, b);
  if (!scalar.isFloat())
    return less;
  // Greater than all numbers, so also than itself where the other is none.
  Value isNumber = scalar.make<arith::CmpFOp>(arith::CmpFPredicate::ORD, a, a);
  return scalar.make<arith::OrIOp>(
      less, scalar.make<arith::AndIOp>(scalar.isNaN(b), isNumber));
}
