"""Small networks of each kind of code: the bytes of the x86-64 run, and objects for every other system."""

import graphs
import numpy as np
import pytest


def bitlinear(g, rng):
    x = g.op("Relu", graphs.bitlinear(g, "x", 64, 96, rng))
    return {"x": ["batch", 64]}, {graphs.bitlinear(g, x, 96, 33, rng): ["batch", 33]}


def attention(g, rng):
    """Three products by weights and what ONNX calls Attention, with heads of 16."""
    heads = []
    for _ in range(3):
        weight = g.const(rng.standard_normal((64, 64)) / 8)
        heads.append(g.op("MatMul", "x", weight))
    y = g.op("Attention", *heads, q_num_heads=4, kv_num_heads=4)
    return {"x": [2, "tokens", 64]}, {y: [2, "tokens", 64]}


def convolution(g, rng):
    x = g.op(
        "Conv", "x", g.const(rng.standard_normal((24, 3, 3, 3)) / 4), g.const(rng.standard_normal(24)), pads=[1] * 4
    )
    x = g.op("MaxPool", g.op("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = g.op("Conv", x, g.const(rng.standard_normal((24, 1, 3, 3)) / 3), group=24)
    return {"x": ["batch", 3, 14, 14]}, {g.op("GlobalAveragePool", x): ["batch", 24, 1, 1]}


def halves(g, rng):
    x = g.op("Cast", "x", to=10)
    x = g.op("MatMul", x, g.const(rng.standard_normal((64, 40)) / 8, np.float16))
    x = g.op("Softmax", g.op("LayerNormalization", x, g.const(np.ones(40), np.float16)))
    return {"x": ["batch", 64]}, {g.op("Cast", x, to=1): ["batch", 40]}


def functions(g, rng):
    x = "x"
    for name in ("Tanh", "Erf", "Sin", "Cos", "Exp"):
        x = g.op(name, x)
    return {"x": ["batch", 64]}, {g.op("Pow", g.op("Log", x), "x"): ["batch", 64]}


MODELS = {make.__name__: make for make in (bitlinear, attention, convolution, halves, functions)}
SHAPES = {"attention": (2, 9, 64), "convolution": (3, 3, 14, 14)}


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """(name, path of the ONNX file)"""
    g = graphs.Graph()
    inputs, outputs = MODELS[request.param](g, np.random.default_rng(1))
    path = tmp_path_factory.mktemp(request.param) / f"{request.param}.onnx"
    g.save(path, inputs, outputs, opset=23)
    return request.param, path


def test_same_bytes(cross, model, tmp_path):
    name, path = model
    x = np.random.default_rng(2).standard_normal(SHAPES.get(name, (5, 64))).astype(np.float32)
    native = cross.compile(path, tmp_path / "native.so", target="native")
    library = cross.compile(path, tmp_path / "model.so")
    want = cross.run_native(native, {"x": x}, threads=1)
    for level, cpu in cross.CPUS.items():
        if f'"{level}"' not in cross.qemu(cross.BIT_RUN, library, "--json", cpu=cpu).stdout:
            continue
        got = cross.run(library, {"x": x}, cpu=cpu, level=level, threads=2)
        cross.assert_same_bits(got, want, f"{name}, {level}")


@pytest.mark.parametrize(
    "target, suffix",
    [("aarch64-linux-android", ".so"), ("arm64-apple-macosx", ".o"), ("arm64-apple-ios", ".a"), ("x86-64", ".a")],
)
def test_compiles_for_other_systems(cross, model, tmp_path, target, suffix):
    name, path = model
    # Compiled code that calls anything is an error of bit-opt's.
    output = cross.compile(path, tmp_path / f"{name}{suffix}", target=target)
    assert output.stat().st_size > 1000
