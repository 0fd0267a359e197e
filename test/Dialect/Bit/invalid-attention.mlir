// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

func.func @attention_c1(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x8xf32>, %v: memref<1x2x3x16xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects q of B x H x L x D, k of B x G x T x D and v of B x G x T x E, got 1x4x2x16, 1x2x3x8 and 1x2x3x16}}
  bit.attention ins(%q, %k, %v : memref<1x4x2x16xf32>, memref<1x2x3x8xf32>, memref<1x2x3x16xf32>)
      outs(%y : memref<1x4x2x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c1(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf64>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects operands of one float type, got 'f32' and 'f64'}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf64>, memref<1x2x3x16xf64>)
      outs(%y : memref<1x4x2x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c2(%q: memref<1x4x2x16xf32>, %k: memref<1x3x3x16xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects query heads divisible by key heads, got 4 and 3}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x3x3x16xf32>, memref<1x3x3x16xf32>)
      outs(%y : memref<1x4x2x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c3(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %r: memref<1x3x2xi64>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects range of 1x2x2, got 1x3x2}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      range(%r : memref<1x3x2xi64>) outs(%y : memref<1x4x2x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c4(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %m: memref<1x1x2x1xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects mask of 1x4x2x3, repeated where 1, got 1x1x2x1}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      mask(%m : memref<1x1x2x1xf32>) outs(%y : memref<1x4x2x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c5(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %y: memref<1x4x3x16xf32>) {
  // expected-error @below {{'bit.attention' op expects an init of 1x4x2x16, got 1x4x3x16}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      outs(%y : memref<1x4x3x16xf32>) scale = 1.0
  return
}

// -----

func.func @attention_c6(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects a finite scale, got INF}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      outs(%y : memref<1x4x2x16xf32>) scale = 0x7FF0000000000000
  return
}

// -----

func.func @attention_c6(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects a positive, finite softcap, got -1}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      outs(%y : memref<1x4x2x16xf32>) scale = 1.0 softcap = -1.0
  return
}

// -----

func.func @attention_c7(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %y: tensor<1x4x2x16xf32>) -> tensor<1x4x2x16xf32> {
  // expected-error @below {{'bit.attention' op expects only tensors or only memrefs, got both}}
  %r = bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      outs(%y : tensor<1x4x2x16xf32>) scale = 1.0 -> tensor<1x4x2x16xf32>
  return %r : tensor<1x4x2x16xf32>
}

// -----

func.func @attention_c8(%q: memref<1x4x2x16xf32>, %k: memref<1x2x3x16xf32>, %y: memref<1x4x2x16xf32>) {
  // expected-error @below {{'bit.attention' op expects one of keep_nan and zero_nan, got both}}
  bit.attention ins(%q, %k, %k : memref<1x4x2x16xf32>, memref<1x2x3x16xf32>, memref<1x2x3x16xf32>)
      outs(%y : memref<1x4x2x16xf32>) scale = 1.0 keep_nan zero_nan
  return
}
