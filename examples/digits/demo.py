"""Trains, compiles and runs a network of BitLinear layers; prints one table and writes result.json.

Called by scripts/demo. --no-train takes digits-small.onnx from this folder and needs neither torch nor scikit-learn.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

import numpy as np

import bit_mlir as bm
from bit_mlir.compiler import compile_file

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MIN_ACCURACY = 0.95


_step = ["", 0.0]


def step(title):
    """Says how long the step before took and what comes next."""
    if _step[0]:
        print(f"== {_step[0].split(':')[0]}: {time.perf_counter() - _step[1]:.1f} s")
    _step[:] = [title, time.perf_counter()]
    print(f"\n== {title}", flush=True)


def shorten(word):
    """An argument as one would type it at the root of the checkout."""
    return str(word).replace(f"{ROOT}/", "")


def compile_model(source, folder):
    """Compiles the ONNX file as a user would, and shows what the compiler says."""
    library, report = folder / "digits.so", folder / "report.json"
    shown = [source, "-o", library, f"--report={report}"]
    step("compile: bit-opt " + " ".join(shorten(word) for word in shown))
    start = time.perf_counter()
    print(compile_file(source, library, report=report).rstrip())
    print(f"compiled in {time.perf_counter() - start:.2f} s")
    return library, json.loads(report.read_text())


def run_in_c(folder, library, images, labels):
    """Builds classify.c against the generated header, runs it, returns its logits."""
    build = pathlib.Path(os.environ.get("BIT_BUILD", ROOT / "build/release"))
    program = folder / "classify"
    images.tofile(folder / "images.f32")
    labels.astype(np.uint8).tofile(folder / "labels.u8")
    command = [os.environ.get("CC", "cc"), "-O2", "-std=c99", "-Wall", "-Werror"]
    command += [f"-I{folder}", f"-I{ROOT / 'runtime/include'}", str(HERE / "classify.c"), str(library)]
    command += [f"-L{build / 'lib'}", "-lbitrt", f"-Wl,-rpath,{build / 'lib'}:{folder}", "-o", str(program)]
    step("run from C: " + shlex.join(shorten(word) for word in command))
    subprocess.run(command, check=True)
    data = [str(folder / name) for name in ("images.f32", "labels.u8", "logits.f32")]
    done = subprocess.run([str(program), *data], check=True, capture_output=True, text=True)
    print(done.stdout.rstrip())
    return np.fromfile(folder / "logits.f32", np.float32).reshape(len(labels), -1)


def median_us(functions, rounds=10, calls=100):
    """The median time of one call of each function, in microseconds.

    In turns, so that all see one machine; with a pause before each, so that no one's idle threads still spin.
    """
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            time.sleep(0.02)
            for _ in range(calls // 4):
                function()
            for _ in range(calls):
                start = time.perf_counter_ns()
                function()
                times[name].append((time.perf_counter_ns() - start) / 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def accuracy(logits, labels):
    """The share of images whose largest logit is the label's."""
    return float((np.asarray(logits).argmax(axis=1) == labels).mean())


def onnxruntime_call(path, image):
    """One call of onnxruntime, as its users make it."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: image}
    return lambda: session.run(None, feed)[0]


def bytes_text(n):
    """A size as people read it."""
    return f"{n / 1000:,.1f} kB"


def print_table(rows):
    """Rows of cells, the first one the head, as one aligned table."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    rule = "  ".join("-" * width for width in widths)
    for number, row in enumerate(rows):
        cells = [str(cell).ljust(w) if i == 0 else str(cell).rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
        if number == 0:
            print(rule)


def measure(model, source, torch_call, image):
    """Latency of one image for everyone who can run the model."""
    step("measure: one image a call, from Python")
    calls = {"ort": onnxruntime_call(source, image), "bit": lambda: model(image)}
    if torch_call:
        calls["torch"] = torch_call
    return median_us(calls)


def main():
    """The demo; the exit status says whether it kept its promises."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-train", action="store_true", help="compile a small model from the tree, without torch")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/demo", help="folder of the artefacts")
    options = parser.parse_args()
    folder = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)

    if options.no_train:
        from small import load

        source, images, labels, expected, ties = load(folder)
        torch_call, probe = None, None
    else:
        from trained import make

        step("train: 64-512-512-10, BitLinear, on scikit-learn's digits")
        source, images, labels, expected, torch_call, probe = make(folder)

    library, report = compile_model(source, folder)
    step("run from Python: model = bit_mlir.load(...); logits = model(images)")
    model = bm.load(library)
    print(model)
    logits = model(images)
    c_logits = run_in_c(folder, library, images, labels)
    problems = []
    if not np.array_equal(logits.view(np.uint32), c_logits.view(np.uint32)):
        problems.append("C and Python give different bits")

    if probe:
        step("compare with torch, code by code")
        ties = probe(model, images, logits, folder, problems)
    reference = expected(images)
    us = measure(model, source, torch_call, np.ascontiguousarray(images[:1]))

    found = report["bitlinear"]
    packed = sum(layer["packed_bytes"] for layer in found["layers"])
    result = {
        "accuracy_torch": accuracy(reference, labels),
        "accuracy_compiled": accuracy(logits, labels),
        "code_ties": ties,
        "onnx_bytes": source.stat().st_size,
        "packed_bytes": packed,
        "library_bytes": library.stat().st_size,
        "us_torch": us.get("torch"),
        "us_ort": us["ort"],
        "us_bit": us["bit"],
    }
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    problems += judge(result, found, options.no_train)
    show(result, found, folder, len(labels), options.no_train)
    for problem in problems:
        print(f"demo: error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def judge(result, found, small):
    """What the demo promises and this run did not keep."""
    problems = []
    if found["packed"] < 3:
        problems.append(f"expects 3 packed layers, got {found['packed']}")
    if result["accuracy_compiled"] < MIN_ACCURACY:
        problems.append(f"expects an accuracy of {MIN_ACCURACY}, got {result['accuracy_compiled']:.4f}")
    if result["accuracy_compiled"] != result["accuracy_torch"] and not result["code_ties"]:
        problems.append("accuracies differ without a code tie")
    if not small and result["packed_bytes"] * 12 > result["onnx_bytes"]:
        problems.append(f"expects packed weights of {result['onnx_bytes'] // 12} bytes, got {result['packed_bytes']}")
    if result["us_bit"] >= result["us_ort"]:
        problems.append(
            f"expects a call faster than onnxruntime's {result['us_ort']:.1f} us, got {result['us_bit']:.1f}"
        )
    return problems


def show(result, found, folder, n, small):
    """The one table."""
    step("result")
    rows = [("", "onnxruntime" if small else "torch", "compiled")]
    ties = result["code_ties"]
    rows.append((f"accuracy on {n} images", f"{result['accuracy_torch']:.4f}", f"{result['accuracy_compiled']:.4f}"))
    if ties is not None:
        rows.append(("codes that a rounding tie flipped", "", ties))
    rows.append(("float ONNX file", bytes_text(result["onnx_bytes"]), ""))
    share = result["onnx_bytes"] / max(result["packed_bytes"], 1)
    rows.append(
        (f"packed weights, {found['packed']} layers", "", f"{bytes_text(result['packed_bytes'])} (1/{share:.1f})")
    )
    rows.append(("library", "", bytes_text(result["library_bytes"])))
    if not small:
        rows.append(("us a call, torch", f"{result['us_torch']:.1f}", ""))
    rows.append(("us a call, onnxruntime", f"{result['us_ort']:.1f}", ""))
    rows.append(("us a call, compiled, from Python", "", f"{result['us_bit']:.1f}"))
    print_table(rows)
    where = os.path.relpath(folder, ROOT)
    print(f"artefacts in {where}: {', '.join(sorted(p.name for p in folder.iterdir() if p.is_file()))}")


if __name__ == "__main__":
    sys.exit(main())
