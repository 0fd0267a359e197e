"""Runs bench-product, bit-opt and bench-run, and turns what they print into rows."""

import json
import pathlib
import subprocess

from . import rows as r

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Native:
    """The programs of one build."""

    def __init__(self, build, samples, seconds):
        self.bin = pathlib.Path(build) / "bin"
        self.effort = [f"--samples={samples}", f"--seconds={seconds}"]

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
        if not m:
            return []
        text = self.call(
            "bench-run",
            *self.effort,
            "--levels=" + ",".join(levels),
            "--caches=" + ",".join(caches),
            "--threads=" + ",".join(map(str, threads)),
            "--m=" + ",".join(map(str, m)),
            f"{form}={library}",
        )
        lines = list(map(json.loads, text.splitlines()))
        for level in dict.fromkeys(line["level"] for line in lines if "error" in line):
            print(f"{form} {shape} {layout}: {level} cannot be opened on this machine", flush=True)
        lines = [line for line in lines if "error" not in line]
        check_outputs(lines, f"{form} {shape} {layout}")
        return [r.make(line, form, shape, layout) for line in lines]


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
