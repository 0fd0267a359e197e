"""Opens a model of 500 MB and runs it once, in a new process: nothing is copied or unpacked before the first product.

The model is 30 BitLinear layers of 8192 x 8192, one token. Its int8 codes are one file of 71 MB, which each layer reads
from another offset on. The library is read before, so that it comes from the page cache. The time of load, session
and first run is compared with the bar; the runs that follow say how much of it is reading and multiplying, and what
huge pages, into which the weights are copied first, gain.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

SIZE, LAYERS = 8192, 30
BAR_MS = 100
PROCESSES = 7

# In a process of its own; numpy and the package are loaded before the clock starts.
RUN = """
import json, resource, sys, time
import numpy as np
import bit_mlir as bm
bm.runtime.library()
x = np.linspace(-1, 1, int(sys.argv[2]), dtype=np.float32).reshape(1, -1)
start = time.perf_counter()
model = bm.load(sys.argv[1], threads=int(sys.argv[3]), **json.loads(sys.argv[4]))
opened = time.perf_counter()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
model(x)
first = time.perf_counter()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
later = []
for _ in range(5):
    begin = time.perf_counter()
    model(x)
    later.append(time.perf_counter() - begin)
print(json.dumps({"open": opened - start, "first": first - opened, "later": min(later), "faults": faults}))
"""


def write(path):
    """Writes the model; its weights overlap in the file, 4096 bytes from one to the next."""
    rng = np.random.default_rng(0)
    data = path.with_suffix(".data")
    rng.integers(-1, 2, SIZE * SIZE + 4096 * LAYERS).astype(np.int8).tofile(data)
    numbers = {"eps": 1e-5, "q": 127, "low": -128, "scale": 0.01}
    initializers = [numpy_helper.from_array(np.float32(value), name) for name, value in numbers.items()]
    initializers.append(numpy_helper.from_array(np.array([-1]), "axes"))
    nodes, x = [], "x"
    for i in range(LAYERS):
        tensor = TensorProto(name=f"w{i}", data_type=TensorProto.INT8, dims=[SIZE, SIZE])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": data.name, "offset": 4096 * i, "length": SIZE * SIZE}.items():
            tensor.external_data.add(key=key, value=str(value))
        initializers.append(tensor)

        def op(op_type, *inputs, i=i, **attributes):
            nodes.append(helper.make_node(op_type, list(inputs), [f"v{i}_{len(nodes)}"], **attributes))
            return nodes[-1].output[0]

        scale = op("Div", "q", op("Clip", op("ReduceMax", op("Abs", x), "axes", keepdims=1), "eps"))
        codes = op("Clip", op("Round", op("Mul", x, scale)), "low", "q")
        weights = op("Mul", op("Cast", f"w{i}", to=TensorProto.FLOAT), "scale")
        x = op("MatMul", op("Div", codes, scale), weights)
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, SIZE])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, SIZE])],
        initializers,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def measure(library, threads, options):
    """What the fastest of PROCESSES new processes took: neighbours' load only adds."""
    runs = []
    for _ in range(PROCESSES):
        command = [sys.executable, "-c", RUN, library, str(SIZE), str(threads), json.dumps(options)]
        runs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return min(runs, key=lambda run: run["open"] + run["first"])


def main():
    """Prints each time beside the bar; 1 if one is above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured")
    parser.add_argument("--folder", type=pathlib.Path, help="where the model is made, and kept")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = args.folder or pathlib.Path(folder)
        library = folder / "open.so"
        if not library.exists():
            write(folder / "open.onnx")
            report = bm.compile(folder / "open.onnx", output=library).report["bitlinear"]
            assert report["packed"] == LAYERS, report
        with open(library, "rb", buffering=1 << 24) as file:
            while file.read(1 << 24):
                pass
        size = library.stat().st_size
        for threads, huge_pages in ((1, False), (2, False), (1, True), (2, True)):
            row = measure(library, threads, {"huge_pages": huge_pages})
            ms = {name: 1e3 * row[name] for name in ("open", "first", "later")}
            total = ms["open"] + ms["first"]
            below = total > BAR_MS and not huge_pages
            rows.append({"threads": threads, "huge_pages": huge_pages, "bytes": size, "below": below} | row)
            print(
                f"open: {size / 1e6:.0f} MB, {threads} threads{', huge pages' if huge_pages else ''}: open "
                f"{ms['open']:.1f} ms, first run {ms['first']:.1f} ms ({row['faults']:.0f} page faults), later "
                f"{ms['later']:.1f} ms ({size / ms['later'] / 1e6:.1f} GB/s), total {total:.1f} ms"
                f"{'' if huge_pages else f', bar {BAR_MS} ms'}{'  BELOW' if below else ''}",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return any(row["below"] for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
