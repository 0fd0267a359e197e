// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @mode(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a mode of nearest, linear or cubic, got area}}
  %0 = onnx.Resize %x, %s {mode = "area", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @coordinates(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a known coordinate_transformation_mode, got middle}}
  %0 = onnx.Resize %x, %s {coordinate_transformation_mode = "middle", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @rounding(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a nearest_mode of round_prefer_floor, round_prefer_ceil, floor or ceil, got simple}}
  %0 = onnx.Resize %x, %s {nearest_mode = "simple", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @count(%x: tensor<4xf32>, %s: tensor<2xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects 1 numbers in scales, got 2}}
  %0 = onnx.Resize %x, %s {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<2xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @length(%x: tensor<4xf32>, %s: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects scales of known length}}
  %0 = onnx.Resize %x, %s {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @nothing(%x: tensor<4xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects scales or sizes}}
  %0 = onnx.Resize %x {operandSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<4xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @negative(%x: tensor<4xf32>) -> tensor<?xf32> {
  %scales = onnx.Constant dense<-1.0> : tensor<1xf32>
  // expected-error @+1 {{op expects scales above 0}}
  %0 = onnx.Resize %x, %scales {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @huge(%x: tensor<4xf32>) -> tensor<?xf32> {
  %scales = onnx.Constant dense<1.0e10> : tensor<1xf32>
  // expected-error @+1 {{op expects sizes below 2^31}}
  %0 = onnx.Resize %x, %scales {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @axes(%x: tensor<4x4xf32>, %s: tensor<2xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{op expects different axes, got -1 twice}}
  %0 = onnx.Resize %x, %s {axes = array<i64: 1, -1>, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4x4xf32>, tensor<2xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @no_roi(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a roi for tf_crop_and_resize}}
  %0 = onnx.Resize %x, %s {coordinate_transformation_mode = "tf_crop_and_resize", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @smooth_nearest(%x: tensor<4xf32>, %s: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects an antialias of 0 for mode nearest}}
  %0 = onnx.Resize %x, %s {antialias = 1 : i64, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
