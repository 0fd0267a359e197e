// RUN: bit-opt %s --bit-pack-weights --split-input-file --verify-diagnostics

func.func @code_outside_the_set(%x: tensor<1x3xf32>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense_resource<codes> : tensor<2x3xi8>
  // expected-error @below {{expects ternary weight codes, got 2 at [1, 0]}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      codes: "0x01000000010001020000"
    }
  }
#-}

// -----

func.func @zero_in_binary_codes(%x: tensor<1x3xf32>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense_resource<binary> : tensor<2x3xi8>
  // expected-error @below {{expects binary weight codes, got 0 at [0, 2]}}
  %y = bit.linear %x, %w, %ws weights = binary : (tensor<1x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      binary: "0x0100000001FF0001FFFF"
    }
  }
#-}

// -----

func.func @codes_without_values(%x: tensor<1x3xf32>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense_resource<elided> : tensor<2x3xi8>
  // expected-error @below {{expects weight codes with their values, got an elided resource}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @scales_without_values(%x: tensor<1x32xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<1> : tensor<2x32xi8>
  %ws = arith.constant dense_resource<elided> : tensor<2x2xf32>
  // expected-error @below {{expects weight scales with their values, got an elided resource}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x32xf32>, tensor<2x32xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
