"""Whole models of floats against onnxruntime with all its optimizations, one thread, in one process.

Reads models.json. Each model is exported with known shapes and with symbols for them; outputs are compared before
anything is timed. A ratio is onnxruntime's time over ours: the thread's CPU time, the least of calls that alternate, so
that a neighbour's load falls on both. The run fails if a ratio is below its bar, or their geometric mean below its own.
"""

import argparse
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
from float_models import export

import bit_mlir as bm

HERE = pathlib.Path(__file__).resolve().parent
# Sums of thousands of products in another order, through many layers; relative to the largest output.
TOLERANCE = 1e-4


def peer(path):
    """A session of onnxruntime as anyone would open it, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(y, expected, what):
    """Fails if outputs differ by more than the order of additions explains."""
    if y.shape != expected.shape:
        raise SystemExit(f"models: error: {what}: expected an output of {expected.shape}, got {y.shape}")
    error = np.abs(y - expected).max() / np.abs(expected).max()
    if not error <= TOLERANCE:
        raise SystemExit(f"models: error: {what}: outputs differ by {error:.1e} of the largest, over {TOLERANCE:.0e}")


def least(calls, seconds):
    """The least CPU seconds of each call; they take turns."""
    best = [math.inf] * len(calls)
    end = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < end or rounds < 5:
        rounds += 1
        for i, call in enumerate(calls):
            start = time.thread_time()
            call()
            best[i] = min(best[i], time.thread_time() - start)
    return best


def profile(library, x, level, seconds):
    """Shares of a model's time, by what its kernels compute; none where there is no perf."""
    if not shutil.which("perf"):
        return {}
    np.save(library.with_suffix(".npy"), x)
    data = library.with_suffix(".perf")
    run = [sys.executable, __file__, "--run", str(library), "--seconds", str(seconds)]
    run += ["--level", level] if level else []
    # The timer, as the counters of a virtual machine may be hidden.
    record = ["perf", "record", "-e", "cpu-clock", "-F", "2000", "-o", str(data)]
    if subprocess.run([*record, *run], capture_output=True, check=False).returncode:
        return {}
    report = subprocess.run(
        ["perf", "report", "-i", str(data), "--stdio", "--sort", "symbol", "--dsos", library.name],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    shares = {}
    for share, kernel in re.findall(r"^ *([0-9.]+)% +\[\.\] +([a-z_]+?)(?:_[0-9]+)?\.", report, re.MULTILINE):
        shares[kernel] = shares.get(kernel, 0) + float(share)
    whole = sum(shares.values())
    return {kernel: share / whole for kernel, share in sorted(shares.items(), key=lambda item: -item[1])}


def run(library, level, seconds):
    """Runs a model for a while: what the profiler looks at."""
    model, x = bm.load(library, threads=1, level=level), np.load(library.with_suffix(".npy"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        model(x)
    return 0


def measure(row, dynamic, folder, args):
    """Our and onnxruntime's seconds for one form of a model."""
    form = "dynamic" if dynamic else "static"
    path = folder / f"{row['name']}-{form}.onnx"
    x = export(row["name"], row["options"], path, dynamic)
    library = path.with_suffix(".so")
    start = time.perf_counter()
    bm.compile(path, output=library)
    spent = time.perf_counter() - start
    ours, theirs = bm.load(library, threads=1, level=args.level), peer(path)
    compare(ours(x), theirs.run(None, {"x": x})[0], f"{row['name']} {form}")
    seconds = least([lambda: ours(x), lambda: theirs.run(None, {"x": x})], args.seconds)
    return *seconds, spent, (library, x)


def describe(name, form, ours, theirs, spent, bar):
    """Prints a model's line; returns what was measured."""
    ratio = theirs / ours
    print(
        f"{name:9} {form:7}: {ours * 1e3:8.2f} ms, onnxruntime {theirs * 1e3:8.2f} ms, ratio {ratio:5.2f}, "
        f"bar {bar:.2f}{'  BELOW' if ratio < bar else ''} (compiled in {spent:.1f} s)",
        flush=True,
    )
    return {"name": name, "form": form, "ms": ours * 1e3, "ms_peer": theirs * 1e3, "ratio": ratio}


def means(config, rows):
    """Prints the geometric mean of each form; whether one is below its bar."""
    below = False
    for form in ("static", "dynamic"):
        ratios = [row["ratio"] for row in rows if row["form"] == form]
        if not ratios:
            continue
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        bad = mean < config["mean"]
        below |= bad
        print(f"geometric mean, {form}: {mean:.2f}, bar {config['mean']:.2f}{'  BELOW' if bad else ''}")
    return below


def main():
    """Prints each ratio beside its bar and their geometric mean; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each line")
    parser.add_argument("--level", help="an instruction-set level; default: the best of this CPU")
    parser.add_argument("--only", help="one model's name")
    parser.add_argument("--form", choices=["static", "dynamic"], help="default: both")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for models and libraries, for a profiler")
    parser.add_argument("--run", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        return run(args.run, args.level, args.seconds)
    config = json.loads((HERE / "models.json").read_text())
    rows, slowest = [], (math.inf, None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch)
        folder.mkdir(exist_ok=True)
        for row in config["models"]:
            if args.only not in (None, row["name"]):
                continue
            for form in [args.form] if args.form else ["static", "dynamic"]:
                ours, theirs, spent, what = measure(row, form == "dynamic", folder, args)
                rows.append(describe(row["name"], form, ours, theirs, spent, config["bar"]))
                slowest = min(slowest, (rows[-1]["ratio"], what), key=lambda pair: pair[0])
        if slowest[1]:
            library, x = slowest[1]
            shares = profile(library, x, args.level, args.seconds)
            text = ", ".join(f"{kernel} {share:.1%}" for kernel, share in shares.items() if share >= 0.002)
            print(f"slowest: {library.stem}, its kernels: {text}" if text else "profile left out: no perf here")
    below = means(config, rows) or any(row["ratio"] < config["bar"] for row in rows)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
