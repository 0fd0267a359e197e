// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @kernel_size(%x: tensor<1x1x4xf32>, %w: tensor<1x1x7xf32>) -> tensor<1x1x?xf32> {
  // expected-error @+1 {{op expects a kernel that fits in the padded input, got 7 for 6 in spatial dim 0}}
  %0 = onnx.Conv %x, %w {pads = array<i64: 1, 1>} : (tensor<1x1x4xf32>, tensor<1x1x7xf32>) -> tensor<1x1x?xf32>
  return %0 : tensor<1x1x?xf32>
}

// -----

func.func @channels(%x: tensor<1x3x4xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects weights for the input's 3 channels, got 4}}
  %0 = onnx.Conv %x, %w {group = 2 : i64} : (tensor<1x3x4xf32>, tensor<4x2x3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @groups(%x: tensor<1x4x4xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x2xf32> {
  // expected-error @+1 {{op expects output channels divisible by group 2, got 3}}
  %0 = onnx.Conv %x, %w {group = 2 : i64} : (tensor<1x4x4xf32>, tensor<3x2x3xf32>) -> tensor<1x3x2xf32>
  return %0 : tensor<1x3x2xf32>
}

// -----

func.func @no_group(%x: tensor<1x4x4xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x2xf32> {
  // expected-error @+1 {{op expects a group of 1 or more, got 0}}
  %0 = onnx.Conv %x, %w {group = 0 : i64} : (tensor<1x4x4xf32>, tensor<3x2x3xf32>) -> tensor<1x3x2xf32>
  return %0 : tensor<1x3x2xf32>
}

// -----

func.func @bias(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3xf32>, %b: tensor<3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects a bias for each output channel, got 3 for 4}}
  %0 = onnx.Conv %x, %w, %b : (tensor<1x1x4xf32>, tensor<4x1x3xf32>, tensor<3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @bias_rank(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3xf32>, %b: tensor<1x4xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects a bias of rank 1, got 2}}
  %0 = onnx.Conv %x, %w, %b : (tensor<1x1x4xf32>, tensor<4x1x3xf32>, tensor<1x4xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @ranks(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3x3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects an input and weights of one rank of 3 or more, got 3 and 4}}
  %0 = onnx.Conv %x, %w : (tensor<1x1x4xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @kernel_shape(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects weights of kernel_shape, got 3 for 2}}
  %0 = onnx.Conv %x, %w {kernel_shape = array<i64: 2>} : (tensor<1x1x4xf32>, tensor<4x1x3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @empty_kernel(%x: tensor<1x1x4xf32>, %w: tensor<4x1x0xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects a kernel that is not empty}}
  %0 = onnx.Conv %x, %w : (tensor<1x1x4xf32>, tensor<4x1x0xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @auto_pad(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects an auto_pad of NOTSET, SAME_UPPER, SAME_LOWER or VALID, got SAME}}
  %0 = onnx.Conv %x, %w {auto_pad = "SAME"} : (tensor<1x1x4xf32>, tensor<4x1x3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @pads(%x: tensor<1x1x4xf32>, %w: tensor<4x1x3xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects 2 numbers in pads, got 4}}
  %0 = onnx.Conv %x, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x1x4xf32>, tensor<4x1x3xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @strides(%x: tensor<1x1x4xf32>) -> tensor<1x4x2xf32> {
  // expected-error @+1 {{op expects strides in [1, 2147483648), got 0}}
  %0 = onnx.MaxPool %x {kernel_shape = array<i64: 2>, strides = array<i64: 0>} : (tensor<1x1x4xf32>) -> tensor<1x4x2xf32>
  return %0 : tensor<1x4x2xf32>
}

// -----

func.func @pool_rank(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  // expected-error @+1 {{op expects an input of rank 3 or more, got 2}}
  %0 = onnx.MaxPool %x {kernel_shape = array<i64: 2>} : (tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

func.func @global_rank(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  // expected-error @+1 {{op expects an input of rank 3 or more, got 2}}
  %0 = onnx.GlobalMaxPool %x : (tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

func.func @norm_order(%x: tensor<1x1x4xf32>) -> tensor<1x1x1xf32> {
  // expected-error @+1 {{op expects p in [1, 2^24], got 0}}
  %0 = onnx.GlobalLpPool %x {p = 0 : i64} : (tensor<1x1x4xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}

// -----

func.func @transposed_channels(%x: tensor<1x3x4xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x2x6xf32> {
  // expected-error @+1 {{op expects weights for the input's 3 channels, got 4}}
  %0 = onnx.ConvTranspose %x, %w : (tensor<1x3x4xf32>, tensor<4x2x3xf32>) -> tensor<1x2x6xf32>
  return %0 : tensor<1x2x6xf32>
}

// -----

func.func @transposed_groups(%x: tensor<1x3x4xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x2x6xf32> {
  // expected-error @+1 {{op expects input channels divisible by group 2, got 3}}
  %0 = onnx.ConvTranspose %x, %w {group = 2 : i64} : (tensor<1x3x4xf32>, tensor<3x2x3xf32>) -> tensor<1x2x6xf32>
  return %0 : tensor<1x2x6xf32>
}

// -----

func.func @transposed_pads(%x: tensor<1x1x2xf32>, %w: tensor<1x2x3xf32>) -> tensor<1x2x?xf32> {
  // expected-error @+1 {{op expects pads smaller than the output, got -1}}
  %0 = onnx.ConvTranspose %x, %w {pads = array<i64: 2, 3>} : (tensor<1x1x2xf32>, tensor<1x2x3xf32>) -> tensor<1x2x?xf32>
  return %0 : tensor<1x2x?xf32>
}

// -----

func.func @transposed_empty(%x: tensor<1x1x0xf32>, %w: tensor<1x2x3xf32>) -> tensor<1x2x?xf32> {
  // expected-error @+1 {{op expects an input that is not empty, got 0}}
  %0 = onnx.ConvTranspose %x, %w : (tensor<1x1x0xf32>, tensor<1x2x3xf32>) -> tensor<1x2x?xf32>
  return %0 : tensor<1x2x?xf32>
}

// -----

func.func @running(%x: tensor<2x3x4xf32>, %p: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{op expects the running statistics to be unused where training_mode is 0}}
  %0, %1 = onnx.BatchNormalization %x, %p, %p, %p, %p {resultSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x4xf32>, tensor<3xf32>)
  return %1 : tensor<3xf32>
}

// -----

func.func @batch_parameters(%x: tensor<2x3x4xf32>, %p: tensor<4xf32>) -> tensor<2x3x4xf32> {
  // expected-error @+1 {{op expects a parameter for each channel, got 4 for 3}}
  %0 = onnx.BatchNormalization %x, %p, %p, %p, %p {resultSegmentSizes = array<i32: 1, 0, 0>}
    : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

func.func @instance_parameters(%x: tensor<2x3x4xf32>, %p: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  // expected-error @+1 {{op expects parameters of rank 1, got 2}}
  %0 = onnx.InstanceNormalization %x, %p, %p : (tensor<2x3x4xf32>, tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

func.func @lrn_size(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  // expected-error @+1 {{op expects a size of 1 or more, got 0}}
  %0 = onnx.LRN %x {size = 0 : i64} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}
