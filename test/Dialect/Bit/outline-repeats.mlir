// RUN: bit-opt %s --split-input-file --bit-outline-repeats=min-ops=2 | FileCheck %s
// RUN: bit-opt %s --split-input-file --bit-outline-repeats | FileCheck %s --check-prefix=MIN

bit.weight @w0 at 0 = dense<1> : tensor<4xi8>
bit.weight @w1 at 64 = dense<2> : tensor<4xi8>
bit.weight @w2 at 128 = dense<3> : tensor<4xi8>
bit.weight @shared at 192 = dense<4> : tensor<4xi8>
func.func private @scale(!bit.call, memref<4xi8>, memref<?xf32>)
func.func private @add(!bit.call, memref<?xf32>, memref<?xf32>)

// Three layers that differ in their weights and places: one function. What
// they share is made inside, but for the numbers that it depends on.
// CHECK-LABEL: func @layers
// CHECK-SAME: (%[[CALL:.*]]: !bit.call, %[[N:.*]]: index)
// CHECK: %[[ARENA:.*]] = bit.reserve
// CHECK-DAG: %[[P0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[P64:.*]] = arith.constant 64 : index
// CHECK: %[[W0:.*]] = arith.constant 0 : index
// CHECK: call @layer(%[[CALL]], %[[W0]], %[[ARENA]], %[[P0]], %[[N]], %[[P64]]) {bit.layers = [{name = "a"}]}
// CHECK: %[[W1:.*]] = arith.constant 64 : index
// CHECK: call @layer(%[[CALL]], %[[W1]], %[[ARENA]], %[[P64]], %[[N]], %[[P0]]) {bit.layers = [{name = "b"}]}
// CHECK: %[[W2:.*]] = arith.constant 128 : index
// CHECK: call @layer(%[[CALL]], %[[W2]], %[[ARENA]], %[[P0]], %[[N]], %[[P64]]) {bit.layers = [{name = "c"}]}
// CHECK-NOT: call @
// CHECK: return
// CHECK: func.func private @layer(%[[C:.*]]: !bit.call, %[[O:.*]]: index, %[[A:.*]]: memref<?xi8>, %[[X:.*]]: index, %[[M:.*]]: index, %[[Y:.*]]: index) {
// CHECK: %[[W:.*]] = bit.weight_at %[[C]][%[[O]]] : memref<4xi8>
// CHECK: %[[VX:.*]] = memref.view %[[A]][%[[X]]][%[[M]]]
// CHECK: call @scale(%[[C]], %[[W]], %[[VX]])
// CHECK: %[[S:.*]] = bit.get_weight @shared
// CHECK: %[[VY:.*]] = memref.view %[[A]][%[[Y]]][%[[M]]]
// CHECK: call @scale(%[[C]], %[[S]], %[[VY]])
// CHECK: call @add(%[[C]], %[[VX]], %[[VY]])
// CHECK-NEXT: return
// MIN-NOT: call @layer
func.func @layers(%call: !bit.call, %n: index) -> i32 {
  %arena = bit.reserve %call[%n] : memref<?xi8>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %w0 = bit.get_weight @w0 : memref<4xi8>
  %w1 = bit.get_weight @w1 : memref<4xi8>
  %w2 = bit.get_weight @w2 : memref<4xi8>
  %s = bit.get_weight @shared : memref<4xi8>
  %a = memref.view %arena[%c0][%n] : memref<?xi8> to memref<?xf32>
  %b = memref.view %arena[%c64][%n] : memref<?xi8> to memref<?xf32>
  call @scale(%call, %w0, %a) {bit.layer = {name = "a"}} : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @scale(%call, %s, %b) : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @add(%call, %a, %b) : (!bit.call, memref<?xf32>, memref<?xf32>) -> ()
  call @scale(%call, %w1, %b) {bit.layer = {name = "b"}} : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @scale(%call, %s, %a) : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @add(%call, %b, %a) : (!bit.call, memref<?xf32>, memref<?xf32>) -> ()
  call @scale(%call, %w2, %a) {bit.layer = {name = "c"}} : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @scale(%call, %s, %b) : (!bit.call, memref<4xi8>, memref<?xf32>) -> ()
  call @add(%call, %a, %b) : (!bit.call, memref<?xf32>, memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

bit.weight @w0 at 0 = dense<1> : tensor<4xi8>
bit.weight @b0 at 64 = dense<2> : tensor<2xi8>
bit.weight @w1 at 128 = dense<3> : tensor<4xi8>
bit.weight @b1 at 192 = dense<4> : tensor<2xi8>
bit.weight @c0 at 256 = dense<5> : tensor<2xi8>
bit.weight @c1 at 384 = dense<6> : tensor<2xi8>
func.func private @product(!bit.call, memref<4xi8>, memref<2xi8>)

// Weights that lie as far apart in every repetition are one argument.
// CHECK-LABEL: func @apart
// CHECK: %[[W0:.*]] = arith.constant 0 : index
// CHECK: call @layer(%{{.*}}, %[[W0]]) {bit.layers = []}
// CHECK: %[[W1:.*]] = arith.constant 128 : index
// CHECK: call @layer(%{{.*}}, %[[W1]]) {bit.layers = []}
// CHECK: func.func private @layer(%{{.*}}: !bit.call, %[[W:.*]]: index)
// CHECK: bit.weight_at %{{.*}}[%[[W]]] : memref<4xi8>
// CHECK: %[[D:.*]] = arith.constant 64 : index
// CHECK: %[[B:.*]] = arith.addi %[[W]], %[[D]]
// CHECK: bit.weight_at %{{.*}}[%[[B]]] : memref<2xi8>
// CHECK: %[[E:.*]] = arith.constant 256 : index
// CHECK: %[[C:.*]] = arith.addi %[[W]], %[[E]]
// CHECK: bit.weight_at %{{.*}}[%[[C]]] : memref<2xi8>
func.func @apart(%call: !bit.call) -> i32 {
  %w0 = bit.get_weight @w0 : memref<4xi8>
  %b0 = bit.get_weight @b0 : memref<2xi8>
  %w1 = bit.get_weight @w1 : memref<4xi8>
  %b1 = bit.get_weight @b1 : memref<2xi8>
  %c0 = bit.get_weight @c0 : memref<2xi8>
  %c1 = bit.get_weight @c1 : memref<2xi8>
  call @product(%call, %w0, %b0) : (!bit.call, memref<4xi8>, memref<2xi8>) -> ()
  memref.copy %b0, %c0 : memref<2xi8> to memref<2xi8>
  call @product(%call, %w1, %b1) : (!bit.call, memref<4xi8>, memref<2xi8>) -> ()
  memref.copy %b1, %c1 : memref<2xi8> to memref<2xi8>
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

func.func private @scale(!bit.call, memref<?xf32>)
func.func private @add(!bit.call, memref<?xf32>, memref<?xf32>)

// Two repetitions are enough, from wherever they begin; a third one that calls
// something else stays.
// CHECK-LABEL: func @near
// CHECK: call @add
// CHECK-NEXT: call @layer(%arg0, %arg1, %arg2)
// CHECK-NEXT: call @layer(%arg0, %arg2, %arg1)
// CHECK-NEXT: call @scale
// CHECK-NEXT: call @add
// CHECK-NOT: call @
// CHECK: return
func.func @near(%call: !bit.call, %x: memref<?xf32>, %y: memref<?xf32>) -> i32 {
  call @add(%call, %x, %y) : (!bit.call, memref<?xf32>, memref<?xf32>) -> ()
  call @scale(%call, %x) : (!bit.call, memref<?xf32>) -> ()
  memref.copy %x, %y : memref<?xf32> to memref<?xf32>
  call @scale(%call, %y) : (!bit.call, memref<?xf32>) -> ()
  memref.copy %y, %x : memref<?xf32> to memref<?xf32>
  call @scale(%call, %x) : (!bit.call, memref<?xf32>) -> ()
  call @add(%call, %x, %x) : (!bit.call, memref<?xf32>, memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

func.func private @scale(!bit.call, memref<?xf32>)
func.func private @scale4(!bit.call, memref<4xf32>)

// Other types, and regions that compute something else, are no repetition.
// CHECK-LABEL: func @types
// CHECK-NOT: call @layer
// CHECK: return
func.func @types(%call: !bit.call, %x: memref<?xf32>, %y: memref<4xf32>) -> i32 {
  %zero = arith.constant 0.0 : f32
  call @scale(%call, %x) : (!bit.call, memref<?xf32>) -> ()
  linalg.fill ins(%zero : f32) outs(%x : memref<?xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%y : memref<4xf32>) {
  ^bb0(%e: f32):
    %r = arith.addf %e, %e : f32
    linalg.yield %r : f32
  }
  call @scale4(%call, %y) : (!bit.call, memref<4xf32>) -> ()
  linalg.fill ins(%zero : f32) outs(%y : memref<4xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%y : memref<4xf32>) {
  ^bb0(%e: f32):
    %r = arith.mulf %e, %e : f32
    linalg.yield %r : f32
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

func.func private @scale(!bit.call, f32, memref<?xf32>)

// A value that one repetition reads and uses stays in it.
// CHECK-LABEL: func @inside
// CHECK-COUNT-2: call @layer(%arg0, %arg{{[12]}}, %arg{{[12]}})
// CHECK: func.func private @layer(%{{.*}}: !bit.call, %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>)
// CHECK: %[[I:.*]] = arith.constant 0 : index
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[I]]]
// CHECK: %[[D:.*]] = arith.addf %[[V]], %[[V]]
// CHECK: call @scale(%{{.*}}, %[[D]], %[[Y]])
func.func @inside(%call: !bit.call, %x: memref<?xf32>, %y: memref<?xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<?xf32>
  %d = arith.addf %v, %v : f32
  call @scale(%call, %d, %y) : (!bit.call, f32, memref<?xf32>) -> ()
  %v1 = memref.load %y[%c0] : memref<?xf32>
  %d1 = arith.addf %v1, %v1 : f32
  call @scale(%call, %d1, %x) : (!bit.call, f32, memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

func.func private @scale(!bit.call, f32, memref<?xf32>)

// One that another repetition uses, too, would have to leave the function.
// CHECK-LABEL: func @escapes
// CHECK-NOT: call @layer
// CHECK: return
func.func @escapes(%call: !bit.call, %x: memref<?xf32>, %y: memref<?xf32>) -> i32 {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<?xf32>
  call @scale(%call, %v, %y) : (!bit.call, f32, memref<?xf32>) -> ()
  %v1 = memref.load %y[%c0] : memref<?xf32>
  %d1 = arith.addf %v, %v1 : f32
  call @scale(%call, %d1, %x) : (!bit.call, f32, memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// -----

func.func private @scale(!bit.call, memref<?xf32>)

// Checks of sizes run before the call, and outputs are made there; a check of
// data names the node that failed, so it ends the run.
// CHECK-LABEL: func @checks
// CHECK: %[[OK0:.*]] = arith.cmpi eq
// CHECK-NEXT: cf.assert %[[OK0]], "expects 4"
// CHECK-NEXT: call @layer
// CHECK: bit.output %{{.*}}[1]
// CHECK: %[[OK1:.*]] = arith.cmpi eq
// CHECK-NEXT: cf.assert %[[OK1]], "expects 5"
// CHECK-NEXT: call @layer
// CHECK-NEXT: %[[V:.*]] = memref.load
// CHECK-NEXT: cf.assert %[[V]], "expects true"
// CHECK-NEXT: memref.copy
// CHECK-NEXT: call @scale
// CHECK-NEXT: %[[V:.*]] = memref.load
// CHECK-NEXT: cf.assert %[[V]], "expects true"
// CHECK-NEXT: memref.copy
// CHECK-NEXT: call @scale
// CHECK: return
func.func @checks(%call: !bit.call, %n: index, %m: index, %x: memref<?xf32>, %f: memref<i1>) -> i32 {
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %ok = arith.constant 0 : i32
  %y = bit.output %call[0] (%n) : memref<?xf32>
  memref.copy %x, %y : memref<?xf32> to memref<?xf32>
  %ok0 = arith.cmpi eq, %n, %c4 : index
  cf.assert %ok0, "expects 4"
  call @scale(%call, %y) : (!bit.call, memref<?xf32>) -> ()
  %z = bit.output %call[1] (%n) : memref<?xf32>
  memref.copy %x, %z : memref<?xf32> to memref<?xf32>
  %ok1 = arith.cmpi eq, %m, %c5 : index
  cf.assert %ok1, "expects 5"
  call @scale(%call, %z) : (!bit.call, memref<?xf32>) -> ()
  %v0 = memref.load %f[] : memref<i1>
  cf.assert %v0, "expects true"
  memref.copy %x, %y : memref<?xf32> to memref<?xf32>
  call @scale(%call, %y) : (!bit.call, memref<?xf32>) -> ()
  %v1 = memref.load %f[] : memref<i1>
  cf.assert %v1, "expects true"
  memref.copy %x, %y : memref<?xf32> to memref<?xf32>
  call @scale(%call, %y) : (!bit.call, memref<?xf32>) -> ()
  return %ok : i32
}
