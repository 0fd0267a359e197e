"""bit-opt --verify: models of all kinds agree with their reference, and what cannot run says so."""

import json

import graphs
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file


def save(path, graph, inputs, outputs):
    """Writes a graph whose inputs and outputs are {name: (type, shape)}."""
    ins = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
    outs = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in outputs.items()]
    made = helper.make_graph(graph.nodes, "g", ins, outs, list(graph.constants.values()))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", graphs.OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def verify(path, **options):
    """Compiles with verification; returns the report's part about it."""
    report = path.with_suffix(".json")
    compile_file(path, path.with_suffix(".so"), report=report, **{"verify": True, **options})
    found = json.loads(report.read_text())["verification"]
    assert found["agrees"] and found["failures"] == []
    assert all(output["differing"] == 0 for output in found["outputs"])
    return found


def test_chain_of_layers(tmp_path):
    found = verify(graphs.mlp(tmp_path / "m.onnx", (64, 96, 10)), verify=5)
    assert found["sets"] == 5 and found["skipped"] == []
    assert found["levels"]
    # Batches of 2, 1, 3, 17 and 5 rows on each level.
    assert [o["elements"] for o in found["outputs"]] == [28 * 10 * len(found["levels"])]


@pytest.mark.parametrize("bits", [8, "none"])
def test_group_scales(bits, tmp_path):
    """Packed kernels with scales along K against the reference lowering, on every level; ragged rows."""
    g, rng, x = graphs.Graph(), np.random.default_rng(0), "x"
    for n, k in [(256, 384), (128, 256), (70, 128)]:
        w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((n, k), (n,)))
        x = g.op("Gemm", x, g.const(w), g.const(b), transB=1)
    path = tmp_path / "m.onnx"
    g.save(path, {"x": ["batch", 384]}, {x: ["batch", 70]})
    verify(path, quantize="all", quantize_granularity="group128", activation_bits=bits)
    layers = json.loads(path.with_suffix(".json").read_text())["bitlinear"]
    assert layers["packed"] == 3
    assert [layer["weight_granularity"] for layer in layers["layers"]] == ["group128"] * 3


@pytest.mark.parametrize("rows", [2, 40])
def test_indices_fit_the_table(tmp_path, rows):
    g, rng = graphs.Graph(), np.random.default_rng(0)
    y = graphs.bitlinear(g, g.op("Gather", g.const(rng.standard_normal((rows, 32))), "ids"), 32, 16, rng)
    path = tmp_path / "m.onnx"
    save(path, g, {"ids": (TensorProto.INT64, ["n", "t"])}, {y: (TensorProto.FLOAT, ["n", "t", 16])})
    found = verify(path)
    assert found["sets"] == 8 and found["skipped"] == []


def test_dims_that_must_fit(tmp_path):
    g = graphs.Graph()
    y = g.op("Add", "a", "b")
    path = tmp_path / "m.onnx"
    floats = {name: (TensorProto.FLOAT, [name, 3]) for name in ("a", "b")}
    save(path, g, floats, {y: (TensorProto.FLOAT, [None, 3])})
    assert verify(path)["sets"] == 8


TYPES = ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64"]


@pytest.mark.parametrize("name", [*TYPES, "UINT64", "BOOL"])
def test_types(tmp_path, name):
    g = graphs.Graph()
    dtype = getattr(TensorProto, name)
    outputs = {g.op("Concat", "x", "x", axis=0): (dtype, [None, 5])}
    outputs[g.op("Cast", "x", to=TensorProto.FLOAT)] = (TensorProto.FLOAT, ["n", 5])
    path = tmp_path / "m.onnx"
    save(path, g, {"x": (dtype, ["n", 5])}, outputs)
    assert verify(path)["sets"] == 8


def test_no_inputs(tmp_path):
    g = graphs.Graph()
    g.const(1.0)
    y = g.op("Add", g.const([1, 2]), g.const(1))
    path = tmp_path / "m.onnx"
    save(path, g, {}, {y: (TensorProto.FLOAT, [2])})
    assert verify(path, verify=1)["sets"] == 1


def test_what_never_runs_is_no_agreement(tmp_path):
    g = graphs.Graph()
    # No index fits a table of no rows.
    y = g.op("Gather", g.const(np.zeros((0, 4))), "ids")
    path = tmp_path / "m.onnx"
    save(path, g, {"ids": (TensorProto.INT64, [3])}, {y: (TensorProto.FLOAT, [3, 4])})
    (tmp_path / "m.so").write_text("precious")
    message = "cannot verify: no random inputs run: input set 0: .*node_gather"
    with pytest.raises(bm.CompileError, match=message) as error:
        compile_file(path, tmp_path / "m.so", verify=2)
    assert error.value.exit_code == 1
    assert (tmp_path / "m.so").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.so"]


def test_from_python(tmp_path):
    path = graphs.mlp(tmp_path / "m.onnx", (64, 96, 10))
    assert bm.compile(path, verify=2).report["verification"]["sets"] == 2
    assert bm.compile(path).report["verification"] is None
