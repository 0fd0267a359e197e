"""onnxruntime on the same shapes, in the same run: each of its ways to multiply by a constant matrix."""

import statistics
import time

import numpy as np
import onnxruntime

from . import models
from . import rows as r

FORMS = {
    "f32": models.product_f32,
    "8 bits": models.product_bits(8),
    "4 bits": models.product_bits(4),
    "2 bits": models.product_bits(2),
    "dynamic int8": models.dynamic_int8,
}


def quartiles(values):
    """Low, median and high."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return [low, median, high]


def time_session(session, m, n, k, samples, seconds):
    """Quartiles of CPU and wall seconds of runs that copy nothing."""
    x = onnxruntime.OrtValue.ortvalue_from_numpy(np.random.default_rng(0).standard_normal((m, k)).astype(np.float32))
    y = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty((m, n), np.float32))
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    session.run_with_iobinding(binding)
    cpu, wall = [], []
    end = time.perf_counter() + seconds
    while len(wall) < samples or time.perf_counter() < end:
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        session.run_with_iobinding(binding)
        cpu.append(time.thread_time() - begin_cpu)
        wall.append(time.perf_counter() - begin)
    return quartiles(cpu), quartiles(wall)


def make_session(path, threads):
    """A session with all optimizations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(shape, ms, threads, folder, samples, seconds):
    """Rows of every form; what onnxruntime cannot run has its reason in `error`."""
    n, k = map(int, shape.split("x"))
    rows = []
    for form, write in FORMS.items():
        path = write(folder / "peer.onnx", n, k)
        for count in threads:
            base = {"form": "onnxruntime", "shape": shape, "layout": form, "level": "", "cache": "hot"}
            base["threads"] = count
            try:
                session = make_session(path, count)
                for m in ms:
                    cpu, wall = time_session(session, m, n, k, samples, seconds)
                    us = [r.rounded(value * 1e6) for value in (cpu if count == 1 else wall)]
                    rows.append({**base, "m": m, "us": us})
            # What it throws has no common type but this.
            except Exception as error:
                rows.append({**base, "m": ms[0], "error": str(error).splitlines()[0][:200]})
    return rows
