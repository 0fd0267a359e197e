"""Networks as torch exports them, compiled, against onnxruntime without optimizations and against torch itself."""

import json

import models
import numpy as np
import pytest
import torch
from ties import Comparison

import bit_mlir as bm
from bit_mlir.compiler import compile_file

K = 64
BATCHES = (0, 1, 7, 33)


def mlp(**options):
    return lambda: models.mlp((K, 96, 10), **options)


# name: (module, layers that have to be found)
MODULES = {
    "inference": (mlp(form="eval"), 2),
    "training": (mlp(form="train"), 2),
    "no_bias": (mlp(bias=False), 2),
    "layer_norm": (mlp(norm="layer"), 2),
    "torch_rms": (mlp(norm="torch_rms"), 2),
    "no_norm": (mlp(norm=None), 2),
    "wide": (lambda: models.mlp((K, 256, 256, 10)), 3),
    "wide_training": (lambda: models.mlp((K, 256, 256, 10), form="train"), 3),
    "shared_quantizer": (lambda: models.SharedQuantizer(K), 3),
    "written_for_inference": (lambda: models.mlp((K, 96, 10), models.InferenceBitLinear), 2),
    "ternary_constants": (lambda: models.mlp((K, 96, 10), models.TernaryLinear), 2),
    "float_activations": (lambda: models.mlp((K, 96, 10), models.TernaryLinear, quantize=False), 2),
    "package_layer": (lambda: _package_mlp(), 3),
}


def _package_mlp():
    from bit_mlir.nn import BitLinear

    layers = [BitLinear(K, 128, norm="layer"), torch.nn.ReLU(), BitLinear(128, 128, norm="rms"), torch.nn.GELU()]
    return torch.nn.Sequential(*layers, BitLinear(128, 10, bias=False))


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def found(path, tmp_path):
    """How many layers bit-opt finds and packs."""
    report = tmp_path / "report.json"
    compile_file(path, tmp_path / "found.so", report=report)
    layers = json.loads(report.read_text())["bitlinear"]
    return layers["found"], layers["packed"], layers["rejected"]


@pytest.mark.parametrize("name", MODULES)
def test_dynamic_batch(name, tmp_path):
    make, layers = MODULES[name]
    module = models.seeded(make)
    path = models.export(module, tmp_path / "model.onnx", (2, K), dynamic=(0,))
    comparison = Comparison(path)
    assert found(path, tmp_path) == (layers, layers, [])
    for batch in BATCHES:
        x = draw((batch, K), seed=batch)
        (y,), flips = comparison.check(x)
        assert flips <= max(1, batch // 4)
        with torch.no_grad():
            expected = module(torch.from_numpy(x)).numpy()
        assert y.shape == expected.shape
        rows = np.isclose(y, expected, rtol=1e-4, atol=1e-4).all(axis=1)
        # A row with a flipped code is off by about one code of one activation.
        assert np.count_nonzero(~rows) <= max(1, batch // 4)
        np.testing.assert_allclose(y, expected, rtol=0.05, atol=0.1)


@pytest.mark.parametrize("name", ["inference", "training", "shared_quantizer", "written_for_inference"])
def test_static(name, tmp_path):
    make, layers = MODULES[name]
    path = models.export(models.seeded(make), tmp_path / "model.onnx", (5, K))
    comparison = Comparison(path)
    assert found(path, tmp_path) == (layers, layers, [])
    comparison.check(draw((5, K)))


def test_rank_three_with_two_dynamic_dims(tmp_path):
    module = models.seeded(mlp())
    path = models.export(module, tmp_path / "model.onnx", (2, 3, K), dynamic=(0, 1))
    comparison = Comparison(path)
    for shape in ((1, 1, K), (2, 5, K), (3, 0, K)):
        comparison.check(draw(shape))


def test_dims_can_be_fixed(tmp_path):
    module = models.seeded(mlp())
    path = models.export(module, tmp_path / "model.onnx", (2, K), dynamic=(0,))
    libraries = [tmp_path / "dynamic.so", tmp_path / "fixed.so"]
    for library, options in zip(libraries, ({}, {"dim": {"batch": 3}})):
        compile_file(path, library, **options)
    dynamic, fixed = map(bm.load, libraries)
    assert dynamic.inputs[0].shape == ("batch", K) and fixed.inputs[0].shape == (3, K)
    x = draw((3, K))
    np.testing.assert_array_equal(dynamic(x), fixed(x))


def test_every_level_and_thread_count_gives_the_same_bits(tmp_path):
    path = models.export(models.seeded(MODULES["wide"][0]), tmp_path / "model.onnx", (2, K), dynamic=(0,))
    compile_file(path, tmp_path / "model.so")
    x = draw((33, K))
    best = bm.load(tmp_path / "model.so")
    results = [best(x), bm.load(tmp_path / "model.so", threads=1)(x)]
    results.append(bm.load(tmp_path / "model.so", level="x86-64-v3")(x))
    results.append(np.concatenate([best(row[None]) for row in x]))
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].view(np.uint32), other.view(np.uint32))


def test_the_float_graph_is_the_oracle(tmp_path):
    """--quantize=off computes what the ONNX graph says, so codes are equal up to ties and outputs are close."""
    path = models.export(models.seeded(mlp()), tmp_path / "model.onnx", (2, K), dynamic=(0,))
    compile_file(path, tmp_path / "off.so", quantize="off")
    off = bm.load(tmp_path / "off.so")
    x = draw((33, K))
    compile_file(path, tmp_path / "on.so")
    close = np.isclose(off(x), bm.load(tmp_path / "on.so")(x), rtol=1e-4, atol=1e-4).all(axis=1)
    assert close.mean() > 0.75


def test_compile_a_module(tmp_path):
    module = models.seeded(mlp())
    x = torch.from_numpy(draw((4, K)))
    model = bm.compile(module, x)
    with torch.no_grad():
        np.testing.assert_allclose(model(x), module(x), rtol=0.05, atol=0.1)
    assert model.report["bitlinear"]["packed"] == 2
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    model = bm.compile(module, (x,), dynamic_shapes=(batch,), output=tmp_path / "net.so")
    assert (tmp_path / "net.so").exists() and (tmp_path / "net.h").exists()
    assert model(x[:1]).shape == (1, 10)
