"""Random BitLinear layers: a recipe says which of the forms of each step a layer has, and is drawn from a seed.

Every choice is one that exporters or people make. Some of their combinations stay float, and right.
"""

import numpy as np
import quantizers
from onnx import TensorProto

K = 48
EPS = (1e-12, 1e-8, 1e-6, 1e-5, 1e-4)
CASTS = {
    "int8": (TensorProto.INT8,),
    "int32": (TensorProto.INT32,),
    "float16": (TensorProto.FLOAT16,),
    "bfloat16": (TensorProto.BFLOAT16,),
    "int8, float16": (TensorProto.INT8, TensorProto.FLOAT16),
}
CHOICES = {
    "reduce": ("token", "token", "token", "tensor", "mean", "relu"),
    "q": (1, 3, 7, 15, 31, 63, 8, 50, 128, 127, 127, 127, 127),
    "eps": ("none", "clip", "max", "max of three", "add", "step clip", "step max", "step add"),
    "eps_value": EPS,
    "scale": (
        *("div", "recip", "one over", "inverse", "recip step", "one over step", "div mul", "mul div"),
        *("recip x", "x recip"),
    ),
    "step": ("div", "mul"),  # a' / Q or a' * (1 / Q)
    "swap": (False, True),  # operands of what commutes
    "round": ("even", "even", "even", "up", "down"),
    "bounds": ("low - 1", "low - 1", "symmetric", "low only", "high only", "min max", "max min", "none"),
    "clamp_first": (False, False, True),
    "cast": ("none", "none", "none", *CASTS),
    "through": ("none", "none", "all", "all left", "all minus", "codes", "codes left"),
    "rescale": ("by scale", "by inverse scale", "by step", "in two", "in two, Q first", "again"),
    "place": ("before", "before", "before", "after", "after bias"),
    "weight": ("constant", "absmean", "absmean through", "sign", "where", "rows", "groups", "clipped sign"),
    "product": ("MatMul", "MatMul", "Gemm", "Gemm alpha", "Einsum", "FusedMatMul", "left"),
    "bias": ("none", "vector", "matrix", "number"),
    "factor": ("none", "none", "number", "vector", "divisor"),
    "n": (1, 8, 24, 33),
}


def draw(seed):
    """The recipe of a seed."""
    rng = np.random.default_rng(seed)
    recipe = {name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()}
    # ONNX defines no result of casts to an integer that does not hold the value: codes of a mean, NaN of a zero row.
    is_unbounded = recipe["reduce"] == "mean" or recipe["q"] == 128
    if is_unbounded and recipe["bounds"] in ("low only", "high only", "none") or recipe["eps"] == "none":
        recipe["cast"] = "none"
    return {"seed": seed, **recipe}


class Layer:
    """One layer of a recipe, written into a graph."""

    def __init__(self, g, x, recipe):
        """A layer on x, [..., K]."""
        self.g, self.r = g, recipe
        self.rng = np.random.default_rng(recipe["seed"])
        self.x = g.op("Relu", x) if recipe["reduce"] == "relu" else x
        self.q = float(recipe["q"])

    def const(self, value):
        return self.g.const(np.float32(value))

    def both(self, op_type, a, b):
        """An operator that commutes, either way around."""
        return self.g.op(op_type, *((b, a) if self.r["swap"] else (a, b)))

    def guard(self, value, kind):
        """What eps does to a value; nothing if it is of another kind."""
        eps = self.const(self.r["eps_value"])
        mode = self.r["eps"]
        if mode.startswith("step ") != (kind == "step"):
            return value
        mode = mode.split()[-1] if kind == "step" else mode
        if mode == "clip":
            return self.g.op("Clip", value, eps)
        if mode == "max":
            return self.both("Max", value, eps)
        if mode == "max of three":
            return self.g.op("Max", self.const(0), value, eps)
        return self.both("Add", value, eps) if mode == "add" else value

    def largest(self):
        """a', what the scale is made of."""
        kind = self.r["reduce"]
        if kind == "relu":
            a = self.g.op("ReduceMax", self.x, self.g.const([-1], np.int64), keepdims=1)
        else:
            reduce = "ReduceMean" if kind == "mean" else "ReduceMax"
            a = quantizers.absmax(self.g, self.x, () if kind == "tensor" else (-1,), reduce)
        return self.guard(a, "maximum")

    def step(self, a):
        """a' / Q."""
        if self.r["step"] == "div":
            d = self.g.op("Div", a, self.const(self.q))
        else:
            d = self.both("Mul", a, self.const(np.float32(1) / np.float32(self.q)))
        return self.guard(d, "step")

    def scaled(self, a):
        """The value that is rounded, and its scale if there is one."""
        g, x, q = self.g, self.x, self.const(self.q)
        form = self.r["scale"]
        if self.r["eps"].startswith("step ") and form not in ("inverse", "recip step", "one over step"):
            form = "inverse"
        if form == "inverse":
            return g.op("Div", x, self.step(a)), None
        if form == "div mul":
            return self.both("Mul", g.op("Div", x, a), q), None
        if form == "mul div":
            return g.op("Div", self.both("Mul", x, q), a), None
        if form == "recip x":
            return self.both("Mul", self.both("Mul", x, g.op("Reciprocal", a)), q), None
        if form == "x recip":
            return self.both("Mul", self.both("Mul", x, q), g.op("Div", self.const(1), a)), None
        if form == "div":
            s = g.op("Div", q, a)
        elif form == "recip":
            s = self.both("Mul", g.op("Reciprocal", a), q)
        elif form == "one over":
            s = self.both("Mul", g.op("Div", self.const(1), a), q)
        elif form == "recip step":
            s = g.op("Reciprocal", self.step(a))
        else:
            s = g.op("Div", self.const(1), self.step(a))
        return self.both("Mul", x, s), s

    def clamp(self, v):
        g, low, high = self.g, max(-self.q - 1, -128), min(self.q, 127)
        if self.r["reduce"] == "relu":
            low = 0.0
        bounds = self.r["bounds"]
        if bounds == "low - 1":
            return quantizers.clip(g, v, low, high)
        if bounds == "symmetric":
            return quantizers.clip(g, v, -high, high)
        if bounds == "low only":
            return quantizers.clip(g, v, low)
        if bounds == "high only":
            return g.op("Clip", v, "", self.const(high))
        if bounds == "min max":
            return g.op("Max", g.op("Min", v, self.const(high)), self.const(low))
        if bounds == "max min":
            return g.op("Min", self.const(high), g.op("Max", self.const(low), v))
        return v

    def rounded(self, v):
        if self.r["round"] == "up":
            return self.g.op("Floor", self.both("Add", v, self.const(0.5)))
        if self.r["round"] == "down":
            return self.g.op("Ceil", self.g.op("Sub", v, self.const(0.5)))
        return self.g.op("Round", v)

    def codes(self, v):
        g, first = self.g, self.r["clamp_first"]
        c = self.rounded(self.clamp(v)) if first else self.clamp(self.rounded(v))
        if self.r["cast"] != "none":
            for to in (*CASTS[self.r["cast"]], TensorProto.FLOAT):
                c = g.op("Cast", c, to=to)
        if self.r["through"] == "codes":
            return g.op("Add", v, g.op("Sub", c, v))
        if self.r["through"] == "codes left":
            return g.op("Add", g.op("Sub", c, v), v)
        return c

    def rescaled(self, c, a, s):
        """What codes stand for."""
        g, q, form = self.g, self.const(self.q), self.r["rescale"]
        if self.r["eps"].startswith("step ") or s is None and form.startswith("by"):
            form = "by step"
        if form == "by scale":
            return g.op("Div", c, s)
        if form == "by inverse scale":
            return self.both("Mul", c, g.op("Reciprocal", s))
        if form == "in two":
            return g.op("Div", self.both("Mul", c, a), q)
        if form == "in two, Q first":
            return self.both("Mul", g.op("Div", c, q), a)
        return self.both("Mul", c, self.step(self.largest() if form == "again" else a))

    def weight(self):
        """The weight, N x K."""
        g, n = self.g, self.r["n"]
        w = self.rng.standard_normal((n, K)).astype(np.float32)
        kind = self.r["weight"]
        if kind == "constant":
            return g.const(self.rng.integers(-1, 2, (n, K)) * np.float32(0.37))
        axes = {"rows": (1,), "groups": (2,)}.get(kind)
        value = g.const(w.reshape(n, 3, K // 3) if kind == "groups" else w)
        if axes:
            mean = g.op("ReduceMean", g.op("Abs", value), g.const(axes, np.int64), keepdims=1)
        else:
            mean = g.op("ReduceMean", g.op("Abs", value), keepdims=0)
        if kind in ("sign", "where", "clipped sign"):
            centre = g.op("ReduceMean", value, keepdims=0)
            if kind == "where":
                return g.op("Where", g.op("Greater", value, centre), mean, g.op("Neg", mean))
            sign = g.op("Sign", g.op("Sub", value, centre))
            if kind == "clipped sign":
                sign = quantizers.clip(g, sign, 0, 1)
            return self.both("Mul", sign, mean)
        scale = g.op("Div", self.const(1), g.op("Clip", mean, self.const(1e-5)))
        c = quantizers.clip(g, g.op("Round", self.both("Mul", value, scale)), -1, 1)
        result = g.op("Div", c, scale)
        if kind == "absmean through":
            result = g.op("Add", value, g.op("Sub", result, value))
        if kind == "groups":
            result = g.op("Reshape", result, g.const([n, K], np.int64))
        return result

    def multiply(self, x):
        """The product of x and the weight, in one of its forms."""
        g, w = self.g, self.weight()
        kind = self.r["product"]
        if kind.startswith("Gemm") and self.r["rank"] == 2:
            return g.op("Gemm", x, w, transB=1, alpha=0.3 if kind == "Gemm alpha" else 1.0)
        if kind == "Einsum":
            return g.op("Einsum", x, w, equation="...k,nk->...n")
        if kind == "FusedMatMul":
            return g.op("FusedMatMul", x, w, domain="com.microsoft", transB=1, alpha=0.3)
        if kind == "left":
            perm = [1, 0] if self.r["rank"] == 2 else [0, 2, 1]
            return g.op("Transpose", g.op("MatMul", w, g.op("Transpose", x, perm=perm)), perm=perm)
        return g.op("MatMul", x, g.op("Transpose", w, perm=[1, 0]))

    def add_bias(self, y, size=1.0):
        n = self.r["n"]
        shape = {"vector": (n,), "matrix": (1, n), "number": ()}.get(self.r["bias"])
        if shape is None:
            return y
        return self.both("Add", y, self.const(self.rng.standard_normal(shape) * size))

    def build(self):
        """Writes the layer; returns its result."""
        g, r = self.g, self.r
        a = self.largest()
        v, s = self.scaled(a)
        c = self.codes(v)
        if r["place"] == "before":
            xq = self.rescaled(c, a, s)
            if r["through"] == "all":
                xq = g.op("Add", self.x, g.op("Sub", xq, self.x))
            elif r["through"] == "all left":
                xq = g.op("Add", g.op("Sub", xq, self.x), self.x)
            elif r["through"] == "all minus":
                xq = g.op("Sub", self.x, g.op("Sub", self.x, xq))
            y = self.add_bias(self.multiply(xq))
        else:
            y = self.multiply(c)
            if r["place"] == "after bias":
                y = self.rescaled(self.add_bias(y, size=50.0), a, s)
            else:
                y = self.add_bias(self.rescaled(y, a, s))
        factor = {"number": 0.7, "divisor": 2.5, "vector": self.rng.random(r["n"]) + 0.5}.get(r["factor"])
        if factor is not None:
            y = g.op("Div" if r["factor"] == "divisor" else "Mul", y, self.const(factor))
        return y
