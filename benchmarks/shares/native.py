"""Runs bench-product, bit-opt and bench-run, and turns what they print into rows."""

import itertools
import json
import pathlib
import statistics
import subprocess

from . import models
from . import rows as r

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Native:
    """The programs of one build."""

    def __init__(self, build, samples, seconds, patience=0):
        self.bin = pathlib.Path(build) / "bin"
        self.effort = [f"--samples={samples}", f"--seconds={seconds}", f"--patience={patience}"]
        # What the L2 cache of one core does while nobody else uses it, in bytes a second.
        self.l2 = json.loads(self.call("bench-run", "--calibrate=10"))["l2"] if patience else 0.0

    def call(self, program, *arguments):
        """What a program prints; an exception has all that it said."""
        command = [str(self.bin / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def kernels(self):
        """The kernel that each level has for each layout, the best level first; then each kernel without a level."""
        return [json.loads(line) for line in self.call("bench-product", "--list").splitlines()]

    def product(self, shape, layout, path, *level):
        """Compiles a bare product: of a layout at all levels, or of a kernel at one."""
        n, k = shape.split("x")
        self.call("bench-product", n, k, layout, path, *level)

    def model(self, path, library):
        """Compiles a model."""
        self.call("bit-opt", path, "-o", library)

    def run(self, library, form, shape, layout, levels, caches, threads, m):
        """Rows of one library; a level that cannot run here is told and left out."""
        return self._run(self.effort, {form: library}, shape, layout, levels, caches, threads, m)

    def layer(self, shape, folder, levels, caches, threads, m, rounds=2):
        """Rows of a whole layer, with what it took over its product: the two take turns in one process.

        Measured one after the other they differ by what the machine does meanwhile, and by where each lies in memory;
        bench-run mixes their copies. There are several rounds, each a process, in both orders.
        """
        n, k = map(int, shape.split("x"))
        paths = {"product": folder / "product.so", "layer": folder / "layer.so"}
        self.product(shape, "p2", paths["product"])
        self.model(models.bitlinear(folder / "layer.onnx", n, k), paths["layer"])
        runs = []
        for number in range(rounds):
            names = ["product", "layer"] if number % 2 == 0 else ["layer", "product"]
            both = {name: paths[name] for name in names}
            runs.append(self._run([*self.effort, "--in-turns"], both, shape, "p2", levels, caches, threads, m))
        return layers_of(runs)

    def scaling(self, library, shape, layout, levels, threads, m):
        """Rows of a product for several numbers of threads that take turns: each has its time over the first's."""
        effort = [*self.effort, "--in-turns=threads"]
        rows = self._run(effort, {"scaling": library}, shape, layout, levels, ["hot"], threads, m)
        return [row for row in rows if "over" in row]

    def _run(self, effort, libraries, shape, layout, levels, caches, threads, m):
        if not m or not levels:
            return []
        text = self.call(
            "bench-run",
            *effort,
            f"--undisturbed={self.l2}",
            *(["--levels=" + ",".join(levels)] if levels else []),
            "--caches=" + ",".join(caches),
            "--threads=" + ",".join(map(str, threads)),
            "--m=" + ",".join(map(str, m)),
            *(f"{form}={library}" for form, library in libraries.items()),
        )
        lines = list(map(json.loads, text.splitlines()))
        probes = [
            (line[when]["l2"], line["threads"])
            for line in lines
            if "l2" in line.get("before", {})
            for when in ("before", "after")
        ]
        self.l2 = max([self.l2, *(rate / threads for rate, threads in probes)])
        for level in dict.fromkeys(line["level"] for line in lines if "error" in line):
            print(f"{'/'.join(libraries)} {shape} {layout}: {level} cannot be opened on this machine", flush=True)
        lines = [line for line in lines if "error" not in line]
        for form in libraries:
            check_outputs([line for line in lines if line["name"] == form], f"{form} {shape} {layout}")
        return [r.make(line, line["name"], shape, layout) for line in lines]


def layers_of(runs):
    """One row for each layer's in several runs; `over` is quartiles of its medians over the product's."""
    ratios = {}
    for row in itertools.chain(*runs):
        if "over" in row:
            ratio = row["over"][1] if row["form"] == "layer" else 1 / row["over"][1]
            ratios.setdefault(r.key(row, form="layer"), []).append(ratio)
    rows = [row for row in r.middle(runs) if row["form"] == "layer"]
    for row in rows:
        same = ratios[r.key(row)]
        low, ratio, high = statistics.quantiles(same, n=4, method="inclusive") if len(same) > 1 else same * 3
        row["over"] = [r.rounded(low), r.rounded(ratio), r.rounded(high)]
    return rows


def check_outputs(lines, what):
    """Fails if outputs differ between levels, caches or numbers of threads: what was timed was not the product."""
    first = {}
    for line in lines:
        other = first.setdefault(line["m"], line)
        if line["output"] != other["output"]:
            raise RuntimeError(
                f"{what}: outputs of M = {line['m']} differ: {other['level']} with {other['threads']} threads, "
                f"{line['level']} with {line['threads']}"
            )
