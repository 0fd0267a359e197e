"""Models larger than the node tests': whole tiles and what they leave over, work that threads share, and all functions.

The text is ONNX's own textual form. Inputs have the dims that `SIZES` gives their symbols.
"""

import feeds
import numpy as np
import onnx
import same
from onnx import TensorProto, helper, numpy_helper

SIZES = {"batch": 5, "tokens": 37}
TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "int16": TensorProto.INT16,
    "bool": TensorProto.BOOL,
}


def _dims(words):
    return [int(word) if word.lstrip("-").isdigit() else word for word in words]


def _value(text):
    """ "float x[batch,3]" as a name, an element type and dims."""
    element, rest = text.split()
    name, _, dims = rest.rstrip("]").partition("[")
    return name, TYPES[element], _dims(dims.split(",")) if dims else []


def _draw(element, dims, rng):
    shape = [SIZES.get(dim, dim) for dim in dims]
    dtype = feeds.to_numpy_type(element)
    if feeds.is_float(dtype):
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    # Both large and small ones.
    return values >> rng.integers(0, 8 * dtype.itemsize, shape).astype(dtype)


def make(name, inputs, nodes, outputs, weights=None, batch="batch", held=(), opset=23, **options):
    """An item; what `outputs` leaves open of their dims is inferred."""
    rng = np.random.default_rng(len(name) + len(nodes))
    ins = [_value(text) for text in inputs]
    constants = []
    for key, value in (weights or {}).items():
        if isinstance(value, tuple):
            value = (rng.standard_normal(value) / max(value[0], 1) ** 0.5).astype(np.float32)
        constants.append(numpy_helper.from_array(np.asarray(value), key))
    graph = onnx.parser.parse_graph(f"g () => () {{ {nodes} }}")
    graph.input.extend(helper.make_tensor_value_info(n, e, d) for n, e, d in ins)
    outs = [_value(text) for text in outputs]
    graph.output.extend(helper.make_tensor_value_info(n, e, d if d else None) for n, e, d in outs)
    graph.initializer.extend(constants)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    drawn = [_draw(element, dims, rng) for _, element, dims in ins]
    parts = [name for name, _, _ in outs]
    return same.Item(name, model, feeds.variants(drawn, len(name), held), parts, options, batch)


def products():
    """Float products by weights and between inputs."""
    yield make(
        "matmul",
        ["float x[batch,37,300]"],
        "p = MatMul(x, w) y = Add(p, b) z = MatMul(x, v)",
        ["float y[batch,37,200]", "float z[batch,37,1]"],
        {"w": (300, 200), "b": (200,), "v": (300, 1)},
    )
    yield make(
        "batched",
        ["float a[batch,3,45,70]", "float b[batch,3,70,50]", "float c[batch,7,70]"],
        "y = MatMul(a, b) t = Transpose<perm = [0, 2, 1]>(c) z = MatMul(c, t) "
        'e = Einsum<equation = "bhik,bhkj->bijh">(a, b)',
        ["float y[batch,3,45,50]", "float z[batch,7,7]", "float e[batch,45,50,3]"],
    )
    for element in ("double", "float16", "bfloat16"):
        dtype = feeds.to_numpy_type(TYPES[element])
        w = np.random.default_rng(1).standard_normal((70, 50)).astype(dtype)
        yield make(
            f"matmul_{element}",
            [f"{element} a[batch,45,70]", f"{element} b[batch,70,50]"],
            "y = MatMul(a, b) z = MatMul(a, w)",
            [f"{element} y[batch,45,50]", f"{element} z[batch,45,50]"],
            {"w": w},
        )
    yield make(
        "gemm",
        ["float x[batch,130]"],
        "y = Gemm<alpha = 0.3, beta = 1.7, transB = 1>(x, w, c) z = Gemm<transA = 0>(x, v)",
        ["float y[batch,67]", "float z[batch,33]"],
        {"w": (67, 130), "c": (67,), "v": (130, 33)},
    )


def windows():
    """Convolutions, pooling, resizing."""
    convs = {
        "a": ("<pads = [1, 1, 1, 1]>", (24, 16, 3, 3)),
        "b": ("<strides = [2, 2], pads = [0, 1, 1, 0]>", (24, 16, 3, 3)),
        "c": ("<dilations = [2, 3]>", (9, 16, 2, 3)),
        "d": ("<group = 4, pads = [1, 1, 1, 1]>", (24, 4, 3, 3)),
        "e": ("<group = 16, pads = [1, 1, 1, 1]>", (16, 1, 3, 3)),
        "f": ("", (40, 16, 1, 1)),
        "g": ("<strides = [4, 4]>", (8, 16, 7, 7)),
    }
    nodes = " ".join(f"{k} = Conv{a}(x, w_{k}, b_{k})" for k, (a, _) in convs.items())
    weights = {f"w_{k}": s for k, (_, s) in convs.items()} | {f"b_{k}": (s[0],) for k, (_, s) in convs.items()}
    outputs = [f"float {k}[batch,{s[0]},h_{k},v_{k}]" for k, (_, s) in convs.items()]
    yield make("conv", ["float x[batch,16,19,23]"], nodes, outputs, weights)
    yield make(
        "conv1d",
        ["float x[batch,16,203]", "double z[batch,3,9,11]"],
        "y = Conv<pads = [2, 2]>(x, w) d = Conv(z, v) t = ConvTranspose<strides = [2]>(x, u)",
        ["float y[batch,20,l]", "double d[batch,5,h,g]", "float t[batch,6,k]"],
        {"w": (20, 16, 5), "v": np.random.default_rng(0).standard_normal((5, 3, 3, 3)), "u": (16, 6, 4)},
    )
    yield make(
        "pools",
        ["float x[batch,5,31,29]"],
        "a = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(x) "
        "b = AveragePool<kernel_shape = [5, 3], pads = [2, 1, 2, 1]>(x) "
        "c = LpPool<kernel_shape = [3, 2], p = 3>(x) d = GlobalAveragePool(x) e = GlobalMaxPool(x) "
        "f = GlobalLpPool<p = 3>(x) g = ConvTranspose<strides = [2, 2]>(x, w) "
        "h = LRN<size = 3>(x)",
        [f"float {k}[batch,c_{k},h_{k},v_{k}]" for k in "abcdefgh"],
        {"w": (5, 4, 3, 3)},
    )
    sizes = np.array([1, 1, 1.7, 2.3], np.float32)
    small = np.array([1, 1, 0.6, 0.4], np.float32)
    yield make(
        "resize",
        ["float x[batch,3,17,13]", "float g[batch,9,8,2]"],
        'a = Resize<mode = "linear">(x, , s) b = Resize<mode = "cubic">(x, , s) c = Resize<mode = "nearest">(x, , s) '
        'd = Resize<mode = "linear", antialias = 1>(x, , t) e = Resize<mode = "cubic", antialias = 1>(x, , t) '
        'f = GridSample<mode = "cubic">(x, g) h = GridSample<mode = "linear", padding_mode = "reflection">(x, g)',
        [f"float {k}[batch,3,h_{k},v_{k}]" for k in "abcdefh"],
        {"s": sizes, "t": small},
    )


def rows():
    """Softmax, norms and reductions along rows and across them."""
    one = {f"a{i}": np.array([i], np.int64) for i in (1, 2)} | {"both": np.array([1, 2], np.int64)}
    kinds = "Sum Mean Max Min Prod L1 L2 LogSum LogSumExp SumSquare".split()
    for element in ("float", "double", "float16", "bfloat16"):
        nodes, outputs = [], []
        for kind in kinds:
            for axes in ("a1", "a2", "both"):
                nodes.append(f"{kind}_{axes} = Reduce{kind}(x, {axes})")
                outputs.append(f"{element} {kind}_{axes}[batch,k_{kind}_{axes},l_{kind}_{axes}]")
        yield make(f"reduce_{element}", [f"{element} x[batch,33,130]"], " ".join(nodes), outputs, one)
    for element in ("float", "double", "float16", "bfloat16"):
        dtype = feeds.to_numpy_type(TYPES[element])
        scale = {k: np.linspace(0.5, 1.5, n).astype(dtype) for k, n in (("w", 515), ("c", 12), ("one", 4))}
        yield make(
            f"norms_{element}",
            [f"{element} x[batch,9,515]", f"{element} z[batch,12,7,9]"],
            "a = LayerNormalization(x, w, w) b = RMSNormalization(x, w) c1 = Softmax(x) d = Softmax<axis = 1>(x) "
            "e = LogSoftmax(x) f = InstanceNormalization(z, c, c) g = GroupNormalization<num_groups = 4>(z, c, c) "
            "h = BatchNormalization(z, c, c, c, c) i = LpNormalization(x) j = CumSum(x, axis) k = CumProd(x, axis)",
            [f"{element} {k}[batch,{'9,515' if k not in 'fgh' else '12,7,9'}]" for k in ("a", "b", "c1", *"defghijk")],
            scale | {"axis": np.array(2, np.int64)},
            opset=26,
        )


def attention():
    """With and without the matrix of scores."""
    for element, size in (("float", 32), ("float", 20), ("float16", 32), ("bfloat16", 16), ("float", 64)):
        yield make(
            f"attention_{element}_{size}",
            [f"{element} q[batch,4,33,{size}]", f"{element} k[batch,2,50,{size}]", f"{element} v[batch,2,50,{size}]"],
            "y = Attention<is_causal = 1>(q, k, v) z = Attention<softcap = 20.0>(q, k, v)",
            [f"{element} y[batch,4,33,{size}]", f"{element} z[batch,4,33,{size}]"],
        )


def recurrent():
    """Loops over time."""
    nodes, weights = [], {}
    for kind, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        weights |= {f"w_{kind}": (1, gates * 24, 20), f"r_{kind}": (1, gates * 24, 24), f"b_{kind}": (1, gates * 48)}
        nodes.append(f"y_{kind} = {kind}<hidden_size = 24>(x, w_{kind}, r_{kind}, b_{kind})")
    yield make(
        "recurrent",
        ["float x[6,batch,20]"],
        " ".join(nodes),
        [f"float y_{kind}[6,1,batch,24]" for kind in ("LSTM", "GRU", "RNN")],
        weights,
        opset=22,
    )


QUANTIZER = (
    "abs = Abs(x) largest = ReduceMax<keepdims = 1>(abs, axes) clipped = Clip(largest, eps) scale = Div(q, clipped) "
    "scaled = Mul(x, scale) rounded = Round(scaled) codes = Clip(rounded, low, q) xq = Div(codes, scale) "
)


def _layer(name, k, n, low=-1, step=1, q=127, norm=True, **options):
    rng = np.random.default_rng(k + n)
    codes = step * rng.integers(0, (1 - low) // step + 1, (k, n)) + low
    norms = "normed = RMSNormalization(z, gain) " if norm else "normed = Identity(z) "
    return make(
        name,
        [f"float z[batch,tokens,{k}]"],
        norms + QUANTIZER.replace("(x", "(normed") + "p = MatMul(xq, w) r = Add(p, bias) y = Relu(r) s = Sigmoid(p)",
        [f"float y[batch,tokens,{n}]", f"float s[batch,tokens,{n}]"],
        {
            "axes": np.array([-1], np.int64),
            "eps": np.float32(1e-5),
            "q": np.float32(q),
            "low": np.float32(-q - 1),
            "w": codes.astype(np.float32) * np.float32(0.05),
            "bias": (n,),
            "gain": np.linspace(0.5, 1.5, k).astype(np.float32),
        },
        **options,
    )


def layers():
    """BitLinear: each layout, tables and none, each number of bits; float weights quantized on the way."""
    yield _layer("ternary", 640, 333)
    yield _layer("ternary_tables", 500, 2100, norm=False)
    yield _layer("ternary_few", 72, 7)
    yield _layer("ternary_lut", 650, 530, packing="lut")
    yield _layer("ternary_dense", 650, 530, packing="dense")
    yield _layer("binary", 648, 333, step=2)
    yield _layer("four_bits", 640, 100, q=7)
    for scheme, granularity in (("absmean", "group128"), ("absmean", "channel"), ("sign", "tensor")):
        for bits in (8, None):
            yield make(
                f"quantized_{scheme}_{granularity}_{bits}",
                ["float x[batch,tokens,384]"],
                "h = MatMul(x, w) g = Gelu(h) y = MatMul(g, v)",
                ["float y[batch,tokens,90]"],
                {"w": (384, 256), "v": (256, 90)},
                quantize="all",
                quantize_scheme=scheme,
                quantize_granularity=granularity,
                activation_bits=bits if bits else "none",
            )


def codes():
    """Products of codes of 8 bits."""
    rng = np.random.default_rng(5)
    weights = {
        "w": rng.integers(-127, 128, (300, 90)).astype(np.int8),
        "s": np.float32(0.02),
        "t": np.linspace(0.001, 0.01, 90).astype(np.float32),
        "zero": np.uint8(120),
        "wz": np.int8(0),
        "wzs": np.zeros(90, np.int8),
    }
    yield make(
        "codes",
        ["float x[batch,37,300]"],
        "c = QuantizeLinear(x, s, zero) d = DequantizeLinear(c, s, zero) e = DequantizeLinear<axis = 1>(w, t, wzs) "
        "y = MatMul(d, e) c2, s2, z2 = DynamicQuantizeLinear(x) m = MatMulInteger(c, w, zero, wz) "
        "f = Cast<to = 1>(m) z = Mul(f, s) o = QLinearMatMul(c, s, zero, w, s, wz, s, zero) "
        "r = DequantizeLinear(o, s, zero)",
        ["float y[batch,37,90]", "float z[batch,37,90]", "float r[batch,37,90]"],
        weights,
    )


UNARY = (
    "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu "
    "Log Mish Neg Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu"
).split()
BINARY = "Add Sub Mul Div Pow Max Min Mean Sum PRelu".split()
INTEGERS = "int8 uint8 int16 int32 uint32 int64 uint64".split()


def functions():
    """All elementwise functions, of each float type, and conversions."""
    for element in ("float", "double", "float16", "bfloat16"):
        nodes = [f"{f} = {f}(x)" for f in UNARY] + [f"{f} = {f}(x, y)" for f in BINARY]
        nodes.append("Mod = Mod<fmod = 1>(x, y)")
        shape = "[batch,1003]"
        yield make(
            f"functions_{element}",
            [f"{element} x{shape}", f"{element} y{shape}"],
            " ".join(nodes),
            [f"{element} {f}{shape}" for f in [*UNARY, *BINARY, "Mod"]],
            opset=22,
        )
    for element, others in {
        **{
            e: INTEGERS + ["float", "double", "float16", "bfloat16"] for e in ("float", "double", "float16", "bfloat16")
        },
        **{e: ["float", "double", "float16", "bfloat16"] for e in INTEGERS},
    }.items():
        others = [other for other in others if other != element]
        shape = "[batch,403]"
        yield make(
            f"cast_{element}",
            [f"{element} x{shape}"],
            " ".join(f"to_{other} = Cast<to = {TYPES[other]}>(x)" for other in others),
            [f"{other} to_{other}{shape}" for other in others],
        )
    # NaNs seen as integers; negated sums, whose zeros have signs.
    yield make(
        "bits",
        ["float x[batch,403]", "float y[batch,403]", "float z[batch,3]"],
        "s = Sub(x, y) a = BitCast<to = 6>(s) b = BitCast<to = 6>(x) p = MatMul(z, w) n = Neg(p) c = Sub(zero, p) "
        "sum = ReduceSum<keepdims = 1>(x, axes) negative = Neg(sum)",
        ["int32 a[batch,403]", "int32 b[batch,403]", "float n[batch,1]", "float c[batch,1]", "float negative[batch,1]"],
        {"w": (3, 1), "zero": np.float32(0), "axes": np.array([1], np.int64)},
        opset=26,
    )


FAMILIES = {f.__name__: f for f in (products, windows, rows, attention, recurrent, layers, codes, functions)}


def items():
    """{name: item} of all."""
    return {item.name: item for family in FAMILIES.values() for item in family()}
