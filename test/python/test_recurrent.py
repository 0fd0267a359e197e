"""LSTM, GRU and RNN against onnxruntime, and as torch exports them."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
WIDTH, HIDDEN = 5, 6
# Steps and rows of a batch.
SIZES = [(7, 3), (1, 1), (4, 5)]


def make(op, operands=("B",), opset=22, element=TensorProto.FLOAT, outputs=3, constant=True, **attributes):
    """One node; its weights are constants, or inputs of which only the rank is known."""
    rng = np.random.default_rng(0)
    dtype = helper.tensor_dtype_to_np_dtype(element)
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    gates = GATES[op] * HIDDEN
    weights = {
        "W": (directions, gates, WIDTH),
        "R": (directions, gates, HIDDEN),
        "B": (directions, 2 * gates),
        "P": (directions, 3 * HIDDEN),
    }
    names = ["X", "W", "R", *(name if name in operands else "" for name in ("B", "lens", "h", "c", "P"))]
    while not names[-1]:
        names.pop()
    first = attributes.get("layout", 0)
    shapes = {
        "X": ["B", "T", WIDTH] if first else ["T", "B", WIDTH],
        "lens": ["B"],
        **{state: ["B", directions, HIDDEN] if first else [directions, "B", HIDDEN] for state in "hc"},
    }
    values = {n: (rng.standard_normal(s) * 0.6).astype(dtype) for n, s in weights.items() if n in names}
    inputs = [n for n in names if n in shapes]
    infos = [helper.make_tensor_value_info(n, TensorProto.INT32 if n == "lens" else element, shapes[n]) for n in inputs]
    if not constant:
        infos += [
            helper.make_tensor_value_info(n, element, [f"{n}{i}" for i in range(v.ndim)]) for n, v in values.items()
        ]
    results = ["Y", "Y_h", "Y_c"][: min(outputs, 3 if op == "LSTM" else 2)]
    graph = helper.make_graph(
        [helper.make_node(op, names, results, name="cell", hidden_size=HIDDEN, **attributes)],
        "g",
        infos,
        [helper.make_tensor_value_info(n, element, None) for n in results],
        [numpy_helper.from_array(v, n) for n, v in values.items()] if constant else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), values


def draw(model, steps, rows, seed=0):
    rng = np.random.default_rng(seed)
    feed = {}
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        shape = [{"T": steps, "B": rows}.get(dim.dim_param, dim.dim_value) for dim in dims]
        if value.name in ("W", "R", "B", "P"):
            continue
        dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        is_lens = value.name == "lens"
        feed[value.name] = (rng.integers(1, steps + 1, shape) if is_lens else rng.standard_normal(shape)).astype(dtype)
    return feed


def compiled(model, folder):
    path = folder / "m.onnx"
    onnx.save(model, path)
    compile_file(str(path), str(folder / "m.so"))
    return bm.load(str(folder / "m.so"), threads=1)


def check(model, folder, extra=None):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ours = compiled(model, folder)
    for seed, (steps, rows) in enumerate(SIZES):
        feed = {**draw(model, steps, rows, seed), **(extra or {})}
        for have, want in zip(ours.run(feed).values(), session.run(None, feed), strict=True):
            assert have.shape == want.shape
            np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


ALL = ("B", "lens", "h", "c")
FORMS = {
    "bidirectional": (ALL, {"direction": "bidirectional"}),
    "reverse": (ALL, {"direction": "reverse", "opset": 14}),
    "reverse_whole": (("B",), {"direction": "reverse", "outputs": 1}),
    "opset_7": ((), {"direction": "bidirectional", "opset": 7}),
    "clip": (("B", "h"), {"clip": 0.3}),
}
CELLS = {
    "peepholes": ("LSTM", ("B", "P", *ALL), {"direction": "bidirectional", "clip": 0.2}),
    "coupled": ("LSTM", ("B", "P", "h"), {"input_forget": 1}),
    "reset_after": ("GRU", ALL, {"linear_before_reset": 1, "direction": "bidirectional"}),
    "reset_after_no_bias": ("GRU", (), {"linear_before_reset": 1, "direction": "reverse"}),
    "parameters": (
        "GRU",
        ("B",),
        {
            "activations": ["Sigmoid", "Relu", "HardSigmoid", "ScaledTanh"],
            "direction": "bidirectional",
            "activation_alpha": [0.3, 0.8],
            "activation_beta": [0.45, 0.9],
        },
    ),
    "lstm_parameters": (
        "LSTM",
        ("B",),
        {
            "activations": ["HardSigmoid", "Softsign", "LeakyRelu"],
            "activation_alpha": [0.3, 0.02],
            "activation_beta": [0.45],
        },
    ),
}
# The function and its parameters, default or not.
ACTIVATIONS = {
    "Relu": {},
    "Affine": {"activation_alpha": [0.5], "activation_beta": [0.1]},
    "LeakyRelu": {},
    "ThresholdedRelu": {"activation_alpha": [0.3]},
    "ScaledTanh": {"activation_alpha": [0.7], "activation_beta": [0.9]},
    "HardSigmoid": {},
    "Elu": {"activation_alpha": [0.5]},
    "Softplus": {},
}


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("form", FORMS)
def test_forms(op, form, tmp_path):
    operands, attributes = FORMS[form]
    if op != "LSTM":
        operands = tuple(name for name in operands if name != "c")
    check(make(op, operands, **attributes)[0], tmp_path)


@pytest.mark.parametrize("cell", CELLS)
def test_cells(cell, tmp_path):
    op, operands, attributes = CELLS[cell]
    if op != "LSTM":
        operands = tuple(name for name in operands if name != "c")
    check(make(op, operands, **attributes)[0], tmp_path)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, tmp_path):
    check(make("RNN", activations=[name], **ACTIVATIONS[name])[0], tmp_path)


@pytest.mark.parametrize("op", GATES)
def test_weights_as_inputs(op, tmp_path):
    model, weights = make(op, ("B", "P") if op == "LSTM" else ("B",), constant=False)
    check(model, tmp_path, weights)


@pytest.mark.parametrize("op", GATES)
def test_batch_first(op, tmp_path):
    """onnxruntime does not have it: the same as the other layout, transposed."""
    operands = ("B", "lens", "h") if op != "LSTM" else ALL
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    steps_first = compiled(make(op, operands, direction="bidirectional")[0], tmp_path / "a")
    model = make(op, operands, direction="bidirectional", layout=1)[0]
    feed = draw(model, 4, 3)
    turned = {name: array if name == "lens" else array.swapaxes(0, 1) for name, array in feed.items()}
    got = compiled(model, tmp_path / "b").run(feed)
    want = steps_first.run({name: np.ascontiguousarray(array) for name, array in turned.items()})
    np.testing.assert_array_equal(got["Y"], want["Y"].transpose(2, 0, 1, 3))
    for name in [name for name in want if name != "Y"]:
        np.testing.assert_array_equal(got[name], want[name].swapaxes(0, 1))


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("element", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_floats(op, element, tmp_path):
    """onnxruntime has f32 only: the same numbers in it."""
    dtype = helper.tensor_dtype_to_np_dtype(element)
    model, weights = make(op, element=element)
    reference = make(op)[0]
    for tensor in reference.graph.initializer:
        value = weights[tensor.name].astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    x = draw(model, 5, 2)["X"]
    session = ort.InferenceSession(reference.SerializeToString(), providers=["CPUExecutionProvider"])
    got = compiled(model, tmp_path).run({"X": x})
    for have, want in zip(got.values(), session.run(None, {"X": x.astype(np.float32)}), strict=True):
        assert have.dtype == dtype
        tolerance = 1e-3 if dtype == np.float16 else 1e-5
        np.testing.assert_allclose(have.astype(np.float64), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("op", GATES)
def test_no_steps(op, tmp_path):
    """Of a sequence without steps the initial state is left; lengths are checked."""
    operands = ("B", "lens", "h", "c") if op == "LSTM" else ("B", "lens", "h")
    model, _ = make(op, operands, direction="bidirectional")
    ours = compiled(model, tmp_path)
    feed = draw(model, 1, 2)
    got = ours.run({**feed, "X": feed["X"][:0], "lens": feed["lens"] * 0})
    assert got["Y"].shape == (0, 2, 2, HIDDEN)
    np.testing.assert_array_equal(got["Y_h"], feed["h"])
    for lens in ([2, 1], [-1, 1]):
        with pytest.raises(bm.RunError, match="cell.*expects sequence_lens within"):
            ours.run({**feed, "lens": np.array(lens, np.int32)})


TORCH = {
    "lstm": lambda: torch.nn.LSTM(8, 16, num_layers=2, bidirectional=True, batch_first=True),
    "gru": lambda: torch.nn.GRU(8, 16, num_layers=2, bidirectional=True),
    "rnn": lambda: torch.nn.RNN(8, 16, nonlinearity="relu"),
}


@pytest.mark.parametrize("name", TORCH)
def test_torch(name, tmp_path):
    torch.manual_seed(0)
    module = TORCH[name]().eval()
    x = torch.randn(4, 3, 8)
    path = tmp_path / "torch.onnx"
    torch.onnx.export(
        module,
        (x,),
        str(path),
        input_names=["x"],
        dynamic_axes={"x": {0: "first", 1: "second"}},
        opset_version=17,
        dynamo=False,
    )
    compile_file(str(path), str(tmp_path / "m.so"))
    ours = bm.load(str(tmp_path / "m.so"))
    for shape in [(4, 3, 8), (1, 7, 8), (9, 1, 8)]:
        x = torch.randn(*shape)
        with torch.no_grad():
            y, state = module(x)
        want = [y, *(state if isinstance(state, tuple) else (state,))]
        for have, expected in zip(ours(x.numpy()), want, strict=True):
            np.testing.assert_allclose(have, expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op", GATES)
def test_wrong_sizes_at_run_time(op, tmp_path):
    """Nothing broadcasts that is not the size of the gates."""
    model, weights = make(op, constant=False)
    ours = compiled(model, tmp_path)
    feed = {**draw(model, 3, 2), **weights}
    for name, value in weights.items():
        for axis in range(1, value.ndim):
            wrong = np.concatenate([value, value], axis) if axis == 1 else value[..., :-1]
            with pytest.raises(bm.RunError, match="expects"):
                ours.run({**feed, name: np.ascontiguousarray(wrong)})
