"""Float convolutions against what a core can do: the share of its fused multiply-adds.

Each shape runs at each level of this CPU, beside the probes (benchmarks/gemm/probes.c) and onnxruntime in one process.
A share counts what the graph asks for, not what padding and gaps add. A share below its bar fails the run.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from gemm import LEVELS, ROOT, ROUNDS, Bench, best
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

BAR = 0.80
# Input channels, output channels, kernel, stride, groups, width; shapes without a bar are shown only.
SHAPES = [
    (64, 64, 3, 1, 1, 56, BAR),
    (64, 256, 1, 1, 1, 56, BAR),
    (256, 64, 1, 1, 1, 56, BAR),
    (256, 256, 3, 1, 1, 14, 0.0),
    (512, 512, 3, 1, 1, 7, 0.0),
    (128, 256, 3, 2, 1, 28, 0.0),
    (3, 64, 7, 2, 1, 224, 0.0),
    (144, 144, 3, 1, 144, 56, 0.0),
]


def save(path, shape):
    """Writes a convolution by constant weights, and returns its path."""
    inputs, outputs, kernel, stride, groups, width, _ = shape
    size = (outputs, inputs // groups, kernel, kernel)
    weights = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    pads, attributes = [kernel // 2] * 4, {"strides": [stride] * 2, "group": groups}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=pads, **attributes)],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs, width, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs, width // stride, width // stride])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def calls_of(folder, shape, x):
    """The model at each level and onnxruntime, on `x`."""
    path = save(folder / "conv.onnx", shape)
    library = folder / "conv.so"
    bm.compile(path, output=library)
    calls = {}
    for level in LEVELS:
        try:
            model = bm.load(library, threads=1, level=level)
        except bm.Error as error:
            print(f"conv: {level} left out: {error}")
            continue
        calls[level] = lambda model=model: model(x)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    peer = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    calls["onnxruntime"] = lambda: peer.run(None, {"x": x})
    return calls


def run(bench, shape, seconds):
    """Measures one shape; returns how many shares are below their bar."""
    inputs, outputs, kernel, stride, groups, width, bar = shape
    x = np.random.default_rng(1).standard_normal((1, inputs, width, width)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        calls = calls_of(pathlib.Path(folder), shape, x)
        levels = [level for level in calls if level in LEVELS]
        for level in levels:
            calls["probe", level] = lambda level=level: bench.probes[LEVELS[level]](ROUNDS)
        least = best(calls, seconds)
    peaks = {level: ROUNDS * bench.probes[LEVELS[level]](0) / least["probe", level] for level in levels}
    done = 2 * outputs * (inputs // groups) * kernel**2 * (width // stride) ** 2
    below = 0
    for name in [*levels, "onnxruntime"]:
        peak = peaks.get(name, max(peaks.values()))
        share = done / least[name] / peak
        bad = name in levels and share < bar
        below += bad
        bench.rows.append({"shape": shape[:-1], "level": name, "us": least[name] * 1e6, "share": share, "bar": bar})
        limit = f", bar {bar:.2f}{'  BELOW' if bad else ''}" if name in levels and bar else ""
        print(
            f"conv {kernel}x{kernel} s{stride} g{groups:<3} {inputs:3} -> {outputs:3} {width:3}^2 {name:11}: "
            f"{least[name] * 1e6:8.1f} us, {done / least[name] / 1e9:6.1f} GFLOP/s of {peak / 1e9:6.1f}, "
            f"share {share:.2f}{limit}",
            flush=True,
        )
    return below


def main():
    """Prints each share beside its bar; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probes", default=ROOT / "build/release/lib/bench-probes.so")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each shape")
    args = parser.parse_args()
    bench = Bench(args.probes)
    below = sum(run(bench, shape, args.seconds) for shape in SHAPES)
    if args.json:
        args.json.write_text(json.dumps(bench.rows, indent=1) + "\n")
    return below != 0


if __name__ == "__main__":
    raise SystemExit(main())
