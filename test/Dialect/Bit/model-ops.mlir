// RUN: bit-opt %s | bit-opt | FileCheck %s
// RUN: bit-opt %s --emit-bytecode | bit-opt | FileCheck %s

// CHECK: bit.weight @scales at 64 = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
bit.weight @scales at 64 = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK: bit.weight @unplaced = dense<0> : tensor<3xi8>
bit.weight @unplaced = dense<0> : tensor<3xi8>
// CHECK: bit.weight @panels at 128 panels 16 transposed = dense<1> : tensor<3x5xi8>
bit.weight @panels at 128 panels 16 transposed = dense<1> : tensor<3x5xi8>
// CHECK: bit.weight @quads panels 32 quads = dense<1> : tensor<3x5xi8>
bit.weight @quads panels 32 quads = dense<1> : tensor<3x5xi8>
// CHECK: bit.weight @both at 192 panels 32 quads transposed = dense<1> : tensor<3x5xi8>
bit.weight @both at 192 panels 32 quads transposed = dense<1> : tensor<3x5xi8>

// CHECK-LABEL: @weights
func.func @weights() -> tensor<2xf32> {
  // CHECK: bit.get_weight @scales : tensor<2xf32>
  %t = bit.get_weight @scales : tensor<2xf32>
  // CHECK: bit.get_weight @scales : memref<2xf32>
  %m = bit.get_weight @scales : memref<2xf32>
  return %t : tensor<2xf32>
}

func.func private @body(!llvm.ptr, i64, i64)

// CHECK-LABEL: @runtime
func.func @runtime(%call: !bit.call, %n: index, %data: !llvm.ptr) {
  // CHECK: bit.input %{{.*}}[1] : memref<?x4xf32>
  %x = bit.input %call[1] : memref<?x4xf32>
  // CHECK: bit.weight_at %{{.*}}[%{{.*}}] : memref<4x8xf32>
  %w = bit.weight_at %call[%n] : memref<4x8xf32>
  // CHECK: bit.output %{{.*}}[0] (%{{.*}}) : memref<?x4xf32>
  %y = bit.output %call[0] (%n) : memref<?x4xf32>
  // CHECK: bit.reserve %{{.*}}[%{{.*}}] : memref<?xi8>
  %arena = bit.reserve %call[%n] : memref<?xi8>
  // CHECK: bit.allocate %{{.*}}[%{{.*}}] (%{{.*}}) : memref<?xf32>
  %t = bit.allocate %call[%n] (%n) : memref<?xf32>
  // CHECK: bit.num_threads %{{.*}}
  %threads = bit.num_threads %call
  // CHECK: bit.parallel_for %{{.*}} @body(%{{.*}} : !llvm.ptr) count %{{.*}}
  bit.parallel_for %call @body(%data : !llvm.ptr) count %n
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32>
  return
}

// CHECK-LABEL: @siblings
func.func @siblings(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c = arith.constant 1.0 : f32
  // CHECK: bit.siblings {
  // CHECK-NEXT: linalg.fill
  // CHECK-NEXT: }, {
  // CHECK-NEXT: linalg.fill
  // CHECK-NEXT: } {bit.layer = 1 : i64}
  bit.siblings {
    linalg.fill ins(%c : f32) outs(%x : memref<8xf32>)
  }, {
    linalg.fill ins(%c : f32) outs(%y : memref<8xf32>)
  } {bit.layer = 1}
  // CHECK: bit.siblings ordered {
  bit.siblings ordered {
    linalg.fill ins(%c : f32) outs(%x : memref<8xf32>)
  }, {
    linalg.copy ins(%x : memref<8xf32>) outs(%y : memref<8xf32>)
  }
  return
}

// CHECK-LABEL: @ranges
func.func @ranges(%n: index) {
  // CHECK: bit.parallel_ranges %{{.*}} {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
  bit.parallel_ranges %n {
  ^bb0(%lo: index, %hi: index):
    %size = arith.subi %hi, %lo : index
  }
  return
}
