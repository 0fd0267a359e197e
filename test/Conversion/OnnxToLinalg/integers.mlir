// RUN: bit-opt --convert-onnx-to-linalg --split-input-file %s | FileCheck %s

// Between integers of 32 and 64 bits f64 is interpolated, then rounded.
// CHECK-LABEL: func @resize
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: math.fma %{{.*}} : f64
// CHECK: math.roundeven %{{.*}} : f64
// CHECK: arith.fptosi %{{.*}} : f64 to i32
func.func @resize(%x: tensor<4xi32>) -> tensor<8xi32> {
  %scales = onnx.Constant dense<2.0> : tensor<1xf32>
  %0 = onnx.Resize %x, %scales {mode = "cubic", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xi32>, tensor<1xf32>) -> tensor<8xi32>
  return %0 : tensor<8xi32>
}

// -----

// CHECK-LABEL: func @grid_sample
// CHECK: arith.uitofp %{{.*}} : i8 to f32
// CHECK: math.roundeven
// CHECK: arith.fptoui %{{.*}} : f32 to i8
func.func @grid_sample(%x: tensor<1x1x4x4xui8>, %g: tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xui8> {
  %0 = onnx.GridSample %x, %g : (tensor<1x1x4x4xui8>, tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xui8>
  return %0 : tensor<1x1x2x3xui8>
}

// -----

// What is nearest is copied: f64 would lose bits of it.
// CHECK-LABEL: func @grid_sample_nearest
// CHECK-NOT: arith.sitofp %{{.*}} : i64 to f64
// CHECK: return
func.func @grid_sample_nearest(%x: tensor<1x1x4x4xi64>, %g: tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xi64> {
  %0 = onnx.GridSample %x, %g {mode = "nearest"} : (tensor<1x1x4x4xi64>, tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xi64>
  return %0 : tensor<1x1x2x3xi64>
}

// -----

// CHECK-LABEL: func @grid_sample_bool
// CHECK: arith.cmpf olt, %cst{{.*}}, %{{.*}} : f32
func.func @grid_sample_bool(%x: tensor<1x1x4x4xi1>, %g: tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xi1> {
  %0 = onnx.GridSample %x, %g : (tensor<1x1x4x4xi1>, tensor<1x2x3x2xf32>) -> tensor<1x1x2x3xi1>
  return %0 : tensor<1x1x2x3xi1>
}

// -----

// The exact sum is scaled in f64 and truncated.
// CHECK-LABEL: func @gemm
// CHECK: arith.muli
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: arith.mulf %{{.*}} : f64
// CHECK: arith.fptosi %{{.*}} : f64 to i32
func.func @gemm(%a: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %0 = onnx.Gemm %a, %a {alpha = 0.5 : f32} : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

// The addend is not read where beta is 0: it may be NaN.
// CHECK-LABEL: func @gemm_no_addend
// CHECK: math.fma
// CHECK-NOT: arith.addf
// CHECK: return
func.func @gemm_no_addend(%a: tensor<2x2xf32>, %c: tensor<2xf32>) -> tensor<2x2xf32> {
  %0 = onnx.Gemm %a, %a, %c {beta = 0.0 : f32} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @quantize
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: arith.divf %{{.*}} : f64
// CHECK: math.roundeven %{{.*}} : f64
func.func @quantize(%x: tensor<4xi32>, %s: tensor<i32>) -> tensor<4xui8> {
  %0 = onnx.QuantizeLinear %x, %s : (tensor<4xi32>, tensor<i32>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// The scale's type is what is divided in.
// CHECK-LABEL: func @quantize_by_half
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: arith.divf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @quantize_by_half(%x: tensor<4xf32>, %s: tensor<f16>) -> tensor<4xui8> {
  %0 = onnx.QuantizeLinear %x, %s : (tensor<4xf32>, tensor<f16>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: func @shrink
// CHECK: arith.uitofp %{{.*}} : i8 to f64
// CHECK: arith.fptoui %{{.*}} : f64 to i8
func.func @shrink(%x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = onnx.Shrink %x {lambd = 1.5 : f32, bias = 1.5 : f32} : (tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}
