"""Convolutions, pooling, resizing and norms of planes: ragged and dynamic shapes against onnxruntime."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

TYPES = {"f32": (TensorProto.FLOAT, np.float32), "f16": (TensorProto.FLOAT16, np.float16)}


class Pair:
    """One node with constant parameters, compiled and in onnxruntime; its input has a shape or only a rank."""

    def __init__(self, folder, op, shape, parameters=(), type_name="f32", outputs=1, opset=22, **attributes):
        """Writes and compiles the model."""
        element, self.dtype = TYPES[type_name]
        shape = [f"d{i}" for i in range(shape)] if isinstance(shape, int) else shape
        names, constants = ["x"], []
        for i, value in enumerate(parameters):
            names.append("" if value is None else f"p{i}")
            if value is not None:
                if value.dtype == np.float32 and op != "Resize":
                    value = value.astype(self.dtype)
                constants.append(numpy_helper.from_array(value, f"p{i}"))
        results = [f"y{i}" for i in range(outputs)]
        node = helper.make_node(op, names, results, name="node", **attributes)
        x = helper.make_tensor_value_info("x", element, shape)
        ys = [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if i else element, [f"{name}_{j}" for j in range(len(shape))]
            )
            for i, name in enumerate(results)
        ]
        graph = helper.make_graph([node], "g", [x], ys, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        path = folder / "m.onnx"
        onnx.save(model, path)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        compile_file(str(path), str(folder / "m.so"))
        self.model = bm.load(str(folder / "m.so"), threads=1)

    def check(self, shape, rtol=1e-4, atol=1e-5):
        """Runs both on random numbers."""
        x = np.random.default_rng(sum(shape)).standard_normal(shape).astype(self.dtype)
        got = self.model(x)
        got = got if isinstance(got, tuple) else (got,)
        for have, want in zip(got, self.session.run(None, {"x": x}), strict=True):
            assert have.dtype == want.dtype
            assert have.shape == want.shape
            np.testing.assert_allclose(
                have.astype(np.float64), want.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True
            )

    def refuses(self, shape, message):
        """Expects a run to fail."""
        with pytest.raises(bm.RunError, match=message):
            self.model(np.zeros(shape, self.dtype))


def normal(seed, *shape):
    """Random numbers as float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


CONVS = [
    ((13, 5, 3, 3), {"pads": [1, 1, 1, 1]}),
    ((16, 8, 3, 3), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
    ((9, 4, 1, 1), {}),
    ((9, 4, 1, 1), {"strides": [2, 2]}),
    ((6, 2, 3, 3), {"group": 3, "dilations": [2, 1]}),
    ((12, 1, 3, 3), {"group": 12, "pads": [1, 1, 1, 1]}),
    ((12, 1, 5, 5), {"group": 6, "pads": [2, 2, 2, 2], "strides": [2, 2]}),
    ((8, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    ((5, 3, 2, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ((5, 3, 2, 4), {"auto_pad": "SAME_LOWER", "strides": [3, 1]}),
    ((5, 3, 2, 4), {"auto_pad": "VALID", "strides": [3, 1]}),
]
PLANES = [(9, 11), (16, 16), (20, 35), (33, 7), (56, 56)]


@pytest.mark.parametrize("case", range(len(CONVS)))
def test_conv(case, tmp_path):
    weight, attributes = CONVS[case]
    channels = weight[1] * attributes.get("group", 1)
    pair = Pair(tmp_path, "Conv", 4, [normal(1, *weight), normal(2, weight[0])], **attributes)
    for plane in PLANES:
        pair.check((2, channels, *plane))
    pair.check((0, channels, 16, 16))
    pair.refuses((1, channels + 1, 9, 9), "expects weights for the input's channels")


def test_conv_that_does_not_fit(tmp_path):
    pair = Pair(tmp_path, "Conv", 4, [normal(1, 4, 2, 5, 5)])
    pair.check((1, 2, 5, 5))
    pair.refuses((1, 2, 4, 9), "expects a kernel that fits in the padded input")


@pytest.mark.parametrize("rank", [1, 3])
def test_conv_of_other_ranks(rank, tmp_path):
    weight = normal(1, 6, 4, *[3] * rank)
    pair = Pair(tmp_path, "Conv", rank + 2, [weight, normal(2, 6)], pads=[1] * 2 * rank, strides=[2] * rank)
    pair.check((2, 4, *[9, 12, 17][-rank:]))


def test_conv_of_halves(tmp_path):
    pair = Pair(tmp_path, "Conv", 4, [normal(1, 8, 4, 3, 3), normal(2, 8)], "f16", pads=[1, 1, 1, 1])
    pair.check((2, 4, 9, 19), rtol=2e-3, atol=1e-2)


POOLS = [
    ([3, 3], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ([2, 3], {"strides": [2, 2], "ceil_mode": 1}),
    ([2, 3], {"strides": [3, 2], "ceil_mode": 1, "pads": [1, 1, 0, 1]}),
    ([3, 3], {"dilations": [2, 3]}),
    ([5, 4], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ([5, 4], {"auto_pad": "SAME_LOWER"}),
]


@pytest.mark.parametrize("case", range(len(POOLS)))
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
def test_pool(op, case, tmp_path):
    kernel, attributes = POOLS[case]
    pair = Pair(tmp_path, op, 4, kernel_shape=kernel, **attributes)
    for plane in PLANES:
        pair.check((2, 3, *plane))


def test_pool_that_does_not_fit(tmp_path):
    pair = Pair(tmp_path, "MaxPool", 4, kernel_shape=[3, 3], dilations=[2, 1])
    pair.check((1, 1, 5, 3))
    pair.refuses((1, 1, 4, 3), "expects a kernel that fits in the padded input")


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("case", [0, 1, 3])
def test_pool_indices(case, order, tmp_path):
    kernel, attributes = POOLS[case]
    pair = Pair(tmp_path, "MaxPool", 4, outputs=2, kernel_shape=kernel, storage_order=order, **attributes)
    for plane in PLANES:
        pair.check((2, 3, *plane))


def test_average_with_padding(tmp_path):
    pair = Pair(
        tmp_path,
        "AveragePool",
        4,
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        strides=[2, 2],
        ceil_mode=1,
        count_include_pad=1,
    )
    for plane in PLANES:
        pair.check((1, 2, *plane))


def test_pool_of_halves(tmp_path):
    pair = Pair(tmp_path, "AveragePool", 4, (), "f16", kernel_shape=[3, 3])
    pair.check((1, 3, 9, 20), rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
def test_global_pool(op, tmp_path):
    pair = Pair(tmp_path, op, 4, opset=21)
    for plane in PLANES:
        pair.check((2, 5, *plane))


TRANSPOSED = [
    ((6, 5, 3, 3), {}),
    ((6, 5, 2, 2), {"strides": [2, 2]}),
    ((6, 5, 4, 3), {"strides": [2, 3], "pads": [1, 0, 2, 1], "output_padding": [1, 2]}),
    ((6, 2, 3, 3), {"group": 3, "strides": [2, 1], "dilations": [2, 3]}),
    ((6, 5, 3, 4), {"strides": [3, 2], "auto_pad": "SAME_LOWER"}),
    ((6, 5, 5, 3), {"strides": [2, 3], "auto_pad": "SAME_UPPER"}),
]


@pytest.mark.parametrize("case", range(len(TRANSPOSED)))
def test_conv_transpose(case, tmp_path):
    weight, attributes = TRANSPOSED[case]
    outputs = weight[1] * attributes.get("group", 1)
    pair = Pair(tmp_path, "ConvTranspose", 4, [normal(1, *weight), normal(2, outputs)], **attributes)
    for plane in PLANES[:4]:
        pair.check((2, 6, *plane))
    pair.refuses((1, 6, 0, 9), "expects an input that is not empty")


def test_conv_transpose_skips_zeros(tmp_path):
    """An infinite weight meets elements only, not the zeros between them."""
    weight = np.full((1, 1, 2, 2), np.inf, np.float32)
    pair = Pair(tmp_path, "ConvTranspose", 4, [weight], strides=[3, 3])
    pair.check((1, 1, 3, 17))


def test_norms(tmp_path):
    scale, bias, mean = (normal(i, 6) for i in range(3))
    batch = Pair(tmp_path, "BatchNormalization", 4, [scale, bias, mean, np.abs(normal(4, 6))], epsilon=1e-3)
    instance = Pair(tmp_path, "InstanceNormalization", 4, [scale, bias])
    group = Pair(tmp_path, "GroupNormalization", 4, [scale, bias], opset=21, num_groups=3)
    across = Pair(tmp_path, "LRN", 4, opset=21, size=5, alpha=0.3, beta=0.6, bias=1.5)
    for plane in PLANES[:4]:
        for pair in (batch, instance, group, across):
            pair.check((2, 6, *plane))
    batch.refuses((1, 5, 3, 3), "expects a parameter for each channel")
    instance.refuses((1, 5, 3, 3), "expects a parameter for each channel")


RESIZES = [
    {"mode": mode, "coordinate_transformation_mode": coordinates}
    for mode in ("nearest", "linear", "cubic")
    for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
] + [
    # Not nearest: it has positions next to the middle, where onnxruntime's rounding errors decide.
    *({"mode": mode, "coordinate_transformation_mode": "half_pixel_symmetric"} for mode in ("linear", "cubic")),
    {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
    *({"nearest_mode": rounding} for rounding in ("round_prefer_ceil", "floor", "ceil")),
]


@pytest.mark.parametrize("case", range(len(RESIZES)))
def test_resize(case, tmp_path):
    """Up, down, and by a factor that leaves a rest."""
    for i, scales in enumerate([(2, 2), (0.6, 0.7), (1.7, 3)]):
        folder = tmp_path / str(i)
        folder.mkdir()
        parameters = [None, np.array([1, 1, *scales], np.float32)]
        pair = Pair(folder, "Resize", 4, parameters, opset=19, **RESIZES[case])
        for plane in PLANES[:3]:
            pair.check((1, 2, *plane), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_to_sizes(mode, tmp_path):
    pair = Pair(tmp_path, "Resize", 4, [None, None, np.array([1, 2, 14, 9])], opset=19, mode=mode)
    for plane in PLANES[:3]:
        pair.check((1, 2, *plane), rtol=1e-3, atol=1e-4)
    pair.refuses((1, 2, 0, 9), "expects an input that is not empty where the output is not")


FIXED = [
    ((13, 5, 3, 3), (2, 5, 17, 19), {"pads": [1, 1, 1, 1]}),
    ((13, 5, 3, 3), (1, 5, 7, 7), {"pads": [1, 1, 1, 1]}),
    ((8, 6, 1, 1), (3, 6, 9, 5), {}),
    ((8, 16, 1, 1), (1, 16, 4, 4), {}),
    ((12, 3, 3, 2), (2, 6, 21, 40), {"group": 2, "dilations": [2, 5]}),
    ((7, 4, 5, 5), (1, 4, 14, 14), {"pads": [2, 2, 2, 2]}),
    ((4, 300, 3, 3), (1, 300, 6, 33), {}),
    ((200, 130, 3, 3), (1, 130, 6, 6), {"pads": [1, 1, 1, 1]}),
    ((8, 5, 3, 3), (2, 5, 17, 23), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ((8, 3, 7, 7), (1, 3, 33, 40), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    ((8, 5, 1, 1), (1, 5, 20, 15), {"strides": [2, 2]}),
    ((12, 3, 4, 3), (1, 6, 25, 31), {"group": 2, "strides": [1, 3], "dilations": [2, 2]}),
]


@pytest.mark.parametrize("case", range(len(FIXED)))
def test_conv_of_known_size(case, tmp_path):
    """Where all sizes are known planes are flat: the bits are those of the loops over rows, on every level."""
    weight, shape, attributes = FIXED[case]
    parameters = [normal(1, *weight), normal(2, weight[0])]
    dynamic = Pair(tmp_path, "Conv", 4, parameters, **attributes)
    (tmp_path / "fixed").mkdir()
    fixed = Pair(tmp_path / "fixed", "Conv", shape, parameters, **attributes)
    # Sums of many terms that cancel: their rounding errors do not shrink with the result.
    fixed.check(shape, atol=2e-6 * np.prod(weight[1:]) ** 0.5)
    x = normal(3, *shape)
    want = dynamic.model(x)
    for level in ("avx512vnni", "x86-64-v3"):
        try:
            model = bm.load(str(tmp_path / "fixed" / "m.so"), threads=1, level=level)
        except bm.Error:
            continue
        np.testing.assert_array_equal(model(x).view(np.int32), want.view(np.int32))
