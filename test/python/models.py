"""Networks of BitLinear layers, written the way people write them, and their ONNX exports.

Every function is deterministic in its seed. `export` is the one place that calls `torch.onnx.export`.
"""

import contextlib
import io
import pathlib
import warnings

import torch
import torch.nn.functional as F
from torch import nn


def quantize_activation(x):
    """BitNet b1.58's activation quantizer: 8 bits, one scale a token, dequantized at once."""
    scale = 127.0 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
    return (x * scale).round().clamp(-128, 127) / scale


def quantize_weight(w):
    """BitNet b1.58's weight quantizer: ternary by the mean magnitude of the tensor."""
    scale = 1.0 / w.abs().mean().clamp(min=1e-5)
    return (w * scale).round().clamp(-1, 1) / scale


def absmax(x, dim=-1):
    """The greatest magnitude of a row, or of all where there is no dim."""
    return x.abs().max() if dim is None else x.abs().amax(dim=dim, keepdim=True)


def quantize_bitlab(x):
    """BitLab: eps clamps the step."""
    d = (absmax(x) / 127.0).clamp(min=1e-6)
    return (x / d).round().clamp(-127, 127) * d


def quantize_half_up(x):
    """onebitllms: floor(v + 0.5)."""
    s = 127.0 / absmax(x).clamp(min=1e-5)
    return torch.floor(x * s + 0.5).clamp(-128, 127) / s


def quantize_paper(x):
    """The first BitNet paper, with a rounding: x * Q / gamma, for the whole tensor."""
    gamma = absmax(x, None) + 1e-5
    return (x * 127 / gamma).round().clamp(-127, 127) * gamma / 127


def quantize_mean(x):
    """Four bits by the mean magnitude, straight through."""
    s = 7.0 / x.abs().mean(dim=-1, keepdim=True).clamp(min=1e-5)
    q = (x * s).round().clamp(-8, 7) / s
    return x + (q - x).detach()


def quantize_round_through(x):
    """Straight through around the rounding alone; codes go through int8."""
    v = x * (127.0 / torch.maximum(absmax(x), torch.tensor(1e-5)))
    codes = v + (v.round() - v).detach()
    return codes.clamp(-128, 127).to(torch.int8).to(x.dtype) * absmax(x).clamp(min=1e-5) / 127.0


QUANTIZERS = {
    f.__name__: f for f in (quantize_bitlab, quantize_half_up, quantize_paper, quantize_mean, quantize_round_through)
}


class RMSNorm(nn.Module):
    """RMS normalization by hand, as most BitLinear code has it."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        """Scales every row to a root mean square of one."""
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def make_norm(kind, dim):
    """A norm layer: "rms" (by hand), "torch_rms" (nn.RMSNorm), "layer" or None."""
    makers = {"rms": RMSNorm, "torch_rms": nn.RMSNorm, "layer": nn.LayerNorm, None: lambda _: nn.Identity()}
    return makers[kind](dim)


class BitLinear(nn.Linear):
    """The BitLinear of the b1.58 FAQ. `form`:

    - "eval": fake-quantized values straight into the matmul;
    - "train": the straight-through form `x + (q - x).detach()`, which stays in the graph;
    - "none": float activations before quantized weights.
    """

    def __init__(self, in_features, out_features, bias=True, norm="rms", form="eval"):
        super().__init__(in_features, out_features, bias=bias)
        self.norm = make_norm(norm, in_features)
        self.form = form

    def forward(self, x):
        """Normalizes, quantizes both sides, multiplies."""
        x, w = self.norm(x), self.weight
        if self.form == "train":
            xq = x + (quantize_activation(x) - x).detach()
            wq = w + (quantize_weight(w) - w).detach()
            return F.linear(xq, wq, self.bias)
        xq = x if self.form == "none" else quantize_activation(x)
        return F.linear(xq, quantize_weight(w), self.bias)


class InferenceBitLinear(nn.Module):
    """The layer written for inference: int8 weights, codes into the matmul, scales divided out after it."""

    def __init__(self, in_features, out_features, bias=True, norm="rms"):
        super().__init__()
        linear = nn.Linear(in_features, out_features, bias=bias)
        self.norm = make_norm(norm, in_features)
        scale = 1.0 / linear.weight.detach().abs().mean().clamp(min=1e-5)
        self.register_buffer("codes", (linear.weight.detach() * scale).round().clamp(-1, 1).to(torch.int8))
        self.register_buffer("weight_scale", scale)
        self.bias = linear.bias

    def forward(self, x):
        """Normalizes, quantizes, multiplies integers held in floats, rescales."""
        x = self.norm(x)
        scale = 127.0 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
        codes = (x * scale).round().clamp(-128, 127)
        y = F.linear(codes, self.codes.to(x.dtype)) / self.weight_scale / scale
        return y if self.bias is None else y + self.bias


class TernaryLinear(nn.Module):
    """Ternary float weights held as a constant, times a scalar; quantized activations only if asked for."""

    def __init__(self, in_features, out_features, bias=True, quantize=True):
        super().__init__()
        linear = nn.Linear(in_features, out_features, bias=bias)
        w = linear.weight.detach()
        mean = w.abs().mean()
        self.register_buffer("weight", (w / mean).round().clamp(-1, 1))
        self.register_buffer("weight_scale", mean)
        self.bias = linear.bias
        self.quantize = quantize

    def forward(self, x):
        """Multiplies by weight * weight_scale."""
        x = quantize_activation(x) if self.quantize else x
        return F.linear(x, self.weight * self.weight_scale, self.bias)


class QuantizedLinear(nn.Module):
    """A ternary weight behind one of QUANTIZERS; activations and weights are scaled in float."""

    def __init__(self, in_features, out_features, quantizer):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.quantize = QUANTIZERS[quantizer]

    def forward(self, x):
        """Quantizes both sides, multiplies."""
        return F.linear(self.quantize(x), quantize_weight(self.linear.weight), self.linear.bias)


class SharedQuantizer(nn.Module):
    """q, k and v of an attention layer: one norm and one quantizer feed three weights."""

    def __init__(self, dim, bias=False, norm="rms"):
        super().__init__()
        self.norm = make_norm(norm, dim)
        self.q = nn.Linear(dim, dim, bias=bias)
        self.k = nn.Linear(dim, dim // 2, bias=bias)
        self.v = nn.Linear(dim, dim // 2, bias=bias)

    def forward(self, x):
        """Returns the concatenation of the three projections."""
        xq = quantize_activation(self.norm(x))
        ys = [F.linear(xq, quantize_weight(m.weight), m.bias) for m in (self.q, self.k, self.v)]
        return torch.cat(ys, dim=-1)


def mlp(sizes=(64, 96, 10), layer=BitLinear, **options):
    """A chain of layers with ReLU between them."""
    layers = []
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.ReLU()] if i else []
        layers.append(layer(k, n, **options))
    return nn.Sequential(*layers)


def seeded(make, seed=0):
    """make() with torch's generator set to `seed`; parameters that start as zeros or ones are made ragged."""
    torch.manual_seed(seed)
    module = make()
    with torch.no_grad():
        for p in module.parameters():
            if p.dim() == 1:
                p.add_(0.1 * torch.randn_like(p))
    return module.eval()


def export(module, path, shape=(2, 64), dynamic=(), opset=18, dynamo=True):
    """Exports `module` for one f32 input "x" of `shape`; axes in `dynamic` stay symbolic. Returns a path."""
    path = pathlib.Path(path)
    x = torch.zeros(shape)
    names = ["batch", "sequence", "d2", "d3"]
    options = {"input_names": ["x"], "output_names": ["y"], "opset_version": opset, "dynamo": dynamo}
    if dynamic and dynamo:
        options["dynamic_shapes"] = ({d: torch.export.Dim(names[d], min=1, max=4096) for d in dynamic},)
    elif dynamic:
        options["dynamic_axes"] = {"x": {d: names[d] for d in dynamic}}
    if dynamo:
        options["external_data"] = False
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), str(path), **options)
    return path
