// RUN: bit-opt %s --bit-settle-nans --split-input-file | FileCheck %s

#id = affine_map<(m) -> (m)>

// What is computed elementwise settles its NaNs itself; a number made of an
// integer is none.
// CHECK-LABEL: @elementwise
// CHECK: %[[S:.*]] = arith.addf
// CHECK: %[[I:.*]] = arith.sitofp
// CHECK: %[[U:.*]] = arith.cmpf uno, %[[S]], %[[S]] : f32
// CHECK: %[[R:.*]] = arith.select %[[U]], %{{.*}}, %[[S]] : f32
// CHECK-NEXT: linalg.yield %[[R]], %[[I]] : f32, f32
func.func @elementwise(%x: tensor<?xf32>, %i: tensor<?xi32>, %y: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %0:2 = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %i : tensor<?xf32>, tensor<?xi32>) outs(%y, %y : tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%a: f32, %b: i32, %o: f32, %p: f32):
    %1 = arith.addf %a, %a : f32
    %2 = arith.sitofp %b : i32 to f32
    linalg.yield %1, %2 : f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>)
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xf32>
}

// -----

#id = affine_map<(m) -> (m)>

// What is only moved stays what it was; a function's NaN is settled already.
// CHECK-LABEL: @moved
// CHECK-NOT: arith.cmpf uno
func.func @moved(%x: tensor<8xf32>, %c: tensor<8xi1>, %y: tensor<8xf32>) -> (tensor<2x4xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %c : tensor<8xf32>, tensor<8xi1>) outs(%y : tensor<8xf32>) {
  ^bb0(%a: f32, %b: i1, %o: f32):
    %1 = arith.negf %a : f32
    %2 = arith.select %b, %1, %a : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  %3 = tensor.expand_shape %0 [[0, 1]] output_shape [2, 4] : tensor<8xf32> into tensor<2x4xf32>
  %4 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%y : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %5 = math.exp %a : f32
    linalg.yield %5 : f32
  } -> tensor<8xf32>
  return %3, %4, %x : tensor<2x4xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

#id = affine_map<(m) -> (m)>

// Behind moves, and before a rounding to 16 bits; what nobody sees is left.
// CHECK-LABEL: @behind
// CHECK: arith.mulf
// CHECK-NEXT: linalg.yield
// CHECK: %[[E:.*]] = arith.extf
// CHECK: %[[S:.*]] = arith.addf %[[E]]
// CHECK: arith.cmpf uno, %[[S]], %[[S]] : f32
// CHECK: %[[T:.*]] = arith.select
// CHECK-NEXT: %[[H:.*]] = arith.truncf %[[T]] : f32 to f16
// CHECK-NEXT: linalg.yield %[[H]]
// CHECK: tensor.extract_slice
func.func @behind(%x: tensor<8xf16>, %y: tensor<8xf16>, %n: tensor<8xf16>) -> tensor<4xf16> {
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf16>) outs(%y : tensor<8xf16>) {
  ^bb0(%a: f16, %o: f16):
    %1 = arith.mulf %a, %a : f16
    linalg.yield %1 : f16
  } -> tensor<8xf16>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%m : tensor<8xf16>) outs(%y : tensor<8xf16>) {
  ^bb0(%a: f16, %o: f16):
    %1 = arith.extf %a : f16 to f32
    %2 = arith.addf %1, %1 : f32
    %3 = arith.truncf %2 : f32 to f16
    linalg.yield %3 : f16
  } -> tensor<8xf16>
  %4 = tensor.extract_slice %0[2] [4] [1] : tensor<8xf16> to tensor<4xf16>
  return %4 : tensor<4xf16>
}

// -----

// A kernel's epilogue settles what it stores.
// CHECK-LABEL: @kernel
// CHECK: %[[R:.*]] = bit.panel_matmul
// CHECK: ^bb0(%[[A:.*]]: f32):
// CHECK-NEXT: %[[U:.*]] = arith.cmpf uno, %[[A]], %[[A]] : f32
// CHECK-NEXT: %[[N:.*]] = arith.constant 0x7FC00000 : f32
// CHECK-NEXT: %[[S:.*]] = arith.select %[[U]], %[[N]], %[[A]] : f32
// CHECK-NEXT: bit.yield %[[S]]
// CHECK: return %[[R]]
func.func @kernel(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %y: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %0 = bit.panel_matmul ins(%x, %p : tensor<?x8xf32>, tensor<1x8x32xf32>) outs(%y : tensor<?x20xf32>) kernel = #bit.kernel<generic.panel> -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#m = affine_map<(m, n) -> (m)>

// Behind a reduction it is a loop of its own.
// CHECK-LABEL: @reduction
// CHECK: %[[R:.*]] = linalg.generic {{.*}}"reduction"
// CHECK-NOT: arith.cmpf
// CHECK: %[[D:.*]] = tensor.dim %[[R]]
// CHECK: tensor.empty(%[[D]]) : tensor<?xf32>
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[R]] : tensor<?xf32>)
// CHECK: arith.cmpf uno
// CHECK: return %[[S]]
func.func @reduction(%x: tensor<?x?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #m], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%y : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.addf %a, %o : f32
    linalg.yield %1 : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// What a loop carries is settled where it is computed, once; a private function is left alone.
// CHECK-LABEL: @loop
// CHECK: scf.for {{.*}} iter_args(%[[C:.*]] = %{{.*}})
// CHECK: %[[D:.*]] = arith.divf
// CHECK-NEXT: arith.cmpf uno, %[[D]], %[[D]] : f32
// CHECK: %[[S:.*]] = arith.select
// CHECK: %[[I:.*]] = tensor.insert %[[S]] into %[[C]]
// CHECK-NEXT: scf.yield %[[I]]
// CHECK-LABEL: func.func private @private
// CHECK-NOT: arith.cmpf
func.func @loop(%x: tensor<8xf32>, %n: index) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> tensor<8xf32> {
    %a = tensor.extract %y[%i] : tensor<8xf32>
    %b = arith.divf %a, %a : f32
    %r = tensor.insert %b into %y[%i] : tensor<8xf32>
    scf.yield %r : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}
func.func private @private(%x: tensor<f32>) -> tensor<f32> {
  %0 = arith.addf %x, %x : tensor<f32>
  return %0 : tensor<f32>
}

// -----

#id = affine_map<(m) -> (m)>

// Bits are seen where floats are read as integers; those of inputs are theirs.
// CHECK-LABEL: @bits
// CHECK: ^bb0(%[[A:.*]]: f32,
// CHECK-NEXT: %[[M:.*]] = arith.subf
// CHECK-NEXT: arith.cmpf uno, %[[M]], %[[M]] : f32
// CHECK: %[[S:.*]] = arith.select
// CHECK-NEXT: arith.bitcast %[[S]] : f32 to i32
// CHECK-NEXT: arith.bitcast %[[A]] : f32 to i32
func.func @bits(%x: tensor<8xf32>, %y: tensor<8xi32>) -> (tensor<8xi32>, tensor<8xi32>) {
  %0:2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%y, %y : tensor<8xi32>, tensor<8xi32>) {
  ^bb0(%a: f32, %o: i32, %p: i32):
    %1 = arith.subf %a, %a : f32
    %2 = arith.bitcast %1 : f32 to i32
    %3 = arith.bitcast %a : f32 to i32
    linalg.yield %2, %3 : i32, i32
  } -> (tensor<8xi32>, tensor<8xi32>)
  return %0#0, %0#1 : tensor<8xi32>, tensor<8xi32>
}
