"""bit_mlir.nn.BitLinear: the b1.58 formula, and gradients that pass straight through."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import models  # noqa: E402

from bit_mlir import nn  # noqa: E402


def test_formula_is_the_faqs():
    torch.manual_seed(0)
    x, w = torch.randn(7, 33), torch.randn(11, 33)
    torch.testing.assert_close(nn.activation_quant(x), models.quantize_activation(x), rtol=0, atol=0)
    torch.testing.assert_close(nn.weight_quant(w), models.quantize_weight(w), rtol=0, atol=0)


def test_weights_take_three_values_and_activations_256():
    torch.manual_seed(0)
    w = nn.weight_quant(torch.randn(64, 64))
    assert len(torch.unique(w)) == 3
    x = torch.randn(5, 512)
    codes = nn.activation_quant(x) * (127.0 / x.abs().amax(dim=-1, keepdim=True))
    np.testing.assert_allclose(codes, codes.round(), atol=1e-3)
    assert codes.abs().max() < 127.5


def test_zeros_stay_zeros():
    assert torch.equal(nn.activation_quant(torch.zeros(2, 8)), torch.zeros(2, 8))
    assert torch.equal(nn.weight_quant(torch.zeros(4, 8)), torch.zeros(4, 8))


@pytest.mark.parametrize("norm", [None, "rms", "layer"])
@pytest.mark.parametrize("bias", [True, False])
def test_training_and_inference_give_nearly_the_same(norm, bias):
    torch.manual_seed(0)
    layer = nn.BitLinear(32, 24, bias=bias, norm=norm)
    x = torch.randn(2, 5, 32)
    trained = layer(x)
    torch.testing.assert_close(trained, layer.eval()(x), rtol=1e-4, atol=1e-4)
    assert trained.shape == (2, 5, 24)


def test_gradients_pass_straight_through():
    torch.manual_seed(0)
    layer = nn.BitLinear(16, 8, bias=True)
    x = torch.randn(3, 16, requires_grad=True)
    layer(x).sum().backward()
    # d sum(y) / dx is the column sum of the quantized weights, d / dw the row sum of the quantized activations.
    torch.testing.assert_close(x.grad, nn.weight_quant(layer.weight).sum(0).expand(3, 16), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        layer.weight.grad, nn.activation_quant(x.detach()).sum(0).expand(8, 16), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(layer.bias.grad, torch.full((8,), 3.0))


def test_it_learns():
    torch.manual_seed(0)
    net = torch.nn.Sequential(nn.BitLinear(16, 64, norm="rms"), torch.nn.ReLU(), nn.BitLinear(64, 4, norm="rms"))
    x = torch.randn(256, 16)
    target = x[:, :4].argmax(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(net(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (net.eval()(x).argmax(1) == target).float().mean() > 0.9


def test_drop_in_for_linear():
    linear, layer = torch.nn.Linear(6, 3), nn.BitLinear(6, 3)
    assert set(layer.state_dict()) == set(linear.state_dict())
    layer.load_state_dict(linear.state_dict())
    with pytest.raises(ValueError, match="expects norm 'rms', 'layer'"):
        nn.BitLinear(6, 3, norm="batch")
