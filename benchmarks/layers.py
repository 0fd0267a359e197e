"""One BitLinear layer, compiled, against onnxruntime's f32 product of the same shape, in one process.

Reads the rows of layers.json. Each ratio is the peer's time over ours, medians of calls that alternate, so that a
neighbour's load falls on both. A ratio below its bar fails the run.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 3.0


def save(path, nodes, constants, n, k):
    """Writes a model from x [batch, k] to y [batch, n]."""
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", n])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def bitlinear(path, n, k, rng):
    """The b1.58 quantizer of the activations and weights that are already ternary."""
    node = helper.make_node
    weights = rng.integers(-1, 2, (k, n)).astype(np.float32) * np.float32(0.05)
    nodes = [
        node("Abs", ["x"], ["abs"]),
        node("ReduceMax", ["abs", "axes"], ["largest"], keepdims=1),
        node("Clip", ["largest", "eps"], ["clipped"]),
        node("Reciprocal", ["clipped"], ["reciprocal"]),
        node("Mul", ["reciprocal", "q"], ["scale"]),
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Clip", ["rounded", "low", "q"], ["codes"]),
        node("Div", ["codes", "scale"], ["dequantized"]),
        node("MatMul", ["dequantized", "w"], ["y"]),
    ]
    constants = {
        "axes": np.array([-1], np.int64),
        "eps": np.float32(1e-5),
        "q": np.float32(127),
        "low": np.float32(-128),
        "w": weights,
    }
    return save(path, nodes, {name: np.asarray(value) for name, value in constants.items()}, n, k)


def product(path, n, k, rng):
    """The peer's model: a float product."""
    weights = rng.standard_normal((k, n)).astype(np.float32)
    return save(path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weights}, n, k)


def peer(path, threads):
    """A call of onnxruntime with all its optimizations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def medians(calls, x):
    """Seconds a call, the calls taking turns."""
    times = [[] for _ in calls]
    for call in calls:
        call(x)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[0]) < 5:
        for call, spent in zip(calls, times):
            start = time.perf_counter()
            call(x)
            spent.append(time.perf_counter() - start)
    return [statistics.median(spent) for spent in times]


def measure(row, folder, rng):
    """Returns our and the peer's seconds."""
    n, k = row["n"], row["k"]
    model = bm.compile(bitlinear(folder / "ours.onnx", n, k, rng), threads=row["threads"])
    assert model.report["bitlinear"]["packed"] == 1, model.report["bitlinear"]
    x = rng.standard_normal((row["m"], k)).astype(np.float32)
    return medians([model, peer(product(folder / "peer.onnx", n, k, rng), row["threads"])], x)


def main():
    """Prints each ratio beside its bar; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    args = parser.parse_args()
    rows = json.loads((HERE / "layers.json").read_text())
    failed = 0
    for row in rows:
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = measure(row, pathlib.Path(folder), np.random.default_rng(0))
        macs = row["m"] * row["n"] * row["k"]
        row.update(us=ours * 1e6, us_peer=theirs * 1e6, ratio=theirs / ours, gmac_per_s=macs / ours / 1e9)
        below = row["ratio"] < row["bar"]
        failed += below
        print(
            f"{row['name']:8} {row['m']:4} x {row['n']} x {row['k']}, {row['threads']} threads: "
            f"{row['us']:9.1f} us, {row['gmac_per_s']:6.1f} GMAC/s, {row['against']} {row['us_peer']:9.1f} us, "
            f"ratio {row['ratio']:5.2f}, bar {row['bar']:.2f}{'  BELOW' if below else ''}",
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
