// RUN: bit-opt %s --convert-bit-to-linalg %bufferize_and_lower | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}

func.func @float(%x: tensor<?x2x4xf32>, %w: tensor<2x4xi8>, %s: tensor<2x2xf32>, %b: tensor<2xf32>) {
  %y = bit.linear %x, %w, %s bias %b weights = ternary : (tensor<?x2x4xf32>, tensor<2x4xi8>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2x2xf32>
  %u = tensor.cast %y : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}

func.func @quantized(%x: tensor<?x2x4xf32>, %w: tensor<2x4xi8>, %s: tensor<1xf32>) {
  %y = bit.linear %x, %w, %s weights = ternary quantizer = <> : (tensor<?x2x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2x2xf32>
  %u = tensor.cast %y : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  // The largest value is 127 / 2: a code is twice its value.
  %x = arith.constant dense<[[[63.5, 1.0, 0.5, -2.0], [63.5, 0.75, 0.25, 0.0]]]> : tensor<1x2x4xf32>
  %w = arith.constant dense<[[1, 0, -1, 1], [0, 1, 1, -1]]> : tensor<2x4xi8>
  %s = arith.constant dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf32>
  %s1 = arith.constant dense<10.0> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 100.0]> : tensor<2xf32>
  %dx = tensor.cast %x : tensor<1x2x4xf32> to tensor<?x2x4xf32>
  // 63.5 * 1 + (-0.5 - 2) * 2, and 100 + 1 * 0.5 + (0.5 + 2) * -1.
  // CHECK: [58.5, 98]
  // 63.5 * 1 - 0.25 * 2, and 100 + 0.75 * 0.5 - 0.25.
  // CHECK: [63, 100.125]
  call @float(%dx, %w, %s, %b) : (tensor<?x2x4xf32>, tensor<2x4xi8>, tensor<2x2xf32>, tensor<2xf32>) -> ()

  // Codes 127, 2, 1, -4 and 127, 2, 0, 0 (1.5 and 0.5 go to even), times 0.5 * 10.
  // CHECK: [610, 35]
  // CHECK: [635, 10]
  call @quantized(%dx, %w, %s1) : (tensor<?x2x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> ()

  // Half precision is widened first: 2^-24 * 3 is a subnormal f16 and exact in f32.
  %h = arith.constant dense<[1.78813934E-7, 0.0, 0.0, 0.0]> : tensor<4xf16>
  %yh = bit.linear %h, %w, %s1 weights = ternary : (tensor<4xf16>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<2xf16>
  %wide = arith.extf %yh : tensor<2xf16> to tensor<2xf32>
  %uh = tensor.cast %wide : tensor<2xf32> to tensor<*xf32>
  // CHECK: [1.78814e-06, 0]
  call @printMemrefF32(%uh) : (tensor<*xf32>) -> ()
  return
}
