// RUN: bit-opt %s --bit-fuse-epilogues --split-input-file | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>
#none = affine_map<(m, n) -> ()>

// Everything that an epilogue can read.
// CHECK-LABEL: @chain
// CHECK-SAME: %[[Z:[^:,]*]]: tensor<?x20xf32>, %[[C:[^:,]*]]: tensor<20xf32>, %[[F:[^:,]*]]: tensor<f32>
// CHECK: %[[R:.*]] = bit.panel_matmul
// CHECK-SAME: with(%[[Z]], %[[C]], %[[F]] :
// CHECK: ^bb0(%[[A:.*]]: f32, %[[E:.*]]: f32, %[[S:.*]]: f32, %[[N:.*]]: f32):
// CHECK-NEXT: %[[R0:.*]] = arith.addf %[[E]], %[[A]] : f32
// CHECK-NEXT: %[[R1:.*]] = arith.mulf %[[R0]], %[[S]] : f32
// CHECK-NEXT: %[[R2:.*]] = arith.divf %[[R1]], %[[N]] : f32
// CHECK-NEXT: bit.yield %[[R2]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[R]]
func.func @chain(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %z: tensor<?x20xf32>, %c: tensor<20xf32>, %f: tensor<f32>, %y: tensor<?x20xf32>)
    -> tensor<?x20xf32> {
  %0 = bit.panel_matmul ins(%x, %p : tensor<?x8xf32>, tensor<1x8x32xf32>) outs(%y : tensor<?x20xf32>) kernel = #bit.kernel<generic.panel> -> tensor<?x20xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #n, #id], iterator_types = ["parallel", "parallel"]}
      ins(%z, %0, %c : tensor<?x20xf32>, tensor<?x20xf32>, tensor<20xf32>) outs(%y : tensor<?x20xf32>) {
  ^bb0(%e: f32, %a: f32, %s: f32, %o: f32):
    %2 = arith.addf %e, %a : f32
    %3 = arith.mulf %2, %s : f32
    linalg.yield %3 : f32
  } -> tensor<?x20xf32>
  %4 = linalg.generic {indexing_maps = [#id, #none, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1, %f : tensor<?x20xf32>, tensor<f32>) outs(%y : tensor<?x20xf32>) {
  ^bb0(%a: f32, %n: f32, %o: f32):
    %5 = arith.divf %a, %n : f32
    linalg.yield %5 : f32
  } -> tensor<?x20xf32>
  return %4 : tensor<?x20xf32>
}

// -----

#id = affine_map<(b, m, n) -> (b, m, n)>
#n = affine_map<(b, m, n) -> (0, 0, n)>

// Rows that a batch shares out. Of two products the one that is computed last
// goes on with the other one's result, though what it reads comes after both.
// CHECK-LABEL: @batch
// CHECK: %[[FIRST:.*]] = bit.panel_matmul
// CHECK-NOT: epilogue
// CHECK: %[[C:.*]] = arith.negf %{{.*}} : tensor<1x1x20xf32>
// CHECK: %[[CC:.*]] = tensor.collapse_shape %[[C]] {{\[}}[0, 1, 2]] : tensor<1x1x20xf32> into tensor<20xf32>
// CHECK: %[[R:.*]] = bit.panel_matmul {{.*}} with(%[[FIRST]], %[[CC]] : tensor<6x20xf32>, tensor<20xf32>)
// CHECK: %[[Y:.*]] = tensor.expand_shape %[[R]]
// CHECK: return %[[Y]]
func.func @batch(%x: tensor<6x8xf32>, %p: tensor<1x8x32xf32>, %q: tensor<1x8x32xf32>, %c: tensor<1x1x20xf32>, %y: tensor<6x20xf32>) -> tensor<2x3x20xf32> {
  %0 = bit.panel_matmul ins(%x, %p : tensor<6x8xf32>, tensor<1x8x32xf32>) outs(%y : tensor<6x20xf32>) kernel = #bit.kernel<generic.panel> -> tensor<6x20xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 3, 20] : tensor<6x20xf32> into tensor<2x3x20xf32>
  %2 = bit.panel_matmul ins(%x, %q : tensor<6x8xf32>, tensor<1x8x32xf32>) outs(%y : tensor<6x20xf32>) kernel = #bit.kernel<generic.panel> -> tensor<6x20xf32>
  %3 = tensor.expand_shape %2 [[0, 1], [2]] output_shape [2, 3, 20] : tensor<6x20xf32> into tensor<2x3x20xf32>
  %4 = arith.negf %c : tensor<1x1x20xf32>
  %5 = tensor.empty() : tensor<2x3x20xf32>
  %6 = linalg.generic {indexing_maps = [#id, #id, #n, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%3, %1, %4 : tensor<2x3x20xf32>, tensor<2x3x20xf32>, tensor<1x1x20xf32>) outs(%5 : tensor<2x3x20xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32, %o: f32):
    %7 = math.fma %a, %b, %s : f32
    linalg.yield %7 : f32
  } -> tensor<2x3x20xf32>
  return %6 : tensor<2x3x20xf32>
}

// -----

#id = affine_map<(n, c, w) -> (n, c, w)>
#channel = affine_map<(n, c, w) -> (c)>
#one = affine_map<(n, c, w) -> (0, 0, 0)>

// Channels of a convolution are its second dim; a number that is one element.
// CHECK-LABEL: @conv
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1x1xf32> into tensor<f32>
// CHECK: bit.panel_conv {{.*}} with({{.*}} : tensor<16xf32>, tensor<f32>)
// CHECK-NOT: linalg.generic
func.func @conv(%x: tensor<1x4x9xf32>, %p: tensor<1x12x16xf32>, %c: tensor<16xf32>, %f: tensor<1x1x1xf32>, %y: tensor<1x16x7xf32>) -> tensor<1x16x7xf32> {
  %0 = bit.panel_conv ins(%x, %p : tensor<1x4x9xf32>, tensor<1x12x16xf32>) outs(%y : tensor<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x7xf32>
  %1 = linalg.generic {indexing_maps = [#id, #channel, #one, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%0, %c, %f : tensor<1x16x7xf32>, tensor<16xf32>, tensor<1x1x1xf32>) outs(%y : tensor<1x16x7xf32>) {
  ^bb0(%a: f32, %s: f32, %n: f32, %o: f32):
    %2 = math.fma %a, %s, %n : f32
    linalg.yield %2 : f32
  } -> tensor<1x16x7xf32>
  return %1 : tensor<1x16x7xf32>
}

// -----

#id = affine_map<(n, c, w) -> (n, c, w)>
#w = affine_map<(n, c, w) -> (w)>
#swap = affine_map<(n, c, w) -> (n, w, c)>

// Left as they are: what runs along another dim, what is read otherwise than it
// is computed, results that are read twice, ones that depend on where they are,
// and rows that get gaps, as a padded tensor's.
// CHECK-LABEL: @declined
// CHECK-NOT: epilogue
// CHECK-COUNT-5: linalg.generic
// CHECK-NOT: epilogue
// CHECK: return
func.func @declined(%x: tensor<1x4x18xf32>, %p: tensor<1x12x16xf32>, %c: tensor<16xf32>, %y: tensor<1x16x16xf32>, %big: tensor<1x16x18xf32>)
    -> (tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x18xf32>) {
  %0 = bit.panel_conv ins(%x, %p : tensor<1x4x18xf32>, tensor<1x12x16xf32>) outs(%y : tensor<1x16x16xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #w, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%0, %c : tensor<1x16x16xf32>, tensor<16xf32>) outs(%y : tensor<1x16x16xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %r = arith.addf %a, %s : f32
    linalg.yield %r : f32
  } -> tensor<1x16x16xf32>
  %2 = bit.panel_conv ins(%x, %p : tensor<1x4x18xf32>, tensor<1x12x16xf32>) bias(%c : tensor<16xf32>) outs(%y : tensor<1x16x16xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x16xf32>
  %3 = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2 : tensor<1x16x16xf32>) outs(%y : tensor<1x16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<1x16x16xf32>
  %4 = bit.panel_conv ins(%x, %p : tensor<1x4x18xf32>, tensor<1x12x16xf32>) bias(%c : tensor<16xf32>) outs(%y : tensor<1x16x16xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x16xf32>
  %5 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%4 : tensor<1x16x16xf32>) outs(%y : tensor<1x16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<1x16x16xf32>
  %6 = bit.panel_conv ins(%x, %p : tensor<1x4x18xf32>, tensor<1x12x16xf32>) bias(%c : tensor<16xf32>) outs(%y : tensor<1x16x16xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x16xf32>
  %7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%6 : tensor<1x16x16xf32>) outs(%y : tensor<1x16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 2 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %r = arith.addf %a, %f : f32
    linalg.yield %r : f32
  } -> tensor<1x16x16xf32>
  %8 = bit.panel_conv ins(%x, %p : tensor<1x4x18xf32>, tensor<1x12x16xf32>) bias(%c : tensor<16xf32>) outs(%y : tensor<1x16x16xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> -> tensor<1x16x16xf32>
  %9 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%8 : tensor<1x16x16xf32>) outs(%y : tensor<1x16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.absf %a : f32
    linalg.yield %r : f32
  } -> tensor<1x16x16xf32>
  %10 = tensor.insert_slice %9 into %big[0, 0, 1] [1, 16, 16] [1, 1, 1] : tensor<1x16x16xf32> into tensor<1x16x18xf32>
  return %1, %3, %4, %5, %7, %10 : tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x18xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>

// Polynomials take a tile's registers.
// CHECK-LABEL: @function
// CHECK-NOT: epilogue
// CHECK: linalg.generic
func.func @function(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %y: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %0 = bit.panel_matmul ins(%x, %p : tensor<?x8xf32>, tensor<1x8x32xf32>) outs(%y : tensor<?x20xf32>) kernel = #bit.kernel<generic.panel> -> tensor<?x20xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x20xf32>) outs(%y : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %2 = math.tanh %a : f32
    linalg.yield %2 : f32
  } -> tensor<?x20xf32>
  return %1 : tensor<?x20xf32>
}
