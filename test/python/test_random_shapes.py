"""Random layer sizes, ragged on purpose, against onnxruntime without optimizations."""

import graphs
import numpy as np
import pytest
from ties import Comparison

BATCHES = (0, 1, 7, 33)


def sizes(seed):
    """Two to four sizes: tiny, around a tile's edge, or anything."""
    rng = np.random.default_rng(seed)
    kinds = [
        lambda: rng.integers(1, 5),
        lambda: 16 * rng.integers(1, 9) + rng.integers(-1, 2),
        lambda: rng.integers(1, 300),
    ]
    return tuple(int(kinds[rng.integers(3)]()) for _ in range(rng.integers(2, 5)))


@pytest.mark.parametrize("seed", range(20))
def test_random_mlp(seed, tmp_path):
    options = {"bias": bool(seed % 2), "straight_through": bool(seed // 2 % 2)}
    shape = sizes(seed)
    comparison = Comparison(graphs.mlp(tmp_path / "m.onnx", shape, seed, **options))
    assert comparison.model.outputs[0].shape == ("batch", shape[-1])
    for batch in BATCHES:
        x = np.random.default_rng(batch).standard_normal((batch, shape[0])).astype(np.float32)
        comparison.check(x)


def test_extreme_rows(tmp_path):
    """Zeros, one huge value among small ones, subnormal numbers; NaN and infinity stay in their row."""
    comparison = Comparison(graphs.mlp(tmp_path / "m.onnx", (40, 24), bias=True))
    x = np.random.default_rng(0).standard_normal((6, 40)).astype(np.float32)
    x[1] = 0
    x[2, 3] = 1e30
    x[3] *= 1e-41
    comparison.check(x, rtol=1e-4, atol=1e-4)
    plain = comparison.model(x)
    x[4, 7], x[5, 0] = np.nan, np.inf
    y = comparison.model(x)
    assert np.isnan(y[4:]).all()
    np.testing.assert_array_equal(y[:4], plain[:4])
