"""Branches and loops as torch's exporters write them."""

import json
import logging

import numpy as np
import pytest
import ties

torch = pytest.importorskip("torch")

import models  # noqa: E402

logging.disable(logging.WARNING)

K = 64


class Cond(torch.nn.Module):
    """torch.cond, which the dynamo exporter makes an If of."""

    def __init__(self):
        """One layer a branch."""
        super().__init__()
        self.a, self.b = models.BitLinear(K, K), models.BitLinear(K, K, bias=False)

    def forward(self, x):
        """Chooses by the sum."""
        return torch.cond(x.sum() > 0, lambda v: self.a(v), lambda v: self.b(v) * 2.0, (x,))


class Scripted(torch.nn.Module):
    """Python's own `if` and `for`, compiled by torch.jit.script."""

    def __init__(self):
        """Layers with a quantizer that scripts."""
        super().__init__()
        self.a, self.b = models.TernaryLinear(K, K), models.TernaryLinear(K, K)

    def forward(self, x):
        """Runs the first layer as often as there are rows."""
        if x.sum() > 0:
            x = self.b(x)
        for _ in range(x.shape[0]):
            x = torch.relu(self.a(x)) * 0.5 + x
        return x


def check(path, tmp_path, layers, rows=(2, 5)):
    """The layers are packed; the outputs are onnxruntime's."""
    report = tmp_path / "report.json"
    model, expected = ties.compiled(path, report=report), ties.reference(path)
    found = json.loads(report.read_text())["bitlinear"]
    assert found["found"] == found["packed"] == layers
    rng = np.random.default_rng(0)
    for size in rows:
        for sign in (1, -1):
            x = np.abs(rng.standard_normal((size, K))).astype(np.float32) * sign
            (theirs,) = expected.run(None, {"x": x})
            # A flipped code is seen in the whole row.
            close = np.isclose(model(x), theirs, rtol=1e-3, atol=1e-3).all(axis=1)
            assert close.mean() > 0.5


@pytest.mark.parametrize("dynamic", [(), (0,)], ids=["static", "dynamic"])
def test_cond(dynamic, tmp_path):
    path = models.export(models.seeded(Cond), tmp_path / "model.onnx", dynamic=dynamic)
    check(path, tmp_path, 2, rows=(2, 5) if dynamic else (2,))


def test_script(tmp_path):
    module = torch.jit.script(models.seeded(Scripted))
    path = models.export(module, tmp_path / "model.onnx", dynamic=(0,), dynamo=False)
    check(path, tmp_path, 2)
