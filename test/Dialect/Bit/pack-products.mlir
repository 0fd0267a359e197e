// RUN: bit-opt %s --bit-pack-products | FileCheck %s

#a = affine_map<(m, k, n) -> (m, k)>
#at = affine_map<(m, k, n) -> (k, m)>
#b = affine_map<(m, k, n) -> (k, n)>
#bt = affine_map<(m, k, n) -> (n, k)>
#c = affine_map<(m, k, n) -> (m, n)>

// CHECK-LABEL: @product
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>, %[[Y:.*]]: tensor<?x3xf32>)
func.func @product(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: %[[B:.*]] = arith.constant
  %b = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: %[[P:.*]] = bit.pack_panels ins(%[[B]] : tensor<2x3xf32>) outs(%{{.*}} : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  // CHECK: bit.panel_matmul ins(%[[X]], %[[P]] : tensor<?x2xf32>, tensor<1x2x16xf32>) outs(%[[Y]] : tensor<?x3xf32>)
  // CHECK-SAME: kernel = #bit.kernel<generic.panel>
  %r = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<?x3xf32>
  return %r : tensor<?x3xf32>
}

// Halves stay halves in the panels; the left operand is widened before.
// CHECK-LABEL: @halves
func.func @halves(%x: tensor<4x2xf16>, %y: tensor<4x40xf32>) -> tensor<4x40xf32> {
  %b = arith.constant dense_resource<b> : tensor<40x2xf16>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<4x40xf32>) -> tensor<4x40xf32>
  // CHECK: linalg.generic
  // CHECK: arith.extf
  // CHECK: bit.pack_panels ins(%{{.*}} : tensor<40x2xf16>) outs(%{{.*}} : tensor<2x2x32xf16>) transposed
  // CHECK: bit.panel_matmul ins(%{{.*}}, %{{.*}} : tensor<4x2xf32>, tensor<2x2x32xf16>)
  %r = linalg.generic {indexing_maps = [#a, #bt, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<4x2xf16>, tensor<40x2xf16>) outs(%init : tensor<4x40xf32>) {
  ^bb0(%l: f16, %w: f16, %s: f32):
    %le = arith.extf %l : f16 to f32
    %we = arith.extf %w : f16 to f32
    %f = math.fma %le, %we, %s : f32
    linalg.yield %f : f32
  } -> tensor<4x40xf32>
  return %r : tensor<4x40xf32>
}

// Other beginnings, other left operands and splats stay.
// CHECK-LABEL: @stay
// CHECK-NOT: bit.pack_panels
func.func @stay(%x: tensor<2x2xf32>, %y: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %b = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %splat = arith.constant dense<1.0> : tensor<2x3xf32>
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %ones = linalg.fill ins(%one : f32) outs(%y : tensor<2x3xf32>) -> tensor<2x3xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%y : tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<2x2xf32>, tensor<2x3xf32>) outs(%ones : tensor<2x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#at, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<2x2xf32>, tensor<2x3xf32>) outs(%zeros : tensor<2x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<2x3xf32>
  %2 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %splat : tensor<2x2xf32>, tensor<2x3xf32>) outs(%zeros : tensor<2x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// What is computed is read as it is; all batch dims become one.
// CHECK-LABEL: @batch
func.func @batch(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x8x40xf32>, %y: tensor<2x?x4x40xf32>) -> tensor<2x?x4x40xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<2x?x4x40xf32>) -> tensor<2x?x4x40xf32>
  // CHECK-NOT: bit.pack_panels
  // CHECK: bit.panel_matmul ins(%{{.*}}, %{{.*}} : tensor<?x4x8xf32>, tensor<?x8x40xf32>) outs(%{{.*}} : tensor<?x4x40xf32>)
  // CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2], [3]]
  %r = linalg.generic {indexing_maps = [affine_map<(h, i, m, k, n) -> (h, i, m, k)>, affine_map<(h, i, m, k, n) -> (h, i, k, n)>,
        affine_map<(h, i, m, k, n) -> (h, i, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<2x?x4x8xf32>, tensor<2x?x8x40xf32>) outs(%init : tensor<2x?x4x40xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<2x?x4x40xf32>
  return %r : tensor<2x?x4x40xf32>
}

// The bias after the product, here after its rows have got their dims back.
// CHECK-LABEL: @bias
// CHECK-SAME: %[[C:[a-z0-9]*]]: tensor<3xf32>
// CHECK: %[[Y:.*]] = bit.panel_matmul ins({{.*}}) bias(%[[C]] : tensor<3xf32>)
// CHECK: %[[R:.*]] = tensor.expand_shape %[[Y]]
// CHECK-NOT: arith.addf
// CHECK: return %[[R]]
func.func @bias(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>, %z: tensor<2x2x3xf32>, %c: tensor<3xf32>) -> tensor<2x2x3xf32> {
  %b = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<4x3xf32>) -> tensor<4x3xf32>
  %p = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<4x2xf32>, tensor<2x3xf32>) outs(%init : tensor<4x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<4x3xf32>
  %e = tensor.expand_shape %p [[0, 1], [2]] output_shape [2, 2, 3] : tensor<4x3xf32> into tensor<2x2x3xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, n) -> (n)>, affine_map<(i, j, n) -> (i, j, n)>, affine_map<(i, j, n) -> (i, j, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%c, %e : tensor<3xf32>, tensor<2x2x3xf32>) outs(%z : tensor<2x2x3xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = arith.addf %l, %w : f32
    linalg.yield %f : f32
  } -> tensor<2x2x3xf32>
  return %r : tensor<2x2x3xf32>
}

// Many rows of long k: panels that are made in every run.
// CHECK-LABEL: @computed
func.func @computed(%x: tensor<?x257xf32>, %b: tensor<257x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<?x?xf32>) -> tensor<?x?xf32>
  // CHECK: %[[N:.*]] = tensor.dim
  // CHECK: %[[P:.*]] = arith.ceildivui %[[N]], %{{.*}} : index
  // CHECK: tensor.empty(%[[P]]) : tensor<?x257x32xf32>
  // CHECK: bit.pack_panels ins(%{{.*}} : tensor<257x?xf32>)
  // CHECK: bit.panel_matmul ins(%{{.*}}, %{{.*}} : tensor<?x257xf32>, tensor<?x257x32xf32>)
  %r = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<?x257xf32>, tensor<257x?xf32>) outs(%init : tensor<?x?xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// A few rows by a transposed matrix: not worth panels, and no kernel reads it.
// CHECK-LABEL: @few_rows
// CHECK-NOT: bit.p
func.func @few_rows(%x: tensor<3x8xf32>, %b: tensor<40x8xf32>, %y: tensor<3x40xf32>) -> tensor<3x40xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<3x40xf32>) -> tensor<3x40xf32>
  %r = linalg.generic {indexing_maps = [#a, #bt, #c], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %b : tensor<3x8xf32>, tensor<40x8xf32>) outs(%init : tensor<3x40xf32>) {
  ^bb0(%l: f32, %w: f32, %s: f32):
    %f = math.fma %l, %w, %s : f32
    linalg.yield %f : f32
  } -> tensor<3x40xf32>
  return %r : tensor<3x40xf32>
}
