// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic on scalars as ONNX defines it for an element type: what the bodies
// of linalg.generic are made of.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_SCALARBUILDER_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_SCALARBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace bit::onnx {

/// The type that holds an ONNX element in linalg: integers lose their sign.
mlir::Type getStorageType(mlir::Type onnxType);

/// The type that is computed in: f32 for f16 and bf16, else the storage type.
mlir::Type getComputeType(mlir::Type onnxType);

/// Whether the lowerings compute with this element type: bool, integers of 8 to
/// 64 bits, bf16, f16, f32, f64.
bool isComputable(mlir::Type onnxType);

/// Builds folded arithmetic on values of one ONNX element type. All operands
/// and results are of the compute type.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Type onnxType)
      : builder(builder), loc(loc), onnxType(onnxType),
        type(getComputeType(onnxType)) {}

  mlir::Type getType() const { return type; }
  mlir::Type getOnnxType() const { return onnxType; }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(type); }
  bool isUnsigned() const {
    return onnxType.isUnsignedInteger() || type.isInteger(1);
  }

  template <typename OpTy, typename... Args> mlir::Value make(Args &&...args) {
    return builder.createOrFold<OpTy>(loc, std::forward<Args>(args)...);
  }

  /// A constant; integers are truncated toward zero.
  mlir::Value number(double value);
  mlir::Value integer(mlir::APInt value);
  /// -inf and +inf, or the least and greatest integer.
  mlir::Value lowest();
  mlir::Value highest();

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// Integers: truncated; x / 0 is 0 and the least integer / -1 itself, where a
  /// CPU would trap.
  mlir::Value div(mlir::Value a, mlir::Value b);
  /// Remainder with the sign of `b`, or of `a` as in C. By 0 it is 0.
  mlir::Value floorMod(mlir::Value a, mlir::Value b);
  mlir::Value truncMod(mlir::Value a, mlir::Value b);
  /// a * b + c, fused for floats.
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  /// NaN if one of them is.
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value neg(mlir::Value a);
  mlir::Value abs(mlir::Value a);

  /// False for NaN.
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value lessOrEqual(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value isNaN(mlir::Value a);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  /// (b or 1 where dividing would trap, the condition b == 0).
  std::pair<mlir::Value, mlir::Value> safeDivisor(mlir::Value b);

  mlir::Type onnxType;
  mlir::Type type;
};

/// C's fmod of two floats: the sign of `a`, NaN by 0 and of an infinity.
mlir::Value floatRemainder(ScalarBuilder &scalar, mlir::Value a, mlir::Value b);

/// From a stored element to the compute type, and back with one rounding.
mlir::Value toCompute(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value stored, mlir::Type onnxType);
mlir::Value toStorage(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value computed, mlir::Type onnxType);

/// ONNX Cast of one value, between compute types. Floats out of an integer's
/// range saturate, NaN becomes 0; integers wrap.
mlir::Value castScalar(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value computed, mlir::Type from, mlir::Type to);

/// The float in which numbers between elements of a type are computed: f32
/// holds integers of 16 bits, f64 is as near as there is to wider ones.
mlir::Type getInterpolationType(mlir::Type onnxType);

/// A float as the nearest element, of two the even one; a bool is whether it is
/// above one half.
mlir::Value roundScalar(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value computed, mlir::Type to);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_SCALARBUILDER_H
