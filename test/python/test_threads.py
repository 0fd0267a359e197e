"""A BitLinear layer on any number of threads gives the bits of one, whatever the rows and tokens leave over."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

LEVELS = ["avx512vnni", "x86-64-v3"]


def compile_layer(folder, n, k, tokens):
    """A layer of int8 activations and ternary weights with a bias; returns the library's path."""
    rng = np.random.default_rng(n)
    node = helper.make_node
    nodes = [
        node("Abs", ["x"], ["abs"]),
        node("ReduceMax", ["abs", "axes"], ["largest"], keepdims=1),
        node("Clip", ["largest", "eps"], ["clipped"]),
        node("Div", ["q", "clipped"], ["scale"]),
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Clip", ["rounded", "low", "q"], ["codes"]),
        node("Div", ["codes", "scale"], ["dequantized"]),
        node("MatMul", ["dequantized", "w"], ["product"]),
        node("Add", ["product", "bias"], ["y"]),
    ]
    constants = {
        "axes": np.array([-1], np.int64),
        "eps": np.float32(1e-5),
        "q": np.float32(127),
        "low": np.float32(-128),
        "w": rng.integers(-1, 2, (k, n)).astype(np.float32) * np.float32(0.05),
        "bias": rng.standard_normal(n).astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [tokens, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [tokens, n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = folder / "layer.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    model = bm.compile(path, output=folder / "layer.so", level=LEVELS)
    assert model.report["bitlinear"]["packed"] == 1
    return folder / "layer.so"


def load(library, **options):
    """The model at a level; skips where the CPU does not have it."""
    try:
        return bm.load(library, **options)
    except bm.Error as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n, tokens", [(1003, 1), (1003, "tokens"), (333, 128), (64, 7)])
def test_threads_do_not_change_bits(tmp_path, n, tokens, level):
    """More threads than cores, too; a layer of one block of rows is not shared at all."""
    library = compile_layer(tmp_path, n, 2560, tokens)
    one = load(library, level=level, threads=1)
    many = [bm.load(library, level=level, threads=threads) for threads in (2, 3, 8)]
    rng = np.random.default_rng(0)
    for count in (1, 5, 128) if tokens == "tokens" else (tokens,):
        x = rng.standard_normal((count, 2560)).astype(np.float32)
        expected = one(x).tobytes()
        for model in many:
            for _ in range(5):
                assert model(x).tobytes() == expected
