"""torch's own layers of attention, by both exporters, against onnxruntime."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import ties  # noqa: E402
import wholes  # noqa: E402
from torch import nn  # noqa: E402

K = 32


class Attention(nn.Module):
    """Queries, keys and values of one input, which torch projects by one matrix."""

    def __init__(self, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(K, 4, **options)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Encoder(nn.Module):
    """Without the options of forward, which tracing would take for inputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(K, 4, 64, batch_first=True)

    def forward(self, x):
        return self.layer(x)


class Decoder(nn.Module):
    """Its memory comes from the same input: keys and values are projected apart from the queries."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(K, 4, 64, batch_first=True)

    def forward(self, x):
        return self.layer(x, 0.5 * x)


MODULES = {
    "batch first": lambda: Attention(batch_first=True),
    "sequence first": lambda: Attention(),
    "encoder": Encoder,
    "decoder": Decoder,
}


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "TorchScript"])
@pytest.mark.parametrize("name", MODULES)
def test_attention(name, dynamo, tmp_path, monkeypatch):
    # The fast path is one operator, which has no export.
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: False)
    torch.manual_seed(0)
    module = MODULES[name]().eval()
    batch = 1 if name == "sequence first" else 0
    inputs, dims = {"x": torch.randn(2, 5, K)}, {"x": {batch: "batch"}}
    # TorchScript writes down the other size of its sample.
    with torch.no_grad():
        path = wholes.export(module, inputs, dims, tmp_path / "model.onnx", 17, dynamo)
    model, reference = ties.compiled(path, level=["x86-64-v3"]), ties.reference(path)
    sizes = [2] if not dynamo and batch == 1 else [1, 2, 3]
    for size in sizes:
        shape = [2, size, K] if batch else [size, 5, K]
        x = np.random.default_rng(size).standard_normal(shape).astype(np.float32)
        (expected,) = reference.run(None, {"x": x})
        np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-5)
