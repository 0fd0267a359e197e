"""BitLinear layers as other projects compute them, written anew from what each is known to compute.

The b1.58 FAQ's layer and its relatives are in models.py; here is what differs from it. All take `bias`.
"""

import math

import torch
import torch.nn.functional as F
from models import RMSNorm, quantize_activation, quantize_weight
from torch import nn


def straight_through(x, q):
    """The value of q with the gradient of x, as it stays in an exported graph."""
    return x + (q - x).detach()


class AutoOnline(nn.Linear):
    """transformers' AutoBitLinear with float weights: both sides are quantized in forward."""

    def forward(self, x):
        weight = quantize_weight(self.weight.float()).to(self.weight.dtype)
        return F.linear(quantize_activation(x.float()).to(x.dtype), weight, self.bias)


class AutoOffline(nn.Linear):
    """The same with ternary weights and a scale, which multiplies the bias as well."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__(in_features, out_features, bias=bias)
        mean = self.weight.detach().abs().mean()
        self.weight = nn.Parameter((self.weight.detach() / mean).round().clamp(-1, 1))
        self.register_buffer("weight_scale", mean.reshape(1))

    def forward(self, x):
        return F.linear(quantize_activation(x), self.weight, self.bias) * self.weight_scale


class Packed(nn.Module):
    """transformers' BitLinear: four weights a byte along the outputs, unpacked by the graph."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        linear = nn.Linear(in_features, out_features, bias=bias)
        mean = linear.weight.detach().abs().mean()
        codes = (linear.weight.detach() / mean).round().clamp(-1, 1).to(torch.int64) + 1
        planes = codes.reshape(4, out_features // 4, in_features)
        self.register_buffer("weight", sum(planes[i] << 2 * i for i in range(4)).to(torch.uint8))
        self.register_buffer("weight_scale", (1 / mean).reshape(1))
        self.bias = linear.bias

    def unpack(self):
        """Writes the four planes one after the other into a tensor of zeros."""
        rows, columns = self.weight.shape
        codes = torch.zeros(4 * rows, columns, dtype=torch.uint8)
        for i in range(4):
            codes[i * rows : (i + 1) * rows] = (self.weight & (3 << 2 * i)) >> 2 * i
        return codes.float() - 1

    def forward(self, x):
        scale = 127 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
        codes = (x * scale).round().clamp(-128, 127).to(torch.int8)
        y = F.linear(codes.to(x.dtype), self.unpack()) / (self.weight_scale * scale)
        return y if self.bias is None else y + self.bias.view(1, -1).expand_as(y)


class BitLab(nn.Linear):
    """BitLab: scales are divided by; the weights' mean has its eps in one place only."""

    def forward(self, x):
        scale = (x.abs().amax(dim=-1, keepdim=True) / 127).clamp(min=1e-6)
        x = (x / scale).round().clamp(-127, 127) * scale
        mean = self.weight.abs().mean()
        weight = (self.weight / (mean + 1e-6)).round().clamp(-1, 1) * mean
        return F.linear(x, weight, self.bias)


class Kyegomez(nn.Linear):
    """kyegomez BitNet: a norm by length, binary weights around their mean; its bias is not used."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__(in_features, out_features, bias=bias)
        self.gain = nn.Parameter(torch.ones(in_features))

    def forward(self, x):
        x = F.normalize(x, dim=-1) * math.sqrt(x.shape[-1]) * self.gain
        w = self.weight
        binary = torch.sign(w - w.mean()) * w.abs().mean()
        return F.linear(straight_through(x, quantize_activation(x)), straight_through(w, binary))


class Zeta(nn.Linear):
    """zeta, later version: one scale for the whole input, one mean and one magnitude a group of rows."""

    def __init__(self, in_features, out_features, bias=True, groups=2):
        super().__init__(in_features, out_features, bias=bias)
        self.groups = groups

    def forward(self, x):
        scale = 127 / x.abs().max()
        codes = (x * scale).round()
        rows = self.weight.reshape(self.groups, -1)
        binary = torch.sign(rows - rows.mean(dim=1, keepdim=True)) * rows.abs().mean(dim=1, keepdim=True)
        return F.linear(codes / scale, binary.reshape(self.weight.shape), self.bias)


class ZetaCodes(nn.Linear):
    """zeta as published (2.8.8): int8 codes enter the product, and what comes out is never rescaled."""

    def forward(self, x):
        codes = (127 / x.abs().max() * x).round().to(torch.int8)
        return F.linear(codes.float(), torch.sign(self.weight - self.weight.mean()), self.bias)


class ZetaOutput(nn.Linear):
    """zeta, as described: the output is quantized, over the whole tensor, and not the input."""

    def forward(self, x):
        x = F.layer_norm(x, (self.in_features,))
        y = F.linear(x, torch.sign(self.weight - self.weight.mean()), self.bias)
        scale = 127 / y.abs().max()
        return (y * scale).round().clamp(-128, 127) / scale


class OneBitLLMs(nn.Linear):
    """onebitllms: a norm inside, rounding by floor(x + 0.5)."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__(in_features, out_features, bias=bias)
        self.norm = RMSNorm(in_features)

    def forward(self, x):
        x, w = self.norm(x), self.weight
        scale = 127.0 / x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-5)
        xq = torch.floor(x * scale + 0.5).clamp(-128, 127) / scale
        mean = 1.0 / w.abs().mean().clamp(min=1e-5)
        wq = torch.floor(w * mean + 0.5).clamp(-1, 1) / mean
        return F.linear(straight_through(x, xq), straight_through(w, wq), self.bias)


class BitLinear24(nn.Linear):
    """bitlinear (2.4.6): Q = 128, a strength of quantizing that ends at 1, one division by both scales at the end."""

    def quantize(self, v, low, high):
        return 1.0 * (v.round().clamp(low, high) - v).detach() + v

    def forward(self, x):
        x = F.layer_norm(x, (self.in_features,))
        scale = 128 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
        weight_scale = 1 / self.weight.abs().mean().clamp(min=1e-5)
        codes, weight = self.quantize(x * scale, -128, 127), self.quantize(self.weight * weight_scale, -1, 1)
        return F.linear(codes, weight, self.bias) / (weight_scale * scale)


class FusedQKV(nn.Linear):
    """q, k and v in one weight, each with its own scale; one quantizer, one product."""

    def forward(self, x):
        quarter = self.weight.shape[0] // 4
        parts = torch.split(self.weight, [2 * quarter, quarter, quarter], dim=0)
        weight = torch.cat([quantize_weight(part) for part in parts], dim=0)
        return F.linear(quantize_activation(x), weight, self.bias)


class Groups(nn.Linear):
    """A scale for each 32 weights of a row."""

    def forward(self, x):
        w = self.weight.reshape(self.weight.shape[0], -1, 32)
        scale = 1 / w.abs().mean(dim=-1, keepdim=True).clamp(min=1e-5)
        w = ((w * scale).round().clamp(-1, 1) / scale).reshape(self.weight.shape)
        return F.linear(quantize_activation(x), w, self.bias)


class Binary(nn.Linear):
    """BitNet's first version: sign(W - mean) * mean |W|; one scale for the whole input."""

    def forward(self, x):
        x = F.layer_norm(x, (self.in_features,))
        scale = 127 / x.abs().max().clamp(min=1e-5)
        x = (x * scale).round().clamp(-128, 127) / scale
        w = self.weight
        return F.linear(x, torch.sign(w - w.mean()) * w.abs().mean(), self.bias)


class BinaryWhere(nn.Linear):
    """The same levels by comparison and choice, which knows no zero."""

    def forward(self, x):
        w = self.weight
        size = w.abs().mean()
        return F.linear(quantize_activation(x), torch.where(w > w.mean(), size, -size), self.bias)
