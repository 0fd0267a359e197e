"""One Attention node, compiled, against onnxruntime's own and torch's, one thread each, in one process.

Each ratio is the peer's time over ours: the thread's CPU time, medians of calls that alternate, so that a neighbour's
load falls on all. A ratio below its bar fails the run. Our time includes what a call costs.
"""

import argparse
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import bit_mlir as bm

try:
    import torch
except ImportError:
    torch = None

SECONDS = 3.0
BAR = 1.0
# Name: heads, key heads, queries, keys, size, causal.
CASES = {
    "decode 2048 keys, 5 x 4 heads of 128": (20, 5, 1, 2048, 128, 0),
    "prefill 128, 16 heads of 64": (16, 16, 128, 128, 64, 1),
    "prefill 512, 5 x 4 heads of 128": (20, 5, 512, 512, 128, 1),
    "encoder 512, 12 heads of 64": (12, 12, 512, 512, 64, 0),
}


def save(path, heads, shared, queries, keys, size, causal):
    """A model of one node with unknown lengths."""
    shapes = {"q": (heads, "l"), "k": (shared, "t"), "v": (shared, "t"), "y": (heads, "l")}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, length, size])
        for name, (count, length) in shapes.items()
    }
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"], is_causal=causal)
    graph = helper.make_graph([node], "attention", [values[n] for n in "qkv"], [values["y"]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), path)
    return path


def measure(calls, seconds):
    """The median time of each call; they take turns."""
    times = [[] for _ in calls]
    for call in calls:
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for call, samples in zip(calls, times):
            start = time.thread_time()
            call()
            samples.append(time.thread_time() - start)
    return [statistics.median(samples) for samples in times]


def bench(path, case, seconds):
    """Our time and the peers', in seconds; None for one that cannot run it."""
    heads, shared, queries, keys, size, causal = case
    rng = np.random.default_rng(0)
    q, k, v = (
        rng.standard_normal((1, h, n, size)).astype(np.float32)
        for h, n in ((heads, queries), (shared, keys), (shared, keys))
    )
    save(path, *case)
    ours = bm.compile(path, threads=1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {"q": q, "k": k, "v": v}
    calls = [lambda: ours(q, k, v), lambda: session.run(None, inputs)]
    np.testing.assert_allclose(calls[0](), calls[1]()[0], atol=1e-5)
    if torch:
        torch.set_num_threads(1)
        tensors = [torch.from_numpy(x) for x in (q, k, v)]
        attend = torch.nn.functional.scaled_dot_product_attention
        calls.append(lambda: attend(*tensors, is_causal=bool(causal), enable_gqa=heads != shared))
        with torch.inference_mode():
            return measure(calls, seconds)
    return [*measure(calls, seconds), None]


def main():
    """Prints a line a case and returns 1 if a ratio to onnxruntime is below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    seconds = parser.parse_args().seconds
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            ours, ort, sdpa = bench(f"{folder}/m.onnx", case, seconds)
            heads, _, queries, keys, size, causal = case
            flops = 4 * heads * queries * keys * size / (2 if causal else 1)
            ratio = ort / ours
            failed |= ratio < BAR
            line = f"{name}: {ours * 1e6:.0f} us, {flops / ours * 1e-9:.0f} GFLOP/s, onnxruntime {ratio:.2f}x"
            line += f" (bar {BAR})"
            print(line + (f", torch {sdpa / ours:.2f}x" if sdpa else ""), "FAIL" if ratio < BAR else "", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
