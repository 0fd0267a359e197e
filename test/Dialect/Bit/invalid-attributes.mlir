// RUN: bit-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expects bits of 2 to 8, got 9}}
func.func private @quantizer_c1() attributes {q = #bit.quantizer<bits = 9>}

// -----

// expected-error @below {{expects eps that is finite and not negative, got -1.000000e+00}}
func.func private @quantizer_c2() attributes {q = #bit.quantizer<eps = -1.0>}

// -----

// expected-error @below {{expects a clamp range that holds 0 within [-128, 127], got [1, 7]}}
func.func private @quantizer_c3() attributes {q = #bit.quantizer<clamp = [1, 7]>}

// -----

// expected-error @below {{expects no dequant with scale = inverse, got direct}}
func.func private @quantizer_c4() attributes {q = #bit.quantizer<scale = inverse, dequant = direct>}

// -----

// expected-error @below {{expects no dequant with scale = mul_div, got direct}}
func.func private @quantizer_no_factor() attributes {q = #bit.quantizer<scale = mul_div, dequant = direct>}

// -----

// expected-error @below {{expects no eps_mode = clamp_step with scale = div}}
func.func private @quantizer_c5() attributes {q = #bit.quantizer<scale = div, eps_mode = clamp_step>}

// -----

// expected-error @below {{expects eps that is a number of f16, got 1.000000e-05}}
func.func private @quantizer_c6() attributes {q = #bit.quantizer<compute = f16>}

// -----

// expected-error @below {{expects max of 1 to 128, got 129}}
func.func private @quantizer_c7() attributes {q = #bit.quantizer<max = 129>}

// -----

// expected-error @below {{expects bits, max, granularity, statistic, eps, eps_mode, scale, dequant, clamp, rounding, overflow or compute, got 'bit'}}
func.func private @quantizer_unknown() attributes {q = #bit.quantizer<bit = 8>}

// -----

// expected-error @below {{expects 'bits' once}}
func.func private @quantizer_twice() attributes {q = #bit.quantizer<bits = 8, bits = 8>}

// -----

// expected-error @below {{expects clamp = [low, high], got 3 numbers}}
func.func private @quantizer_clamp() attributes {q = #bit.quantizer<clamp = [-1, 0, 1]>}

// -----

// expected-error @below {{expects a kernel name of letters, digits, '_' and '.', got 'a$b'}}
func.func private @kernel_c1() attributes {k = #bit.kernel<a$b>}

// -----

// expected-error @below {{expects positive tile sizes, got 0}}
func.func private @kernel_c2() attributes {k = #bit.kernel<generic.p2, tile = [4, 0]>}
