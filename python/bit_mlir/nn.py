"""Layers for quantization-aware training in torch."""

import torch.nn.functional as F
from torch import nn

__all__ = ["BitLinear", "activation_quant", "weight_quant"]


def activation_quant(x, eps=1e-5):
    """Fake-quantizes x to 8 bits, one scale a token: round(x * 127 / max|x|) / (127 / max|x|)."""
    scale = 127.0 / x.abs().amax(dim=-1, keepdim=True).clamp(min=eps)
    return (x * scale).round().clamp(-128, 127) / scale


def weight_quant(w, eps=1e-5):
    """Fake-quantizes w to {-1, 0, 1} times the mean of |w|."""
    scale = 1.0 / w.abs().mean().clamp(min=eps)
    return (w * scale).round().clamp(-1, 1) / scale


class BitLinear(nn.Linear):
    """A linear layer with ternary weights and 8-bit activations (BitNet b1.58); drop-in for nn.Linear.

    The weights stay float; the forward pass sees them quantized and the gradient passes straight through.
    norm: a normalization of the input before it is quantized: "rms", "layer", a module, or None.
    """

    def __init__(self, in_features, out_features, bias=True, *, norm=None, eps=1e-5, device=None, dtype=None):
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        norms = {"rms": nn.RMSNorm, "layer": nn.LayerNorm}
        if isinstance(norm, str):
            if norm not in norms:
                raise ValueError(f"expects norm 'rms', 'layer', a module or None, got {norm!r}")
            norm = norms[norm](in_features, device=device, dtype=dtype)
        self.norm = norm
        self.eps = eps

    def forward(self, x):
        """Quantizes what came and the weights, then multiplies."""
        if self.norm is not None:
            x = self.norm(x)
        x_q, w_q = activation_quant(x, self.eps), weight_quant(self.weight, self.eps)
        if self.training:
            # Straight-through: the value is the quantized one, the gradient that of the float one.
            x_q = x + (x_q - x).detach()
            w_q = self.weight + (w_q - self.weight).detach()
        return F.linear(x_q, w_q, self.bias)

    def extra_repr(self):
        """As nn.Linear's, with eps."""
        return f"{super().extra_repr()}, eps={self.eps}"
