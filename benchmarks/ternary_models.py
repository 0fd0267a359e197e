"""Models of BitLinear layers with random weights: encoder, feed-forward block."""

import float_models
import torch
import torch.nn.functional as F
from torch import nn


class BitLinear(nn.Linear):
    """The b1.58 layer: absmax codes of 8 bits a token, ternary weights of one absmean scale."""

    def forward(self, x):
        """Torch's name for a call."""
        scale = 127.0 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
        x = (x * scale).round().clamp(-128, 127) / scale
        scale = 1.0 / self.weight.abs().mean().clamp(min=1e-5)
        return F.linear(x, (self.weight * scale).round().clamp(-1, 1) / scale, self.bias)


class RMSNorm(nn.Module):
    """As transformers writes it."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(size) + 0.5)

    def forward(self, x):
        """Torch's name for a call."""
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


class FeedForward(nn.Module):
    """BitNet b1.58's: a gate of squared ReLU, a norm before each product."""

    def __init__(self, hidden, ffn, gate):
        super().__init__()
        self.function = {"relu2": lambda x: F.relu(x) ** 2, "silu": F.silu}[gate]
        self.before, self.between = RMSNorm(hidden), RMSNorm(ffn)
        self.gate, self.up = BitLinear(hidden, ffn, bias=False), BitLinear(hidden, ffn, bias=False)
        self.down = BitLinear(ffn, hidden, bias=False)

    def forward(self, x):
        """Torch's name for a call."""
        y = self.before(x)
        y = self.between(self.function(self.gate(y)) * self.up(y))
        return x + self.down(y)


def with_ternary_layers(module):
    """`module` with its linear layers made BitLinear, in place."""
    for part in module.modules():
        if type(part) is nn.Linear:
            part.__class__ = BitLinear
    return module


def ternary_encoder(**options):
    """float_models' encoder, its six linear layers a layer ternary."""
    module, x, axes = float_models.encoder(**options)
    return with_ternary_layers(module), x, axes


def feed_forward(hidden, ffn, tokens, gate):
    """A decoder's feed-forward block."""
    return FeedForward(hidden, ffn, gate), torch.randn(tokens, hidden), {0: "tokens"}


float_models.MAKERS.update({f.__name__: f for f in (ternary_encoder, feed_forward)})
export = float_models.export
