"""Code beside products by packed weights, at sizes that fill no tile: the bytes of the x86-64 run at each level.

A model has many outputs, as most of a test's time is spent in starting qemu.
"""

import graphs
import numpy as np
import onnx
import pytest
import quantizers
from onnx import TensorProto, helper

ROWS = (1, 2, 3, 4, 5, 6, 9, 97)


class Case:
    """A graph whose values become outputs, and sets of its inputs."""

    def __init__(self, seed=0):
        self.g, self.rng = graphs.Graph(), np.random.default_rng(seed)
        self.inputs, self.outputs, self.feeds = {}, [], []

    def save(self, path):
        def info(name, type, shape):
            return helper.make_tensor_value_info(name, type, shape)

        ins = [info(name, type, shape) for name, (type, shape) in self.inputs.items()]
        outs = [info(name, type, shape) for name, type, shape in self.outputs]
        graph = helper.make_graph(self.g.nodes, "g", ins, outs, list(self.g.constants.values()))
        opsets = [helper.make_opsetid("", 22), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        return path

    def weights(self, *shape):
        return self.rng.standard_normal(shape) / 4

    def result(self, name, type=TensorProto.FLOAT, rank=2):
        """Adds an output, of any sizes."""
        self.outputs.append((self.g.op("Identity", name), type, [None] * rank))


def spread(rng, shape, scale=1.0):
    """Numbers of many magnitudes, some 0, some subnormal."""
    x = rng.standard_normal(shape) * np.exp2(rng.integers(-8, 8, shape)) * scale
    x = x.astype(np.float32)
    x[rng.random(shape) < 0.02] = 0
    x[rng.random(shape) < 0.01] = 1e-41
    return x


def dense():
    """Products by constant and by computed matrices, with what kernels append to them."""
    c = Case()
    for k, n in ((1, 17), (3, 16), (4, 40), (7, 1), (64, 100), (70, 33), (300, 47)):
        x, name = f"x{k}", f"x{k}"
        c.inputs[name] = (TensorProto.FLOAT, ["rows", k])
        y = c.g.op("MatMul", x, c.g.const(c.weights(k, n)))
        c.result(y)
        c.result(c.g.op("Relu", c.g.op("Gemm", x, c.g.const(c.weights(n, k)), c.g.const(c.weights(n)), transB=1)))
        c.result(c.g.op("MatMul", x, c.g.op("Transpose", x)))
        c.result(c.g.op("Add", c.g.op("MatMul", x, c.g.const(c.weights(k, n))), y))
    for rows in ROWS:
        c.feeds.append({name: spread(c.rng, (rows, shape[1])) for name, (_, shape) in c.inputs.items()})
    return c


def stored():
    """Products by halves and by codes with scales, as heads have them: too large to be folded."""
    c = Case()
    c.inputs["x"] = (TensorProto.FLOAT, ["rows", 258])
    for n in (277,):
        w = c.g.const(c.weights(258, n), np.float16)
        c.result(c.g.op("MatMul", "x", c.g.op("Cast", w, to=TensorProto.FLOAT)))
        w = c.g.op("Cast", c.g.const(c.weights(258, n)), to=TensorProto.BFLOAT16)
        c.result(c.g.op("MatMul", "x", c.g.op("Cast", w, to=TensorProto.FLOAT)))
        w = c.g.const(c.rng.integers(-128, 128, (258, n)), np.int8)
        w = c.g.op("DequantizeLinear", w, c.g.const(np.abs(c.weights(n)) + 0.01), axis=1)
        c.result(c.g.op("MatMul", "x", w))
    c.feeds = [{"x": spread(c.rng, (rows, 258))} for rows in (1, 2, 3, 5, 13, 40)]
    return c


def convolutions():
    c = Case()
    forms = [
        (3, 24, [3, 3], {"pads": [1] * 4}),
        (16, 17, [3, 3], {"strides": [2, 2], "pads": [1] * 4}),
        (8, 48, [5, 3], {"dilations": [2, 1], "pads": [4, 1, 4, 1]}),
        (32, 64, [1, 1], {}),
        (20, 33, [1, 1], {"strides": [2, 2]}),
        (16, 16, [2, 2], {"strides": [2, 2]}),
        (12, 12, [3, 3], {"group": 12, "pads": [1] * 4}),
        (4, 6, [3, 3], {"pads": [1] * 4}),
    ]
    for channels in sorted({form[0] for form in forms}):
        c.inputs[f"x{channels}"] = (TensorProto.FLOAT, ["n", channels, "h", "w"])
    for channels, n, window, attributes in forms:
        w = c.g.const(c.weights(n, channels // attributes.get("group", 1), *window))
        y = c.g.op("Conv", f"x{channels}", w, c.g.const(c.weights(n)), **attributes)
        c.result(y, rank=4)
        c.result(c.g.op("Relu", c.g.op("Add", c.g.op("Conv", f"x{channels}", w, **attributes), y)), rank=4)
        c.result(c.g.op("MaxPool", y, kernel_shape=[2, 2], strides=[1, 1]), rank=4)
    for n, h, w in ((1, 9, 9), (2, 10, 17), (1, 5, 33)):
        c.feeds.append({name: spread(c.rng, (n, shape[1], h, w)) for name, (_, shape) in c.inputs.items()})
    return c


def integers():
    """All codes of 8 bits, with zero points, and the greatest sums there are."""
    c = Case()
    U8, I8 = np.uint8, np.int8
    for k in (1, 16, 70):
        for tag, type in (("u", TensorProto.UINT8), ("i", TensorProto.INT8)):
            c.inputs[f"{tag}{k}"] = (type, ["rows", k])
        for n in (17, 100):
            for x, x_type in ((f"u{k}", U8), (f"i{k}", I8)):
                for w_type in (I8, U8):
                    info = np.iinfo(w_type)
                    w = c.rng.integers(info.min, info.max, (k, n), endpoint=True)
                    w[:, 0], w[:, 1] = info.min, info.max
                    zero = c.rng.integers(info.min, info.max, endpoint=True)
                    w, zero = c.g.const(w, w_type), c.g.const(zero, w_type)
                    c.result(c.g.op("MatMulInteger", x, w, c.g.const(3, x_type), zero), TensorProto.INT32)
        scales = [c.g.const(0.02), c.g.const(100, U8), c.g.const(0.1), c.g.const(3, I8)]
        w = c.g.const(c.rng.integers(-128, 128, (k, 40)), I8)
        y = c.g.op("QLinearMatMul", f"u{k}", *scales[:2], w, *scales[2:], c.g.const(0.4), c.g.const(7, U8))
        c.result(y, TensorProto.UINT8)
    for rows in ROWS:
        feed = {}
        for name, (type, shape) in c.inputs.items():
            low, high = (0, 256) if type == TensorProto.UINT8 else (-128, 128)
            x = c.rng.integers(low, high, (rows, shape[1]))
            x[0], x[-1] = high - 1, low
            feed[name] = x.astype(U8 if low == 0 else I8)
        c.feeds.append(feed)
    return c


def quantized():
    """A norm, quantizers of many forms and their layers: all would take minutes to compile."""
    c = Case()
    c.inputs["x"] = (TensorProto.FLOAT, ["rows", 70])
    forms = [
        "recip_mul",
        "half_up",
        "half_down",
        "no_eps",
        "absmean",
        "no_eps_absmean",
        "per_tensor",
        "float16",
        "bfloat16",
    ]
    for i, form in enumerate(quantizers.FORMS[name] for name in forms):
        x = c.g.op("LayerNormalization", "x", c.g.const(c.weights(70)), c.g.const(c.weights(70)))
        w = c.g.const(c.rng.integers(-1, 2, (70, 21)))
        c.result(c.g.op("MatMul", form(c.g, "x" if i % 2 else x), w))
    for rows in (1, 2, 7):
        x = spread(c.rng, (rows, 70))
        x[0, 5], x[-1] = 3e38, 0
        c.feeds.append({"x": x})
    c.feeds.append({"x": np.full((2, 70), 1e-40, np.float32)})
    c.feeds.append({"x": np.array([[np.inf] * 70, [np.nan] + [1] * 69], np.float32)})
    return c


def attention():
    c = Case()
    for size, heads in ((16, 4), (64, 2), (24, 2)):
        q, k, v = (f"{name}{size}" for name in "qkv")
        c.inputs[q] = (TensorProto.FLOAT, [1, heads, "queries", size])
        c.inputs[k] = (TensorProto.FLOAT, [1, heads, "keys", size])
        c.inputs[v] = (TensorProto.FLOAT, [1, heads, "keys", size])
        scores = c.g.op("MatMul", q, c.g.op("Transpose", k, perm=[0, 1, 3, 2]))
        weights = c.g.op("Softmax", c.g.op("Mul", scores, c.g.const(size**-0.5)))
        c.result(c.g.op("MatMul", weights, v), rank=4)
    for queries, keys in ((1, 1), (1, 33), (5, 16), (17, 40), (40, 100)):
        sizes = {"queries": queries, "keys": keys}
        c.feeds.append(
            {
                name: c.rng.standard_normal([sizes.get(d, d) for d in shape]).astype(np.float32) * 3
                for name, (_, shape) in c.inputs.items()
            }
        )
    return c


def rows():
    """Elementwise code, reductions and moves along rows of 1 to 40 elements of each type."""
    c = Case()
    c.inputs["x"] = (TensorProto.FLOAT, ["rows", "columns"])
    for type in (None, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE):
        x = c.g.op("Cast", "x", to=type) if type else "x"
        values = [c.g.op(name, x) for name in ("Tanh", "Erf", "Sigmoid", "Exp", "Sin", "Floor", "Round", "Relu")]
        values += [c.g.op("Gelu", x), c.g.op("Softmax", x), c.g.op("Mul", x, x), c.g.op("Transpose", x)]
        values += [c.g.op("Concat", x, x, axis=1), c.g.op("Max", x, values[0]), c.g.op("Abs", x)]
        values += [c.g.op(name, x) for name in ("ReduceSum", "ReduceMax", "ReduceL2", "ReduceMean")]
        values += [c.g.op("ReduceSum", x, c.g.const([axis], np.int64)) for axis in (0, 1)]
        for value in values:
            c.result(c.g.op("Cast", value, to=TensorProto.FLOAT) if type else value)
    whole = c.g.op("Clip", "x", c.g.const(-100), c.g.const(100))
    for type in (TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL):
        value = c.g.op("Cast", whole, to=type)
        c.result(value, type)
        if type != TensorProto.BOOL:
            c.result(c.g.op("Add", value, value), type)
        if type not in (TensorProto.BOOL, TensorProto.INT16):
            c.result(c.g.op("ReduceMax", value, c.g.const([1], np.int64)), type)
    c.result(c.g.op("Greater", "x", c.g.const(0.5)), TensorProto.BOOL)
    c.result(c.g.op("QuantizeLinear", "x", c.g.const(0.1), c.g.const(3, np.uint8)), TensorProto.UINT8)
    for columns in (1, 2, 7, 15, 16, 17, 31, 40, 64, 67, 140):
        c.feeds.append({"x": spread(c.rng, (3, columns))})
    return c


MAKERS = (dense, stored, convolutions, integers, quantized, attention, rows)


@pytest.fixture(scope="module", params=MAKERS, ids=lambda make: make.__name__)
def libraries(request, cross, tmp_path_factory):
    """(case, library for this machine, library for AArch64)"""
    case, folder = request.param(), tmp_path_factory.mktemp(request.param.__name__)
    path = case.save(folder / "model.onnx")
    native = cross.compile(path, folder / "native.so", target="native")
    return case, native, cross.compile(path, folder / "aarch64.so")


def test_same_bytes(cross, libraries):
    case, native, library = libraries
    feeds = case.feeds if cross.FULL else case.feeds[:: max(1, len(case.feeds) // 4)] + case.feeds[-1:]
    for i, feed in enumerate(feeds):
        want = cross.run_native(native, feed, threads=1)
        for level, cpu in cross.CPUS.items():
            if f'"{level}"' not in cross.qemu(cross.BIT_RUN, library, "--json", cpu=cpu).stdout:
                continue
            got = cross.run(library, feed, cpu=cpu, level=level, threads=1 + i % 2)
            cross.assert_same_bits(got, want, f"{level}, {[x.shape for x in feed.values()]}")
