// RUN: bit-opt %s --bit-pack-products --split-input-file | FileCheck %s

#x = affine_map<(n, h, oc, c, kh, kw, w) -> (n, c, h * 2 + kh * 3, w + kw)>
#w = affine_map<(n, h, oc, c, kh, kw, w) -> (oc, c, kh, kw)>
#y = affine_map<(n, h, oc, c, kh, kw, w) -> (n, oc, h, w)>
#channel = affine_map<(n, oc, h, w) -> (oc)>
#all = affine_map<(n, oc, h, w) -> (n, oc, h, w)>

// Sums start from the bias; strides and dilations are the op's.
// CHECK-LABEL: @bias
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x10x10xf32>, %[[B:.*]]: tensor<40xf32>, %[[Y:.*]]: tensor<?x40x2x8xf32>)
func.func @bias(%x: tensor<?x4x10x10xf32>, %b: tensor<40xf32>, %y: tensor<?x40x2x8xf32>) -> tensor<?x40x2x8xf32> {
  // CHECK: %[[W:.*]] = arith.constant dense_resource<w> : tensor<40x36xf32>
  // CHECK: %[[P:.*]] = bit.pack_panels ins(%[[W]] : tensor<40x36xf32>) outs(%{{.*}} : tensor<3x36x16xf32>) transposed
  // CHECK: bit.panel_conv ins(%[[X]], %[[P]] : {{.*}}) bias(%[[B]] : tensor<40xf32>)
  // CHECK-SAME: window = [3, 3] strides = [2, 1] dilations = [3, 1]
  // CHECK-NOT: reduction
  %w = arith.constant dense_resource<w> : tensor<40x4x3x3xf32>
  %init = linalg.generic {indexing_maps = [#channel, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%b : tensor<40xf32>) outs(%y : tensor<?x40x2x8xf32>) {
  ^bb0(%e: f32, %o: f32):
    linalg.yield %e : f32
  } -> tensor<?x40x2x8xf32>
  %r = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : tensor<?x4x10x10xf32>, tensor<40x4x3x3xf32>) outs(%init : tensor<?x40x2x8xf32>) {
  ^bb0(%p: f32, %v: f32, %s: f32):
    %f = math.fma %v, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<?x40x2x8xf32>
  return %r : tensor<?x40x2x8xf32>
}

// -----

#x = affine_map<(n, oc, c, k, w) -> (n, c, w + k)>
#w = affine_map<(n, oc, c, k, w) -> (oc, c, k)>
#wSwapped = affine_map<(n, oc, c, k, w) -> (oc, k, c)>
#y = affine_map<(n, oc, c, k, w) -> (n, oc, w)>

// Halves stay halves in the panels; one dim.
// CHECK-LABEL: @halves
// CHECK: bit.pack_panels ins(%{{.*}} : tensor<64x18xf16>) outs(%{{.*}} : tensor<2x18x32xf16>) transposed
// CHECK: bit.panel_conv ins(%{{.*}}) outs(%{{.*}}) window = [3] strides = [1] dilations = [1]
func.func @halves(%x: tensor<1x6x?xf32>, %y: tensor<1x64x?xf32>) -> tensor<1x64x?xf32> {
  %w = arith.constant dense_resource<w> : tensor<64x6x3xf16>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<1x64x?xf32>) -> tensor<1x64x?xf32>
  %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x, %w : tensor<1x6x?xf32>, tensor<64x6x3xf16>) outs(%init : tensor<1x64x?xf32>) {
  ^bb0(%p: f32, %v: f16, %s: f32):
    %e = arith.extf %v : f16 to f32
    %f = math.fma %e, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x64x?xf32>
  return %r : tensor<1x64x?xf32>
}

// Not constant, too few channels, too short sums, other orders of taps, other
// beginnings.
// CHECK-LABEL: @stay
// CHECK-NOT: bit.panel_conv
func.func @stay(%x: tensor<1x4x?xf32>, %u: tensor<64x4x5xf32>, %y: tensor<1x64x?xf32>, %few: tensor<1x8x?xf32>, %x1: tensor<1x1x?xf32>)
    -> (tensor<1x64x?xf32>, tensor<1x8x?xf32>, tensor<1x64x?xf32>, tensor<1x64x?xf32>, tensor<1x64x?xf32>) {
  %v = arith.constant dense_resource<v> : tensor<64x4x5xf32>
  %w8 = arith.constant dense_resource<w8> : tensor<8x4x5xf32>
  %w1 = arith.constant dense_resource<w1> : tensor<64x1x5xf32>
  %wSwapped = arith.constant dense_resource<ws> : tensor<64x5x4xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<1x64x?xf32>) -> tensor<1x64x?xf32>
  %init8 = linalg.fill ins(%zero : f32) outs(%few : tensor<1x8x?xf32>) -> tensor<1x8x?xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x, %u : tensor<1x4x?xf32>, tensor<64x4x5xf32>) outs(%init : tensor<1x64x?xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %f = math.fma %q, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x64x?xf32>
  %1 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x, %w8 : tensor<1x4x?xf32>, tensor<8x4x5xf32>) outs(%init8 : tensor<1x8x?xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %f = math.fma %q, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x8x?xf32>
  %2 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x1, %w1 : tensor<1x1x?xf32>, tensor<64x1x5xf32>) outs(%init : tensor<1x64x?xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %f = math.fma %q, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x64x?xf32>
  %3 = linalg.generic {indexing_maps = [#x, #wSwapped, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x, %wSwapped : tensor<1x4x?xf32>, tensor<64x5x4xf32>) outs(%init : tensor<1x64x?xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %f = math.fma %q, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x64x?xf32>
  %4 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]}
      ins(%x, %v : tensor<1x4x?xf32>, tensor<64x4x5xf32>) outs(%y : tensor<1x64x?xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %f = math.fma %q, %p, %s : f32
    linalg.yield %f : f32
  } -> tensor<1x64x?xf32>
  return %0, %1, %2, %3, %4 : tensor<1x64x?xf32>, tensor<1x8x?xf32>, tensor<1x64x?xf32>, tensor<1x64x?xf32>, tensor<1x64x?xf32>
}
