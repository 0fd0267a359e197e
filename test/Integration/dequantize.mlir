// RUN: bit-opt %s --convert-bit-to-linalg %bufferize_and_lower | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %codes = arith.constant dense<[[1, -1, 0, 2], [4, -128, 127, 0]]> : tensor<2x4xi8>
  %row = arith.constant dense<[0.5, 2.0]> : tensor<2xf32>
  // CHECK: [0.5, -0.5, 0, 1]
  // CHECK: [8, -256, 254, 0]
  %0 = bit.dequantize %codes, %row : tensor<2x4xi8>, tensor<2xf32> -> tensor<2x4xf32>
  %u0 = tensor.cast %0 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u0) : (tensor<*xf32>) -> ()

  %column = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  // CHECK: [1, -2, 0, 8]
  // CHECK: [4, -256, 381, 0]
  %1 = bit.dequantize %codes, %column axis = 1 : tensor<2x4xi8>, tensor<4xf32> -> tensor<2x4xf32>
  %u1 = tensor.cast %1 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u1) : (tensor<*xf32>) -> ()

  %group = arith.constant dense<[[1.0, 10.0], [0.25, 1.0]]> : tensor<2x2xf32>
  // CHECK: [1, -1, 0, 20]
  // CHECK: [1, -32, 127, 0]
  %2 = bit.dequantize %codes, %group : tensor<2x4xi8>, tensor<2x2xf32> -> tensor<2x4xf32>
  %u2 = tensor.cast %2 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u2) : (tensor<*xf32>) -> ()

  %one = arith.constant dense<-1.0> : tensor<1xf32>
  // CHECK: [-1, 1, -0, -2]
  %3 = bit.dequantize %codes, %one : tensor<2x4xi8>, tensor<1xf32> -> tensor<2x4xf32>
  %u3 = tensor.cast %3 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u3) : (tensor<*xf32>) -> ()
  return
}
