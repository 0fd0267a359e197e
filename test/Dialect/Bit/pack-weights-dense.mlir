// RUN: bit-opt %s --bit-pack-weights=packing=dense --split-input-file | FileCheck %s --check-prefixes=CHECK,DENSE
// RUN: bit-opt %s --bit-pack-weights="packing=auto looks-up" --split-input-file | FileCheck %s --check-prefixes=CHECK,AUTO

// Weights -1 in all of 64 rows and 20 k: the sign and 1 + 3 + 9 + 27 + 81.
// CHECK-LABEL: @takes
// DENSE: arith.constant dense<-7> : tensor<256xi8>
// DENSE: kernel = #bit.kernel<generic.t5>
// DENSE-NOT: packing_declined
// AUTO: kernel = #bit.kernel<generic.p2> {bit.packing_declined = "its activations are floats"}
func.func @takes(%x: tensor<4x20xf32>, %ws: tensor<1xf32>) -> tensor<4x64xf32> {
  %w = arith.constant dense<-1> : tensor<64x20xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<4x20xf32>, tensor<64x20xi8>, tensor<1xf32>) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// -----

// CHECK-LABEL: @few_rows
// CHECK: kernel = #bit.kernel<generic.p2> {bit.packing_declined = "its 3 rows of 20 weights would not take less"}
func.func @few_rows(%x: tensor<4x20xf32>, %ws: tensor<1xf32>) -> tensor<4x3xf32> {
  %w = arith.constant dense<-1> : tensor<3x20xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<4x20xf32>, tensor<3x20xi8>, tensor<1xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: @groups
// CHECK: kernel = #bit.kernel<generic.p2> {bit.packing_declined = "it has several weight scales along k"}
func.func @groups(%x: tensor<4x40xf32>) -> tensor<4x64xf32> {
  %w = arith.constant dense<-1> : tensor<64x320xi8>
  %ws = arith.constant dense<0.5> : tensor<64x2xf32>
  %z = arith.constant dense<1.0> : tensor<4x320xf32>
  %y = bit.linear %z, %w, %ws weights = ternary : (tensor<4x320xf32>, tensor<64x320xi8>, tensor<64x2xf32>) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// -----

// CHECK-LABEL: @binary
// CHECK: kernel = #bit.kernel<generic.p1> {bit.packing_declined = "its weights are not ternary"}
func.func @binary(%x: tensor<4x320xf32>, %ws: tensor<1xf32>) -> tensor<4x64xf32> {
  %w = arith.constant dense<-1> : tensor<64x320xi8>
  %y = bit.linear %x, %w, %ws weights = binary : (tensor<4x320xf32>, tensor<64x320xi8>, tensor<1xf32>) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// -----

// Its bytes of layout P2 would not fit a thread's stack.
// CHECK-LABEL: @long
// DENSE: bit.packing_declined = "expects k of at most 15360 for kernel 'generic.t5', got 20000"
func.func @long(%x: tensor<4x20000xf32>, %ws: tensor<1xf32>) -> tensor<4x64xf32> {
  %w = arith.constant dense<-1> : tensor<64x20000xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<4x20000xf32>, tensor<64x20000xi8>, tensor<1xf32>) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}
