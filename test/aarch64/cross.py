"""Compiles models for AArch64 and runs them under qemu, by the bit-run of `cmake --preset aarch64`."""

import os
import pathlib
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BIT_AARCH64_BUILD", ROOT / "build/aarch64"))
BIT_RUN = BUILD / "bin/bit-run"
BIT_OPT = ROOT / "build/release/bin/bit-opt"
NATIVE_BIT_RUN = ROOT / "build/release/bin/bit-run"
QEMU = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]

# Each level on a CPU that has it and not the next one.
CPUS = {"neon": "cortex-a72", "dotprod": "neoverse-n1", "i8mm": "max"}

# What `scripts/test --full` widens.
FULL = os.environ.get("BIT_TEST_FULL", "") not in ("", "0")


def qemu(*command, cpu=None, **options):
    """Runs a program for AArch64 on a CPU of qemu's (default: the one with everything)."""
    where = ["-cpu", cpu] if cpu else []
    words = [*QEMU, *where, *map(str, command)]
    options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": 600, **options}
    return subprocess.run(words, **options)


def compile(model, output, *options, target="aarch64"):
    """bit-opt model -o output --target=...; returns the output's path."""
    command = [BIT_OPT, model, "-o", output, f"--target={target}", *options]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(output)


def arguments(library, folder, inputs, level, threads):
    """bit-run's arguments; the inputs, by names, are written to `folder`."""
    np.savez(folder / "inputs.npz", **inputs)
    words = [library, "--inputs", folder / "inputs.npz", "--output-dir", folder / "outputs"]
    words += ["--level", level] if level else []
    words += ["--threads", threads] if threads else []
    return [str(word) for word in words]


def outputs(folder):
    return {path.stem: np.load(path) for path in sorted((folder / "outputs").glob("*.npy"))}


def run(library, inputs, cpu=None, level=None, threads=None):
    """Runs a library for AArch64 on {name: array}; returns {name: array}. Fails with bit-run's message."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = qemu(BIT_RUN, *arguments(library, folder, inputs, level, threads), cpu=cpu)
        assert done.returncode == 0, done.stderr
        return outputs(folder)


def run_native(library, inputs, level=None, threads=None):
    """The same with a library for this machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = [str(NATIVE_BIT_RUN), *arguments(library, folder, inputs, level, threads)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
        assert done.returncode == 0, done.stderr
        return outputs(folder)


def assert_same_bits(got, want, what=""):
    """Every output has the same dtype, shape and bytes."""
    assert got.keys() == want.keys(), what
    for name in want:
        a, b = got[name], want[name]
        assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{what}: {name}"
        if a.tobytes() != b.tobytes():
            size = a.dtype.itemsize
            bits = [np.frombuffer(v.tobytes(), np.uint8).reshape(-1, size) for v in (a, b)]
            differ = np.flatnonzero((bits[0] != bits[1]).any(axis=1))
            at = tuple(map(int, np.unravel_index(differ[0], a.shape)))
            raise AssertionError(f"{what}: {name}: {len(differ)} of {a.size} differ, at {at} {a[at]!r} and {b[at]!r}")
