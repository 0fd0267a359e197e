"""The checksum of a library's weights, which opening compares only if asked."""

import ctypes
import subprocess

import numpy as np
import pytest
from test_threads import compile_layer

import bit_mlir as bm
from bit_mlir.paths import tool


def test_damaged_weights_are_refused_if_asked(tmp_path):
    library = compile_layer(tmp_path, 128, 512, 1)
    x = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    expected = bm.load(library)(x)
    np.testing.assert_array_equal(bm.load(library, verify=True)(x), expected)
    np.testing.assert_array_equal(bm.load(library, verify=True, huge_pages=True)(x), expected)

    model = bm.load(library)
    description = model._library.bit_model_description(model.handle).contents
    weights = ctypes.string_at(description.weights, description.weights_bytes)
    data = bytearray(library.read_bytes())
    offset, size = data.index(weights), len(weights)
    data[offset + size // 2] ^= 1
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(data)
    bm.load(damaged)
    with pytest.raises(bm.RunError, match="the weights of model 'layer' are damaged"):
        bm.load(damaged, verify=True)
    for path, code in ((library, 0), (damaged, 1)):
        run = subprocess.run([tool("bit-run"), path, "--verify"], capture_output=True, text=True, check=False)
        assert run.returncode == code, run.stderr
        assert ("are damaged" in run.stderr) == bool(code)
