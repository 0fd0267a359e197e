"""The tests of this folder need `cmake --preset aarch64` and qemu-user: scripts/setup and scripts/test see to both.

Fixture `cross` is the module cross.py: run(library, inputs, cpu=..., level=..., threads=...), compile(), qemu().
"""

import shutil

import cross as cross_module
import pytest


@pytest.fixture(scope="session")
def cross():
    assert shutil.which("qemu-aarch64"), "expects qemu-aarch64: scripts/setup installs it"
    assert cross_module.BIT_RUN.exists(), f"expects {cross_module.BIT_RUN}: cmake --preset aarch64"
    return cross_module
