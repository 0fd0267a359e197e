// RUN: bit-opt %s --bit-expand-math --split-input-file --verify-diagnostics

func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'math.exp' op expects a scalar or vector of f16, bf16, f32 or f64 to be expanded, got 'tensor<4xf32>'}}
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @element_type(%x: f80) -> f80 {
  // expected-error @below {{'math.exp' op expects a scalar or vector of f16, bf16, f32 or f64 to be expanded, got 'f80'}}
  %y = math.exp %x : f80
  return %y : f80
}
