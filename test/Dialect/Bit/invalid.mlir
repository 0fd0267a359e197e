// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which op and which of its constraints.

func.func @linear_c1(%x: tensor<2x8xf32>, %w: tensor<?x8xi8>, %s: tensor<1xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects codes of static N x K, got ?x8}}
  %y = bit.linear %x, %w, %s weights = ternary : (tensor<2x8xf32>, tensor<?x8xi8>, tensor<1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_c2(%x: tensor<2x7xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects x whose last dimension is K = 8, got 2x7}}
  %y = bit.linear %x, %w, %s weights = ternary : (tensor<2x7xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_c3(%x: tensor<2x8xf32>, %w: tensor<4x8xi8>, %s: tensor<4x3xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects w_scale of 1, N = 4 or N x G elements, where G divides K = 8, got 4x3}}
  %y = bit.linear %x, %w, %s weights = ternary : (tensor<2x8xf32>, tensor<4x8xi8>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_c4(%x: tensor<2x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>, %b: tensor<1xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects bias of N = 4 elements, got 1}}
  %y = bit.linear %x, %w, %s bias %b weights = ternary : (tensor<2x8xf32>, tensor<4x8xi8>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_c5(%x: tensor<2x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<2x4xf16> {
  // expected-error @below {{'bit.linear' op expects a result of 2x4 elements of x's type, got 'tensor<2x4xf16>'}}
  %y = bit.linear %x, %w, %s weights = ternary : (tensor<2x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<2x4xf16>
  return %y : tensor<2x4xf16>
}

// -----

func.func @linear_c6(%x: tensor<2x2xf32>, %s: tensor<1xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1, -1], [0, 1]]> : tensor<2x2xi8>
  // expected-error @below {{'bit.linear' op expects binary weight codes, got 0}}
  %y = bit.linear %x, %w, %s weights = binary : (tensor<2x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

func.func @linear_c7(%x: tensor<2x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects a quantizer of granularity token, sample or tensor, got channel}}
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <granularity = channel>
      : (tensor<2x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// -128 is a code: 2^24 of them are 2^31, one more than i32 holds.
func.func @linear_c8(%x: tensor<2x16777216xf32>, %w: tensor<4x16777216xi8>, %s: tensor<1xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'bit.linear' op expects at most 16777215 products of codes in [-128, 127] a sum, so that it fits i32, got 16777216}}
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <>
      : (tensor<2x16777216xf32>, tensor<4x16777216xi8>, tensor<1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @quantize_weight_c1(%w: tensor<8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects w of static N x K, got 8}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<8xf32> -> tensor<8xi8>, tensor<1xf32>
  return
}

// -----

func.func @quantize_weight_c2(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects codes of 4x8, got 8x4}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<4x8xf32> -> tensor<8x4xi8>, tensor<1xf32>
  return
}

// -----

func.func @quantize_weight_c3(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects scales of 4 elements, got 1}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = channel : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<1xf32>
  return
}

// -----

func.func @quantize_weight_c4(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects group with granularity group and only there, got granularity channel}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = channel group = 4 : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4xf32>
  return
}

// -----

func.func @quantize_weight_c4(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects a group that divides K = 8, got 3}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = group group = 3 : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4x2xf32>
  return
}

// -----

func.func @quantize_weight_c5(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects a finite, positive eps, got 0.000000e+00}}
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = tensor {eps = 0.0 : f32} : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<1xf32>
  return
}

// -----

func.func @quantize_weight_c5(%w: tensor<4x8xf32>) {
  // expected-error @below {{'bit.quantize_weight' op expects a finite eps that is not negative, got -1.000000e+00}}
  %0:2 = bit.quantize_weight %w scheme = sign granularity = tensor {eps = -1.0 : f32} : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<1xf32>
  return
}

// -----

func.func @absmax_quantize_c1(%x: memref<f32>, %c: memref<i8>, %s: memref<f32>, %u: memref<i32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects x of rank 1 or more, got rank 0}}
  bit.absmax_quantize ins(%x : memref<f32>) outs(%c, %s, %u : memref<i8>, memref<f32>, memref<i32>) quantizer = <>
  return
}

// -----

func.func @absmax_quantize_c2(%x: memref<2x8xf32>, %c: memref<2x4xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects codes of 2x8, got 2x4}}
  bit.absmax_quantize ins(%x : memref<2x8xf32>) outs(%c, %s, %u : memref<2x4xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
  return
}

// -----

func.func @absmax_quantize_c3(%x: memref<2x8xf32>, %c: memref<2x8xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects scale of 0-d for granularity tensor, got 2}}
  bit.absmax_quantize ins(%x : memref<2x8xf32>) outs(%c, %s, %u : memref<2x8xi8>, memref<2xf32>, memref<2xi32>) quantizer = <granularity = tensor>
  return
}

// -----

func.func @absmax_quantize_c4(%x: memref<2x8xf32>, %c: memref<2x8xi8>, %s: memref<2xf32>, %u: memref<8xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects sum of 2, got 8}}
  bit.absmax_quantize ins(%x : memref<2x8xf32>) outs(%c, %s, %u : memref<2x8xi8>, memref<2xf32>, memref<8xi32>) quantizer = <>
  return
}

// -----

func.func @absmax_quantize_c5(%x: memref<2x16777216xf32>, %c: memref<2x16777216xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects at most 16777215 products of codes in [-128, 127] a sum, so that it fits i32, got 16777216}}
  bit.absmax_quantize ins(%x : memref<2x16777216xf32>) outs(%c, %s, %u : memref<2x16777216xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
  return
}

// -----

func.func @absmax_quantize_c7(%x: tensor<2x8xf32>, %c: memref<2x8xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects only tensors or only memrefs, got both}}
  bit.absmax_quantize ins(%x : tensor<2x8xf32>) outs(%c, %s, %u : memref<2x8xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
  return
}

// -----

func.func @absmax_quantize_c7(%x: memref<2x8xf32>, %c: memref<2x8xi8>, %s: memref<2xf32>, %u: memref<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects no results of memrefs, got 3}}
  %0:3 = bit.absmax_quantize ins(%x : memref<2x8xf32>) outs(%c, %s, %u : memref<2x8xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
      -> tensor<2x8xi8>, tensor<2xf32>, tensor<2xi32>
  return
}

// -----

func.func @absmax_quantize_c7(%x: tensor<2x8xf32>, %c: tensor<2x8xi8>, %s: tensor<2xf32>, %u: tensor<2xi32>) {
  // expected-error @below {{'bit.absmax_quantize' op expects results of the types of its inits, got 'tensor<?x8xi8>', 'tensor<2xf32>', 'tensor<2xi32>'}}
  %0:3 = bit.absmax_quantize ins(%x : tensor<2x8xf32>) outs(%c, %s, %u : tensor<2x8xi8>, tensor<2xf32>, tensor<2xi32>) quantizer = <>
      -> tensor<?x8xi8>, tensor<2xf32>, tensor<2xi32>
  return
}

// -----

func.func @ternary_matmul_c1(%x: tensor<2x8xi8>, %w: tensor<4x?xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects w of static N x K, got 4x?}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] : tensor<2x8xi8>, tensor<4x?xi8> -> tensor<2x4xi32>
  return
}

// -----

func.func @ternary_matmul_c2(%x: tensor<2x3x8xi8>, %w: tensor<4x8xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects codes of M x K = 8, got 2x3x8}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] : tensor<2x3x8xi8>, tensor<4x8xi8> -> tensor<2x4xi32>
  return
}

// -----

func.func @ternary_matmul_c3(%x: tensor<?x8xi8>, %w: tensor<4x8xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects a result of ?x4x2, got ?x4}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] groups = 2 : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4xi32>
  return
}

// -----

func.func @ternary_matmul_c4(%x: tensor<2x8xi8>, %w: tensor<4x8xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects groups that divide K = 8, got 0}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] groups = 0 : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4x0xi32>
  return
}

// -----

func.func @ternary_matmul_c5(%x: tensor<2x8xi8>, %w: tensor<4x8xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects range of [low, high] that holds 0 within [-128, 127], got [0, 255]}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [0, 255] : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4xi32>
  return
}

// -----

// Without -128 one more fits: the clamp range decides.
func.func @ternary_matmul_c6(%x: tensor<2x16909321xi8>, %w: tensor<4x16909321xi8>) {
  // expected-error @below {{'bit.ternary_matmul' op expects at most 16909320 products of codes in [-127, 127] a sum, so that it fits i32, got 16909321}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-127, 127] : tensor<2x16909321xi8>, tensor<4x16909321xi8> -> tensor<2x4xi32>
  return
}

// -----

func.func @ternary_matmul_c7(%x: tensor<2x2xi8>) {
  %w = arith.constant dense<[[1, 0], [-1, 2]]> : tensor<2x2xi8>
  // expected-error @below {{'bit.ternary_matmul' op expects ternary weight codes, got 2}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] : tensor<2x2xi8>, tensor<2x2xi8> -> tensor<2x2xi32>
  return
}

// -----

func.func @ternary_matmul_c8(%w: tensor<4x2xi8>) {
  %x = arith.constant dense<[[1, -9]]> : tensor<1x2xi8>
  // expected-error @below {{'bit.ternary_matmul' op expects codes in [-8, 7], got -9}}
  %0 = bit.ternary_matmul %x, %w weights = ternary range = [-8, 7] : tensor<1x2xi8>, tensor<4x2xi8> -> tensor<1x4xi32>
  return
}

// -----

func.func @rescale_c1(%acc: tensor<8xi32>, %xs: tensor<2xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{'bit.rescale' op expects acc of M x N or M x N x G, got 8}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<8xi32>, tensor<2xf32>, tensor<1xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @rescale_c2(%acc: tensor<2x8xi32>, %xs: tensor<3xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{'bit.rescale' op expects x_scale of rank 0 or of M = 2 elements, got 3}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<2x8xi32>, tensor<3xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @rescale_c3(%acc: tensor<2x8xi32>, %xs: tensor<2xf32>, %ws: tensor<3xf32>) {
  // expected-error @below {{'bit.rescale' op expects w_scale of 1 or N = 8 elements, got 3}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<2x8xi32>, tensor<2xf32>, tensor<3xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @rescale_c3(%acc: tensor<2x8x4xi32>, %xs: tensor<2xf32>, %ws: tensor<8xf32>) {
  // expected-error @below {{'bit.rescale' op expects w_scale of N x G = 8x4 elements, got 8}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<2x8x4xi32>, tensor<2xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @rescale_c4(%acc: tensor<2x8xi32>, %xs: tensor<2xf32>, %ws: tensor<1xf32>, %b: tensor<1x8xf32>) {
  // expected-error @below {{'bit.rescale' op expects bias of N = 8 elements, got 1x8}}
  %y = bit.rescale %acc, %xs, %ws bias %b : (tensor<2x8xi32>, tensor<2xf32>, tensor<1xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @rescale_c5(%acc: tensor<2x8xi32>, %xs: tensor<2xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{'bit.rescale' op expects a result of 2x8, got 8x2}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<2x8xi32>, tensor<2xf32>, tensor<1xf32>) -> tensor<8x2xf32>
  return
}

// -----

func.func @dequantize_c1(%codes: tensor<2x8xi8>, %s: tensor<8xf32>) {
  // expected-error @below {{'bit.dequantize' op expects axis and rank of scale within the rank 2 of codes, got 2 and 1}}
  %y = bit.dequantize %codes, %s axis = 2 : tensor<2x8xi8>, tensor<8xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @dequantize_c2(%codes: tensor<2x8xi8>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'bit.dequantize' op expects scale of one element or of the dimensions 2x8 of codes from axis 0 on, got 2x3}}
  %y = bit.dequantize %codes, %s : tensor<2x8xi8>, tensor<2x3xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @dequantize_c3(%codes: tensor<2x8xi8>, %s: tensor<2xf32>) {
  // expected-error @below {{'bit.dequantize' op expects a result of 2x8, got 2x4}}
  %y = bit.dequantize %codes, %s : tensor<2x8xi8>, tensor<2xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c9(%x: tensor<4xf32>, %w: tensor<2x4xi8>, %s: tensor<1xf32>) -> tensor<2xf32> {
  // expected-error @below {{'bit.linear' op expects x of rank 2 or more for granularity sample, got}}
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <granularity = sample>
      : (tensor<4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @absmax_quantize_c6(%x: tensor<4xf32>, %c: tensor<4xi8>, %s: tensor<f32>, %u: tensor<i32>) {
  // expected-error @below {{expects x of rank 2 or more for granularity sample, got}}
  %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<4xf32>)
      outs(%c, %s, %u : tensor<4xi8>, tensor<f32>, tensor<i32>)
      quantizer = <granularity = sample> -> tensor<4xi8>, tensor<f32>, tensor<i32>
  return
}
