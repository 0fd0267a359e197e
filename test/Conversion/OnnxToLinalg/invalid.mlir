// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

// Everything that is left is reported in one run.
func.func @unsupported(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1xf32> {
  // expected-error @+1 {{'onnx.DeformConv' op is not supported}}
  %0 = onnx.DeformConv %x, %w, %x {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  // expected-error @+1 {{'onnx.Det' op is not supported}}
  %1 = onnx.Det %0 : (tensor<1x1x2x2xf32>) -> tensor<1x1xf32>
  %2 = onnx.Exp %1 : (tensor<1x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

func.func @element_type(%x: tensor<4xi4>) -> tensor<4xi4> {
  // expected-error @+1 {{op expects elements of bool, integers of 8 to 64 bits, bf16, f16, f32 or f64, got 'i4'}}
  %0 = onnx.Identity %x : (tensor<4xi4>) -> tensor<4xi4>
  return %0 : tensor<4xi4>
}

// -----

func.func @broadcast(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{op expects dims that broadcast, got 2 and 3}}
  %0 = onnx.Add %a, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @inner_dims(%a: tensor<2x3xf32>, %b: tensor<4x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{op expects matrices whose inner dimensions agree, got 3 and 4}}
  %0 = onnx.MatMul %a, %b : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @matmul_rank(%a: tensor<f32>, %b: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{op expects operands of rank 1 or more}}
  %0 = onnx.MatMul %a, %b : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @gemm_rank(%a: tensor<2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{op expects matrices of rank 2}}
  %0 = onnx.Gemm %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @fused_batches(%a: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{op expects transBatchA and transBatchB to be 0}}
  %0 = onnx.com.microsoft.FusedMatMul %a, %a {transBatchA = 1 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @fused_rank(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{op expects operands of rank 2 or more}}
  %0 = onnx.com.microsoft.FusedMatMul %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @axis(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{op expects an axis in [-2, 2), got 2}}
  %0 = onnx.Softmax %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @flatten_axis(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{op expects an axis in [-2, 2], got 3}}
  %0 = onnx.Flatten %a {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @reduce_axes(%a: tensor<2x3xf32>, %axes: tensor<1xi64>) -> tensor<?x?xf32> {
  // expected-error @+1 {{op expects constant axes}}
  %0 = onnx.ReduceSum %a, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @squeeze_axes(%a: tensor<2x1xf32>, %axes: tensor<1xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects constant axes}}
  %0 = onnx.Squeeze %a, %axes : (tensor<2x1xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @squeeze_size(%a: tensor<2x1xf32>) -> tensor<1xf32> {
  %axes = onnx.Constant dense<0> : tensor<1xi64>
  // expected-error @+1 {{op expects squeezed dims to be 1, got 2}}
  %0 = onnx.Squeeze %a, %axes : (tensor<2x1xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @squeeze_rank(%a: tensor<?x1xf32>) -> tensor<f32> {
  // expected-error @+1 {{op expects a result of rank 1, got 0}}
  %0 = onnx.Squeeze %a : (tensor<?x1xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @unsqueeze_twice(%a: tensor<2xf32>) -> tensor<1x1x2xf32> {
  %axes = onnx.Constant dense<[0, -3]> : tensor<2xi64>
  // expected-error @+1 {{op expects different axes, got -3 twice}}
  %0 = onnx.Unsqueeze %a, %axes : (tensor<2xf32>, tensor<2xi64>) -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// -----

func.func @unsqueeze_rank(%a: tensor<2xf32>) -> tensor<1x1x2xf32> {
  %axes = onnx.Constant dense<0> : tensor<1xi64>
  // expected-error @+1 {{op expects a result of rank 2, got 3}}
  %0 = onnx.Unsqueeze %a, %axes : (tensor<2xf32>, tensor<1xi64>) -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// -----

func.func @reshape_negative(%a: tensor<2xf32>) -> tensor<2xf32> {
  %shape = onnx.Constant dense<-2> : tensor<1xi64>
  // expected-error @+1 {{op expects dims of -1 or more in shape, got -2}}
  %0 = onnx.Reshape %a, %shape : (tensor<2xf32>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @reshape_inferred_twice(%a: tensor<2xf32>) -> tensor<1x2xf32> {
  %shape = onnx.Constant dense<-1> : tensor<2xi64>
  // expected-error @+1 {{op expects at most one -1 in shape}}
  %0 = onnx.Reshape %a, %shape : (tensor<2xf32>, tensor<2xi64>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

func.func @reshape_zero(%a: tensor<2xf32>) -> tensor<2x1xf32> {
  %shape = onnx.Constant dense<[-1, 0]> : tensor<2xi64>
  // expected-error @+1 {{op expects a 0 in shape where the input has a dim}}
  %0 = onnx.Reshape %a, %shape : (tensor<2xf32>, tensor<2xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

func.func @reshape_elements(%a: tensor<6xf32>) -> tensor<4xf32> {
  %shape = onnx.Constant dense<4> : tensor<1xi64>
  // expected-error @+1 {{op expects a shape of 6 elements, got 4}}
  %0 = onnx.Reshape %a, %shape : (tensor<6xf32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @shape_length(%a: tensor<2xf32>, %s: tensor<?xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a shape of known length}}
  %0 = onnx.Expand %a, %s : (tensor<2xf32>, tensor<?xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @shape_sign() -> tensor<?xf32> {
  %s = onnx.Constant dense<-1> : tensor<1xi64>
  // expected-error @+1 {{op expects dims of 0 or more in shape, got -1}}
  %0 = onnx.ConstantOfShape %s : (tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @gather_index(%a: tensor<2xf32>) -> tensor<1xf32> {
  %i = onnx.Constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{op expects indices in [-2, 2), got 2}}
  %0 = onnx.Gather %a, %i : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @concat_dims(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+1 {{op expects inputs that differ in one axis only, got 3 and 4 in axis 1}}
  %0 = onnx.Concat %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @split_sum(%a: tensor<4xf32>) -> tensor<2xf32> {
  %s = onnx.Constant dense<[2, 3]> : tensor<2xi64>
  // expected-error @+1 {{op expects sizes in split that sum up to 4, got 5}}
  %0, %1 = onnx.Split %a, %s : (tensor<4xf32>, tensor<2xi64>) -> (tensor<2xf32>, tensor<3xf32>)
  return %0 : tensor<2xf32>
}

// -----

func.func @slice_step(%a: tensor<4xf32>) -> tensor<4xf32> {
  %s = onnx.Constant dense<0> : tensor<1xi64>
  // expected-error @+1 {{op expects steps other than 0}}
  %0 = onnx.Slice %a, %s, %s, %s, %s {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>}
    : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @transpose(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{op expects perm to be a permutation of the dims}}
  %0 = onnx.Transpose %a {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @range(%a: tensor<2xi64>, %b: tensor<i64>) -> tensor<?xi64> {
  // expected-error @+1 {{op expects scalars}}
  %0 = onnx.Range %a, %b, %b : (tensor<2xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}
