// RUN: bit-opt %s --split-input-file --verify-diagnostics

func.func @constant_type() -> tensor<3xf32> {
  // expected-error @+1 {{op failed to verify that all of {value, output} have same type}}
  %0 = "onnx.Constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @constant_value() -> tensor<2xf32> {
  // expected-error @+1 {{op requires attribute 'value'}}
  %0 = "onnx.Constant"() : () -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @constant_element_type() {
  // expected-error-re @+1 {{op result #0 must be ranked tensor of {{.*}} values, but got 'tensor<2xi3>'}}
  %0 = onnx.Constant dense<1> : tensor<2xi3>
  return
}

// -----

func.func @element_type(%x: tensor<2xi32>) {
  // expected-error @+1 {{op operand #0 must be ranked tensor of bfloat16 type or 16-bit float or 32-bit float or 64-bit float values, but got 'tensor<2xi32>'}}
  %0 = onnx.Exp %x : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @unranked(%x: tensor<*xf32>) {
  // expected-error-re @+1 {{op operand #0 must be ranked tensor of {{.*}} values, but got 'tensor<*xf32>'}}
  %0 = onnx.Exp %x : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @required_attribute(%x: tensor<2xf32>) {
  // expected-error @+1 {{op requires attribute 'axis'}}
  %0 = onnx.Concat %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @segments(%x: tensor<2xf32>) {
  // expected-error @+1 {{op operand count (1) does not match with the total size (2) specified in attribute 'operandSegmentSizes'}}
  %0 = onnx.Clip %x {operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @yield_parent(%x: tensor<2xf32>) {
  // expected-error @+1 {{op expects parent op to be one of 'onnx.If, onnx.Loop, onnx.Scan'}}
  onnx.Yield %x : tensor<2xf32>
}

// -----

func.func @yield_count(%c: tensor<i1>, %x: tensor<2xf32>) {
  %0 = onnx.If %c : (tensor<i1>) -> tensor<2xf32> {
    onnx.Yield %x : tensor<2xf32>
  } {
    // expected-error @+1 {{op expects 1 values in a body of onnx.If, got 2}}
    onnx.Yield %x, %x : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @yield_loop_count(%m: tensor<i64>, %x: tensor<2xf32>) {
  %0 = onnx.Loop %m, %x {operandSegmentSizes = array<i32: 1, 0, 1>}
    : (tensor<i64>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i64>, %cond: tensor<i1>, %v: tensor<2xf32>):
    // expected-error @+1 {{op expects 2 values in a body of onnx.Loop, got 1}}
    onnx.Yield %v : tensor<2xf32>
  }
  return
}

// -----

func.func @yield_type(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<2xi32>) {
  %0 = onnx.If %c : (tensor<i1>) -> tensor<2xf32> {
    // expected-error @+1 {{op expects elements of result 0, 'f32', got 'i32'}}
    onnx.Yield %y : tensor<2xi32>
  } {
    onnx.Yield %x : tensor<2xf32>
  }
  return
}
