"""What follows a product or a convolution, computed by its kernel: the bits of loops of their own, at each level.

A graph whose product is an output, too, keeps those loops, as a kernel's result that is read twice stays as it is.
"""

import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file
from bit_mlir.paths import tool

LEVELS = ["avx512vnni", "x86-64-v3"]

# Of the result r of a kernel, with c along its channels, z of its shape, n a number: nodes, whose last one yields y.
TAILS = {
    "relu": [("Relu", ["r"], "y")],
    "scale": [("Mul", ["r", "c"], "s"), ("Clip", ["s", "low", "high"], "y")],
    "add_relu": [("Add", ["r", "z"], "s"), ("Relu", ["s"], "y")],
    "silu": [("Sigmoid", ["r"], "s"), ("Mul", ["r", "s"], "y")],
    "scale_add": [("Mul", ["r", "c"], "s"), ("Add", ["z", "s"], "t"), ("Mul", ["t", "n"], "y")],
    "gelu_add": [("Gelu", ["r"], "s"), ("Add", ["z", "s"], "t"), ("Mul", ["t", "c"], "y")],
    "number": [("Mul", ["r", "n"], "s"), ("Tanh", ["s"], "y")],
    "gate": [("Sigmoid", ["z"], "s"), ("Mul", ["z", "s"], "t"), ("Mul", ["t", "r"], "y")],
}

# Whose polynomials stay in loops of their own.
LONG = ["silu", "gelu_add", "gate", "number"]


def save(path, nodes, weights, x, shape, channels, tail, *, kept, dims):
    """A model of `nodes` and their tail, its result an output, too, where it is `kept`; returns the inputs.

    `dims` has symbols for sizes of x and y that are not known.
    """
    names = {"x": x.shape, "y": shape, "z": shape, "r": shape, "n": ()} | dims
    rng = np.random.default_rng(1)
    z = rng.standard_normal(shape).astype(np.float32)
    c = rng.standard_normal(channels).astype(np.float32)
    nodes = nodes + [helper.make_node(op, inputs, [output]) for op, inputs, output in TAILS[tail]]
    values = [("w", weights), ("c", c), ("axis", np.array([-1]))]
    numbers = {"low": -0.5, "high": 1.5, "eps": 1e-5, "range": 127, "least": -128, "most": 127}
    values += [(name, np.float32(number)) for name, number in numbers.items()]
    used = {name for n in nodes for name in n.input}
    inputs = {"x": x} | {name: value for name, value in (("z", z), ("n", np.array(0.75, np.float32))) if name in used}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, names[name]) for name in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, names[n]) for n in (["y", "r"] if kept else ["y"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values if name in used],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return list(inputs.values())


def kernels_with_epilogues(path):
    """How many kernels of a model have one."""
    text = subprocess.run(
        [tool("bit-opt"), path, "--emit=linalg", "-o", "-"], capture_output=True, text=True, check=True
    )
    return text.stdout.count("epilogue {")


def check(tmp_path, nodes, weights, x, shape, channels, tail, dims=None):
    libraries = []
    for kept in (False, True):
        path = str(tmp_path / f"{kept}.onnx")
        inputs = save(path, nodes, weights, x, shape, channels, tail, kept=kept, dims=dims or {})
        assert kernels_with_epilogues(path) == (not kept and tail not in LONG)
        compile_file(path, path.replace("onnx", "so"))
        libraries.append(path.replace("onnx", "so"))
    ran = 0
    for level in LEVELS:
        try:
            fused, plain = (bm.load(library, threads=2, level=level) for library in libraries)
        except bm.Error:
            continue
        expected = plain(*inputs)[0]
        assert fused(*inputs).tobytes() == expected.tobytes(), level
        ran += 1
    assert ran


# Rows that fill tiles and ones that do not; whole, ragged and narrow panels.
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("shape", [(1, 30, 64), (7, 5, 70), (13, 20, 33), (2, 100, 8, 16)], ids=str)
def test_product(tmp_path, shape, tail):
    rng = np.random.default_rng(0)
    *rows, k, n = shape
    weights = rng.standard_normal((k, n)).astype(np.float32)
    x = rng.standard_normal((*rows, k)).astype(np.float32)
    check(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["r"])], weights, x, (*rows, n), (n,), tail)


def quantize(x):
    """Nodes that quantize `x` to q, with one scale a row."""
    return [
        helper.make_node("Abs", [x], ["abs"]),
        helper.make_node("ReduceMax", ["abs", "axis"], ["max"], keepdims=1),
        helper.make_node("Max", ["max", "eps"], ["a"]),
        helper.make_node("Div", ["range", "a"], ["scale"]),
        helper.make_node("Mul", [x, "scale"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "least", "most"], ["codes"]),
        helper.make_node("Div", ["codes", "scale"], ["q"]),
    ]


# Tokens that fill tiles and tables or do not, of codes and floats; whole, ragged and few rows of weights. No scale
# right after the product: recognition makes it the weights', where the product is no output.
@pytest.mark.parametrize("tail", ["relu", "add_relu", "gate"])
@pytest.mark.parametrize("shape", [(1, 40, 64), (7, 33, 70), (2, 9, 20, 13), (53, 24, 300)], ids=str)
@pytest.mark.parametrize("quantized", [False, True], ids=["floats", "codes"])
def test_ternary_weights(tmp_path, shape, tail, quantized):
    rng = np.random.default_rng(0)
    *rows, k, n = shape
    weights = (rng.integers(-1, 2, (k, n)) * np.float32(0.125)).astype(np.float32)
    x = rng.standard_normal((*rows, k)).astype(np.float32)
    nodes = quantize("x") if quantized else []
    nodes.append(helper.make_node("MatMul", ["q" if quantized else "x", "w"], ["r"]))
    check(tmp_path, nodes, weights, x, (*rows, n), (n,), tail)


@pytest.mark.parametrize("tail", ["relu", "scale_add", "gelu_add"])
def test_unknown_rows(tmp_path, tail):
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((20, 70)).astype(np.float32)
    x = rng.standard_normal((2, 13, 20)).astype(np.float32)
    y = ("b", "m", 70)
    node = helper.make_node("MatMul", ["x", "w"], ["r"])
    check(tmp_path, [node], weights, x, (2, 13, 70), (70,), tail, {"x": ("b", "m", 20), "y": y, "z": y, "r": y})


@pytest.mark.parametrize("tail", ["relu", "scale"])
def test_unknown_pixels(tmp_path, tail):
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((40, 5, 3, 3)).astype(np.float32)
    x = rng.standard_normal((2, 5, 9, 11)).astype(np.float32)
    y = ("n", 40, "h2", "w2")
    node = helper.make_node("Conv", ["x", "w"], ["r"])
    check(tmp_path, [node], weights, x, (2, 40, 7, 9), (40, 1, 1), tail, {"x": ("n", 5, "h", "w"), "y": y, "r": y})


# As in test_panel_conv.py: of weights and of x, and attributes.
CONVOLUTIONS = [
    ((32, 5, 3, 3), (1, 9, 11), {"pads": [1, 1, 1, 1]}),
    ((64, 16, 1, 1), (1, 7, 7), {}),
    ((40, 16, 1, 1), (2, 13, 5), {"strides": [2, 3]}),
    ((33, 2, 4, 3), (1, 1, 1), {"pads": [2, 1, 1, 1]}),
    ((20, 9, 2), (3, 8), {"dilations": [2]}),
    ((18, 2, 2, 3, 2), (2, 5, 6, 4), {"pads": [1, 0, 1, 0, 1, 0], "dilations": [1, 2, 1]}),
]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("case", range(len(CONVOLUTIONS)))
def test_convolution(tmp_path, case, tail):
    size, shape, attributes = CONVOLUTIONS[case]
    rng = np.random.default_rng(case)
    weights = rng.standard_normal(size).astype(np.float32)
    x = rng.standard_normal((shape[0], size[1], *shape[1:])).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["r"], **attributes)
    inferred = onnx.shape_inference.infer_shapes(
        helper.make_model(
            helper.make_graph(
                [node],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
                [numpy_helper.from_array(weights, "w")],
            ),
            opset_imports=[helper.make_opsetid("", 20)],
        )
    )
    y = tuple(d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim)
    channels = (size[0], *(1 for _ in size[2:]))
    check(tmp_path, [node], weights, x, y, channels, tail)


def test_results_inside_of_another_tensor(tmp_path):
    """Each result is written to its part of a concatenation, where its rows or its planes have gaps."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((16, 4, 3, 3)).astype(np.float32)
    x = rng.standard_normal((2, 4, 9, 10)).astype(np.float32)
    z = rng.standard_normal((2, 16, 7, 8)).astype(np.float32)
    outputs = []
    for kept in (False, True):
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["r"]),
            helper.make_node("Add", ["r", "z"], ["s"]),
            helper.make_node("Relu", ["s"], ["t"]),
            helper.make_node("Concat", ["t", "z"], ["y1"], axis=1),
            helper.make_node("Concat", ["z", "t"], ["y3"], axis=3),
        ]
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in (("x", x), ("z", z))],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * 4) for n in ["y1", "y3", "r"][: 2 + kept]],
            [numpy_helper.from_array(weights, "w")],
        )
        path = str(tmp_path / f"{kept}.onnx")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
        outputs.append(bm.compile(path, threads=1)(x, z))
    for got, expected in zip(outputs[0], outputs[1]):
        np.testing.assert_array_equal(got, expected)
