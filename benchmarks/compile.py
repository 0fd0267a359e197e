"""Measures what eighteen more layers cost the compiler: encoders of 12 and of 30 equal layers, hidden 192.

Each layer is what torch exports of a pre-norm BitLinear encoder with a dynamic batch: two norms, six ternary layers
with their quantizers, attention, GELU. Processor time of whole compilations, the two models in turn, best of several.
Equal layers are lowered once; what is left for each is reading it, its weights, and the passes before that.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
HIDDEN, FFN, HEADS, TOKENS = 192, 768, 3, 64
RATIO_BAR, SIZE_BAR = 1.2, 500e3


class Encoder:
    """Writes the layers node by node; every weight is drawn anew."""

    def __init__(self):
        """An empty graph."""
        self.nodes, self.initializers, self.rng = [], [], np.random.default_rng(0)

    def const(self, value, dtype=np.float32):
        """Adds an initializer."""
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, op_type, *inputs, **attributes):
        """Adds a node with one output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], name=f"node_{name}", **attributes))
        return name

    def linear(self, x, k, n):
        """The straight-through arithmetic of b1.58 training, as it is exported."""
        largest = self.op("ReduceMax", self.op("Abs", x), self.const([-1], np.int64), keepdims=1)
        scale = self.op("Div", self.const(127.0), self.op("Clip", largest, self.const(1e-5)))
        codes = self.op("Clip", self.op("Round", self.op("Mul", x, scale)), self.const(-128.0), self.const(127.0))
        x = self.op("Add", x, self.op("Sub", self.op("Div", codes, scale), x))
        w = self.const(self.rng.standard_normal((n, k)) / np.sqrt(k))
        mean = self.op("Clip", self.op("ReduceMean", self.op("Abs", w), keepdims=0), self.const(1e-5))
        scale = self.op("Reciprocal", mean)
        codes = self.op("Clip", self.op("Round", self.op("Mul", w, scale)), self.const(-1.0), self.const(1.0))
        w = self.op("Add", w, self.op("Sub", self.op("Div", codes, scale), w))
        y = self.op("MatMul", x, self.op("Transpose", w, perm=[1, 0]))
        return self.op("Add", y, self.const(self.rng.standard_normal(n)))

    def norm(self, x):
        """A LayerNormalization over the last dim."""
        scale, bias = self.rng.random(HIDDEN), self.rng.standard_normal(HIDDEN)
        return self.op("LayerNormalization", x, self.const(scale), self.const(bias), axis=-1)

    def heads(self, x, *perm):
        """A ternary layer whose result is split into heads."""
        shape = self.const([-1, TOKENS, HEADS, HIDDEN // HEADS], np.int64)
        return self.op("Transpose", self.op("Reshape", self.linear(x, HIDDEN, HIDDEN), shape), perm=perm)

    def layer(self, x):
        """Attention and FFN, each with its norm and residual."""
        y = self.norm(x)
        scale = self.const(np.sqrt(HEADS / HIDDEN))
        q, k, v = self.heads(y, 0, 2, 1, 3), self.heads(y, 0, 2, 3, 1), self.heads(y, 0, 2, 1, 3)
        scores = self.op("Softmax", self.op("Mul", self.op("MatMul", q, k), scale), axis=-1)
        a = self.op("Transpose", self.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        a = self.op("Reshape", a, self.const([-1, TOKENS, HIDDEN], np.int64))
        x = self.op("Add", x, self.linear(a, HIDDEN, HIDDEN))
        y = self.linear(self.norm(x), HIDDEN, FFN)
        gate = self.op("Add", self.op("Erf", self.op("Div", y, self.const(np.sqrt(2.0)))), self.const(1.0))
        y = self.op("Mul", self.op("Mul", y, gate), self.const(0.5))
        return self.op("Add", x, self.linear(y, FFN, HIDDEN))

    def save(self, path, layers):
        """Writes a model of `layers` layers."""
        x = "x"
        for _ in range(layers):
            x = self.layer(x)
        types = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", TOKENS, HIDDEN]) for n in ("x", x)]
        graph = helper.make_graph(self.nodes, "encoder", types[:1], types[1:], self.initializers)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def compile_model(bit_opt, path, layers):
    """Returns processor seconds and the report."""
    report = path.with_suffix(".json")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [bit_opt, path, "-o", path.with_suffix(".so"), f"--report={report}"], check=True, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(report.read_text())
    if found["bitlinear"]["packed"] != 6 * layers:
        raise SystemExit(f"compile: {found['bitlinear']['packed']} layers packed, expected {6 * layers}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, found


def main():
    """Prints the ratio and the size beside their bars; true where one is above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bit-opt", default=ROOT / "build/release/bin/bit-opt", help="the compiler to measure")
    parser.add_argument("--runs", type=int, default=7, help="compilations of each model")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        best = {12: float("inf"), 30: float("inf")}
        paths = {layers: pathlib.Path(folder) / f"encoder{layers}.onnx" for layers in best}
        for layers, path in paths.items():
            Encoder().save(path, layers)
        for _ in range(arguments.runs):
            for layers, path in paths.items():
                seconds, report = compile_model(arguments.bit_opt, path, layers)
                best[layers] = min(best[layers], seconds)
    ratio = best[30] / best[12]
    size = report["sizes"]["library"] - report["sizes"]["weights"]
    print(
        f"12 layers {best[12]:.2f} s, 30 layers {best[30]:.2f} s: "
        f"{(best[30] - best[12]) / 18 * 1e3:.1f} ms a layer, ratio {ratio:.3f} (bar: at most {RATIO_BAR})"
    )
    print(f"library of 30 layers without weights {size / 1e3:.0f} kB (bar: at most {SIZE_BAR / 1e3:.0f} kB)")
    print(f"temporaries outside of the arena {report['allocations']} (bar: 0)")
    return ratio > RATIO_BAR or size > SIZE_BAR or report["allocations"] > 0


if __name__ == "__main__":
    sys.exit(main())
