"""What norm, quantizer and rescale cost beside a BitLinear layer's product, one thread.

Three models: one RMSNorm and layer; several of both on inputs of their own; several layers behind one norm. Quantizers
of one value become one, so the third over the first is products alone. The ratio is what another norm and layer take
over what another product takes, so that what a call costs is in neither. Each time is the least of many, of the
thread's CPU time; before a cold call a buffer larger than the last cache is read. Fails above a bar.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import numpy as np
from models import HERE
from ternary_models import export

import bit_mlir as bm

FLUSHED = 160 << 20
FORMS = ((1, False), (None, False), (None, True))  # how many layers, all where None; whether they share a norm


def least(calls, x, seconds, flush):
    """The least CPU seconds of each call; they take turns."""
    best = [float("inf")] * len(calls)
    end, rounds = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or rounds < 20:
        rounds += 1
        for i, call in enumerate(calls):
            flush()
            start = time.thread_time()
            call(x)
            best[i] = min(best[i], time.thread_time() - start)
    return best


def build(folder, shape, m, layers, shared, most, level):
    """The compiled model of one of FORMS."""
    path = pathlib.Path(folder) / "model.onnx"
    layers = layers or most
    options = {"inputs": shape["k"], "outputs": shape["n"], "tokens": m, "layers": layers}
    export("norm_linears", options | {"shared": shared, "most": most}, path, dynamic=False)
    library = pathlib.Path(folder) / f"{shape['n']}x{shape['k']}-{m}-{layers}-{shared}.so"
    bm.compile(path, output=library)
    return bm.load(library, threads=1, level=level)


def main():
    """Prints each ratio beside its bar; 1 if one is above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the rows with what was measured")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each line")
    parser.add_argument("--level", help="an instruction-set level; default: the best of this CPU")
    args = parser.parse_args()
    config = json.loads((HERE / "bitlinear.json").read_text())
    buffer, rows, rng = np.ones(FLUSHED // 8), [], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        for shape in config["shapes"]:
            for row in shape["rows"]:
                models = [build(scratch, shape, row["m"], *form, config["layers"], args.level) for form in FORMS]
                x = rng.standard_normal((config["layers"], row["m"], shape["k"])).astype(np.float32)
                flush = buffer.sum if row["cold"] else lambda: None
                one, wholes, products = least(models, x, args.seconds, flush)
                whole, product = ((many - one) / (config["layers"] - 1) for many in (wholes, products))
                print(
                    f"{shape['n']}x{shape['k']}, M = {row['m']:3}, {'cold' if row['cold'] else 'hot '}: "
                    f"{whole * 1e6:9.1f} us, product {product * 1e6:9.1f} us, ratio {whole / product:5.3f}, "
                    f"bar {row['bar']:.2f}{'  ABOVE' if whole / product > row['bar'] else ''}",
                    flush=True,
                )
                measured = {"ratio": whole / product, "us": whole * 1e6, "us_product": product * 1e6}
                rows.append(row | {"n": shape["n"], "k": shape["k"]} | measured)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(row["ratio"] > row["bar"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
