"""Measures the import of a large model: seconds and peak memory of bit-opt --emit=onnx.

Generates 32 BitLinear-like layers of random float weights, once as a single file of 1.9 GB and once as 4 GB of external
data (a protobuf message ends at 2 GB), runs bit-opt on each and prints one JSON object. Promised: under 10 s, 500 MB.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
WIDTH = 4096


def write(path, layers, external):
    """Writes a chain of `layers` products; the weights stream to the file, one matrix of random numbers for all."""
    values = np.random.default_rng(0).standard_normal((WIDTH, WIDTH)).astype(np.float32).tobytes()
    nodes, initializers, data = [], [], None
    if external:
        data = open(path.with_suffix(".data"), "wb")  # noqa: SIM115
    for layer in range(layers):
        name = f"w{layer}"
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH])
        if external:
            tensor.data_location = TensorProto.EXTERNAL
            offset = data.tell()
            location = os.path.basename(data.name)
            for key, value in (("location", location), ("offset", offset), ("length", len(values))):
                tensor.external_data.add(key=key, value=str(value))
            data.write(values)
        else:
            tensor.raw_data = values
        initializers.append(tensor)
        nodes.append(helper.make_node("MatMul", [f"x{layer}", name], [f"h{layer}"], name=f"product{layer}"))
        nodes.append(helper.make_node("Relu", [f"h{layer}"], [f"x{layer + 1}"]))
    if data:
        data.close()
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info(f"x{layers}", TensorProto.FLOAT, ["batch", WIDTH])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def measure(bit_opt, path):
    """Returns seconds and peak megabytes of one import."""
    start = time.perf_counter()
    with open(os.devnull, "wb") as null:
        process = subprocess.Popen([bit_opt, path, "--emit=onnx"], stdout=null)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"import_large: bit-opt failed on {path}")
    return {"seconds": round(time.perf_counter() - start, 2), "peak_mb": usage.ru_maxrss // 1024}


def main():
    """Runs both cases in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bit-opt", default=ROOT / "build/release/bin/bit-opt")
    parser.add_argument("--folder", help="where 6 GB fit; default: the system's temporary folder")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name, layers, external in (("one_file", 29, False), ("external", 64, True)):
            path = pathlib.Path(folder) / f"{name}.onnx"
            # A child starts with its parent's peak: what wrote gigabytes must not start bit-opt.
            writer = multiprocessing.Process(target=write, args=(path, layers, external))
            writer.start()
            writer.join()
            size = sum(file.stat().st_size for file in pathlib.Path(folder).glob(name + ".*"))
            results[name] = {"gigabytes": round(size / 1e9, 2), **measure(options.bit_opt, path)}
            for file in pathlib.Path(folder).glob(name + ".*"):
                file.unlink()
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
