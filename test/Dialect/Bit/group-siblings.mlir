// RUN: bit-opt %s --bit-group-siblings --split-input-file | FileCheck %s

// Queries, keys and values: of other sizes, with a copy of one of them between
// two. What a later one writes is allocated before; layers stay in order.
// CHECK-LABEL: @three
// CHECK-COUNT-4: memref.alloc()
// CHECK: bit.siblings {
// CHECK-NEXT: bit.packed_matmul {{.*}} outs(%{{.*}} : memref<2x4xf32>) n = 4
// CHECK-NOT: bit.layer
// CHECK: }, {
// CHECK-NEXT: bit.packed_matmul {{.*}} outs(%{{.*}} : memref<2x20xf32>) n = 20
// CHECK-NEXT: }, {
// CHECK-NEXT: bit.packed_matmul
// CHECK-NEXT: } {bit.layer = [{name = "q"}, unit, {name = "v"}]}
// CHECK: linalg.copy
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @three(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> (memref<2x20xf32>, memref<2x4xf32>, memref<2x4xf32>) {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %out = memref.alloc() : memref<2x4xf32>
  %ww = bit.get_weight @wide : memref<128xi8>
  %a = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2> {bit.layer = {name = "q"}}
  linalg.copy ins(%a : memref<2x4xf32>) outs(%out : memref<2x4xf32>)
  %b = memref.alloc() : memref<2x20xf32>
  bit.packed_matmul ins(%x, %ww, %ws : memref<2x16xi8>, memref<128xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x20xf32>)
      n = 20 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  %c = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%c : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2> {bit.layer = {name = "v"}}
  return %b, %c, %out : memref<2x20xf32>, memref<2x4xf32>, memref<2x4xf32>
}

// -----

// The second multiplies by the first's elements.
// CHECK-LABEL: @gate
// CHECK: bit.siblings ordered {
// CHECK: }, {
// CHECK: bit.packed_matmul {{.*}} with(
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @gate(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>)
      with(%a : memref<2x4xf32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
      epilogue {
      ^bb0(%r: f32, %g: f32):
        %p = arith.mulf %r, %g : f32
        bit.yield %p : f32
      }
  return %b : memref<2x4xf32>
}

// -----

// In branches, too, and with rows that are not known.
// CHECK-LABEL: @branch
// CHECK: scf.if
// CHECK: bit.siblings {
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @branch(%x: memref<?x16xi8>, %xs: memref<?xf32>, %sum: memref<?xi32>, %out: memref<?x4xf32>, %if: i1) -> memref<?xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?x16xi8>
  scf.if %if {
    %a = memref.alloc(%m) : memref<?x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%a : memref<?x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
    %b = memref.alloc(%m) : memref<?x4xf32>
  bit.packed_matmul ins(%x, %wb, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%b : memref<?x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
    linalg.copy ins(%a : memref<?x4xf32>) outs(%out : memref<?x4xf32>)
    linalg.copy ins(%b : memref<?x4xf32>) outs(%out : memref<?x4xf32>)
  }
  return %xs : memref<?xf32>
}

// -----

// Other activations.
// CHECK-LABEL: @other_x
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @other_x(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>, %z: memref<2x16xi8>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%z, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %b : memref<2x4xf32>
}

// -----

// Of buffers that nobody allocated it is not known that they are two.
// CHECK-LABEL: @unknown
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @unknown(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>, %a: memref<2x4xf32>, %b: memref<2x4xf32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %b : memref<2x4xf32>
}

// -----

// The same buffer.
// CHECK-LABEL: @same
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @same(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %b : memref<2x4xf32>
}

// -----

// What the second reads is written between the two.
// CHECK-LABEL: @between
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @between(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  %z = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  linalg.copy ins(%a : memref<2x4xf32>) outs(%z : memref<2x4xf32>)
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>)
      with(%z : memref<2x4xf32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
      epilogue {
      ^bb0(%r: f32, %g: f32):
        %p = arith.mulf %r, %g : f32
        bit.yield %p : f32
      }
  return %b : memref<2x4xf32>
}

// -----

// What the second writes is read between the two, by a region.
// CHECK-LABEL: @read_between
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @read_between(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>, %out: memref<2x4xf32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} outs(%out : memref<2x4xf32>) {
  ^bb0(%o: f32):
    %old = memref.load %b[%c0, %c0] : memref<2x4xf32>
    linalg.yield %old : f32
  }
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %b : memref<2x4xf32>
}

// -----

// A call may do anything.
// CHECK-LABEL: @call
// CHECK-NOT: bit.siblings
// CHECK: return
func.func private @any()
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @call(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  call @any() : () -> ()
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %b : memref<2x4xf32>
}

// -----

// A row of the gate for all rows is no element of the same place.
// CHECK-LABEL: @row
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @row(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %all = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  %row = memref.subview %all[0, 0] [1, 4] [1, 1] : memref<2x4xf32> to memref<1x4xf32, strided<[4, 1]>>
  %a = memref.collapse_shape %row [[0, 1]] : memref<1x4xf32, strided<[4, 1]>> into memref<4xf32, strided<[1]>>
  %c = memref.cast %a : memref<4xf32, strided<[1]>> to memref<4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%all : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>)
      with(%c : memref<4xf32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
      epilogue {
      ^bb0(%r: f32, %g: f32):
        %p = arith.mulf %r, %g : f32
        bit.yield %p : f32
      }
  return %b : memref<2x4xf32>
}

// -----

// Gates of other codes.
// CHECK-LABEL: @other_range
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @wide = dense<3> : tensor<128xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @other_range(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>) -> memref<2x4xf32> {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>)
      with(%a : memref<2x4xf32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-127, 127] kernel = #bit.kernel<generic.p2>
      epilogue {
      ^bb0(%r: f32, %g: f32):
        %p = arith.mulf %r, %g : f32
        bit.yield %p : f32
      }
  return %b : memref<2x4xf32>
}

// -----

// Outputs of the model share no memory with each other or with inputs, which
// the runtime sees to. What makes their memory stands before all members then.
// CHECK-LABEL: @outputs
// CHECK: bit.output {{.*}}[0]
// CHECK: bit.output {{.*}}[1]
// CHECK: bit.siblings {
// CHECK: }, {
// CHECK: linalg.copy
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @outputs(%call: !bit.call) -> i32 {
  %z = memref.alloc() : memref<2x4xf32>
  %x = bit.input %call[0] : memref<2x16xi8>
  %xs = bit.input %call[1] : memref<2xf32>
  %sum = bit.input %call[2] : memref<2xi32>
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = bit.output %call[0]() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  linalg.copy ins(%a : memref<2x4xf32>) outs(%z : memref<2x4xf32>)
  %b = bit.output %call[1]() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

// The second is written where the first reads: its memory is used again.
// CHECK-LABEL: @reused
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @reused(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>, %start: memref<2x4xf32>) -> (memref<2x4xf32>, memref<2x4xf32>) {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %residual = memref.alloc() : memref<2x4xf32>
  linalg.copy ins(%start : memref<2x4xf32>) outs(%residual : memref<2x4xf32>)
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>)
      with(%residual : memref<2x4xf32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
      epilogue {
      ^bb0(%r: f32, %g: f32):
        %p = arith.addf %r, %g : f32
        bit.yield %p : f32
      }
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%residual : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %a, %residual : memref<2x4xf32>, memref<2x4xf32>
}

// -----

// The second writes the codes that both read.
// CHECK-LABEL: @overwritten_codes
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @overwritten_codes(%xs: memref<2xf32>, %sum: memref<2xi32>, %bytes: memref<32xi8>) -> (memref<2x4xf32>, memref<32xi8>) {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %zero = arith.constant 0 : index
  %all = memref.alloc() : memref<32xi8>
  linalg.copy ins(%bytes : memref<32xi8>) outs(%all : memref<32xi8>)
  %x = memref.view %all[%zero][] : memref<32xi8> to memref<2x16xi8>
  %b = memref.view %all[%zero][] : memref<32xi8> to memref<2x4xf32>
  %a = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %a, %all : memref<2x4xf32>, memref<32xi8>
}

// -----

// The codes themselves are made anew between the two.
// CHECK-LABEL: @new_codes
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @new_codes(%first: memref<2x16xf32>, %second: memref<2x16xf32>) -> (memref<2x4xf32>, memref<2x4xf32>) {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %x = memref.alloc() : memref<2x16xi8>
  %xs = memref.alloc() : memref<2xf32>
  %sum = memref.alloc() : memref<2xi32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.absmax_quantize ins(%first : memref<2x16xf32>) outs(%x, %xs, %sum : memref<2x16xi8>, memref<2xf32>, memref<2xi32>) quantizer = <bits = 8>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.absmax_quantize ins(%second : memref<2x16xf32>) outs(%x, %xs, %sum : memref<2x16xi8>, memref<2xf32>, memref<2xi32>) quantizer = <bits = 8>
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %a, %b : memref<2x4xf32>, memref<2x4xf32>
}

// -----

// A check between the two ends the run before the second.
// CHECK-LABEL: @checked
// CHECK-NOT: bit.siblings
// CHECK: return
bit.weight @a = dense<1> : tensor<64xi8>
bit.weight @b = dense<2> : tensor<64xi8>
bit.weight @scale = dense<0.5> : tensor<1xf32>
func.func @checked(%x: memref<2x16xi8>, %xs: memref<2xf32>, %sum: memref<2xi32>, %holds: i1) -> (memref<2x4xf32>, memref<2x4xf32>) {
  %wa = bit.get_weight @a : memref<64xi8>
  %wb = bit.get_weight @b : memref<64xi8>
  %ws = bit.get_weight @scale : memref<1xf32>
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  bit.packed_matmul ins(%x, %wa, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%a : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  cf.assert %holds, "expects it"
  bit.packed_matmul ins(%x, %wb, %ws : memref<2x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<2xf32>, memref<2xi32>) outs(%b : memref<2x4xf32>)
      n = 4 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return %a, %b : memref<2x4xf32>, memref<2x4xf32>
}
