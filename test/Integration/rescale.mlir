// RUN: bit-opt %s --convert-bit-to-linalg %bufferize_and_lower | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %acc = arith.constant dense<[[10, -6], [0, 4]]> : tensor<2x2xi32>
  %xs = arith.constant dense<[0.5, 2.0]> : tensor<2xf32>
  %ws = arith.constant dense<[1.0, 0.25]> : tensor<2xf32>
  %b = arith.constant dense<[100.0, -100.0]> : tensor<2xf32>
  // CHECK: [105, -100.75]
  // CHECK: [100, -98]
  %0 = bit.rescale %acc, %xs, %ws bias %b : (tensor<2x2xi32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %u0 = tensor.cast %0 : tensor<2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u0) : (tensor<*xf32>) -> ()

  // One scale for all, and one for all tokens. 0 * -3 is -0, not 0 + -0.
  %x0 = arith.constant dense<0.5> : tensor<f32>
  %w1 = arith.constant dense<[-3.0]> : tensor<1xf32>
  // CHECK: [-15, 9]
  // CHECK: [-0, -6]
  %1 = bit.rescale %acc, %x0, %w1 : (tensor<2x2xi32>, tensor<f32>, tensor<1xf32>) -> tensor<2x2xf32>
  %u1 = tensor.cast %1 : tensor<2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%u1) : (tensor<*xf32>) -> ()

  // Groups: 1 * 1 * 0.5 + 2 * 10 * 0.5, then 3 * 1 * 2 + 4 * 10 * 2.
  %accg = arith.constant dense<[[[1, 2]], [[3, 4]]]> : tensor<2x1x2xi32>
  %wg = arith.constant dense<[[1.0, 10.0]]> : tensor<1x2xf32>
  // CHECK: [10.5]
  // CHECK: [86]
  %2 = bit.rescale %accg, %xs, %wg : (tensor<2x1x2xi32>, tensor<2xf32>, tensor<1x2xf32>) -> tensor<2x1xf32>
  %u2 = tensor.cast %2 : tensor<2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%u2) : (tensor<*xf32>) -> ()

  // One rounding: 16777217 is no f32, it rounds to even before the fma.
  %big = arith.constant dense<[[16777217]]> : tensor<1x1xi32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %minus = arith.constant dense<-16777216.0> : tensor<1xf32>
  // CHECK: {{^}}{{\[\[}}0]]
  %3 = bit.rescale %big, %one, %one bias %minus : (tensor<1x1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %u3 = tensor.cast %3 : tensor<1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%u3) : (tensor<*xf32>) -> ()

  // Fused: 3 * (1 / 3 as f32) is 1 + 2^-25 before rounding, which the bias of -1
  // leaves over; a product rounded first would leave 0.
  %three = arith.constant dense<[[3]]> : tensor<1x1xi32>
  %third = arith.constant dense<0.333333343> : tensor<1xf32>
  %m1 = arith.constant dense<-1.0> : tensor<1xf32>
  // CHECK: 2.98023e-08
  %4 = bit.rescale %three, %third, %one bias %m1 : (tensor<1x1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %u4 = tensor.cast %4 : tensor<1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%u4) : (tensor<*xf32>) -> ()
  return
}
