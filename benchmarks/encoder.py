"""The encoder of 72 BitLinear layers against onnxruntime with all its optimizations, one thread, in one process.

Reads encoder.json. Each model is exported with known shapes and with symbols for them. A ratio is onnxruntime's time
over ours: the thread's CPU time, the least of calls that alternate. The run fails if one is below its bar.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
from models import HERE, describe, least, peer, profile
from ternary_models import export

import bit_mlir as bm

# A code of an activation that is rounded the other way, as onnxruntime sums in another order, moves what follows.
TOLERANCE = 0.05


def check(y, expected, what):
    """Fails if outputs differ by more than flipped codes explain."""
    error = np.linalg.norm(y - expected) / np.linalg.norm(expected)
    if y.shape != expected.shape or not error <= TOLERANCE:
        raise SystemExit(f"encoder: error: {what}: outputs differ by {error:.1e}, over {TOLERANCE:.0e}")


def measure(row, dynamic, folder, args):
    """Prints and returns one form of a model."""
    form = "dynamic" if dynamic else "static"
    path = folder / f"{row['name']}-{form}.onnx"
    x = export(row["model"], row["options"], path, dynamic)
    bm.compile(path, output=path.with_suffix(".so"))
    ours, theirs = bm.load(path.with_suffix(".so"), threads=1, level=args.level), peer(path)
    check(ours(x), theirs.run(None, {"x": x})[0], f"{row['name']} {form}")
    seconds = least([lambda: ours(x), lambda: theirs.run(None, {"x": x})], args.seconds)
    line = describe(row["name"], form, *seconds, 0.0, row["bar"])
    if args.profile:
        shares = profile(path.with_suffix(".so"), x, args.level, args.seconds)
        print("  " + ", ".join(f"{kernel} {share:.1%}" for kernel, share in shares.items() if share >= 0.005))
    return line | {"bar": row["bar"]}


def main():
    """Prints each ratio beside its bar; 1 if one is below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each line")
    parser.add_argument("--level", help="an instruction-set level; default: the best of this CPU")
    parser.add_argument("--only", help="one model's name")
    parser.add_argument("--form", choices=["static", "dynamic"], help="default: both")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for models and libraries")
    parser.add_argument("--profile", action="store_true", help="what the time goes to, where there is perf")
    args = parser.parse_args()
    config = json.loads((HERE / "encoder.json").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch)
        folder.mkdir(exist_ok=True)
        rows = [
            measure(row, form == "dynamic", folder, args)
            for row in config["models"]
            if args.only in (None, row["name"])
            for form in ([args.form] if args.form else ["static", "dynamic"])
        ]
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(row["ratio"] < row["bar"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
