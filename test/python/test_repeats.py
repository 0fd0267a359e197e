"""Equal layers become calls of one function: outputs are, bit for bit, those of models of one layer each, in turn."""

import re
import subprocess

import numpy as np
import pytest
import ties
from graphs import Graph, bitlinear

from bit_mlir.paths import tool

K = 64
LEVEL = ["x86-64-v3"]


def layer(g, x, past, i, float_weights, odd=False):
    """A norm, a BitLinear, a float product with what the past adds, and a residual; returns (y, present)."""
    rng = np.random.default_rng(i)
    y = g.op("LayerNormalization", x, g.const(rng.random(K)), g.const(rng.standard_normal(K)), axis=-1)
    y = g.op("Sigmoid" if odd else "Relu", bitlinear(g, y, K, 2 * K, rng))
    if float_weights:
        y = g.op("MatMul", y, g.const(rng.standard_normal((2 * K, K))))
    else:
        y = bitlinear(g, y, 2 * K, K, rng, bias=False)
    present = g.op("Concat", past, y, axis=0)
    mean = g.op("ReduceMean", present, g.const([0], np.int64), keepdims=1)
    return g.op("Add", x, g.op("Add", y, mean)), present


def write(path, numbers, float_weights, odd=()):
    """A model of the layers with these numbers; returns the names of its outputs, the last layer's first."""
    g, x, presents = Graph(), "x", []
    for i in numbers:
        x, present = layer(g, x, f"past_{i}", i, float_weights, i in odd)
        presents.append(present)
    inputs = {"x": ["n", K], **{f"past_{i}": ["p", K] for i in numbers}}
    g.save(path, inputs, {x: ["n", K], **{present: [None, K] for present in presents}})
    return [x, *presents]


def count_calls(path):
    """How often main_graph of one level calls a function of repeated layers."""
    command = [tool("bit-opt"), path, "--emit=llvm", "--level=x86-64-v3", "-o", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    body = re.search(r'llvm\.func [^\n]*@"main_graph.*?\n  }', text, re.S).group()
    return len(re.findall(r'llvm\.call @"layer', body))


@pytest.mark.parametrize("float_weights", [False, True], ids=["ternary", "float"])
@pytest.mark.parametrize("odd, calls", [((), 5), ((4,), 4)], ids=["equal", "one differs"])
def test_repeated_layers(float_weights, odd, calls, tmp_path):
    numbers = range(5)
    names = write(tmp_path / "all.onnx", numbers, float_weights, odd)
    assert count_calls(tmp_path / "all.onnx") >= calls - 1
    whole = ties.compiled(tmp_path / "all.onnx", level=LEVEL)
    singles = []
    for i in numbers:
        outputs = write(tmp_path / f"layer{i}.onnx", [i], float_weights, odd)
        singles.append((ties.compiled(tmp_path / f"layer{i}.onnx", level=LEVEL), outputs))
    for n, p in [(3, 5), (1, 0), (17, 1)]:
        rng = np.random.default_rng(n)
        x = rng.standard_normal((n, K)).astype(np.float32)
        past = {f"past_{i}": rng.standard_normal((p, K)).astype(np.float32) for i in numbers}
        ours = whole.run({"x": x, **past})
        for i, (single, outputs) in zip(numbers, singles, strict=True):
            result = single.run({"x": x, f"past_{i}": past[f"past_{i}"]})
            x, present = (result[name] for name in outputs)
            assert ours[names[1 + i]].tobytes() == present.tobytes()
        assert ours[names[0]].tobytes() == x.tobytes()
