// RUN: bit-opt %s | bit-opt | FileCheck %s

// CHECK-LABEL: @everything
func.func @everything(%q: tensor<2x8x?x64xf32>, %k: tensor<2x2x?x64xf32>, %v: tensor<2x2x?x32xf32>, %range: tensor<2x?x2xi64>,
                      %mask: tensor<2x1x?x?xf32>, %y: tensor<2x8x?x32xf32>) -> tensor<2x8x?x32xf32> {
  // CHECK: bit.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>) range(%{{.*}} : tensor<2x?x2xi64>) mask(%{{.*}} : tensor<2x1x?x?xf32>) outs(%{{.*}} : tensor<2x8x?x32xf32>) scale = 1.250000e-01 softcap = 3.000000e+01 keep_nan -> tensor<2x8x?x32xf32>
  %r = bit.attention ins(%q, %k, %v : tensor<2x8x?x64xf32>, tensor<2x2x?x64xf32>, tensor<2x2x?x32xf32>)
      range(%range : tensor<2x?x2xi64>) mask(%mask : tensor<2x1x?x?xf32>) outs(%y : tensor<2x8x?x32xf32>)
      scale = 0.125 softcap = 30.0 keep_nan -> tensor<2x8x?x32xf32>
  return %r : tensor<2x8x?x32xf32>
}

// CHECK-LABEL: @on_buffers
func.func @on_buffers(%q: memref<1x1x1x8xf64>, %k: memref<1x1x3x8xf64>, %y: memref<1x1x1x8xf64>) {
  // CHECK: bit.attention ins(%{{.*}}) outs(%{{.*}} : memref<1x1x1x8xf64>) scale = 1.000000e+00 zero_nan
  bit.attention ins(%q, %k, %k : memref<1x1x1x8xf64>, memref<1x1x3x8xf64>, memref<1x1x3x8xf64>)
      outs(%y : memref<1x1x1x8xf64>) scale = 1.0 zero_nan
  return
}
