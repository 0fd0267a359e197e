// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

/// One operation of the math dialect, whatever expands it later.
template <typename OpTy, typename MathOp>
static void addMath(PatternList &list) {
  addElementwise<OpTy>(list, [](ScalarBuilder &s, ArrayRef<Value> x, OpTy) {
    return s.make<MathOp>(x[0]);
  });
}

void bit::onnx::addMathPatterns(PatternList &list) {
  addMath<ExpOp, math::ExpOp>(list);
  addMath<LogOp, math::LogOp>(list);
  addMath<SqrtOp, math::SqrtOp>(list);
  addMath<ErfOp, math::ErfOp>(list);
  addMath<FloorOp, math::FloorOp>(list);
  addMath<CeilOp, math::CeilOp>(list);
  addMath<RoundOp, math::RoundEvenOp>(list);
  addMath<SinOp, math::SinOp>(list);
  addMath<CosOp, math::CosOp>(list);
  addMath<TanOp, math::TanOp>(list);
  addMath<AsinOp, math::AsinOp>(list);
  addMath<AcosOp, math::AcosOp>(list);
  addMath<AtanOp, math::AtanOp>(list);
  addMath<SinhOp, math::SinhOp>(list);
  addMath<CoshOp, math::CoshOp>(list);
  addMath<TanhOp, math::TanhOp>(list);
  addMath<AsinhOp, math::AsinhOp>(list);
  addMath<AcoshOp, math::AcoshOp>(list);
  addMath<AtanhOp, math::AtanhOp>(list);
}
