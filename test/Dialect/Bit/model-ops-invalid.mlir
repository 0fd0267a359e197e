// RUN: bit-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{'bit.weight' op expects a value of static shape of numbers, got 'tensor<1xindex>'}}
bit.weight @weight_c1 = dense<1> : tensor<1xindex>

// -----

// expected-error @below {{'bit.weight' op expects an offset that is a non-negative multiple of 64, got 32}}
bit.weight @weight_c2 at 32 = dense<1> : tensor<1xi8>

// -----

// expected-error @below {{'bit.weight' op expects panels of a multiple of 16 columns of a matrix of f32, f16, bf16 or i8, quads of i8, got 8 of 'tensor<1x1xf32>'}}
bit.weight @weight_c3 panels 8 = dense<1.0> : tensor<1x1xf32>

// -----

// expected-error @below {{'bit.weight' op expects panels of a multiple of 16 columns of a matrix of f32, f16, bf16 or i8, quads of i8, got 16 of 'tensor<1x1xi32>'}}
bit.weight @weight_c3_type panels 16 = dense<1> : tensor<1x1xi32>

// -----

// expected-error @below {{'bit.weight' op expects panels of a multiple of 16 columns of a matrix of f32, f16, bf16 or i8, quads of i8, got 0 of 'tensor<1x1xf32>'}}
bit.weight @weight_c3_transposed transposed = dense<1.0> : tensor<1x1xf32>

// -----

// expected-error @below {{'bit.weight' op expects panels of a multiple of 16 columns of a matrix of f32, f16, bf16 or i8, quads of i8, got 16 of 'tensor<1x1xf16>'}}
bit.weight @weight_c3_quads_type panels 16 quads = dense<1.0> : tensor<1x1xf16>

// -----

// expected-error @below {{'bit.weight' op expects panels of a multiple of 16 columns of a matrix of f32, f16, bf16 or i8, quads of i8, got 0 of 'tensor<1x1xi8>'}}
bit.weight @weight_c3_quads quads = dense<1> : tensor<1x1xi8>

// -----

func.func @get_weight_c1() -> tensor<1xi8> {
  // expected-error @below {{'bit.get_weight' op expects the name of a bit.weight, got @nobody}}
  %w = bit.get_weight @nobody : tensor<1xi8>
  return %w : tensor<1xi8>
}

// -----

bit.weight @w = dense<1> : tensor<1xi8>
func.func @get_weight_c2() -> tensor<2xi8> {
  // expected-error @below {{'bit.get_weight' op expects a result with the weight's shape and element type, 'tensor<1xi8>', got 'tensor<2xi8>'}}
  %w = bit.get_weight @w : tensor<2xi8>
  return %w : tensor<2xi8>
}

// -----

func.func @output_c1(%call: !bit.call) {
  // expected-error @below {{'bit.output' op expects 1 sizes, one a dynamic dimension, got 0}}
  %y = bit.output %call[0] () : memref<?x4xf32>
  return
}

// -----

func.func @allocate_c1(%call: !bit.call, %n: index) {
  // expected-error @below {{'bit.allocate' op expects 0 sizes, one a dynamic dimension, got 1}}
  %y = bit.allocate %call[%n] (%n) : memref<4xf32>
  return
}

// -----

func.func private @no_range(!llvm.ptr)
func.func @parallel_for_c1(%call: !bit.call, %n: index, %data: !llvm.ptr) {
  // expected-error @below {{'bit.parallel_for' op expects a function of '!llvm.ptr', i64 and i64, got @no_range}}
  bit.parallel_for %call @no_range(%data : !llvm.ptr) count %n
  return
}

// -----

func.func @siblings_c1() {
  // expected-error @below {{'bit.siblings' op expects two members or more, got 1}}
  bit.siblings {
    %c = arith.constant 0 : index
  }
  return
}

// -----

func.func @siblings_c1_ordered() {
  // expected-error @below {{'bit.siblings' op expects two members, got 3}}
  bit.siblings ordered {
    %a = arith.constant 0 : index
  }, {
    %b = arith.constant 0 : index
  }, {
    %c = arith.constant 0 : index
  }
  return
}

// -----

func.func @parallel_ranges_c1(%n: index) {
  // expected-error @below {{'bit.parallel_ranges' op expects a region with two arguments of type index, got 'index'}}
  bit.parallel_ranges %n {
  ^bb0(%lo: index):
    %c = arith.constant 0 : index
  }
  return
}

// -----

func.func @parallel_ranges_c1_types(%n: index) {
  // expected-error @below {{expects a region with two arguments of type index, got 'index', 'i64'}}
  bit.parallel_ranges %n {
  ^bb0(%lo: index, %hi: i64):
    %c = arith.constant 0 : index
  }
  return
}
