"""Measures the recognition of a model of 30 layers whose weight chains are not folded, beside the speed of memory.

The model is a transformer's worth of products: hidden 768, FFN 3072, 212 million float weights behind the b1.58 weight
quantizer, 850 MB on disk. `--verbose` gives the time of the stage. A twin whose quantizer has five levels is evaluated
twice, once to be declined at its first values and once to be folded, transposed, into memory that nothing had touched.
Both are compared with a probe: all cores read and write as many floats in the same run.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
HIDDEN, FFN, LAYERS = 768, 3072, 30
SHAPES = [(HIDDEN, HIDDEN)] * 4 + [(FFN, HIDDEN), (HIDDEN, FFN)]
WEIGHTS = LAYERS * sum(n * k for n, k in SHAPES)


def write(path, levels):
    """Writes the chain of products; every weight is quantized to -levels .. levels times its mean magnitude."""
    rng = np.random.default_rng(0)
    values = {shape: rng.standard_normal(shape).astype(np.float32).tobytes() for shape in set(SHAPES)}
    nodes, initializers, x = [], [], "x"
    scalars = {"eps": 1e-5, "low": -float(levels), "high": float(levels)}
    initializers += [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in scalars.items()]
    with open(path.with_suffix(".data"), "wb") as data:
        for i in range(LAYERS):
            for j, (n, k) in enumerate(SHAPES):
                w = f"w{i}_{j}"
                tensor = TensorProto(name=w, data_type=TensorProto.FLOAT, dims=[n, k])
                tensor.data_location = TensorProto.EXTERNAL
                place = (os.path.basename(data.name), data.tell(), len(values[n, k]))
                for key, value in zip(("location", "offset", "length"), place):
                    tensor.external_data.add(key=key, value=str(value))
                data.write(values[n, k])
                initializers.append(tensor)

                def op(op_type, *inputs, name=w, **attributes):
                    output = f"{name}_{len(nodes)}"
                    nodes.append(helper.make_node(op_type, list(inputs), [output], **attributes))
                    return output

                mean = op("Clip", op("ReduceMean", op("Abs", w), keepdims=0), "eps")
                scale = op("Reciprocal", mean)
                q = op("Div", op("Clip", op("Round", op("Mul", w, scale)), "low", "high"), scale)
                x = op("MatMul", x, op("Transpose", q, perm=[1, 0]))
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", HIDDEN])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", HIDDEN])],
        initializers,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)


def measure(bit_opt, path, found):
    """The least seconds of the recognition stage in three runs."""
    best = float("inf")
    for _ in range(3):
        report = path.with_suffix(".json")
        command = [bit_opt, path, "--emit=bit", "-o", os.devnull, "--verbose", f"--report={report}"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        best = min(best, float(re.search(r"recognize\s+([\d.]+) s", run.stderr + run.stdout)[1]))
    count = json.loads(report.read_text())["bitlinear"]["found"]
    if count != found:
        raise SystemExit(f"recognition: {count} layers found, expected {found}")
    return best


def copy(count):
    """Reads and writes `count` floats, out of the caches; returns the seconds of the second time."""
    source, target = np.ones(count, np.float32), np.ones(count, np.float32)
    start = time.perf_counter()
    np.copyto(target, source)
    return time.perf_counter() - start


def probe():
    """Seconds in which all cores together read and write every weight once."""
    cores = os.cpu_count()
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        return max(pool.map(copy, [WEIGHTS // cores] * cores))


def main():
    """Writes both models to a temporary folder and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bit-opt", default=ROOT / "build/release/bin/bit-opt")
    parser.add_argument("--folder", help="where 2 GB fit; default: the system's temporary folder")
    options = parser.parse_args()
    seconds = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for levels, found in ((1, LAYERS * len(SHAPES)), (2, 0)):
            path = pathlib.Path(folder) / f"levels{levels}.onnx"
            writer = multiprocessing.Process(target=write, args=(path, levels))
            writer.start()
            writer.join()
            seconds[levels] = measure(options.bit_opt, path, found)
            for file in pathlib.Path(folder).iterdir():
                file.unlink()
    memory = min(probe() for _ in range(3))
    for levels, what in ((1, "found"), (2, "declined and folded")):
        print(
            f"recognition: {WEIGHTS / 1e6:.0f} million weights {what}: {seconds[levels]:.2f} s, "
            f"{seconds[levels] / memory:.1f} x memory ({memory:.2f} s)"
        )
    print("recognition: bar for finding them: 1 s")
    return seconds[1] > 1


if __name__ == "__main__":
    raise SystemExit(main())
