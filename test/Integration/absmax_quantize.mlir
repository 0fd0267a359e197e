// RUN: bit-opt %s --convert-bit-to-linalg %bufferize_and_lower | %run_main | FileCheck %s

// Q = 127 and a row maximum of 127 / 2^n: codes are the values times 2^n.

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}
func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @print(%codes: tensor<?x4xi8>, %scale: tensor<?xf32>, %sum: tensor<?xi32>) {
  %wide = arith.extsi %codes : tensor<?x4xi8> to tensor<?x4xi32>
  %c = tensor.cast %wide : tensor<?x4xi32> to tensor<*xi32>
  %s = tensor.cast %scale : tensor<?xf32> to tensor<*xf32>
  %u = tensor.cast %sum : tensor<?xi32> to tensor<*xi32>
  call @printMemrefI32(%c) : (tensor<*xi32>) -> ()
  call @printMemrefF32(%s) : (tensor<*xf32>) -> ()
  call @printMemrefI32(%u) : (tensor<*xi32>) -> ()
  return
}

func.func @token(%x: tensor<?x4xf32>, %m: index) {
  %c = tensor.empty(%m) : tensor<?x4xi8>
  %s = tensor.empty(%m) : tensor<?xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %q:3 = bit.absmax_quantize ins(%x : tensor<?x4xf32>)
      outs(%c, %s, %u : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) quantizer = <>
      -> tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>
  call @print(%q#0, %q#1, %q#2) : (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) -> ()
  return
}

func.func @inverse_half_up(%x: tensor<?x4xf32>, %m: index) {
  %c = tensor.empty(%m) : tensor<?x4xi8>
  %s = tensor.empty(%m) : tensor<?xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %q:3 = bit.absmax_quantize ins(%x : tensor<?x4xf32>)
      outs(%c, %s, %u : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
      quantizer = <scale = inverse, rounding = half_up, eps_mode = none>
      -> tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>
  call @print(%q#0, %q#1, %q#2) : (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) -> ()
  return
}

func.func @overflow(%x: tensor<?x4xf32>, %m: index) {
  %c = tensor.empty(%m) : tensor<?x4xi8>
  %s = tensor.empty(%m) : tensor<?xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %q:3 = bit.absmax_quantize ins(%x : tensor<?x4xf32>)
      outs(%c, %s, %u : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
      quantizer = <scale = div, eps_mode = none, clamp = [-7, 127], overflow = clamp>
      -> tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>
  call @print(%q#0, %q#1, %q#2) : (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) -> ()
  return
}

func.func @tensor_wide(%x: tensor<?x4xf32>, %m: index) {
  %c = tensor.empty(%m) : tensor<?x4xi8>
  %s = tensor.empty() : tensor<f32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %q:3 = bit.absmax_quantize ins(%x : tensor<?x4xf32>)
      outs(%c, %s, %u : tensor<?x4xi8>, tensor<f32>, tensor<?xi32>)
      quantizer = <granularity = tensor, scale = div, dequant = direct, clamp = [-64, 63]>
      -> tensor<?x4xi8>, tensor<f32>, tensor<?xi32>
  %one = tensor.expand_shape %q#1 [] output_shape [1] : tensor<f32> into tensor<1xf32>
  %scale = tensor.cast %one : tensor<1xf32> to tensor<?xf32>
  call @print(%q#0, %scale, %q#2) : (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) -> ()
  return
}

func.func @channel(%x: tensor<?x4xf32>, %m: index) {
  %c = tensor.empty(%m) : tensor<?x4xi8>
  %s = tensor.empty() : tensor<4xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %q:3 = bit.absmax_quantize ins(%x : tensor<?x4xf32>)
      outs(%c, %s, %u : tensor<?x4xi8>, tensor<4xf32>, tensor<?xi32>)
      quantizer = <granularity = channel, dequant = direct, scale = div, eps_mode = add, eps = 0.0>
      -> tensor<?x4xi8>, tensor<4xf32>, tensor<?xi32>
  %scale = tensor.cast %q#1 : tensor<4xf32> to tensor<?xf32>
  call @print(%q#0, %scale, %q#2) : (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) -> ()
  return
}

func.func @main() {
  %x = arith.constant dense<[[63.5, -1.25, 1.75, 0.25], [0.0, 0.0, 0.0, 0.0], [-127.0, 126.0, 0.5, -1.5]]> : tensor<3x4xf32>
  %nonfinite = arith.constant dense<[[1.0, 0x7FC00000, 2.0, 3.0], [1.0, 0xFF800000, 2.0, 3.0], [254.0, 2.0, 4.0, -6.0]]> : tensor<3x4xf32>
  %dx = tensor.cast %x : tensor<3x4xf32> to tensor<?x4xf32>
  %dnonfinite = tensor.cast %nonfinite : tensor<3x4xf32> to tensor<?x4xf32>
  %m = arith.constant 3 : index

  // Ties go to even (-2.5 to -2, 3.5 to 4, 0.5 to 0); a row of zeros has codes 0
  // and the scale of eps.
  // CHECK: [127, -2, 4, 0]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [-127, 126, 0, -2]
  // CHECK: [0.5, 7.87402e-08, 1]
  // CHECK: [129, 0, -3]
  call @token(%dx, %m) : (tensor<?x4xf32>, index) -> ()

  // A NaN or an infinity makes its own row NaN, no other.
  // CHECK: [0, 0, 0, 0]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [127, 1, 2, -3]
  // CHECK: [nan, nan, 2]
  // CHECK: [0, 0, 127]
  call @token(%dnonfinite, %m) : (tensor<?x4xf32>, index) -> ()

  // Half up: -2.5 to -2, 3.5 to 4, 0.5 to 1, -1.5 to -1. Without eps a row of
  // zeros is 0 / 0.
  // CHECK: [127, -2, 4, 1]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [-127, 126, 1, -1]
  // CHECK: [0.5, nan, 1]
  // CHECK: [130, 0, -1]
  call @inverse_half_up(%dx, %m) : (tensor<?x4xf32>, index) -> ()

  // One scale, and a clamp range that cuts.
  // CHECK: [63, -1, 2, 0]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [-64, 63, 0, -2]
  // CHECK: [1]
  // CHECK: [64, 0, -3]
  call @tensor_wide(%dx, %m) : (tensor<?x4xf32>, index) -> ()

  // One scale a column.
  // CHECK: [64, -1, 127, 21]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [-127, 127, 36, -127]
  // CHECK: [1, 0.992126, 0.0137795, 0.011811]
  // CHECK: [211, 0, -91]
  call @channel(%dx, %m) : (tensor<?x4xf32>, index) -> ()

  // 127 / 1e-40 is infinite: its codes are the bounds, unless 0 * inf is among
  // them.
  // CHECK: [127, -7, 127, 127]
  // CHECK: [0, 0, 0, 0]
  // CHECK: [127, 1, 2, -7]
  // CHECK: [0, nan, 1]
  // CHECK: [374, 0, 123]
  %small = arith.constant dense<[[1.0e-40, -1.0e-40, 1.0e-41, 1.0e-42], [1.0e-40, 0.0, 1.0e-40, 1.0e-40], [127.0, 1.0, 2.0, -99.0]]> : tensor<3x4xf32>
  %dsmall = tensor.cast %small : tensor<3x4xf32> to tensor<?x4xf32>
  call @overflow(%dsmall, %m) : (tensor<?x4xf32>, index) -> ()
  return
}
