// RUN: bit-opt %s --bit-pack-products --canonicalize | FileCheck %s

// Products read the constants that their right operands are computed of.

#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
#rows = affine_map<(d0, d1) -> (d0)>
#columns = affine_map<(d0, d1) -> (d1)>
#column = affine_map<(d0, d1) -> (d0, 0)>
#a = affine_map<(m, k, n) -> (m, k)>
#b = affine_map<(m, k, n) -> (k, n)>
#bt = affine_map<(m, k, n) -> (n, k)>
#c = affine_map<(m, k, n) -> (m, n)>
#product = {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
#product_t = {indexing_maps = [#a, #bt, #c], iterator_types = ["parallel", "reduction", "parallel"]}

// A scale a row of an N x K matrix that is transposed.
// CHECK-LABEL: @transposed
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<3x2xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK-NOT: linalg.generic
// CHECK: %[[P:.*]] = bit.pack_panels ins(%[[W]] : tensor<3x2xi8>) outs(%{{.*}} : tensor<1x2x16xi8>) transposed
// CHECK: bit.panel_matmul ins(%[[X]], %[[P]] : tensor<?x2xf32>, tensor<1x2x16xi8>) scales(%[[S]] : tensor<3xf32>)
func.func @transposed(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>, %f: tensor<3x2xf32>, %t: tensor<2x3xf32>) -> tensor<?x3xf32> {
  %w = arith.constant dense<[[1, 2], [3, 4], [5, -128]]> : tensor<3x2xi8>
  %s = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<?x3xf32>) -> tensor<?x3xf32>
  %0 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %s : tensor<3x2xi8>, tensor<3x1xf32>) outs(%f : tensor<3x2xf32>) {
  ^bb0(%code: i8, %scale: f32, %out: f32):
    %wide = arith.extsi %code : i8 to i32
    %float = arith.sitofp %wide : i32 to f32
    %weight = arith.mulf %scale, %float : f32
    linalg.yield %weight : f32
  } -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<3x2xf32>) outs(%t : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3xf32>
  %r = linalg.generic #product ins(%x, %1 : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) {
  ^bb0(%l: f32, %r: f32, %sum: f32):
    %fma = math.fma %l, %r, %sum : f32
    linalg.yield %fma : f32
  } -> tensor<?x3xf32>
  return %r : tensor<?x3xf32>
}

// One scale, and panels of 64 columns where there are more than 32.
// CHECK-LABEL: @one_scale
// CHECK-DAG: arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK: bit.pack_panels ins(%{{.*}} : tensor<2x33xi8>) outs(%{{.*}} : tensor<1x2x64xi8>) ->
// CHECK: bit.panel_matmul {{.*}} scales(%{{.*}} : tensor<1xf32>)
func.func @one_scale(%x: tensor<4x2xf32>, %y: tensor<4x33xf32>, %f: tensor<2x33xf32>) -> tensor<4x33xf32> {
  %w = arith.constant dense_resource<codes> : tensor<2x33xi8>
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<4x33xf32>) -> tensor<4x33xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2x33xi8>) outs(%f : tensor<2x33xf32>) {
  ^bb0(%code: i8, %out: f32):
    %float = arith.sitofp %code : i8 to f32
    %weight = arith.mulf %float, %half : f32
    linalg.yield %weight : f32
  } -> tensor<2x33xf32>
  %r = linalg.generic #product ins(%x, %0 : tensor<4x2xf32>, tensor<2x33xf32>) outs(%init : tensor<4x33xf32>) {
  ^bb0(%l: f32, %r: f32, %sum: f32):
    %fma = math.fma %l, %r, %sum : f32
    linalg.yield %fma : f32
  } -> tensor<4x33xf32>
  return %r : tensor<4x33xf32>
}

// Halves that are cast to f32.
// CHECK-LABEL: @halves
// CHECK-NOT: arith.extf
// CHECK: bit.pack_panels ins(%{{.*}} : tensor<3x2xbf16>) outs(%{{.*}} : tensor<1x2x16xbf16>) transposed
func.func @halves(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>, %f: tensor<3x2xf32>) -> tensor<?x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xbf16>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<?x3xf32>) -> tensor<?x3xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<3x2xbf16>) outs(%f : tensor<3x2xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %float = arith.extf %in : bf16 to f32
    linalg.yield %float : f32
  } -> tensor<3x2xf32>
  %r = linalg.generic #product_t ins(%x, %0 : tensor<?x2xf32>, tensor<3x2xf32>) outs(%init : tensor<?x3xf32>) {
  ^bb0(%l: f32, %r: f32, %sum: f32):
    %fma = math.fma %l, %r, %sum : f32
    linalg.yield %fma : f32
  } -> tensor<?x3xf32>
  return %r : tensor<?x3xf32>
}

// Scales along k are no scales of columns; codes without a sign are other codes.
// CHECK-LABEL: @stay
// CHECK-NOT: bit.pack_panels
// CHECK: return
func.func @stay(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>, %f: tensor<2x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, -128]]> : tensor<2x3xi8>
  %s = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%y : tensor<?x3xf32>) -> tensor<?x3xf32>
  %0 = linalg.generic {indexing_maps = [#id, #rows, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w, %s : tensor<2x3xi8>, tensor<2xf32>) outs(%f : tensor<2x3xf32>) {
  ^bb0(%code: i8, %scale: f32, %out: f32):
    %float = arith.sitofp %code : i8 to f32
    %weight = arith.mulf %float, %scale : f32
    linalg.yield %weight : f32
  } -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2x3xi8>) outs(%f : tensor<2x3xf32>) {
  ^bb0(%code: i8, %out: f32):
    %float = arith.uitofp %code : i8 to f32
    linalg.yield %float : f32
  } -> tensor<2x3xf32>
  %p = linalg.generic #product ins(%x, %0 : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) {
  ^bb0(%l: f32, %r: f32, %sum: f32):
    %fma = math.fma %l, %r, %sum : f32
    linalg.yield %fma : f32
  } -> tensor<?x3xf32>
  %q = linalg.generic #product ins(%x, %1 : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) {
  ^bb0(%l: f32, %r: f32, %sum: f32):
    %fma = math.fma %l, %r, %sum : f32
    linalg.yield %fma : f32
  } -> tensor<?x3xf32>
  return %p, %q : tensor<?x3xf32>, tensor<?x3xf32>
}

{-#
  dialect_resources: {
    builtin: {
      codes: "0x01000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F4041"
    }
  }
#-}
