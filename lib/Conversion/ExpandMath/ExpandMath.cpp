// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/ExpandMath/ExpandMath.h"
#include "Functions.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace bit {
#define GEN_PASS_DEF_EXPANDMATH
#include "bit/Conversion/ExpandMath/Passes.h.inc"
} // namespace bit

using namespace mlir;
using namespace bit::expand;

/// Scalars and vectors; a tensor's elements are expanded once it is bufferized.
static bool hasExpansion(Type type) {
  Type element = getElementTypeOrSelf(type);
  return (type == element || isa<VectorType>(type)) &&
         (element.isF16() || element.isBF16() || element.isF32() ||
          element.isF64());
}

static Value convertFloat(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type type = element;
  if (auto shaped = dyn_cast<ShapedType>(value.getType()))
    type = shaped.clone(element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, type, value);
  return arith::TruncFOp::create(b, type, value);
}

namespace {
/// Where float arguments are computed. In double, the result of the rare
/// functions is right but for the last rounding.
enum class Precision { Own, Double };

using UnaryFunction = Float (*)(Float x);
using BinaryFunction = Float (*)(Float x, Float y);

/// Converts the operands to what the function computes in, and back.
template <typename Function>
Value evaluate(PatternRewriter &rewriter, Operation *op, Precision precision,
               Function function) {
  ImplicitLocOpBuilder b(op->getLoc(), rewriter);
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  bool computeInDouble = precision == Precision::Double || element.isF64();
  Type working = computeInDouble ? b.getF64Type() : Type(b.getF32Type());
  // By way of f32: no target converts between bf16 and f64 directly.
  Type middle = element.isF64() ? element : Type(b.getF32Type());
  SmallVector<Float> arguments;
  for (Value operand : op->getOperands())
    arguments.push_back(
        {&b, convertFloat(b, convertFloat(b, operand, middle), working)});
  Float result = function(arguments);
  return convertFloat(b, convertFloat(b, result.value, middle), element);
}

template <typename OpTy> struct ExpandUnary : OpRewritePattern<OpTy> {
  ExpandUnary(MLIRContext *context, UnaryFunction function,
              Precision precision = Precision::Own)
      : OpRewritePattern<OpTy>(context), function(function),
        precision(precision) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!hasExpansion(op.getType()))
      return failure();
    rewriter.replaceOp(
        op, evaluate(rewriter, op, precision, [&](ArrayRef<Float> arguments) {
          return function(arguments[0]);
        }));
    return success();
  }

  UnaryFunction function;
  Precision precision;
};

template <typename OpTy> struct ExpandBinary : OpRewritePattern<OpTy> {
  ExpandBinary(MLIRContext *context, BinaryFunction function)
      : OpRewritePattern<OpTy>(context), function(function) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!hasExpansion(op.getType()))
      return failure();
    rewriter.replaceOp(op, evaluate(rewriter, op, Precision::Double,
                                    [&](ArrayRef<Float> arguments) {
                                      return function(arguments[0],
                                                      arguments[1]);
                                    }));
    return success();
  }

  BinaryFunction function;
};

struct ExpandPowF : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!hasExpansion(op.getType()))
      return failure();
    // A square, as norms have it, needs one rounding and no logarithm.
    APFloat exponent(0.0);
    if (matchPattern(op.getRhs(), m_ConstantFloat(&exponent)) &&
        exponent.isExactlyValue(2.0)) {
      rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(), op.getLhs());
      return success();
    }
    bool isDouble = getElementTypeOrSelf(op.getType()).isF64();
    rewriter.replaceOp(op, evaluate(rewriter, op, Precision::Double,
                                    [&](ArrayRef<Float> arguments) {
                                      return bit::expand::pow(
                                          arguments[0], arguments[1],
                                          /*accurate=*/isDouble);
                                    }));
    return success();
  }
};

/// x^2, which norms ask for, as x * x: the power's value rounded once, at a
/// hundredth of the cost.
struct ExpandSquare : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    APFloat exponent(0.0);
    if (!hasExpansion(op.getType()) ||
        !matchPattern(op.getRhs(), m_ConstantFloat(&exponent)) ||
        !exponent.isExactlyValue(2.0))
      return failure();
    rewriter.replaceOp(op, evaluate(rewriter, op, Precision::Own,
                                    [&](ArrayRef<Float> arguments) {
                                      return arguments[0] * arguments[0];
                                    }));
    return success();
  }
};

struct ExpandTan : OpRewritePattern<math::TanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::TanOp op,
                                PatternRewriter &rewriter) const override {
    if (!hasExpansion(op.getType()))
      return failure();
    bool isDouble = getElementTypeOrSelf(op.getType()).isF64();
    rewriter.replaceOp(op, evaluate(rewriter, op, Precision::Double,
                                    [&](ArrayRef<Float> arguments) {
                                      return bit::expand::tan(
                                          arguments[0],
                                          /*fromSingle=*/!isDouble);
                                    }));
    return success();
  }
};

struct ExpandSincos : OpRewritePattern<math::SincosOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::SincosOp op,
                                PatternRewriter &rewriter) const override {
    if (!hasExpansion(op.getOperand().getType()))
      return failure();
    auto expand = [&](UnaryFunction function) {
      return evaluate(
          rewriter, op, Precision::Own,
          [&](ArrayRef<Float> arguments) { return function(arguments[0]); });
    };
    Value sine = expand(bit::expand::sin);
    rewriter.replaceOp(op, {sine, expand(bit::expand::cos)});
    return success();
  }
};

/// x^n by the power function: n below 2^53 is exact in double.
struct ExpandFPowI : OpRewritePattern<math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FPowIOp op,
                                PatternRewriter &rewriter) const override {
    Type exponent = getElementTypeOrSelf(op.getRhs().getType());
    if (!hasExpansion(op.getType()) || !exponent.isIntOrFloat())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type element = getElementTypeOrSelf(op.getType());
    Type middle = element.isF64() ? element : Type(b.getF32Type());
    Value base = convertFloat(b, op.getLhs(), middle);
    base = convertFloat(b, base, b.getF64Type());
    Value n = arith::SIToFPOp::create(b, base.getType(), op.getRhs());
    Float y = bit::expand::pow({&b, base}, {&b, n}, element.isF64());
    rewriter.replaceOp(
        op, convertFloat(b, convertFloat(b, y.value, middle), element));
    return success();
  }
};

struct ExpandIPowI : OpRewritePattern<math::IPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::IPowIOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    Type element = getElementTypeOrSelf(type);
    if ((type != element && !isa<VectorType>(type)) || !element.isInteger() ||
        element.getIntOrFloatBitWidth() > 64)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Int y = bit::expand::integerPow({&b, op.getLhs()}, {&b, op.getRhs()},
                                    element.getIntOrFloatBitWidth());
    rewriter.replaceOp(op, y.value);
    return success();
  }
};

/// max(min(x, high), low), where NaN wins.
struct ExpandClampF : OpRewritePattern<math::ClampFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ClampFOp op,
                                PatternRewriter &rewriter) const override {
    Value below = arith::MinimumFOp::create(rewriter, op.getLoc(),
                                            op.getValue(), op.getMax());
    rewriter.replaceOpWithNewOp<arith::MaximumFOp>(op, below, op.getMin());
    return success();
  }
};

/// Counts what the patterns replace.
struct CountReplaced : RewriterBase::Listener {
  void notifyOperationReplaced(Operation *, ValueRange) override { ++count; }
  int64_t count = 0;
};

struct ExpandMathPass : bit::impl::ExpandMathBase<ExpandMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    bit::populateExpandMathPatterns(patterns);
    CountReplaced listener;
    walkAndApplyPatterns(getOperation(), std::move(patterns), &listener);
    numExpanded += listener.count;
    numDeclined += reportDeclined(getOperation());
    if (numDeclined)
      signalPassFailure();
  }

  /// What is left would become a call of a function that is not there.
  static int64_t reportDeclined(Operation *root) {
    int64_t count = 0;
    root->walk([&](Operation *op) {
      if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
          isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
              math::CountLeadingZerosOp, math::CountTrailingZerosOp,
              math::CtPopOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
              math::IsInfOp, math::IsNaNOp, math::IsNormalOp, math::RoundEvenOp,
              math::SqrtOp, math::TruncOp>(op))
        return;
      op->emitOpError("expects a scalar or vector of f16, bf16, f32 or f64 to "
                      "be expanded, got ")
          << op->getOperand(0).getType();
      ++count;
    });
    return count;
  }
};
} // namespace

void bit::populateExpandMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  constexpr Precision viaDouble = Precision::Double;
  patterns.add<ExpandUnary<math::ExpOp>>(context, expand::exp);
  patterns.add<ExpandUnary<math::Exp2Op>>(context, expand::exp2);
  patterns.add<ExpandUnary<math::ExpM1Op>>(context, expand::expm1);
  patterns.add<ExpandUnary<math::LogOp>>(context, expand::log);
  patterns.add<ExpandUnary<math::Log2Op>>(context, expand::log2, viaDouble);
  patterns.add<ExpandUnary<math::Log10Op>>(context, expand::log10, viaDouble);
  patterns.add<ExpandUnary<math::Log1pOp>>(context, expand::log1p, viaDouble);
  patterns.add<ExpandUnary<math::SqrtOp>>(context, expand::canonicalSqrt);
  patterns.add<ExpandUnary<math::RsqrtOp>>(context, expand::rsqrt);
  patterns.add<ExpandUnary<math::CbrtOp>>(context, expand::cbrt, viaDouble);
  patterns.add<ExpandUnary<math::TanhOp>>(context, expand::tanh);
  patterns.add<ExpandUnary<math::SinhOp>>(context, expand::sinh, viaDouble);
  patterns.add<ExpandUnary<math::CoshOp>>(context, expand::cosh, viaDouble);
  patterns.add<ExpandUnary<math::AsinhOp>>(context, expand::asinh, viaDouble);
  patterns.add<ExpandUnary<math::AcoshOp>>(context, expand::acosh, viaDouble);
  patterns.add<ExpandUnary<math::AtanhOp>>(context, expand::atanh, viaDouble);
  patterns.add<ExpandUnary<math::ErfOp>>(context, expand::erf);
  patterns.add<ExpandUnary<math::ErfcOp>>(context, expand::erfc, viaDouble);
  patterns.add<ExpandUnary<math::SinOp>>(context, expand::sin);
  patterns.add<ExpandUnary<math::CosOp>>(context, expand::cos);
  patterns.add<ExpandUnary<math::AsinOp>>(context, expand::asin, viaDouble);
  patterns.add<ExpandUnary<math::AcosOp>>(context, expand::acos, viaDouble);
  patterns.add<ExpandUnary<math::AtanOp>>(context, expand::atan, viaDouble);
  patterns.add<ExpandUnary<math::RoundOp>>(context, expand::round);
  patterns.add<ExpandBinary<math::Atan2Op>>(context, expand::atan2);
  patterns.add<ExpandPowF, ExpandTan, ExpandSincos, ExpandFPowI, ExpandIPowI,
               ExpandClampF>(context);
  patterns.add<ExpandSquare>(context, /*benefit=*/2);
}
