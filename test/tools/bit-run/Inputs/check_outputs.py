"""Checks with numpy what bit-run wrote to --output-dir."""

import pathlib
import sys

import numpy as np

inputs, outputs = map(pathlib.Path, sys.argv[1:])
expected = np.load(inputs / "out.npz")
assert sorted(path.name for path in outputs.iterdir()) == ["level.npy", "out_kept_rows.npy", "y.npy"]
np.testing.assert_array_equal(np.load(outputs / "y.npy"), expected["y"])
np.testing.assert_array_equal(np.load(outputs / "out_kept_rows.npy"), expected["out/kept rows"])
level = np.load(outputs / "level.npy")
assert level.shape == () and level.dtype == np.int32
