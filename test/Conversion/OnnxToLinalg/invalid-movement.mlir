// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @pad_mode(%x: tensor<3xf32>, %p: tensor<2xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects mode constant, reflect, edge or wrap, got mirror}}
  %0 = onnx.Pad %x, %p {mode = "mirror", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @pad_length(%x: tensor<3xf32>, %p: tensor<3xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects two pads for each axis, got 3 and 2}}
  %0 = onnx.Pad %x, %p {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<3xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @pad_negative(%x: tensor<3xf32>) -> tensor<?xf32> {
  %p = onnx.Constant dense<[-2, -2]> : tensor<2xi64>
  // expected-error @+1 {{op expects pads that leave 0 or more of axis 0, got -1}}
  %0 = onnx.Pad %x, %p {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @pad_empty(%x: tensor<0xf32>) -> tensor<2xf32> {
  %p = onnx.Constant dense<[1, 1]> : tensor<2xi64>
  // expected-error @+1 {{op expects no empty axis where its own elements are the padding, got 1 and 0}}
  %0 = onnx.Pad %x, %p {mode = "edge", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<0xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @pad_axes(%x: tensor<3xf32>) -> tensor<?xf32> {
  %p = onnx.Constant dense<1> : tensor<4xi64>
  %v = onnx.Constant dense<1.0> : tensor<f32>
  %a = onnx.Constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+1 {{op expects different axes, got -1 twice}}
  %0 = onnx.Pad %x, %p, %v, %a {operandSegmentSizes = array<i32: 1, 1, 1, 1>} : (tensor<3xf32>, tensor<4xi64>, tensor<f32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @tile(%x: tensor<3xf32>, %r: tensor<2xi64>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects one repeat for each dim, got 2 and 1}}
  %0 = onnx.Tile %x, %r : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @depth_to_space(%x: tensor<1x6x2x2xf32>) -> tensor<1x1x4x4xf32> {
  // expected-error @+1 {{op expects a number of channels divisible by 4, got 6}}
  %0 = onnx.DepthToSpace %x {blocksize = 2 : i64} : (tensor<1x6x2x2xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

func.func @space_to_depth(%x: tensor<1x1x2x3xf32>) -> tensor<1x4x1x1xf32> {
  // expected-error @+1 {{op expects a width divisible by 2, got 3}}
  %0 = onnx.SpaceToDepth %x {blocksize = 2 : i64} : (tensor<1x1x2x3xf32>) -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}

// -----

func.func @blocksize(%x: tensor<1x1x2x3xf32>) -> tensor<1x4x1x1xf32> {
  // expected-error @+1 {{op expects a blocksize of 1 or more, got 0}}
  %0 = onnx.SpaceToDepth %x {blocksize = 0 : i64} : (tensor<1x1x2x3xf32>) -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}

// -----

func.func @trilu(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{op expects an input of rank 2 or more, got rank 1}}
  %0 = onnx.Trilu %x : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @reverse_sequence(%x: tensor<4x2xf32>, %l: tensor<3xi64>) -> tensor<4x2xf32> {
  // expected-error @+1 {{op expects one length for each sequence, got 3 and 2}}
  %0 = onnx.ReverseSequence %x, %l : (tensor<4x2xf32>, tensor<3xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @cum_sum_axis(%x: tensor<4x2xf32>, %a: tensor<i64>) -> tensor<4x2xf32> {
  // expected-error @+1 {{op expects one constant axis}}
  %0 = onnx.CumSum %x, %a : (tensor<4x2xf32>, tensor<i64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @gather_nd_index(%x: tensor<2x2xf32>) -> tensor<1xf32> {
  %i = onnx.Constant dense<[[1, 2]]> : tensor<1x2xi64>
  // expected-error @+1 {{op expects indices in [-2, 2), got 2}}
  %0 = onnx.GatherND %x, %i : (tensor<2x2xf32>, tensor<1x2xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @gather_nd_batch(%x: tensor<2x2xf32>, %i: tensor<2x1xi64>) -> tensor<2xf32> {
  // expected-error @+1 {{op expects batch_dims in [0, 2), got 2}}
  %0 = onnx.GatherND %x, %i {batch_dims = 2 : i64} : (tensor<2x2xf32>, tensor<2x1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @gather_elements(%x: tensor<2x2xf32>, %i: tensor<3x1xi64>) -> tensor<3x1xf32> {
  // expected-error @+1 {{op expects indices within the data in axis 0, got 3 and 2}}
  %0 = onnx.GatherElements %x, %i {axis = 1 : i64} : (tensor<2x2xf32>, tensor<3x1xi64>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

func.func @scatter_reduction(%x: tensor<2xf32>, %i: tensor<1xi64>, %u: tensor<1xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{op expects reduction none, add, mul, min or max, got mean}}
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "mean"} : (tensor<2xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @scatter_updates(%x: tensor<4x5xf32>, %i: tensor<3x1xi64>, %u: tensor<2x5xf32>) -> tensor<4x5xf32> {
  // expected-error @+1 {{op expects one update for each index tuple, got 3 and 2}}
  %0 = onnx.ScatterND %x, %i, %u : (tensor<4x5xf32>, tensor<3x1xi64>, tensor<2x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

func.func @top_k(%x: tensor<2xf32>) -> (tensor<3xf32>, tensor<3xi64>) {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  // expected-error @+1 {{op expects a K within axis 0, got 3 and 2}}
  %0:2 = onnx.TopK %x, %k : (tensor<2xf32>, tensor<1xi64>) -> (tensor<3xf32>, tensor<3xi64>)
  return %0#0, %0#1 : tensor<3xf32>, tensor<3xi64>
}

// -----

func.func @arg_max(%x: tensor<2x0xf32>) -> tensor<2x1xi64> {
  // expected-error @+1 {{op expects an axis that is not empty, got 1 and 0}}
  %0 = onnx.ArgMax %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}

// -----

func.func @compress(%x: tensor<2x2xf32>, %c: tensor<2x1xi1>) -> tensor<?xf32> {
  // expected-error @+1 {{op expects a condition of rank 1, got rank 2}}
  %0 = onnx.Compress %x, %c : (tensor<2x2xf32>, tensor<2x1xi1>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @einsum_terms(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{op expects one term in equation for each of 1 inputs, got 2}}
  %0 = onnx.Einsum %x {equation = "ij,jk->ik"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @einsum_sizes(%x: tensor<2x3xf32>, %y: tensor<4x2xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{op expects one size for each label, got 3 and 4}}
  %0 = onnx.Einsum %x, %y {equation = "ij,jk->ik"} : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @einsum_output(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{op expects labels of the output once, and in an input, got equation 'ij->ik'}}
  %0 = onnx.Einsum %x {equation = "ij->ik"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @einsum_rank(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{op expects 1 dims for a term of equation, got 2}}
  %0 = onnx.Einsum %x {equation = "i->i"} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @lp_normalization(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{op expects a p of 1 or 2, got 3}}
  %0 = onnx.LpNormalization %x {p = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @grid_sample(%x: tensor<1x1x4x4xf32>, %g: tensor<1x2x3x3xf32>) -> tensor<1x1x2x3xf32> {
  // expected-error @+1 {{op expects a grid with one coordinate for each axis, got 3 and 2}}
  %0 = onnx.GridSample %x, %g : (tensor<1x1x4x4xf32>, tensor<1x2x3x3xf32>) -> tensor<1x1x2x3xf32>
  return %0 : tensor<1x1x2x3xf32>
}

// -----

func.func @blocks(%x: tensor<2x5xi8>, %s: tensor<2x2xf32>) -> tensor<2x5xf32> {
  // expected-error @+1 {{op expects one scale for each block, got 2 and 3}}
  %0 = onnx.DequantizeLinear %x, %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x5xi8>, tensor<2x2xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

func.func @tensor_scatter(%c: tensor<2x8x4xf32>, %u: tensor<2x9x4xf32>) -> tensor<2x8x4xf32> {
  // expected-error @+1 {{op expects an update within the cache, got 9 and 8}}
  %0 = onnx.TensorScatter %c, %u : (tensor<2x8x4xf32>, tensor<2x9x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

func.func @dropout(%x: tensor<3xf32>, %r: tensor<f32>) -> tensor<3xf32> {
  %t = onnx.Constant dense<true> : tensor<i1>
  %h = onnx.Constant dense<0.5> : tensor<f32>
  // expected-error @+1 {{op expects no training, or a ratio of 0}}
  %0 = onnx.Dropout %x, %h, %t {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<f32>, tensor<i1>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
