"""A ternary model's other weights, of 8 bits and of halves, against reading them from memory.

One row by each weight matrix, at each level of this CPU: matrices that DequantizeLinear or Cast makes floats of, and
one of codes, by which a row that the graph quantizes is multiplied (`dynamic`). Before each call more is read than the
caches hold, and the probe reads as many bytes of the library's file. Times are CPU time of the thread, the best of
calls that alternate. A share below its bar fails the run.
"""

import argparse
import pathlib
import tempfile

import ml_dtypes
import numpy as np
import onnx
from gemm import LEVELS, ROOT, Bench, best
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

BARS = {"avx512vnni": 0.85, "x86-64-v3": 0.78}
HALVES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}


def save(path, kind, n, k):
    """Writes a product of one row by N x K weights of a kind."""
    rng = np.random.default_rng(0)
    last = [
        helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    if kind == "dynamic":
        constants = {
            "w": rng.integers(-128, 128, (k, n), dtype=np.int8),
            "s": rng.random(n, dtype=np.float32) + np.float32(0.1),
        }
        first = helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "step", "zero"])
        last = [
            helper.make_node("MatMulInteger", ["codes", "w", "zero"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["step", "s"], ["scales"]),
            helper.make_node("Mul", ["floats", "scales"], ["y"]),
        ]
    elif kind == "i8":
        constants = {
            "w": rng.integers(-128, 128, (n, k), dtype=np.int8),
            "s": rng.random(n, dtype=np.float32) + np.float32(0.1),
        }
        first = helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=0)
    else:
        constants = {"w": rng.standard_normal((n, k), dtype=np.float32).astype(HALVES[kind])}
        first = helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT)
    graph = helper.make_graph(
        [first, *last],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, n])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def run(bench, kind, n, k, seconds):
    """Measures one kind of weights; returns how many shares are below their bar."""
    x = np.random.default_rng(1).standard_normal((1, k), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path, library = pathlib.Path(folder) / "m.onnx", pathlib.Path(folder) / "m.so"
        save(path, kind, n, k)
        bm.compile(path, output=library)
        path.unlink()
        file = np.memmap(library, mode="r")
        size = n * k * (2 if kind in HALVES else 1)
        calls = {"probe": lambda: bench.probes.probe_read(file.ctypes.data, size)}
        for level in LEVELS:
            try:
                model = bm.load(library, threads=1, level=level)
            except bm.Error as error:
                print(f"neighbours: {level} left out: {error}")
                continue
            calls[level] = lambda model=model: model(x)
        least = best(calls, seconds, before=bench.read)
    below = 0
    for level in list(calls)[1:]:
        share, bar = least["probe"] / least[level], BARS[level]
        below += share < bar
        rate, peak = size / least[level] / 1e9, size / least["probe"] / 1e9
        print(
            f"neighbours {kind:7} 1 x {n} x {k} {level:10}: {least[level] * 1e6:9.1f} us, {rate:5.1f} GB/s of "
            f"{peak:5.1f}, share {share:.2f}, bar {bar:.2f}{'  BELOW' if share < bar else ''}",
            flush=True,
        )
    return below


def main():
    """Prints each share beside its bar; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probes", default=ROOT / "build/release/lib/bench-probes.so")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each kind")
    parser.add_argument("--shape", type=int, nargs=2, default=[32064, 2560], metavar=("N", "K"))
    args = parser.parse_args()
    bench = Bench(args.probes)
    return sum(run(bench, kind, *args.shape, args.seconds) for kind in ("dynamic", "i8", *HALVES)) != 0


if __name__ == "__main__":
    raise SystemExit(main())
