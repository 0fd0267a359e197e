// RUN: bit-opt %s --convert-bit-to-linalg %bufferize_and_lower | %run_main | FileCheck %s

func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @matmul(%x: tensor<?x4xi8>, %w: tensor<3x4xi8>) {
  %acc = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] : tensor<?x4xi8>, tensor<3x4xi8> -> tensor<?x3xi32>
  %u = tensor.cast %acc : tensor<?x3xi32> to tensor<*xi32>
  call @printMemrefI32(%u) : (tensor<*xi32>) -> ()
  return
}

func.func @grouped(%x: tensor<?x4xi8>, %w: tensor<3x4xi8>) {
  %acc = bit.ternary_matmul %x, %w weights = ternary range = [-128, 127] groups = 2 : tensor<?x4xi8>, tensor<3x4xi8> -> tensor<?x3x2xi32>
  %u = tensor.cast %acc : tensor<?x3x2xi32> to tensor<*xi32>
  call @printMemrefI32(%u) : (tensor<*xi32>) -> ()
  return
}

func.func @main() {
  %x = arith.constant dense<[[1, 2, 3, 4], [-128, -128, -128, 127]]> : tensor<2x4xi8>
  %w = arith.constant dense<[[1, 1, 1, 1], [-1, -1, -1, 0], [1, 0, -1, -1]]> : tensor<3x4xi8>
  %dx = tensor.cast %x : tensor<2x4xi8> to tensor<?x4xi8>
  // CHECK: [10, -6, -6]
  // CHECK: [-257, 384, -127]
  call @matmul(%dx, %w) : (tensor<?x4xi8>, tensor<3x4xi8>) -> ()
  // CHECK: [3, 7]
  // CHECK: [-3, -3]
  // CHECK: [1, -7]
  // CHECK: [-256, -1]
  // CHECK: [256, 128]
  // CHECK: [-128, 1]
  call @grouped(%dx, %w) : (tensor<?x4xi8>, tensor<3x4xi8>) -> ()

  // No rows: nothing is read or written.
  // CHECK: sizes = [0, 3]
  %none = tensor.empty() : tensor<0x4xi8>
  %dnone = tensor.cast %none : tensor<0x4xi8> to tensor<?x4xi8>
  call @matmul(%dnone, %w) : (tensor<?x4xi8>, tensor<3x4xi8>) -> ()
  return
}
