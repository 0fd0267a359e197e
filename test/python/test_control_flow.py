"""If, Loop and Scan: what they compute, and that the layers inside of them are packed."""

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import ties
from graphs import OPSET, Graph, bitlinear
from onnx import TensorProto, helper

from bit_mlir.compiler import compile_file

K = 64
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


class Body(Graph):
    """The graph of a branch or a loop; its names are its own."""

    numbers = 0

    def __init__(self, *inputs):
        """Inputs are (name, type, shape); those without a shape are as inference finds them."""
        super().__init__()
        Body.numbers += 1
        self.count = 1000 * Body.numbers
        self.inputs = [helper.make_tensor_value_info(*i) for i in inputs]

    def graph(self, *outputs):
        """The finished graph; outputs are names or (name, type)."""
        typed = [(o, FLOAT) if isinstance(o, str) else o for o in outputs]
        outs = [helper.make_tensor_value_info(name, kind, None) for name, kind in typed]
        return helper.make_graph(self.nodes, f"body_{self.count}", self.inputs, outs, list(self.constants.values()))


def step(*carried):
    """The body of a Loop: its number is `i`, its condition `go`."""
    return Body(("i", INT64, []), ("go", BOOL, []), *((name, FLOAT, None) for name in carried))


def multi(g, op_type, inputs, n, **attributes):
    """A node of several outputs."""
    g.count += 1
    names = [f"{op_type.lower()}_{g.count}_{i}" for i in range(n)]
    g.nodes.append(helper.make_node(op_type, inputs, names, name=f"node_{op_type}_{g.count}", **attributes))
    return names


def save(g, path, inputs, outputs):
    """Writes a model whose inputs and outputs are {name: (type, shape)}."""
    ins, outs = (
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in values.items()] for values in (inputs, outputs)
    )
    graph = helper.make_graph(g.nodes, "g", ins, outs, list(g.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.save(model, path)
    return path


def reference(path):
    """onnxruntime, which refuses values from outside as outputs of a body: an Identity makes them inner ones."""
    model = onnx.load(path)

    def rewrite(graph):
        made = {o for n in graph.node for o in n.output} | {i.name for i in [*graph.input, *graph.initializer]}
        for output in graph.output:
            if output.name not in made:
                inner = f"{graph.name}_{len(graph.node)}"
                graph.node.append(helper.make_node("Identity", [output.name], [inner]))
                output.name = inner
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    rewrite(attribute.g)

    rewrite(model.graph)
    plain = path.with_name("reference.onnx")
    onnx.save(model, plain)
    session = ties.reference(plain)
    names = [i.name for i in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, map(np.asarray, inputs))))


def layer(g, x, rng, bias):
    """A K x K layer, and what its quantizer rounds."""
    y = bitlinear(g, x, K, K, rng, bias=bias)
    return y, [node.input[0] for node in g.nodes if node.op_type == "Round" and node.input[0] in scaled(g)][-1]


def scaled(g):
    """Values that are a product with the activations' scale: the weights' roundings are of constants."""
    known, result = set(g.constants), set()
    for node in g.nodes:
        if set(node.input) <= known:
            known.update(node.output)
        elif node.op_type == "Mul":
            result.update(node.output)
    return result


def compile_packed(path, tmp_path, layers):
    """Compiles; all layers are packed."""
    report = tmp_path / "report.json"
    model = ties.compiled(path, report=report)
    found = json.loads(report.read_text())["bitlinear"]
    assert found["found"] == found["packed"] == layers
    assert found["rejected"] == []
    assert all(entry["activation_bits"] == 8 for entry in found["layers"])
    return model


def check_codes(model, path, rows, *inputs):
    """Outputs are y [rows, K] and what was rounded, [..., rows, K]: equal codes but for ties, equal rows without."""
    theirs = reference(path)(*inputs)
    ours = model(*inputs)
    assert len(theirs[1]) or not rows
    flipped = np.rint(ours[1]) != np.rint(theirs[1])
    away = np.abs(theirs[1] - 0.5 - np.rint(theirs[1] - 0.5))
    # What a flipped code leads to is different for a reason: only the first flip of a row must be at a tie.
    steps = flipped.size // max(1, rows * K)
    flipped, away = flipped.reshape(steps, rows, K), away.reshape(steps, rows, K)
    same = np.ones(rows, bool)
    for now, distance in zip(flipped, away):
        assert not np.any(distance[same][now[same]] > ties.TIE)
        same &= ~now.any(axis=-1)
    assert not rows or same.mean() > 0.5
    np.testing.assert_allclose(ours[0][same], theirs[0][same], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("batch", [5, "batch"])
def test_layers_in_branches(batch, bias, tmp_path):
    rng = np.random.default_rng(0)
    g, branches = Graph(), {}
    for name in ("then_branch", "else_branch"):
        inner = Body()
        branches[name] = inner.graph(*layer(inner, "x", rng, bias))
    y, v = multi(g, "If", [g.op("Greater", "c", g.const(0.0))], 2, **branches)
    path = save(
        g,
        tmp_path / "model.onnx",
        {"x": (FLOAT, [batch, K]), "c": (FLOAT, [])},
        {y: (FLOAT, [batch, K]), v: (FLOAT, [batch, K])},
    )
    model = compile_packed(path, tmp_path, 2)
    for rows in (5,) if batch == 5 else (1, 5, 0, 17):
        x = rng.standard_normal((rows, K)).astype(np.float32)
        for c in (1.0, -1.0):
            check_codes(model, path, rows, x, np.float32(c))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("batch", [5, "batch"])
@pytest.mark.parametrize("ends", ["by count", "by condition"])
def test_layer_in_loop(ends, batch, bias, tmp_path):
    rng = np.random.default_rng(0)
    g, inner = Graph(), step("h")
    y, v = layer(inner, "h", rng, bias)
    y = inner.op("Relu", y)
    goes = inner.op("Identity", "go") if ends == "by count" else inner.op("Less", "i", inner.const(2, np.int64))
    body = inner.graph((goes, BOOL), y, v)
    out, stack = multi(g, "Loop", ["m", g.const(True, bool), "x"], 2, body=body)
    path = save(
        g,
        tmp_path / "model.onnx",
        {"x": (FLOAT, [batch, K]), "m": (INT64, [])},
        {out: (FLOAT, [batch, K]), stack: (FLOAT, [None, batch, K])},
    )
    model = compile_packed(path, tmp_path, 1)
    for rows in (5,) if batch == 5 else (1, 5, 17):
        x = rng.standard_normal((rows, K)).astype(np.float32)
        for trips in (1, 2, 5):
            check_codes(model, path, rows, x, np.int64(trips))


@pytest.mark.parametrize("batch", [3, "batch"])
def test_branch_in_loop(batch, tmp_path):
    rng = np.random.default_rng(0)
    g, inner, branches = Graph(), step("h"), {}
    for name in ("then_branch", "else_branch"):
        branch = Body()
        branches[name] = branch.graph(*layer(branch, "h", rng, True))
    even = inner.op("Equal", inner.op("Mod", "i", inner.const(2, np.int64)), inner.const(0, np.int64))
    y, v = multi(inner, "If", [even], 2, **branches)
    y = inner.op("Add", y, inner.op("Mul", "h", "c"))
    body = inner.graph((inner.op("Identity", "go"), BOOL), y, v)
    out, stack = multi(g, "Loop", [g.const(4, np.int64), "", "x"], 2, body=body)
    path = save(
        g,
        tmp_path / "model.onnx",
        {"x": (FLOAT, [batch, K]), "c": (FLOAT, [])},
        {out: (FLOAT, [batch, K]), stack: (FLOAT, [None, batch, K])},
    )
    model = compile_packed(path, tmp_path, 2)
    x = rng.standard_normal((3, K)).astype(np.float32)
    check_codes(model, path, 3, x, np.float32(0.5))


def swap(g):
    """Two carried values change places; one is also a scan output."""
    inner = step("a", "b")
    body = inner.graph((inner.op("Identity", "go"), BOOL), inner.op("Identity", "b"), inner.op("Identity", "a"), "a")
    return multi(g, "Loop", ["m", "", "x", g.op("Neg", "x")], 3, body=body)


def fibonacci(g):
    """One carried value is the other of the last iteration."""
    inner = step("a", "b")
    total = inner.op("Add", "a", "b")
    body = inner.graph((inner.op("Identity", "go"), BOOL), inner.op("Identity", "b"), total, total)
    return multi(g, "Loop", ["m", "", "x", g.op("Neg", "x")], 3, body=body)


def growing(g):
    """A carried value gets longer."""
    inner = step("a")
    longer = inner.op("Concat", "a", "x", axis=0)
    body = inner.graph((inner.op("Identity", "go"), BOOL), longer, inner.op("ReduceSum", longer, keepdims=0))
    return multi(g, "Loop", ["m", "", "x"], 2, body=body)


def conditional(g):
    """Ends where a sum is reached; sometimes it keeps its value."""
    inner = step("a", "kept")
    a = inner.op("Add", "a", "x")
    goes = inner.op("Less", inner.op("ReduceMax", a, keepdims=0), inner.const(4.5))
    keep, change = Body(), Body()
    branches = {"then_branch": keep.graph(keep.op("Identity", "kept")), "else_branch": change.graph(a)}
    odd = inner.op("Equal", inner.op("Mod", "i", inner.const(2, np.int64)), inner.const(1, np.int64))
    (kept,) = multi(inner, "If", [odd], 1, **branches)
    body = inner.graph((goes, BOOL), a, kept, inner.op("Mul", "a", "a"))
    first = g.op("Greater", "m", g.const(0, np.int64))
    return multi(g, "Loop", ["", first, "x", "x"], 3, body=body)


def nested(g):
    """A loop in a loop, both with scan outputs; the inner one runs i + 1 times."""
    outer, inner = step("a"), Body(("j", INT64, []), ("on", BOOL, []), ("b", FLOAT, None))
    b = inner.op("Add", "b", inner.op("Mul", "a", "x"))
    body = inner.graph((inner.op("Identity", "on"), BOOL), b, b)
    last, rows = multi(outer, "Loop", [outer.op("Add", "i", outer.const(1, np.int64)), "", "a"], 2, body=body)
    total = outer.op("ReduceSum", rows, outer.const([0], np.int64), keepdims=0)
    half = outer.op("Mul", outer.op("Add", last, total), outer.const(0.25))
    return multi(g, "Loop", ["m", "", "x"], 2, body=outer.graph((outer.op("Identity", "go"), BOOL), half, total))


def from_outside(g):
    """Yields an input, a constant, and what is yielded twice."""
    inner = step("a")
    k = inner.const(np.arange(3))
    body = inner.graph((inner.op("Identity", "go"), BOOL), "x", "x", inner.op("Identity", k), "a", "a")
    return multi(g, "Loop", ["m", "", g.op("Neg", "x")], 5, body=body)


def branch_shapes(g):
    """Branches yield other shapes, an input, a constant, a part of a value that is used on."""
    a, b = Body(), Body()
    part = a.op("Slice", "x", a.const([1], np.int64), a.const([3], np.int64))
    one = a.graph("x", a.op("Identity", a.const(np.arange(2))), part, a.op("Add", part, part))
    joined = b.op("Relu", "x")
    other = b.graph(b.op("Concat", "x", joined, axis=0), "x", joined, b.op("Neg", "x"))
    results = multi(g, "If", [g.op("Greater", "m", g.const(1, np.int64))], 4, then_branch=one, else_branch=other)
    return [*results[:2], g.op("Mul", results[2], g.const(2.0)), g.op("Exp", results[3])]


def scan(g):
    """A running sum, forward and backward, stacked along other axes."""
    inner = Body(("s", FLOAT, None), ("row", FLOAT, None), ("back", FLOAT, None))
    total = inner.op("Add", "s", "row")
    body = inner.graph(total, inner.op("Mul", total, "back"), inner.op("Identity", total))
    matrix = g.op("Mul", g.op("Unsqueeze", "x", g.const([1], np.int64)), "x")
    zero = g.op("Sub", "x", "x")
    return multi(
        g,
        "Scan",
        [zero, matrix, matrix],
        3,
        body=body,
        num_scan_inputs=2,
        scan_input_axes=[0, -1],
        scan_input_directions=[0, 1],
        scan_output_axes=[0, -1],
        scan_output_directions=[1, 0],
    )


PROGRAMS = [swap, fibonacci, growing, conditional, nested, from_outside, branch_shapes, scan]


@pytest.mark.parametrize("size", [3, "n"], ids=["static", "dynamic"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_program(program, size, tmp_path):
    g = Graph()
    outputs = {name: (FLOAT, None) for name in program(g)}
    # onnxruntime wants every input to be read.
    outputs[g.op("Identity", "m")] = (INT64, [])
    path = save(g, tmp_path / "model.onnx", {"x": (FLOAT, [size]), "m": (INT64, [])}, outputs)
    model, expected = ties.compiled(path), reference(path)
    for trips in (3, 1, 0, 8, -1):
        x = np.linspace(0.5, 1.5, 3, dtype=np.float32)
        for a, b in zip(model(x, np.int64(trips)), expected(x, np.int64(trips))):
            assert a.dtype == b.dtype
            if a.ndim == 2 and not b.size:
                # Of rows that were never computed onnxruntime does not even know the rank.
                assert len(a) == 0
                continue
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_changing_rows_are_an_error(tmp_path):
    """A scan output whose rows differ, which only the run shows."""
    g, inner = Graph(), step("a")
    longer = inner.op("Concat", "a", "x", axis=0)
    body = inner.graph((inner.op("Identity", "go"), BOOL), longer, longer)
    out, rows = multi(g, "Loop", ["m", "", "x"], 2, body=body)
    path = save(
        g,
        tmp_path / "model.onnx",
        {"x": (FLOAT, [3]), "m": (INT64, [])},
        {out: (FLOAT, None), rows: (FLOAT, None)},
    )
    model = ties.compiled(path)
    assert model(np.ones(3, np.float32), np.int64(1))[1].shape == (1, 6)
    with pytest.raises(Exception, match="one shape in all iterations"):
        model(np.ones(3, np.float32), np.int64(2))


LONG_RUN = """
import resource, sys
import numpy as np, bit_mlir as bm
model = bm.load(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model(np.ones(1 << 20, np.float32), np.int64(3000))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_of_many_iterations(tmp_path):
    """A temporary whose size depends on data: 3,000 iterations of 4 MB take what a few do."""
    g, inner = Graph(), step("a")
    # As many as are positive: all of them, but who knows.
    part = inner.op("Slice", "a", inner.const([0], np.int64), "ends")
    body = inner.graph((inner.op("Identity", "go"), BOOL), inner.op("Relu", inner.op("Neg", inner.op("Neg", part))))
    ends = g.op("Cast", g.op("ReduceSum", "x", keepdims=1), to=INT64)
    g.nodes[-1].output[0] = "ends"
    (out,) = multi(g, "Loop", ["m", "", "x"], 1, body=body)
    assert ends
    path = save(g, tmp_path / "model.onnx", {"x": (FLOAT, ["n"]), "m": (INT64, [])}, {out: (FLOAT, None)})
    compile_file(path, tmp_path / "model.so")
    taken = subprocess.run(
        [sys.executable, "-c", LONG_RUN, tmp_path / "model.so"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert int(taken.stdout) < 200 * 1024
