"""Float products against what a core can do: the share of its fused multiply-adds, of its reading of memory.

Each row is compiled with its number of rows known and unknown and runs at each level of this CPU, beside the probes
(benchmarks/gemm/probes.c) and onnxruntime in one process. Times are CPU time of the thread, the best of calls that
alternate, so that a neighbour's load disturbs little. A share below its bar fails the run.

A product of one row reads its weights from memory: before each call more is read than the caches hold, and its probe
reads as many bytes of the library's file, mapped as the weights are.
"""

import argparse
import ctypes
import json
import pathlib
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVELS = {"avx512vnni": "probe_fma512", "x86-64-v3": "probe_fma256"}
FMA_BAR, READ_BAR = 0.85, 0.90
PRODUCTS = [(128, 6912, 2560), (512, 512, 512)]
VECTORS = [(1, 6912, 2560)]
ROUNDS = 200_000
SCRATCH = 256 << 20


def save(path, m, n, k):
    """Writes a product by a constant, and returns its path."""
    weights = np.random.default_rng(0).standard_normal((k, n)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [m, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def best(calls, seconds, before=lambda: None):
    """The least CPU seconds of each call; they take turns for `seconds`, `before` goes before each."""
    least = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < end or rounds < 5:
        rounds += 1
        for name, call in calls.items():
            before()
            start = time.thread_time()
            call()
            least[name] = min(least[name], time.thread_time() - start)
    return least


class Bench:
    """The probes of this CPU, and what was measured."""

    def __init__(self, library):
        self.probes = ctypes.CDLL(str(library))
        self.probes.probe_read.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        for name in LEVELS.values():
            self.probes[name].argtypes = [ctypes.c_int64]
            self.probes[name].restype = ctypes.c_int64
        self.scratch = np.ones(SCRATCH, np.uint8)
        self.rows = []

    def read(self):
        """Reads more than the caches hold."""
        self.probes.probe_read(self.scratch.ctypes.data, SCRATCH)

    def open(self, folder, m, n, k):
        """Calls of the model at each level, static and dynamic, and of onnxruntime."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        x = np.random.default_rng(1).standard_normal((m, k)).astype(np.float32)
        calls = {}
        for form, rows in (("static", m), ("dynamic", "m")):
            path = save(folder / f"{form}.onnx", rows, n, k)
            library = folder / f"{form}.so"
            bm.compile(path, output=library)
            for level in LEVELS:
                try:
                    model = bm.load(library, threads=1, level=level)
                except bm.Error as error:
                    print(f"gemm: {level} left out: {error}")
                    continue
                calls[form, level] = lambda model=model: model(x)
        peer = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        calls["onnxruntime", ""] = lambda: peer.run(None, {"x": x})
        return calls

    def report(self, shape, form, level, seconds, peak, bar, unit):
        """One line; `peak` in what a second has."""
        m, n, k = shape
        done = 2 * m * n * k if unit == "GFLOP/s" else 4 * n * k
        share = done / seconds / peak
        below = form != "onnxruntime" and share < bar
        self.rows.append(
            {"m": m, "n": n, "k": k, "form": form, "level": level, "us": seconds * 1e6, "share": share, "bar": bar}
        )
        limit = "" if form == "onnxruntime" else f", bar {bar:.2f}{'  BELOW' if below else ''}"
        print(
            f"gemm {m:4} x {n} x {k} {form:11} {level:10}: {seconds * 1e6:9.1f} us, {done / seconds / 1e9:6.1f} "
            f"{unit} of {peak / 1e9:6.1f}, share {share:.2f}{limit}",
            flush=True,
        )
        return below

    def run(self, shape, seconds):
        """Measures one shape; returns how many shares are below their bar."""
        with tempfile.TemporaryDirectory() as folder:
            calls = self.open(pathlib.Path(folder), *shape)
            is_vector = shape[0] == 1
            levels = {level for _, level in calls if level}
            if is_vector:
                file = np.memmap(pathlib.Path(folder) / "static.so", mode="r")
                calls["probe", ""] = lambda: self.probes.probe_read(file.ctypes.data, 4 * shape[1] * shape[2])
            else:
                for level in levels:
                    calls["probe", level] = lambda level=level: self.probes[LEVELS[level]](ROUNDS)
            # A vector's weights come from memory: the read before has taken their place in the caches.
            least = best(calls, seconds, before=self.read if is_vector else lambda: None)
        below = 0
        for (form, level), spent in least.items():
            if form == "probe":
                continue
            if is_vector:
                below += self.report(
                    shape, form, level, spent, 4 * shape[1] * shape[2] / least["probe", ""], READ_BAR, "GB/s"
                )
                continue
            peaks = {known: ROUNDS * self.probes[LEVELS[known]](0) / least["probe", known] for known in levels}
            peak = peaks[level] if level else max(peaks.values())
            below += self.report(shape, form, level, spent, peak, FMA_BAR, "GFLOP/s")
        return below


def main():
    """Prints each share beside its bar; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probes", default=ROOT / "build/release/lib/bench-probes.so")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each shape")
    args = parser.parse_args()
    bench = Bench(args.probes)
    below = sum(bench.run(shape, args.seconds) for shape in PRODUCTS + VECTORS)
    if args.json:
        args.json.write_text(json.dumps(bench.rows, indent=1) + "\n")
    return below != 0


if __name__ == "__main__":
    raise SystemExit(main())
