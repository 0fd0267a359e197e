"""Activation quantizers in every form that the compiler reads, and their nearest neighbours that it must not.

A form is a function of a Graph and the name of the activations; it returns the name of the dequantized activations.
"""

import numpy as np
from onnx import TensorProto

Q = 127.0


def absmax(g, x, axes=(-1,), reduce="ReduceMax"):
    """max |x| over `axes`, all of them where there are none."""
    magnitude = g.op("Abs", x)
    if not axes:
        return g.op(reduce, magnitude, keepdims=0)
    return g.op(reduce, magnitude, g.const(list(axes), np.int64), keepdims=1)


def clip(g, v, low=None, high=None):
    """Clip, one-sided where a bound is missing."""
    bounds = [g.const(b) if b is not None else "" for b in (low, high)]
    return g.op("Clip", v, *(bounds if high is not None else bounds[:1]))


def div(g, x, a=None, eps=1e-5):
    """The scale Q / max(a, eps)."""
    return g.op("Div", g.const(Q), clip(g, a or absmax(g, x), eps))


def codes(g, x, s, low=-128.0, high=127.0):
    """Clip(Round(x * s))."""
    return clip(g, g.op("Round", g.op("Mul", x, s)), low, high)


def recip_mul(g, x):
    """Reciprocal, then Mul."""
    s = g.op("Mul", g.op("Reciprocal", clip(g, absmax(g, x), 1e-5)), g.const(Q))
    return g.op("Div", codes(g, x, s), s)


def one_over_mul(g, x):
    """1 / a' by Div, and Q on the left."""
    s = g.op("Mul", g.const(Q), g.op("Div", g.const(1.0), clip(g, absmax(g, x), 1e-5)))
    return g.op("Mul", codes(g, x, s), g.op("Reciprocal", s))


def plain_div(g, x):
    """Q / a', rescaled by Div."""
    s = div(g, x)
    return g.op("Div", codes(g, x, s), s)


def one_over_scale(g, x):
    """Rescaled by Div(1, s), on the left."""
    s = div(g, x)
    return g.op("Mul", g.op("Div", g.const(1.0), s), codes(g, x, s))


def rescaled_by_step(g, x):
    """codes * (a' / Q)."""
    a = clip(g, absmax(g, x), 1e-5)
    s = g.op("Div", g.const(Q), a)
    return g.op("Mul", codes(g, x, s), g.op("Div", a, g.const(Q)))


def rescaled_in_two(g, x):
    """(codes * a') / Q."""
    a = clip(g, absmax(g, x), 1e-5)
    s = g.op("Div", g.const(Q), a)
    return g.op("Div", g.op("Mul", codes(g, x, s), a), g.const(Q))


def second_chain(g, x):
    """The rescaling computes everything again."""
    s = div(g, x)
    again = g.op("Mul", clip(g, absmax(g, x), 1e-5), g.const(np.float32(1) / np.float32(Q)))
    return g.op("Mul", codes(g, x, s), again)


def inverse(g, x):
    """x / (a' / Q)."""
    d = g.op("Div", clip(g, absmax(g, x), 1e-5), g.const(Q))
    c = clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0)
    return g.op("Mul", d, c)


def inverse_mul(g, x):
    """x / (a' * (1 / Q))."""
    d = g.op("Mul", clip(g, absmax(g, x), 1e-5), g.const(np.float32(1) / np.float32(Q)))
    c = clip(g, g.op("Round", g.op("Div", x, d)), -127.0, 127.0)
    return g.op("Mul", c, d)


def recip_step(g, x):
    """x * (1 / (a' / Q))."""
    d = g.op("Div", clip(g, absmax(g, x), 1e-5), g.const(Q))
    return g.op("Mul", codes(g, x, g.op("Reciprocal", d)), d)


def recip_step_mul(g, x):
    """x * (1 / (a' * (1 / Q)))."""
    d = g.op("Mul", g.const(np.float32(1) / np.float32(Q)), clip(g, absmax(g, x), 1e-5))
    return g.op("Mul", codes(g, x, g.op("Reciprocal", d)), d)


def one_over_step_mul(g, x):
    """The same by Div, with eps on the step; rescaled by the scale."""
    d = g.op("Mul", absmax(g, x), g.const(np.float32(1) / np.float32(Q)))
    s = g.op("Div", g.const(1.0), g.op("Add", d, g.const(1e-7)))
    return g.op("Div", codes(g, x, s), s)


def norm_mul(g, x):
    """(x * (1 / a')) * Q."""
    a = clip(g, absmax(g, x), 1e-5)
    v = g.op("Mul", g.op("Mul", g.op("Reciprocal", a), x), g.const(Q))
    c = clip(g, g.op("Round", v), -128.0, 127.0)
    return g.op("Mul", g.op("Mul", a, c), g.const(np.float32(1) / np.float32(Q)))


def mul_norm(g, x):
    """(x * Q) * (1 / a')."""
    a = g.op("Max", absmax(g, x), g.const(1e-5))
    v = g.op("Mul", g.op("Div", g.const(1.0), a), g.op("Mul", x, g.const(Q)))
    c = clip(g, g.op("Round", v), -128.0, 127.0)
    return g.op("Mul", c, g.op("Div", a, g.const(Q)))


def bitlab(g, x):
    """eps clamps the step, not the maximum."""
    d = clip(g, g.op("Div", absmax(g, x), g.const(Q)), 1e-6)
    c = clip(g, g.op("Round", g.op("Div", x, d)), -127.0, 127.0)
    return g.op("Mul", d, c)


def step_plus_eps(g, x):
    """eps is added to the step, whose reciprocal scales."""
    d = g.op("Add", g.op("Div", absmax(g, x), g.const(Q)), g.const(1e-6))
    s = g.op("Div", g.const(1.0), d)
    return g.op("Div", codes(g, x, s), s)


def step_max_eps(g, x):
    """eps by Max on the step."""
    d = g.op("Max", g.const(1e-6), g.op("Div", absmax(g, x), g.const(Q)))
    c = clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0)
    return g.op("Mul", c, d)


def normalized_first(g, x):
    """(x / a') * Q."""
    a = clip(g, absmax(g, x), 1e-5)
    c = clip(g, g.op("Round", g.op("Mul", g.op("Div", x, a), g.const(Q))), -128.0, 127.0)
    return g.op("Mul", g.op("Div", c, g.const(Q)), a)


def multiplied_first(g, x):
    """(x * Q) / a', as the first BitNet paper writes it."""
    a = g.op("Add", absmax(g, x), g.const(1e-5))
    c = clip(g, g.op("Round", g.op("Div", g.op("Mul", g.const(Q), x), a)), -128.0, 127.0)
    return g.op("Mul", c, g.op("Div", a, g.const(Q)))


def eps_added(g, x):
    """a + eps."""
    s = g.op("Div", g.const(Q), g.op("Add", g.const(1e-5), absmax(g, x)))
    return g.op("Div", codes(g, x, s), s)


def eps_max(g, x):
    """Max with eps first."""
    s = g.op("Div", g.const(Q), g.op("Max", g.const(1e-5), absmax(g, x)))
    return g.op("Div", codes(g, x, s), s)


def eps_max_of_three(g, x):
    """An n-ary Max."""
    s = g.op("Div", g.const(Q), g.op("Max", g.const(0.0), absmax(g, x), g.const(1e-4)))
    return g.op("Div", codes(g, x, s), s)


def no_eps(g, x):
    """Nothing guards the division."""
    s = g.op("Div", g.const(Q), absmax(g, x))
    return g.op("Div", codes(g, x, s), s)


def no_eps_direct(g, x):
    """The same, times the step."""
    a = absmax(g, x)
    return g.op("Mul", codes(g, x, g.op("Div", g.const(Q), a)), g.op("Div", a, g.const(Q)))


def no_eps_recip_mul(g, x):
    """The same by Reciprocal; codes of four bits in the range of eight."""
    s = g.op("Mul", g.op("Reciprocal", absmax(g, x)), g.const(7.0))
    return g.op("Div", codes(g, x, s), s)


def no_eps_inverse(g, x):
    """The step underflows."""
    d = g.op("Div", absmax(g, x), g.const(Q))
    c = clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0)
    return g.op("Mul", c, d)


def no_eps_recip_step_mul(g, x):
    """The step underflows, and its reciprocal overflows."""
    d = g.op("Mul", absmax(g, x), g.const(np.float32(1) / np.float32(Q)))
    s = g.op("Reciprocal", d)
    return g.op("Div", codes(g, x, s), s)


def no_eps_norm_mul(g, x):
    """1 / a overflows."""
    a = absmax(g, x)
    v = g.op("Mul", g.op("Mul", x, g.op("Reciprocal", a)), g.const(Q))
    return g.op("Mul", clip(g, g.op("Round", v), -127.0, 127.0), g.op("Div", a, g.const(Q)))


def no_eps_no_clamp(g, x):
    """Infinite codes stay infinite."""
    s = g.op("Div", g.const(Q), absmax(g, x))
    return g.op("Div", g.op("Round", g.op("Mul", x, s)), s)


def no_eps_wide(g, x):
    """Clamped beyond all codes but infinite ones."""
    s = g.op("Div", g.const(Q), absmax(g, x))
    return g.op("Div", codes(g, x, s, -200.0, 200.0), s)


def no_eps_inverse_no_clamp(g, x, q=Q):
    """The step underflows, and nothing clamps."""
    d = g.op("Div", absmax(g, x), g.const(q))
    return g.op("Mul", g.op("Round", g.op("Div", x, d)), d)


def no_eps_inverse_of_7(g, x):
    """The same of four bits: where the step is a subnormal of one bit, codes are up to 10."""
    return no_eps_inverse_no_clamp(g, x, 7.0)


def no_eps_ste(g, x):
    """Straight-through arithmetic around infinite codes."""
    s = g.op("Div", g.const(Q), absmax(g, x))
    v = g.op("Mul", x, s)
    c = g.op("Sub", clip(g, g.op("Round", v), -128.0, 127.0), v)
    return g.op("Div", g.op("Add", c, v), s)


def no_eps_absmean(g, x):
    """A mean that nothing guards, straight through."""
    s = g.op("Div", g.const(7.0), absmax(g, x, reduce="ReduceMean"))
    q = g.op("Div", codes(g, x, s, -8.0, 7.0), s)
    return g.op("Add", x, g.op("Sub", q, x))


def tiny_eps(g, x):
    """An eps that does not keep the scale finite."""
    s = div(g, x, eps=1e-42)
    return g.op("Div", codes(g, x, s), s)


def no_clamp(g, x):
    """Round, and nothing else."""
    s = div(g, x)
    return g.op("Div", g.op("Round", g.op("Mul", x, s)), s)


def clamp_low_only(g, x):
    """One-sided."""
    s = div(g, x)
    return g.op("Div", codes(g, x, s, -127.0, None), s)


def clamp_min_max(g, x):
    """Min, then Max, before Round."""
    s = div(g, x)
    v = g.op("Max", g.op("Min", g.op("Mul", x, s), g.const(Q)), g.const(-128.0))
    return g.op("Div", g.op("Round", v), s)


def half_up(g, x):
    """floor(v + 0.5)."""
    s = div(g, x)
    c = g.op("Floor", g.op("Add", g.op("Mul", x, s), g.const(0.5)))
    return g.op("Div", clip(g, c, -128.0, 127.0), s)


def half_down(g, x):
    """ceil(v - 0.5)."""
    s = div(g, x)
    c = g.op("Ceil", g.op("Sub", g.op("Mul", x, s), g.const(0.5)))
    return g.op("Div", clip(g, c, -128.0, 127.0), s)


def through(*types):
    """A form whose codes pass through these types."""

    def form(g, x):
        s = div(g, x)
        c = codes(g, x, s)
        for to in (*types, TensorProto.FLOAT):
            c = g.op("Cast", c, to=to)
        return g.op("Div", c, s)

    return form


def integer_clamp(g, x):
    """Rounded to int32 and clamped there."""
    s = div(g, x)
    c = g.op("Cast", g.op("Round", g.op("Mul", x, s)), to=TensorProto.INT32)
    c = g.op("Clip", c, g.const(-128, np.int32), g.const(127, np.int32))
    return g.op("Div", g.op("Cast", c, to=TensorProto.FLOAT), s)


def per_tensor(g, x):
    """One scale."""
    s = div(g, x, absmax(g, x, ()))
    return g.op("Div", codes(g, x, s), s)


def extremes(g, x):
    """max(max x, -min x), between which there is no more than |x|."""
    axes = g.const([-1], np.int64)
    low = g.op("Neg", g.op("ReduceMin", x, axes, keepdims=1))
    s = div(g, x, g.op("Max", g.op("ReduceMax", x, axes, keepdims=1), low))
    return g.op("Div", codes(g, x, s), s)


def extremes_and_eps(g, x):
    """Their magnitudes, and eps by another Max."""
    axes = g.const([-1], np.int64)
    least, most = (g.op("Abs", g.op(f"Reduce{m}", x, axes, keepdims=1)) for m in ("Min", "Max"))
    a = g.op("Max", g.op("Max", least, most), g.const(1e-5))
    d = g.op("Div", a, g.const(Q))
    return g.op("Mul", clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0), d)


def expanded(g, x):
    """A scale for each value, all the same."""
    s = g.op("Expand", div(g, x), g.op("Shape", x))
    return g.op("Div", codes(g, x, s), s)


def late_dimension(g, x):
    """The scale's last dimension comes back when it is computed: (127 / (max |x| + eps)).unsqueeze(-1)."""
    a = g.op("ReduceMax", g.op("Abs", x), g.const([-1], np.int64), keepdims=0)
    s = g.op("Mul", g.op("Reciprocal", g.op("Add", a, g.const([1e-5]))), g.const(Q))
    s = g.op("Unsqueeze", s, g.const([-1], np.int64))
    return g.op("Div", codes(g, x, s), s)


def per_tensor_observer(g, x):
    """As torch's observers do it: max(-min(min x, 0), max(max x, 0))."""
    least = g.op("Neg", g.op("Min", g.op("ReduceMin", x, keepdims=0), g.const(0)))
    a = g.op("Max", least, g.op("Max", g.op("ReduceMax", x, keepdims=0), g.const(0)))
    d = clip(g, g.op("Div", a, g.const(Q)), 1e-6)
    return g.op("Mul", clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0), d)


def per_tensor_bitlab(g, x):
    """One step that eps clamps."""
    d = clip(g, g.op("Div", absmax(g, x, ()), g.const(Q)), 1e-6)
    c = clip(g, g.op("Round", g.op("Div", x, d)), -127.0, 127.0)
    return g.op("Mul", c, d)


def absmean(g, x, axes=(-1,)):
    """The mean magnitude in place of the greatest one; four bits."""
    a = clip(g, absmax(g, x, axes, "ReduceMean"), 1e-5)
    s = g.op("Div", g.const(7.0), a)
    return g.op("Div", codes(g, x, s, -8.0, 7.0), s)


def absmean_ternary(g, x):
    """Ternary activations: round(x / mean), Q = 1."""
    a = clip(g, absmax(g, x, reduce="ReduceMean"), 1e-5)
    return g.op("Mul", clip(g, g.op("Round", g.op("Div", x, a)), -1.0, 1.0), a)


def bits(n):
    """A form with n bits."""

    def form(g, x):
        q = float(2 ** (n - 1) - 1)
        s = g.op("Mul", g.op("Reciprocal", clip(g, absmax(g, x), 1e-5)), g.const(q))
        return g.op("Div", codes(g, x, s, -q - 1, q), s)

    return form


def maximum(q, low, high):
    """A form with Q = q, which need not be the largest code."""

    def form(g, x):
        s = g.op("Div", g.const(q), clip(g, absmax(g, x), 1e-5))
        return g.op("Div", codes(g, x, s, low, high), s)

    return form


def step_of_128(g, x):
    """(a' * (1 / 128)), which is exact."""
    d = g.op("Mul", clip(g, absmax(g, x), 1e-5), g.const(1 / 128))
    return g.op("Mul", clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0), d)


def after_relu(g, x):
    """[0, Q], without Abs."""
    x = g.op("Relu", x)
    a = g.op("ReduceMax", x, g.const([-1], np.int64), keepdims=1)
    s = div(g, x, a)
    return g.op("Div", codes(g, x, s, 0.0, 127.0), s)


def ste(g, x):
    """x + (q - x)."""
    return g.op("Add", x, g.op("Sub", plain_div(g, x), x))


def ste_left(g, x):
    """(q - x) + x."""
    return g.op("Add", g.op("Sub", plain_div(g, x), x), x)


def ste_subtracted(g, x):
    """x - (x - q)."""
    return g.op("Sub", x, g.op("Sub", x, plain_div(g, x)))


def ste_of_strength(g, x):
    """1.0 * (c - v) + v: how strong quantizing is, at its end."""
    s = div(g, x)
    v = g.op("Mul", x, s)
    c = g.op("Mul", g.const(1.0), g.op("Sub", clip(g, g.op("Round", v), -128.0, 127.0), v))
    return g.op("Div", g.op("Add", c, v), s)


def ste_around_round(g, x):
    """v + (round(v) - v), clamped after it."""
    s = div(g, x)
    v = g.op("Mul", x, s)
    c = g.op("Add", v, g.op("Sub", g.op("Round", v), v))
    return g.op("Div", clip(g, c, -128.0, 127.0), s)


def ste_around_codes(g, x):
    """v + (clamp(round(v)) - v)."""
    s = div(g, x)
    v = g.op("Mul", x, s)
    c = g.op("Sub", clip(g, g.op("Round", v), -128.0, 127.0), v)
    return g.op("Div", g.op("Add", c, v), s)


FORMS = {
    f.__name__: f
    for f in (
        recip_mul,
        one_over_mul,
        plain_div,
        one_over_scale,
        rescaled_by_step,
        rescaled_in_two,
        second_chain,
        inverse,
        inverse_mul,
        recip_step,
        recip_step_mul,
        one_over_step_mul,
        norm_mul,
        mul_norm,
        bitlab,
        step_plus_eps,
        step_max_eps,
        normalized_first,
        multiplied_first,
        eps_added,
        eps_max,
        eps_max_of_three,
        no_eps,
        no_eps_direct,
        no_eps_recip_mul,
        no_eps_inverse,
        no_eps_recip_step_mul,
        no_eps_norm_mul,
        no_eps_no_clamp,
        no_eps_wide,
        no_eps_inverse_of_7,
        no_eps_ste,
        no_eps_absmean,
        tiny_eps,
        no_clamp,
        clamp_low_only,
        clamp_min_max,
        half_up,
        half_down,
        integer_clamp,
        per_tensor,
        per_tensor_bitlab,
        per_tensor_observer,
        extremes,
        extremes_and_eps,
        expanded,
        late_dimension,
        step_of_128,
        absmean,
        absmean_ternary,
        after_relu,
        ste,
        ste_left,
        ste_subtracted,
        ste_of_strength,
        ste_around_round,
        ste_around_codes,
    )
}
FORMS["int8"] = through(TensorProto.INT8)
FORMS["int32"] = through(TensorProto.INT32)
FORMS["float16"] = through(TensorProto.FLOAT16)
FORMS["bfloat16"] = through(TensorProto.BFLOAT16)
FORMS["int8, float16"] = through(TensorProto.INT8, TensorProto.FLOAT16)
FORMS["maximum 128"] = maximum(128.0, -128.0, 127.0)
FORMS["maximum 100"] = maximum(100.0, -128.0, 127.0)
FORMS["maximum 8"] = maximum(8.0, -8.0, 7.0)
FORMS["absmean per tensor"] = lambda g, x: absmean(g, x, ())
FORMS.update({f"{n} bits": bits(n) for n in range(2, 8)})


def get_bits(name):
    """How many bits the codes of a form have."""
    if name.endswith("bits"):
        return int(name[0])
    return {
        "no_eps_recip_mul": 4,
        "no_eps_inverse_of_7": 4,
        "no_eps_absmean": 4,
        "absmean": 4,
        "absmean per tensor": 4,
        "absmean_ternary": 2,
        "maximum 8": 4,
    }.get(name, 8)


# Forms that stay float: name -> (form, what the reason says).


def no_round(g, x):
    """Scaled and clamped only."""
    s = div(g, x)
    return g.op("Div", clip(g, g.op("Mul", x, s), -128.0, 127.0), s)


def double_rounding(g, x):
    """Rounded to tenths, then to integers."""
    s = div(g, x)
    tenths = g.op("Round", g.op("Mul", g.op("Mul", x, s), g.const(10.0)))
    c = g.op("Round", g.op("Div", tenths, g.const(10.0)))
    return g.op("Div", clip(g, c, -128.0, 127.0), s)


def other_tensor(g, x):
    """The scale belongs to another tensor."""
    s = div(g, g.op("Add", x, g.const(1.0)))
    return g.op("Div", codes(g, x, s), s)


def per_channel(g, x):
    """A scale for every k."""
    s = div(g, x, absmax(g, x, (0,)))
    return g.op("Div", codes(g, x, s), s)


def per_sample(g, x):
    """A scale for the rows of a sample; the layer has rank 2 but for this."""
    rows = g.op("Reshape", x, g.const([2, 3, -1], np.int64))
    s = div(g, rows, absmax(g, rows, (-2, -1)))
    q = g.op("Div", codes(g, rows, s), s)
    return g.op("Reshape", q, g.const([6, -1], np.int64))


def static_scale(g, x):
    """Calibrated."""
    c = clip(g, g.op("Round", g.op("Mul", x, g.const(20.0))), -128.0, 127.0)
    return g.op("Div", c, g.const(20.0))


def truncated(g, x):
    """A cast to int8 truncates."""
    s = div(g, x)
    c = g.op("Cast", g.op("Cast", g.op("Mul", x, s), to=TensorProto.INT8), to=TensorProto.FLOAT)
    return g.op("Div", c, s)


def floored(g, x):
    """Floor without + 0.5."""
    s = div(g, x)
    return g.op("Div", clip(g, g.op("Floor", g.op("Mul", x, s)), -128.0, 127.0), s)


def maximum_300(g, x):
    """300 is no Q."""
    s = g.op("Div", g.const(300.0), clip(g, absmax(g, x), 1e-5))
    return g.op("Div", codes(g, x, s), s)


def maximum_128_unclamped(g, x):
    """128 is no code of eight bits."""
    s = g.op("Div", g.const(128.0), clip(g, absmax(g, x), 1e-5))
    return g.op("Div", g.op("Round", g.op("Mul", x, s)), s)


def fractional_clamp(g, x):
    """Clamped between codes."""
    s = div(g, x)
    return g.op("Div", codes(g, x, s, -126.5, 126.5), s)


def clamp_without_zero(g, x):
    """A range that does not hold 0."""
    s = div(g, x)
    return g.op("Div", codes(g, x, s, 3.0, 90.0), s)


def wide_absmean(g, x):
    """Codes of a mean that nothing bounds."""
    s = div(g, x, absmax(g, x, reduce="ReduceMean"))
    return g.op("Div", codes(g, x, s, -200.0, 90.0), s)


def other_rescale(g, x):
    """Rescaled without eps."""
    a = absmax(g, x)
    s = g.op("Div", g.const(Q), g.op("Add", a, g.const(0.5)))
    return g.op("Mul", codes(g, x, s), g.op("Div", a, g.const(Q)))


def relu_maximum(g, x):
    """The maximum of what is above 0 scales what is below, too."""
    a = g.op("ReduceMax", g.op("Relu", x), g.const([-1], np.int64), keepdims=1)
    s = div(g, x, a)
    return g.op("Div", codes(g, x, s), s)


def signed_maximum(g, x):
    """The same without Relu."""
    s = div(g, x, g.op("ReduceMax", x, g.const([-1], np.int64), keepdims=1))
    return g.op("Div", codes(g, x, s), s)


def no_eps_norm_mul_no_clamp(g, x):
    """Infinite codes times a finite step, by way of 1 / a."""
    a = absmax(g, x)
    v = g.op("Mul", g.op("Mul", x, g.op("Reciprocal", a)), g.const(Q))
    return g.op("Mul", g.op("Round", v), g.op("Div", a, g.const(Q)))


def euclidean(g, x):
    """The norm instead of the maximum."""
    a = g.op("ReduceL2", x, g.const([-1], np.int64), keepdims=1)
    s = g.op("Div", g.const(Q), clip(g, a, 1e-5))
    return g.op("Div", codes(g, x, s), s)


def ste_around_other(g, x):
    """x + (q - z)."""
    return g.op("Add", x, g.op("Sub", plain_div(g, x), g.op("Mul", x, g.const(0.5))))


def ste_of_other_rescale(g, x):
    """The reason is found inside straight-through arithmetic."""
    return g.op("Add", x, g.op("Sub", other_rescale(g, x), x))


def no_eps_one_bound(g, x):
    """Half of them."""
    s = g.op("Div", g.const(Q), absmax(g, x))
    return g.op("Div", g.op("Max", g.op("Round", g.op("Mul", x, s)), g.const(-128.0)), s)


def no_eps_direct_no_clamp(g, x):
    """Infinite codes times a finite step."""
    a = absmax(g, x)
    rounded = g.op("Round", g.op("Mul", x, g.op("Div", g.const(Q), a)))
    return g.op("Mul", rounded, g.op("Div", a, g.const(Q)))


def no_eps_direct_wide(g, x):
    """The same, clamped where no code of eight bits is."""
    a = absmax(g, x)
    return g.op("Mul", codes(g, x, g.op("Div", g.const(Q), a), -200.0, 200.0), g.op("Div", a, g.const(Q)))


def other_extremes(g, x):
    """max(max x, min x) is no magnitude."""
    axes = g.const([-1], np.int64)
    least, most = (g.op(f"Reduce{m}", x, axes, keepdims=1) for m in ("Min", "Max"))
    s = div(g, x, g.op("Max", least, most))
    return g.op("Div", codes(g, x, s), s)


def extremes_of_both(g, x):
    """The maximum of a row, the minimum of all."""
    low = g.op("Neg", g.op("ReduceMin", x, keepdims=1))
    s = div(g, x, g.op("Max", g.op("ReduceMax", x, g.const([-1], np.int64), keepdims=1), low))
    return g.op("Div", codes(g, x, s), s)


def step_of_one_for_zeros(g, x):
    """where(d == 0, 1, d)."""
    d = g.op("Div", absmax(g, x), g.const(Q))
    d = g.op("Where", g.op("Equal", d, g.const(0)), g.const(1), d)
    return g.op("Mul", clip(g, g.op("Round", g.op("Div", x, d)), -128.0, 127.0), d)


def expanded_to_rows(g, x):
    """The scale of one row for several: their number is that of another tensor."""
    size = g.op("Shape", g.op("Concat", x, x, axis=0))
    half = g.op(
        "Concat",
        g.op("Div", g.op("Slice", size, *(g.const([i], np.int64) for i in (0, 1))), g.const([2], np.int64)),
        g.op("Slice", size, *(g.const([i], np.int64) for i in (1, 2))),
        axis=0,
    )
    s = g.op("Expand", div(g, x), half)
    return g.op("Div", codes(g, x, s), s)


def clamped_by_where(g, x):
    """where(c > 127, 127, c)."""
    s = div(g, x)
    c = g.op("Round", g.op("Mul", x, s))
    return g.op("Div", g.op("Where", g.op("Greater", c, g.const(Q)), g.const(Q), c), s)


def quantize_linear(g, x):
    """Static, by ONNX's own operators."""
    s, zero = g.const(0.02), g.const(3, np.int8)
    return g.op("DequantizeLinear", g.op("QuantizeLinear", x, s, zero), s, zero)


def quantize_linear_by_maximum(g, x):
    """The same with a scale of its own."""
    s, zero = g.op("Div", clip(g, absmax(g, x, ()), 1e-5), g.const(Q)), g.const(0, np.int8)
    return g.op("DequantizeLinear", g.op("QuantizeLinear", x, s, zero), s, zero)


def not_quantized(g, x):
    """Nothing at all."""
    return g.op("Mul", x, g.const(2.0))


DECLINED = {
    no_round: "no Round between scale and matmul",
    double_rounding: "rounded more than once",
    other_tensor: "their scale comes from another tensor",
    per_channel: "per channel",
    per_sample: "Reshape between their quantizer and the matmul",
    static_scale: "scaled by a constant",
    truncated: "no Round between scale and matmul",
    floored: "Floor does not round to nearest",
    maximum_300: "a maximum of 300",
    maximum_128_unclamped: "not known to fit eight bits",
    fractional_clamp: "bounds that are no integers",
    clamp_without_zero: "clamped to [3, 90]",
    wide_absmean: "clamped to [-200, 90]",
    other_rescale: "rescaled by another factor",
    relu_maximum: "the maximum of Relu, which negative values may exceed",
    signed_maximum: "their maximum without Abs, which negative values may exceed",
    no_eps_norm_mul_no_clamp: "infinite codes",
    no_eps_inverse_no_clamp: "codes up to 190: they need an eps, or a clamp",
    euclidean: "ReduceL2",
    ste_around_other: "no straight-through arithmetic",
    ste_of_other_rescale: "rescaled by another factor",
    no_eps_one_bound: "clamped on one side only",
    no_eps_direct_no_clamp: "infinite codes",
    no_eps_direct_wide: "infinite codes",
    other_extremes: "their scale comes from ReduceMin",
    extremes_of_both: "their maximum without Abs",
    step_of_one_for_zeros: "their scale goes through Where",
    expanded_to_rows: "their scale goes through Expand",
    clamped_by_where: "Where between Round and matmul",
    quantize_linear: "scaled by a constant",
    quantize_linear_by_maximum: "QuantizeLinear with a scale that is not constant",
    not_quantized: "they are not quantized",
}
