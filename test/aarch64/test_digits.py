"""The demo network for AArch64: the bytes of the x86-64 run, on every level, at any number of threads."""

import numpy as np
import pytest
from cross import CPUS, ROOT

MODEL = ROOT / "examples/digits/digits-small.onnx"


@pytest.fixture(scope="module")
def digits(cross, tmp_path_factory):
    """(library, inputs, outputs on this machine)"""
    folder = tmp_path_factory.mktemp("digits")
    sample = np.load(ROOT / "examples/digits/sample.npz")
    inputs = {"image": sample["pixels"].astype(np.float32) / 16}
    native = cross.compile(MODEL, folder / "native.so", target="native")
    return cross.compile(MODEL, folder / "digits.so"), inputs, cross.run_native(native, inputs, threads=1)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("level", CPUS)
def test_same_bytes(cross, digits, level, threads):
    library, inputs, want = digits
    got = cross.run(library, inputs, cpu=CPUS[level], level=level, threads=threads)
    cross.assert_same_bits(got, want, f"{level}, {threads} threads")


@pytest.mark.parametrize("level", CPUS)
def test_opens_the_best_level_of_the_cpu(cross, digits, level):
    library, _, _ = digits
    done = cross.qemu(cross.BIT_RUN, library, "--json", cpu=CPUS[level])
    assert done.returncode == 0, done.stderr
    assert f'"level": "{level}"' in done.stdout
    lacking = cross.qemu(cross.BIT_RUN, library, cpu=CPUS["neon"])
    assert "i8mm (not on this CPU), dotprod (not on this CPU), neon" in lacking.stdout


def test_cpu_below_the_lowest_level(cross, tmp_path):
    library = cross.compile(MODEL, tmp_path / "high.so", "--level=i8mm")
    done = cross.qemu(cross.BIT_RUN, library, cpu="cortex-a72")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "bit-run: error: none of the library's levels (i8mm) runs on this CPU; 'i8mm' needs what it lacks: "
        "dotprod, i8mm"
    ]
    done = cross.qemu(cross.BIT_RUN, library, cpu="neoverse-n1")
    assert "'i8mm' needs what it lacks: i8mm" in done.stderr


def test_level_that_the_cpu_lacks(cross, digits):
    done = cross.qemu(cross.BIT_RUN, digits[0], "--level", "dotprod", cpu="cortex-a72")
    assert done.returncode == 1
    assert "level 'dotprod' needs what this CPU lacks: dotprod" in done.stderr


def test_library_for_another_machine(cross, tmp_path):
    library = cross.compile(MODEL, tmp_path / "x86.so", target="x86-64")
    done = cross.qemu(cross.BIT_RUN, library)
    assert done.returncode == 1
    assert "expects a library for AArch64, got one for x86-64" in done.stderr
