"""Convolutions by panels: the bits of the plain loops, at each level, for every kind of size, stride and window.

The same node with its weights as an input is computed by the plain loops, as panels are for constants only.
"""

import numpy as np
import onnx
import pytest
from machine import open_levels
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

TYPES = {"f32": (TensorProto.FLOAT, np.float32), "f16": (TensorProto.FLOAT16, np.float16)}

# Weights, and attributes: widths of 32 and 16, ragged ones, planes that fill tiles and ones that do not.
CASES = [
    ((32, 5, 3, 3), (1, 9, 11), {"pads": [1, 1, 1, 1]}),
    ((64, 16, 1, 1), (1, 7, 7), {}),
    ((40, 16, 1, 1), (2, 13, 5), {"strides": [2, 3]}),
    ((70, 3, 3, 2), (2, 14, 13), {"strides": [2, 1], "dilations": [1, 3], "pads": [1, 0, 2, 1]}),
    ((16, 3, 7, 7), (1, 30, 26), {"strides": [2, 2], "pads": [3, 3, 3, 3]}),
    ((33, 2, 4, 3), (1, 1, 1), {"pads": [2, 1, 1, 1]}),
    ((20, 9, 2), (3, 8), {"dilations": [2]}),
    ((100, 20, 1), (2, 3), {}),
    ((18, 2, 2, 3, 2), (2, 5, 6, 4), {"pads": [1, 0, 1, 0, 1, 0], "dilations": [1, 2, 1]}),
    ((16, 2, 3, 1, 3), (1, 7, 6, 9), {"strides": [1, 2, 2]}),
    ((128, 4, 2, 2), (1, 21, 11), {}),
]


def save(path, weights, shape, attributes, bias, constant, type_name, dynamic):
    """A model of one convolution, its weights a constant or an input; returns the path."""
    element, dtype = TYPES[type_name]
    rank = len(shape)
    sizes = [f"d{i}" for i in range(rank - 1)] if dynamic else shape[1:]
    inputs = [helper.make_tensor_value_info("x", element, ["n" if dynamic else shape[0], weights.shape[1], *sizes])]
    initializers = []
    if constant:
        initializers.append(numpy_helper.from_array(weights.astype(dtype), "w"))
    else:
        inputs.append(helper.make_tensor_value_info("w", element, weights.shape))
    names = ["x", "w"]
    if bias is not None:
        initializers.append(numpy_helper.from_array(bias.astype(dtype), "b"))
        names.append("b")
    y = helper.make_tensor_value_info("y", element, [f"y{i}" for i in range(rank + 1)])
    graph = helper.make_graph([helper.make_node("Conv", names, ["y"], **attributes)], "g", inputs, [y], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)
    return str(path)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_bits_of_the_plain_loops(tmp_path, case, dynamic):
    size, shape, attributes = CASES[case]
    type_name = "f16" if case % 4 == 3 else "f32"
    rng = np.random.default_rng(case)
    weights = rng.standard_normal(size).astype(np.float32)
    bias = {0: None, 1: rng.standard_normal(size[0]), 2: np.full(size[0], 0.5)}[case % 3]
    dtype = TYPES[type_name][1]
    x = rng.standard_normal((shape[0], size[1], *shape[1:])).astype(dtype)
    shape = (shape[0], *shape[1:])
    options = (weights, shape, attributes, bias)
    libraries = []
    for constant in (True, False):
        path = save(tmp_path / f"{constant}.onnx", *options, constant, type_name, dynamic)
        compile_file(path, path.replace("onnx", "so"))
        libraries.append(path.replace("onnx", "so"))
    # On one level only: all levels of the plain loops give the same bits.
    expected = bm.load(libraries[1], threads=1)(x, weights.astype(dtype))
    for model in open_levels(libraries[0], threads=2):
        y = model(x)
        assert y.shape == expected.shape
        assert y.tobytes() == expected.tobytes(), model.level


def test_result_inside_of_another_tensor(tmp_path):
    """Each convolution writes its part of a concatenation, of channels or of columns."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((16, 4, 3, 3)).astype(np.float32) for _ in range(2)]
    x = rng.standard_normal((2, 4, 9, 10)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", f"w{i}"], [f"c{i}"], pads=[1] * 4) for i in range(2)]
    nodes += [helper.make_node("Concat", ["c0", "c1"], [f"y{axis}"], axis=axis) for axis in (1, 3)]
    outputs = [helper.make_tensor_value_info(f"y{axis}", TensorProto.FLOAT, [None] * 4) for axis in (1, 3)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        outputs,
        [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)
    got = bm.compile(str(path), threads=1)(x)
    parts = []
    for i, w in enumerate(weights):
        one = save(tmp_path / f"{i}.onnx", w, (2, 9, 10), {"pads": [1] * 4}, None, True, "f32", False)
        parts.append(bm.compile(one, threads=1)(x))
    for y, axis in zip(got, (1, 3)):
        np.testing.assert_array_equal(y, np.concatenate(parts, axis))
