"""BitLinear products and layers as shares of what the machine can do, beside their bars and beside onnxruntime.

Libraries are compiled by the product's own path and run by its runtime (benchmarks/products): a bare product for each
layout, which is what the bars of kernels are about, whole layers, and heads of other types. bench-run has the probes in
its process and runs them before and after each row. What is measured, and the bars, are in layers.json.

--docs writes results.json, docs/benchmarks.md and docs/benchmarks.svg, the last two from the first alone.
"""

import argparse
import datetime
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import ml_dtypes
import numpy as np
import onnxruntime
from shares import bars, mca, models, native, outside, peers, plot, table
from shares import rows as r

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results.json"
PAGE = ROOT / "docs/benchmarks.md"
IMAGE = ROOT / "docs/benchmarks.svg"
HEADS = {
    "f16": models.product_of(np.float16),
    "bf16": models.product_of(ml_dtypes.bfloat16),
    "f16 as f32": models.stored_as(np.float16),
    "bf16 as f32": models.stored_as(ml_dtypes.bfloat16),
    "int8": models.product_int8,
    "dynamic int8": models.dynamic_int8,
}


def describe_machine(programs, args):
    """What figures depend on."""
    cpu = next(line for line in open("/proc/cpuinfo") if line.startswith("model name")).split(":")[1].strip()
    cache = pathlib.Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
    versions = dict(line.rsplit(" ", 1) for line in programs.call("bit-opt", "--version").splitlines() if " " in line)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "cpu": cpu,
        "cores": len(open("/proc/cpuinfo").read().split("processor\t")) - 1,
        "cache_mb": int(cache.read_text().rstrip("K\n")) // 1024 if cache.exists() else 0,
        "bit_mlir": versions.get("bit-mlir", "?"),
        "commit": commit(),
        "llvm": versions.get("LLVM", "?"),
        "onnxruntime": onnxruntime.__version__,
        "runs": args.runs,
        "samples": args.samples,
        "quick": args.quick,
    }


def commit():
    """The checkout's, if it is one."""
    done = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


class Bench:
    """One run over all that the configuration names."""

    def __init__(self, programs, config, folder, args):
        self.programs = programs
        self.config = config
        self.folder = folder
        self.args = args
        kernels = programs.kernels()
        selected = [kernel for kernel in kernels if "level" in kernel]
        self.levels = args.levels or list(dict.fromkeys(kernel["level"] for kernel in selected))
        self.layouts = args.layouts or list(dict.fromkeys(kernel["layout"] for kernel in selected))
        self.kernels = {(kernel["level"], kernel["layout"]) for kernel in selected}
        names = {kernel["kernel"] for kernel in kernels}
        self.forced = [] if args.layouts else [pair for pair in config["forced"] if pair[0] in names]
        self.rows = []

    def add(self, rows):
        """Takes rows and prints them."""
        self.rows += rows
        for row in rows:
            print(summary(row), flush=True)

    def measure(self, library, form, shape, layout, m, levels=None, huge=False):
        """Rows of a library in every cache state."""
        caches = ["cold"] if form == "head" else ["hot", "cold"]
        threads = self.config["threads"]
        levels = levels or [level for level in self.levels if form != "product" or (level, layout) in self.kernels]
        if self.args.judged:
            for level, cache, count, few in self.choose(form, shape, layout, levels, caches, m):
                self.add(self.programs.run(library, form, shape, layout, [level], [cache], [count], few))
            return
        self.add(self.programs.run(library, form, shape, layout, levels, caches, threads, m))
        if huge:
            few, caches = self.config["huge_m"], ["hot-huge", "cold-huge"]
            self.add(self.programs.run(library, form, shape, layout, levels, caches, threads, few))

    def choose(self, form, shape, layout, levels, caches, m):
        """The level, cache, number of threads and those of `m` that bars need."""
        needed = [bar for bar in self.config["bars"] if self.args.peers or bar["measure"] != "peers"]
        for level, cache, threads in itertools.product(levels, caches, self.config["threads"]):
            row = {"form": form, "shape": shape, "layout": layout, "level": level, "cache": cache, "threads": threads}
            few = [size for size in m if any(bars.reads(bar, {**row, "m": size}) for bar in needed)]
            if few:
                yield level, cache, threads, few

    def shape(self, shape):
        """Products of all layouts, the whole layer, onnxruntime."""
        library = self.folder / "library.so"
        for layout in self.layouts:
            self.programs.product(shape, layout, library)
            self.measure(library, "product", shape, layout, self.config["m"], huge=True)
            self.scaling(library, shape, layout)
        for kernel, level in self.forced:
            self.programs.product(shape, kernel, library, level)
            self.measure(library, "product", shape, kernel, self.config["m"], levels=[level])
        self.layer(shape)
        if self.args.peers:
            config = self.config
            self.add(
                peers.run(shape, config["peer_m"], config["threads"], self.folder, self.args.samples, self.args.seconds)
            )

    def scaling(self, library, shape, layout):
        """Numbers of threads that take turns."""
        levels = [level for level in self.levels if (level, layout) in self.kernels]
        if self.args.judged:
            wanted = {"form": "scaling", "layout": layout}
            levels = [x for x in levels if any(bars.reads(bar, {**wanted, "level": x}) for bar in self.config["bars"])]
        threads, few = self.config["threads"], self.config["scaling_m"]
        self.add(self.programs.scaling(library, shape, layout, levels, threads, few))

    def layer(self, shape):
        """A layer and its product, which take turns."""
        caches, threads, few = ["hot", "cold"], self.config["threads"], self.config["layer_m"]
        parts = [(self.levels, caches, threads, few)]
        if self.args.judged:
            chosen = self.choose("layer", shape, "p2", self.levels, caches, few)
            parts = [([level], [cache], [count], some) for level, cache, count, some in chosen]
        for part in parts:
            self.add(self.programs.layer(shape, self.folder, *part))

    def head(self, shape):
        """One row by a matrix of other types."""
        n, k = map(int, shape.split("x"))
        for name, write in HEADS.items():
            self.programs.model(write(self.folder / "head.onnx", n, k), self.folder / "library.so")
            self.measure(self.folder / "library.so", "head", shape, name, [1])

    def run(self):
        """Everything; returns the rows."""
        for shape in self.config["shapes"]:
            self.shape(shape)
        for shape in self.config["heads"]:
            self.head(shape)
        if self.config["encoder"] and self.args.peers:
            # Torch and the package are loaded for this alone.
            sys.path.insert(0, str(self.args.build / "python"))
            from shares import encoder

            self.add(encoder.run(self.config["encoder"], self.levels, self.folder, seconds=20.0))
        return self.rows


def summary(row):
    """One line of a row."""
    head = f"{row['form']:11} {row['layout']:12} {row['shape']:>11} M = {row['m']:3} {row['level']:10} "
    head += f"{row['cache']:9} {row['threads']} thr: "
    if "error" in row:
        return head + row["error"]
    text = f"{head}{row['us'][1]:10.1f} us"
    if row["form"] != "encoder":
        text += f" {r.rate(row) / 1e9:6.1f} GMAC/s"
    for probe in row.get("probes", {}):
        if probe not in r.CACHES:
            text += f" {r.share(row, probe):5.2f} {probe}"
    if "over" in row:
        text += f" {row['over'][1]:5.3f} over {'one thread' if row['form'] == 'scaling' else 'product'}"
    return text + ("  disturbed" if "disturbed" in row else "")


def print_bars(judged):
    """Each figure beside its bar; returns whether one is below."""
    for bar in judged:
        sign = "<=" if bar["at_most"] else ">="
        if not bar["figures"]:
            print(f"{bar['name']}: {sign} {bar['limit']}: not measured")
        for value, row in bar["figures"]:
            missed = "  BELOW" if (value, row) in bar["below"] else ""
            print(f"{bar['name']}: {value:.3f} {sign} {bar['limit']}{missed}  ({table.place(row)})")
    return any(bar["below"] for bar in judged)


def write_docs(results):
    """The page and the plot."""
    PAGE.write_text(table.insert(PAGE.read_text(), table.generate(results)))
    IMAGE.write_text(plot.draw(results))


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one shape, few M: under a minute")
    parser.add_argument("--runs", type=int, default=1, help="of everything; a row is the one with the median time")
    parser.add_argument("--samples", type=int, default=20, help="of a row, at least")
    parser.add_argument("--seconds", type=float, default=0.03, help="of a row, at least")
    parser.add_argument(
        "--patience", type=float, default=0, help="seconds to wait until nobody else uses the caches, a row"
    )
    parser.add_argument("--judged", action="store_true", help="only rows of products that a bar needs")
    parser.add_argument("--shapes", nargs="+", help="N x K as 2560x2560, instead of the configuration's")
    parser.add_argument("--heads", nargs="*", help="the same of heads; none: no heads")
    parser.add_argument("--levels", nargs="+", help="instead of all")
    parser.add_argument("--layouts", nargs="+", help="instead of all")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="without onnxruntime")
    parser.add_argument("--peer-dir", type=pathlib.Path, help="a built checkout of bitnet.cpp or llama.cpp")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured")
    parser.add_argument("--docs", action="store_true", help="write results.json, docs/benchmarks.md and its plot")
    parser.add_argument(
        "--from",
        dest="source",
        type=pathlib.Path,
        nargs="+",
        help="measure nothing: read what --json wrote",
    )
    return parser.parse_args()


def measure(args):
    """All runs, as what the JSON file has."""
    config = json.loads((HERE / "layers.json").read_text())
    if args.quick:
        config.update(config["quick"])
    if args.shapes:
        config["shapes"] = args.shapes
    if args.heads is not None:
        config["heads"] = args.heads
    programs = native.Native(args.build, args.samples, args.seconds, args.patience)
    machine = describe_machine(programs, args)
    runs = []
    for number in range(args.runs):
        # Peers once: the runs are for the shares.
        args.peers = args.peers and number == 0
        with tempfile.TemporaryDirectory() as folder:
            runs.append(Bench(programs, config, pathlib.Path(folder), args).run())
    rows = r.middle(runs)
    if args.peer_dir:
        rows += outside.run(args.peer_dir)
    cycles = mca.read(ROOT / "test/Target/X86")
    return {"machine": machine, "bars": config["bars"], "mca": cycles, "rows": rows}


def read(paths):
    """What several calls measured, as one that had their runs."""
    results = [r.from_text(path.read_text()) for path in paths]
    machine = {**results[-1]["machine"], "runs": sum(one["machine"]["runs"] for one in results)}
    return {**results[-1], "machine": machine, "rows": r.middle([one["rows"] for one in results])}


def main():
    """Prints each figure beside its bar; 1 if one is below."""
    args = parse_arguments()
    start = time.monotonic()
    results = read(args.source) if args.source else measure(args)
    if args.json:
        args.json.write_text(r.to_text(results))
    if args.docs:
        RESULTS.write_text(r.to_text(results))
        write_docs(results)
    failed = print_bars(bars.judge_all(results["bars"], results["rows"]))
    print(f"layers: {len(results['rows'])} rows in {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
