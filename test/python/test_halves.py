"""Quantizers that compute in float16 and bfloat16: their codes are the graph's, exactly, and their layers are packed.

The codes are known from a layer that multiplies by the identity in float32. What they must be says torch, which
executes the same nodes one by one in the half type. (onnxruntime computes chains of float16 nodes in float32.)
"""

import json

import ml_dtypes
import numpy as np
import onnx
import pytest
import quantizers
import ties
from graphs import Graph
from onnx import TensorProto, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

torch = pytest.importorskip("torch")

K = 48
# name: (ONNX's number, numpy's type, torch's type, unit roundoff)
TYPES = {
    "f16": (TensorProto.FLOAT16, np.float16, torch.float16, 2.0**-11),
    "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16, torch.bfloat16, 2.0**-8),
}


class HalfGraph(Graph):
    """A graph whose float constants are of a half type."""

    def __init__(self, dtype):
        """An empty graph."""
        super().__init__()
        self.dtype = dtype

    def const(self, value, dtype=np.float32):
        """Adds an initializer."""
        return super().const(value, self.dtype if dtype is np.float32 else dtype)


def step(name, inputs, attributes):
    """One node by torch."""
    a = inputs[0]
    if name.startswith("Reduce"):
        axes = inputs[1].tolist() if len(inputs) > 1 else list(range(a.ndim))
        reduce = {"ReduceMax": torch.amax, "ReduceMin": torch.amin, "ReduceMean": torch.mean}[name]
        return reduce(a, axes, keepdim=bool(attributes.get("keepdims", 1)))
    if name == "Clip":
        low, high = (inputs + [None, None])[1:3]
        a = a if low is None else torch.maximum(a, low)
        return a if high is None else torch.minimum(a, high)
    if name == "Shape":
        return torch.tensor(a.shape)
    if name == "Expand":
        return a.expand(torch.broadcast_shapes(a.shape, tuple(inputs[1].tolist())))
    if name == "Unsqueeze":
        (axis,) = inputs[1].tolist()
        return a.unsqueeze(axis)
    if name == "Cast":
        kinds = {TensorProto.FLOAT: torch.float32, **{kind: dtype for kind, _, dtype, _ in TYPES.values()}}
        return a.to(kinds[attributes["to"]])
    functions = {"Max": torch.maximum, "Min": torch.minimum, "Mul": torch.mul, "Div": torch.div, "Sub": torch.sub}
    functions |= {"Add": torch.add, "Abs": torch.abs, "Round": torch.round, "Floor": torch.floor, "Ceil": torch.ceil}
    functions |= {"Reciprocal": torch.reciprocal, "Relu": torch.relu, "MatMul": torch.matmul, "Neg": torch.neg}
    result = functions[name](*inputs[:2])
    for other in inputs[2:]:
        result = functions[name](result, other)
    return result


def run_torch(path, x):
    """All values of the model, by name."""
    graph = onnx.load(path).graph
    values = {"": None, "x": torch.from_numpy(x)}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        half = {np.dtype(dtype): kind for _, dtype, kind, _ in TYPES.values()}.get(array.dtype)
        values[tensor.name] = torch.tensor(array.astype(np.float32) if half else array).to(half)
    for node in graph.node:
        inputs = [values[name] for name in node.input]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = step(node.op_type, inputs, attributes)
    return {name: value.float().numpy() for name, value in values.items() if value is not None}


def write(form, path, kind, shape):
    """Writes a model whose quantizer is in a half type and whose layer, in float32, multiplies by 0.5."""
    number, dtype, _, _ = TYPES[kind]
    g = HalfGraph(dtype)
    dequantized = g.op("Cast", form(g, g.op("Cast", "x", to=number)), to=TensorProto.FLOAT)
    weight = Graph.const(g, np.eye(K) * 0.5)
    y = g.op("MatMul", dequantized, weight)
    return g.save(path, {"x": shape}, {y: [*shape[:-1], K]}, opset=22)  # the first whose Round has bfloat16


def compile_layer(path, tmp_path, verify=False):
    """The compiled model, and what the report says of its layer."""
    report = tmp_path / "report.json"
    compile_file(path, path.with_suffix(".so"), report=report, verify=verify)
    (layer,) = json.loads(report.read_text())["bitlinear"]["layers"]
    return bm.load(path.with_suffix(".so")), layer


# Those without a clamp of both sides: what is beyond Q is no code.
UNCLAMPED = ("no_clamp", "clamp_low_only", "no_eps_no_clamp", "no_eps_inverse_of_7", "integer_clamp", "no_eps_wide")
OTHER_TYPES = ("int8", "int32", "float16", "bfloat16", "int8, float16")
# One of each scale and each granularity: the reference lowering computes the same bits.
VERIFIED = ("recip_mul", "plain_div", "inverse", "inverse_mul", "recip_step", "normalized_first", "multiplied_first")
VERIFIED += ("step_plus_eps", "half_up", "per_tensor", "absmean", "no_eps_direct")
FORMS = [name for name in quantizers.FORMS if name not in UNCLAMPED + OTHER_TYPES]


def get_codes(path, values):
    """The codes in a model's `values`: what is rounded, rounded and clamped."""
    nodes = onnx.load(path).graph.node
    (rounded,) = [n for n in nodes if n.op_type in ties.ROUNDINGS]
    codes = values[rounded.output[0]]
    for node in nodes:
        if node.op_type == "Clip" and len(node.input) == 3:
            codes = np.clip(codes, values[node.input[1]], values[node.input[2]])
    return codes


def expect_codes(ours, codes, dequantized, unit):
    """Whether each row of `ours` is `codes` times one number, that of the graph but for roundings."""
    for y, c, d in zip(ours.reshape(-1, K).astype(np.float64), codes.reshape(-1, K), dequantized.reshape(-1, K)):
        assert np.isnan(y).all() == np.isnan(d).any()
        if np.isnan(y).any():
            continue
        # A step of float16 may be subnormal, and codes times a maximum infinite.
        finite = np.isfinite(d)
        atol = 2.0**-25 * max(1, np.abs(c).max())
        np.testing.assert_allclose(2 * y[finite], d[finite], rtol=4 * unit, atol=atol)
        if np.any(y):
            scale = (y * c).sum() / (c.astype(np.float64) ** 2).sum()
            np.testing.assert_allclose(y / scale, c, atol=1e-3)


def edge_rows():
    """Rows at the edges of halves: those of float16 have no finite scale below 2e-3."""
    row = np.random.default_rng(9).standard_normal(K).astype(np.float32)
    yield np.zeros(K, np.float32)
    for size in (1e4, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-38, 1e-40):
        yield row * np.float32(size)
    yield np.abs(row) * np.float32(1e-4) + np.float32(1e-5)
    yield np.tile(np.float32([0.5, 1.5, -2.5, 127.0]), K // 4)
    for value in (0, np.inf, np.nan):
        yield np.where(np.arange(K) == 7, np.float32(value), row * np.float32(1e-3))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", FORMS)
def test_codes(name, kind, tmp_path):
    shape = ["batch", K] if FORMS.index(name) % 2 else [5, K]
    path = write(quantizers.FORMS[name], tmp_path / "model.onnx", kind, shape)
    model, layer = compile_layer(path, tmp_path, verify=name in VERIFIED and 5)
    assert layer["activations_declined"] == ""
    assert layer["activation_bits"] == quantizers.get_bits(name)
    dequantized = onnx.load(path).graph.node[-1].input[0]
    unit = TYPES[kind][-1]
    for seed, size in enumerate((1, 100, 0.02)):
        x = np.random.default_rng(seed).standard_normal((5, K)).astype(np.float32) * np.float32(size)
        values = run_torch(path, x)
        expect_codes(model(x), get_codes(path, values), values[dequantized], unit)
    for row in edge_rows():
        x = np.tile(row, (5, 1))
        values = run_torch(path, x)
        expect_codes(model(x), get_codes(path, values), values[dequantized], unit)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ["no_clamp", "clamp_low_only", "no_eps_no_clamp", "no_eps_inverse_of_7"])
def test_unclamped(name, kind, tmp_path):
    path = write(quantizers.FORMS[name], tmp_path / "model.onnx", kind, [5, K])
    model, layer = compile_layer(path, tmp_path)
    assert layer["activations_declined"] == "the range of their codes is not known to fit eight bits"
    x = np.random.default_rng(0).standard_normal((5, K)).astype(np.float32)
    expected = run_torch(path, x)[onnx.load(path).graph.output[0].name]
    np.testing.assert_allclose(model(x), expected, rtol=4 * TYPES[kind][-1], atol=1e-6)


def quantize(x):
    """The quantizer of BitNet b1.58, in the type of x."""
    scale = 127 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)
    return (x * scale).round().clamp(-128, 127), scale


class Ternary(torch.nn.Module):
    """A ternary weight with a scale, in a half type; what inherits it multiplies."""

    def __init__(self, k, n):
        super().__init__()
        self.register_buffer("weight", torch.randint(-1, 2, (n, k)).float())
        self.register_buffer("weight_scale", torch.tensor([0.75]))
        self.bias = torch.nn.Parameter(torch.randn(n))


class Packed(Ternary):
    """transformers' BitLinear: all in the half type, codes through int8 into the product."""

    def forward(self, x):
        codes, scale = quantize(x)
        y = torch.nn.functional.linear(codes.to(torch.int8).to(x.dtype), self.weight)
        return y / (self.weight_scale * scale) + self.bias


class Auto(Ternary):
    """transformers' AutoBitLinear: quantized in float32, multiplied and scaled in the half type."""

    def forward(self, x):
        codes, scale = quantize(x.float())
        y = torch.nn.functional.linear((codes / scale).to(x.dtype), self.weight, self.bias)
        return y * self.weight_scale


class Train(Ternary):
    """Straight through, as in training."""

    def forward(self, x):
        codes, scale = quantize(x)
        x = x + (codes / scale - x).detach()
        return torch.nn.functional.linear(x, self.weight * self.weight_scale, self.bias)


class Mixed(Ternary):
    """Codes and scale in float32, the product and what follows it in the half type."""

    def forward(self, x):
        codes, scale = quantize(x.float())
        y = torch.nn.functional.linear(codes.to(x.dtype), self.weight)
        return y / (scale.to(x.dtype) * self.weight_scale) + self.bias


class InHalf(torch.nn.Module):
    """A module in a half type behind float32 inputs and outputs."""

    def __init__(self, module, dtype):
        super().__init__()
        self.module, self.dtype = module.to(dtype), dtype

    def forward(self, x):
        return self.module(x.to(self.dtype)).float()


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "TorchScript"])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("layer", [Packed, Auto, Train, Mixed], ids=lambda layer: layer.__name__)
def test_modules(layer, kind, dynamo, tmp_path):
    """Exported by torch: packed, nothing left of the quantizer, as accurate as the half type allows."""
    import models

    _, _, dtype, unit = TYPES[kind]
    module = models.seeded(lambda: InHalf(layer(64, 32), dtype))
    opset = 22 if dynamo else 20
    path = models.export(module, tmp_path / "model.onnx", (3, 64), dynamic=(0,), opset=opset, dynamo=dynamo)
    model, found = compile_layer(path, tmp_path)
    assert (found["activation_bits"], found["activations_declined"]) == (8, "")
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((6, 64)).astype(np.float32)
        with torch.no_grad():
            expected = module(torch.from_numpy(x)).numpy()
        # A rounding each of activations, products, scales and sums.
        size = np.abs(x).sum(-1, keepdims=True)
        assert np.all(np.abs(model(x) - expected) <= 4 * unit * (size + np.abs(expected)))
