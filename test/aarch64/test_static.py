"""Objects and archives for AArch64 inside a C program, and the runtime as an archive."""

import subprocess

import numpy as np
import pytest

COMPILER = "aarch64-linux-gnu-gcc-12"


@pytest.mark.parametrize("suffix", [".a", ".o"])
def test_linked_into_a_program(cross, tmp_path, suffix):
    """The demo's C program prints and writes what the library computes here."""
    digits = cross.ROOT / "examples/digits"
    sample = np.load(digits / "sample.npz")
    images = sample["pixels"].astype(np.float32) / 16
    images.tofile(tmp_path / "images")
    sample["labels"].tofile(tmp_path / "labels")
    model = cross.compile(digits / "digits-small.onnx", tmp_path / f"digits{suffix}", "--level=neon")
    native = cross.compile(digits / "digits-small.onnx", tmp_path / "native.so", target="native")
    want = cross.run_native(native, {"image": images}, threads=1)

    include = [f"-I{tmp_path}", f"-I{cross.ROOT / 'runtime/include'}"]
    libraries = [model, cross.BUILD / "lib/libbitrt.a", "-lpthread", "-ldl"]
    program = tmp_path / "classify"
    command = [COMPILER, "-std=c99", "-O2", digits / "classify.c", *include, *libraries, "-o", program]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = cross.qemu(program, tmp_path / "images", tmp_path / "labels", tmp_path / "logits", cpu="cortex-a72")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "logits").read_bytes() == want["logits"].tobytes()
