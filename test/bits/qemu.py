"""Runs libraries for AArch64 under qemu, all levels and numbers of threads of one in one process (run_many.c)."""

import functools
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import numpy as np

import bit_mlir.dtypes

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BIT_AARCH64_BUILD", ROOT / "build/aarch64"))
TARGET = "aarch64"
COMPILER = "aarch64-linux-gnu-gcc-12"
QEMU = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", "max"]


def _runtime():
    """The cross-built runtime, None where there is none."""
    return next((path for path in BUILD.rglob("libbitrt.a")), None)


@functools.cache
def available():
    """Whether there are qemu, a cross compiler and the runtime of `cmake --preset aarch64`."""
    return bool(shutil.which(QEMU[0]) and shutil.which(COMPILER) and _runtime())


@functools.cache
def _program():
    """run_many for AArch64, compiled once a process."""
    folder = tempfile.TemporaryDirectory(prefix="bits-")
    path = os.path.join(folder.name, "run_many")
    command = [COMPILER, "-std=c11", "-O1", "-Wall", "-Werror", f"-I{ROOT}/runtime/include", f"{HERE}/run_many.c"]
    subprocess.run([*command, str(_runtime()), "-lpthread", "-ldl", "-lm", "-o", path], check=True)
    return folder, path


def _write(feeds, path):
    with open(path, "wb") as file:
        file.write(struct.pack("<i", len(feeds)))
        for feed in feeds:
            file.write(struct.pack("<i", len(feed)))
            for x in feed:
                number = bit_mlir.dtypes.from_numpy(x.dtype)
                file.write(struct.pack(f"<ii{x.ndim}qq", number, x.ndim, *x.shape, x.nbytes))
                file.write(np.ascontiguousarray(x).tobytes())


def _read(file):
    """One run: the outputs, or the text of the error."""

    def take(form):
        return struct.unpack(form, file.read(struct.calcsize(form)))

    status, count = take("<ii")
    if status:
        return file.read(count).decode()
    outputs = []
    for _ in range(count):
        number, rank = take("<ii")
        *shape, size = take(f"<{rank}qq")
        data = np.frombuffer(file.read(size), bit_mlir.dtypes.to_numpy(number))
        outputs.append(data.reshape(shape))
    return outputs


def run_levels(library, levels, threads, feeds, folder):
    """{(level, threads, turn): [outputs of each feed]}; turns are "cold" and "hot"."""
    inputs, outputs = (os.path.join(folder, f"qemu.{name}") for name in ("inputs", "outputs"))
    _write(feeds, inputs)
    runs = [(level, count) for level in levels for count in threads]
    words = [library, inputs, outputs, *(f"{level}:{count}" for level, count in runs)]
    done = subprocess.run(
        [*QEMU, _program()[1], *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900
    )
    assert done.returncode == 0, f"qemu: status {done.returncode}: {done.stderr}"
    results, first = {}, [None] * len(feeds)
    with open(outputs, "rb") as file:
        for level, count in runs:
            for turn in ("cold", "hot"):
                got = []
                for number in range(len(feeds)):
                    same = struct.unpack("<i", file.read(4))[0]
                    got.append(first[number] if same else _read(file))
                    first[number] = got[-1] if first[number] is None else first[number]
                results[level, count, turn] = got
    return results
