"""Weights that several products read, and layers in places that exporters leave them in."""

import json

import numpy as np
import onnx
import pytest
import ties
from graphs import OPSET, Graph, quantize_activation, quantize_weight
from onnx import TensorProto, helper, numpy_helper
from test_weights import blockwise, microsoft

from bit_mlir.compiler import compile_file

K = 64


def compile_report(path):
    """Compiles beside the model; returns the report."""
    report = path.with_suffix(".json")
    compile_file(path, path.with_suffix(".so"), report=report)
    return json.loads(report.read_text())


def ternary(rng, *shape):
    return rng.integers(-1, 2, shape).astype(np.float32) * np.float32(0.37)


def sample(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def weight_bytes(report):
    return report["sizes"]["weights"]


# A function of graph, random generator and which of two products it is to make.
def matmul_twice(g, rng, i):
    return g.op("MatMul", "x", "w") if i else g.op("Gemm", "x", g.op("Transpose", "w", perm=[1, 0]), transB=1)


def n_bits_twice(g, rng, i):
    attributes = {"K": K, "N": K, "bits": 2, "block_size": K}
    # One of the two has a bias, which is none of the weight's.
    last = [g.const(rng.random(K))] if i else []
    return microsoft(g, "MatMulNBits", "x", "codes", "scales", "zeros", *(["", *last] if last else []), **attributes)


def integers_twice(g, rng, i):
    codes = "codes" if i else g.op("Identity", "codes")
    return g.op("Cast", g.op("MatMulInteger", codes, "integers", "", "zero"), to=1)


TWICE = {"MatMul, Gemm": matmul_twice, "MatMulNBits": n_bits_twice, "MatMulInteger": integers_twice}


def write_twice(form, path, count):
    """A model of `count` products by one weight of K x K."""
    g, rng = Graph(), np.random.default_rng(0)
    if form is matmul_twice:
        constants = {"w": ternary(rng, K, K)}
    elif form is n_bits_twice:
        packed, scales, zeros = blockwise(rng, 2, K, K, K)
        constants = {"codes": packed, "scales": scales, "zeros": zeros}
    else:
        g.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "x_zero"], name="quantize"))
        constants = {"integers": rng.integers(3, 6, (K, K)).astype(np.uint8), "zero": np.uint8(4)}
    for name, value in constants.items():
        g.constants[name] = numpy_helper.from_array(np.asarray(value), name)
    outputs = {form(g, rng, i): ["batch", K] for i in range(count)}
    return g.save(path, {"x": ["batch", K]}, outputs)


@pytest.mark.parametrize("name", TWICE)
def test_one_weight_for_two_products(name, tmp_path):
    one = compile_report(write_twice(TWICE[name], tmp_path / "one.onnx", 1))
    path = write_twice(TWICE[name], tmp_path / "two.onnx", 2)
    two = compile_report(path)
    assert two["bitlinear"]["packed"] == 2
    # The codes are there once: 2 bits each. The bias is all that there is more.
    assert weight_bytes(two) - weight_bytes(one) < K * K // 8
    ties.Comparison(path).check(sample(5, K))


def test_one_weight_both_ways(tmp_path):
    """A tied weight, transposed for one of its users: other rows, other codes."""
    g, rng = Graph(), np.random.default_rng(1)
    w = g.const(ternary(rng, K, K))
    x = quantize_activation(g, "x")
    y = g.op("MatMul", x, w)
    z = g.op("MatMul", quantize_activation(g, y), g.op("Transpose", w, perm=[1, 0]))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {y: ["batch", K], z: ["batch", K]})
    found = compile_report(path)["bitlinear"]
    assert [layer["activation_bits"] for layer in found["layers"]] == [8, 8]
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(sample(5, K, seed=seed))


@pytest.mark.parametrize("is_folded", [True, False], ids=["folded", "chain"])
def test_fused_projections(is_folded, tmp_path):
    """Three weights, each with its scale, in one product that is split after it."""
    g, rng = Graph(), np.random.default_rng(2)
    if is_folded:
        parts = [ternary(rng, n, K) * np.float32(s) for n, s in ((K, 1.0), (16, 0.3), (16, 7.0))]
        w = g.const(np.concatenate(parts))
    else:
        parts = [quantize_weight(g, g.const(rng.standard_normal((n, K)))) for n in (K, 16, 16)]
        w = g.op("Concat", *parts, axis=0)
    y = g.op("MatMul", quantize_activation(g, "x"), g.op("Transpose", w, perm=[1, 0]))
    names = ["q", "k", "v"]
    g.nodes.append(helper.make_node("Split", [y, g.const([K, 16, 16], np.int64)], names, axis=-1, name="split"))
    shapes = {n: ["batch", 3, size] for n, size in zip(names, (K, 16, 16))}
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 3, K]}, shapes)
    (layer,) = compile_report(path)["bitlinear"]["layers"]
    assert (layer["weight_granularity"], layer["activation_bits"]) == ("channel", 8)
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(sample(4, 3, K, seed=seed))


def fold(path, stop):
    """Replaces the first `stop` nodes that only constants make by their values, as an optimizer with a limit does."""
    model = onnx.load(path)
    graph = model.graph
    known = {i.name for i in graph.initializer}
    folded = []
    for node in graph.node:
        if len(folded) < stop and known.issuperset(node.input):
            known.update(node.output)
            folded.append(node)
    assert len(folded) == stop
    names = [name for node in folded for name in node.output]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    onnx.save(onnx.shape_inference.infer_shapes(probe), path)
    values = ties.reference(path).run(names, {"x": sample(1, K)})
    for node in folded:
        graph.node.remove(node)
    graph.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, values))
    onnx.save(model, path)


# Abs, ReduceMean, Squeeze, Clip, Reciprocal, Mul, Round, Clip, Div, Sub, Add, Transpose.
@pytest.mark.parametrize("stop", range(0, 13, 2))
def test_half_folded_chains(stop, tmp_path):
    g, rng = Graph(), np.random.default_rng(3)
    w = g.const(rng.standard_normal((24, K)))
    w = g.op("Transpose", g.op("Add", w, g.op("Sub", quantize_weight(g, w), w)), perm=[1, 0])
    y = g.op("MatMul", quantize_activation(g, "x"), w)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {y: ["batch", 24]})
    fold(path, stop)
    (layer,) = compile_report(path)["bitlinear"]["layers"]
    assert (layer["activation_bits"], layer["weight_granularity"]) == (8, "tensor")
    assert layer["weight_error"] < 1e-7
    comparison = ties.Comparison(path)
    for seed in range(2):
        comparison.check(sample(5, K, seed=seed))


def test_layers_in_local_functions(tmp_path):
    """The exporter's functions, one a module: a quantizer, and a layer that calls it."""
    g, rng = Graph(), np.random.default_rng(4)
    quantizer, layer = Graph(), Graph()
    q = quantize_activation(quantizer, "x")
    w = quantize_weight(layer, "w")
    layer.nodes.append(helper.make_node("Quantize", ["x"], ["xq"], domain="local", name="quantize"))
    y = layer.op("MatMul", "xq", layer.op("Transpose", w, perm=[1, 0]))

    def to_function(name, made, inputs, output):
        """Functions have no initializers."""
        constants = [helper.make_node("Constant", [], [n], value=v) for n, v in made.constants.items()]
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("local", 1)]
        return helper.make_function("local", name, inputs, [output], [*constants, *made.nodes], opsets)

    h = g.op("BitLinear", "x", g.const(rng.standard_normal((48, K))), domain="local")
    h = g.op("BitLinear", g.op("Relu", h), g.const(rng.standard_normal((24, 48))), domain="local")
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["batch", K]), (h, ["batch", 24]))
    ]
    graph = helper.make_graph(g.nodes, "g", ends[:1], ends[1:], list(g.constants.values()))
    model = helper.make_model(
        graph,
        functions=[to_function("Quantize", quantizer, ["x"], q), to_function("BitLinear", layer, ["x", "w"], y)],
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("local", 1)],
        ir_version=10,
    )
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    found = compile_report(path)["bitlinear"]
    assert [each["activation_bits"] for each in found["layers"]] == [8, 8] and found["rejected"] == []
    x = sample(5, K)
    ours, theirs = ties.compiled(path)(x), ties.reference(path).run(None, {"x": x})[0]
    # A flipped code moves an output by one step of 127.
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=np.abs(theirs).max() / 127)
