"""Measures --quantize=all on a large model: seconds and peak anonymous memory of bit-opt writing a library.

Generates 4 GB of external float weights (64 matrices of 4096 x 4096), compiles them, and compares the peak of anonymous
memory, which excludes the mapped pages of the model, with what has to be there: the packed weights and some copies of
one layer. Prints one JSON object; exits 1 above the bar.
"""

import argparse
import json
import multiprocessing
import pathlib
import subprocess
import tempfile
import time

from import_large import ROOT, WIDTH, write

LAYERS = 64
LAYER_BYTES = WIDTH * WIDTH * 4
# The floats of a layer transposed, its codes, and what the evaluator needs: fewer than three copies.
LAYERS_IN_MEMORY = 3
# The packed weights once; the linker maps its input and its output.
PROGRAM_BYTES = 150 << 20


def anonymous_bytes(pid):
    """What a process holds that no file backs; 0 once it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines())
    return sum(int(words[1]) * 1024 for words in lines if words and words[0] == "RssAnon:")


def measure(command):
    """Runs a command; returns its seconds and its peak of anonymous bytes, sampled every 5 ms."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, anonymous_bytes(process.pid))
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(f"quantize_large: {' '.join(map(str, command))} failed")
    return time.perf_counter() - start, peak


def main():
    """Writes the model, compiles it for each scheme asked for, prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bit-opt", default=ROOT / "build/release/bin/bit-opt")
    parser.add_argument("--folder", help="where 5 GB fit; default: the system's temporary folder")
    parser.add_argument("--schemes", nargs="+", default=["absmean"])
    options = parser.parse_args()
    results, passed = {}, True
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, library = pathlib.Path(folder) / "large.onnx", pathlib.Path(folder) / "large.so"
        writer = multiprocessing.Process(target=write, args=(path, LAYERS, True))
        writer.start()
        writer.join()
        for scheme in options.schemes:
            report = library.with_suffix(".json")
            flags = ["--quantize=all", f"--quantize-scheme={scheme}", f"--report={report}"]
            seconds, peak = measure([options.bit_opt, path, "-o", library, *flags])
            layers = json.loads(report.read_text())["bitlinear"]["layers"]
            packed = sum(layer["packed_bytes"] for layer in layers)
            bar = packed + LAYERS_IN_MEMORY * LAYER_BYTES + PROGRAM_BYTES
            results[scheme] = {
                "layers": len(layers),
                "seconds": round(seconds, 2),
                "gb_per_s": round(LAYERS * LAYER_BYTES / seconds / 1e9, 2),
                "peak_anonymous_mb": peak >> 20,
                "bar_mb": bar >> 20,
                "packed_mb": packed >> 20,
                "library_mb": library.stat().st_size >> 20,
            }
            passed &= peak <= bar and len(layers) == LAYERS
    print(json.dumps(results, indent=2))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
