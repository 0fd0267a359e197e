// RUN: bit-opt %s --bit-quantize-linear="skip=head$" | FileCheck %s
// RUN: bit-opt %s --bit-quantize-linear="skip=fc.weight" | FileCheck %s --check-prefix=WEIGHT
// RUN: bit-opt %s --bit-quantize-linear="skip=nothing" 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not bit-opt %s --bit-quantize-linear="skip=head(" 2>&1 | FileCheck %s --check-prefix=INVALID
// RUN: not bit-opt %s --bit-quantize-linear="granularity=group group=0" 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: bit-opt %s --bit-quantize-linear="granularity=group group=3" | FileCheck %s --check-prefix=RAGGED

// NOTHING: warning: skip: 'nothing' matches no product and no weight
// INVALID: error: expects a regular expression to skip by, got 'head(': parentheses not balanced
// GROUP: error: expects a positive group, got 0
// RAGGED-COUNT-2: onnx.MatMul {{.*}} {bit.declined = "its K = 2 is no multiple of the group of 3 weights"}
// CHECK: bit.linear
// CHECK: onnx.MatMul {{.*}} {bit.declined = "its name, or its weight's, matches what to skip"}
// WEIGHT: onnx.MatMul {{.*}} {bit.declined = "its name, or its weight's, matches what to skip"}
// WEIGHT: bit.linear
func.func @main(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant dense<[[0.5, 1.0], [3.0, 4.0]]> : tensor<2x2xf32> loc(#weight)
  %v = onnx.Constant dense<[[0.5, 1.0], [5.0, 4.0]]> : tensor<2x2xf32>
  %y = onnx.MatMul %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32> loc(#first)
  %z = onnx.MatMul %y, %v : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32> loc(#second)
  return %z : tensor<3x2xf32>
}
#first = loc(fused<{domain = "ai.onnx", op = "MatMul", opset = 18 : i64}>["headless"("m.onnx")])
#second = loc(fused<{domain = "ai.onnx", op = "MatMul", opset = 18 : i64}>["lm_head"("m.onnx")])
#weight = loc(fused<{domain = "ai.onnx", op = "Constant", opset = 18 : i64}>["fc.weight"("m.onnx")])
