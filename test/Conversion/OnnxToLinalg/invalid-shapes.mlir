// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

// ONNX broadcasts Gemm's C to the product, never the product to C.
func.func @gemm_bias_rows(%a: tensor<1x3xf32>, %b: tensor<3x4xf32>, %c: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{op expects operands that broadcast to the first's shape, got 2 for 1 in axis 0}}
  %0 = onnx.Gemm %a, %b, %c : (tensor<1x3xf32>, tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @norm_scale(%x: tensor<3x1xf32>, %s: tensor<4xf32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{op expects operands that broadcast to the first's shape, got 4 for 1 in axis 1}}
  %0 = onnx.RMSNormalization %x, %s : (tensor<3x1xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @norm_scale_rank(%x: tensor<3xf32>, %s: tensor<1x3xf32>) -> tensor<1x3xf32> {
  // expected-error @+1 {{op expects operands that broadcast to the first's shape, got rank 2 for rank 1}}
  %0 = onnx.RMSNormalization %x, %s : (tensor<3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @skip_norm_mean(%x: tensor<1x2x4xf32>, %g: tensor<4xf32>) -> tensor<1x2x1xf32> {
  // expected-error @+1 {{op expects the output mean to be unused}}
  %0:2 = onnx.com.microsoft.SkipSimplifiedLayerNormalization %x, %x, %g {epsilon = 1.0e-5 : f32, resultSegmentSizes = array<i32: 1, 1, 0, 0>}
    : (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x1xf32>)
  return %0#1 : tensor<1x2x1xf32>
}

// -----

func.func @log_sum_exp(%x: tensor<2x3xi32>) -> tensor<2x1xi32> {
  %axes = onnx.Constant dense<1> : tensor<1xi64>
  // expected-error @+1 {{op expects float elements, got 'i32'}}
  %0 = onnx.ReduceLogSumExp %x, %axes : (tensor<2x3xi32>, tensor<1xi64>) -> tensor<2x1xi32>
  return %0 : tensor<2x1xi32>
}

// -----

func.func @result_type(%x: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{op expects a result of type 'tensor<2xf32>', got 'tensor<3xf32>'}}
  %0 = onnx.Exp %x : (tensor<2xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// A named dim that is known in one input is compared with the others.
// expected-error @+1 {{expects dimension 'n' to be the same in all inputs, got 2 and 3}}
func.func @named_dims(%a: tensor<2xf32> {onnx.dims = ["n"]}, %b: tensor<3xf32> {onnx.dims = ["n"]}) -> tensor<2xf32> {
  return %a : tensor<2xf32>
}
