"""Layers that quantize the same rows, each with nodes of its own: one quantizer, and one kernel for their products."""

import re
import subprocess

import numpy as np
import pytest
from graphs import Graph, bitlinear
from test_control_flow import BOOL, FLOAT, INT64, Body, multi, reference, save, step
from test_siblings import check, count_kernels, run

from bit_mlir.paths import tool

K = 64


def three(g, x, rng):
    """Layers of one x; a Tanh each, so that none is another one's epilogue."""
    q, k, v = (g.op("Tanh", bitlinear(g, x, K, K, rng, bias=False)) for _ in range(3))
    return g.op("Add", g.op("Mul", q, k), v)


def in_a_row(g, rng):
    return three(g, "x", rng)


def branches(rng):
    graphs = {}
    for name in ("then_branch", "else_branch"):
        inner = Body()
        graphs[name] = inner.graph(three(inner, "x", rng))
    return graphs


def in_branches(g, rng):
    return multi(g, "If", [g.op("Greater", "n", g.const(2, np.int64))], 1, **branches(rng))[0]


def in_branches_and_before(g, rng):
    before = bitlinear(g, "x", K, K, rng, bias=False)
    return g.op("Add", multi(g, "If", [g.op("Greater", "n", g.const(2, np.int64))], 1, **branches(rng))[0], before)


def in_a_loop(g, rng):
    inner = step("carried")
    y = three(inner, "carried", rng)
    return multi(g, "Loop", ["n", "", "x"], 1, body=inner.graph((inner.op("Identity", "go"), BOOL), y))[0]


def of_what_a_loop_keeps(g, rng):
    inner = step("carried")
    y = inner.op("Add", three(inner, "x", rng), "carried")
    return multi(g, "Loop", ["n", "", "x"], 1, body=inner.graph((inner.op("Identity", "go"), BOOL), y))[0]


# Quantizers, kernels of one product and of several.
PLACES = {
    in_a_row: (1, 0, 1),
    in_branches: (2, 0, 2),
    in_branches_and_before: (1, 1, 2),
    in_a_loop: (1, 0, 1),
    of_what_a_loop_keeps: (1, 0, 1),
}


@pytest.mark.parametrize("m", [5, "batch"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_layers_of_one_x(tmp_path, place, m):
    rng = np.random.default_rng(0)
    g = Graph()
    y = place(g, rng)
    inputs = {"n": (INT64, []), "x": (FLOAT, [m, K])}
    used = {name for node in g.nodes for name in node.input}
    inputs = {name: kind for name, kind in inputs.items() if name in used or name == "x"}
    path = save(g, tmp_path / "model.onnx", inputs, {y: (FLOAT, [m, K])})
    command = [tool("bit-opt"), path, "--emit=linalg", "-o", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    quantizers, *kernels = PLACES[place]
    assert len(re.findall(r"bit\.absmax_quantize ins", text)) == quantizers
    assert count_kernels(path) == tuple(kernels)

    rows = (5,) if m == 5 else (1, 5, 0, 40)
    x = [rng.standard_normal((count, K)).astype(np.float32) for count in rows]
    given = [[own] if "n" not in inputs else [np.int64(n), own] for own in x for n in (1, 3)]
    library, theirs = check(path, given), reference(path)
    for values in given:
        if not len(values[-1]):
            continue
        [y] = run(library, values, None, 1)
        # A code at a tie may be another one, and then all of its row.
        assert np.isclose(y, theirs(*values)[0], rtol=1e-3, atol=1e-3).all(axis=-1).mean() > 0.5
