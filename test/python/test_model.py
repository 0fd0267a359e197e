"""bit_mlir.load and calls, on a library written by hand: the package without the compiler."""

import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest

import bit_mlir as bm

BUILD = pathlib.Path(bm.__file__).parents[2]
FAKE = BUILD / "test/fake_model.so"
WEIGHTS = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture
def model():
    return bm.load(FAKE)


def inputs(batch, index=None):
    x = np.arange(batch * 4, dtype=np.float32).reshape(batch, 4)
    bias = np.array([0.5, 0, -1, 2], np.float32)
    index = np.arange(batch, dtype=np.int64) if index is None else np.array(index, np.int64)
    return x, bias, index


def expect(x, bias):
    return x * WEIGHTS + bias


def test_signature(model):
    assert model.inputs == [
        ("x", "float32", ("batch", 4)),
        ("bias", "float32", (4,)),
        ("index", "int64", ("batch",)),
    ]
    assert model.outputs == [
        ("y", "float32", ("batch", 4)),
        ("out/kept rows", "float32", ("kept", 4)),
        ("level", "int32", ()),
    ]
    assert model.inputs[0].name == "x"
    assert model.name == "fake"
    assert model.report["model"] == "fake"
    assert "x: float32[batch, 4]" in repr(model)


@pytest.mark.parametrize("batch", [0, 1, 3, 64])
def test_call(model, batch):
    x, bias, index = inputs(batch, [-1] * min(batch, 1) + list(range(max(batch - 1, 0))))
    for _ in range(2):
        y, kept, level = model(x, bias, index)
        np.testing.assert_array_equal(y, expect(x, bias))
        np.testing.assert_array_equal(kept, expect(x, bias)[index[index >= 0]])
        assert level.shape == () and level in (0, 1)


def test_shapes_may_change_between_calls(model):
    for batch in (3, 1, 0, 5, 3):
        x, bias, index = inputs(batch)
        np.testing.assert_array_equal(model(x, bias, index)[0], expect(x, bias))


def test_outputs_are_the_callers(model):
    x, bias, index = inputs(2)
    y, kept, _ = model(x, bias, index)
    copies = y.copy(), kept.copy()
    model(x + 1, bias, index)
    np.testing.assert_array_equal(y, copies[0])
    np.testing.assert_array_equal(kept, copies[1])


def test_run_by_name(model):
    x, bias, index = inputs(3)
    result = model.run({"index": index, "x": x, "bias": bias})
    assert list(result) == ["y", "out/kept rows", "level"]
    np.testing.assert_array_equal(result["y"], expect(x, bias))


def test_strides_are_taken_as_they_are(model):
    x, bias, index = inputs(3)
    big = np.zeros((4, 3, 2), np.float32)
    view = big.transpose(1, 0, 2)[:, :, 0]
    view[...] = x
    np.testing.assert_array_equal(model(view, bias[::-1], index[::-1])[0], expect(x, bias[::-1]))
    np.testing.assert_array_equal(model(np.broadcast_to(x[:1], (3, 4)), bias, index)[0], expect(x[[0, 0, 0]], bias))
    np.testing.assert_array_equal(model(x, bias, index)[0], expect(x, bias))


def test_arrays_that_c_cannot_read_are_copied(model):
    x, bias, index = inputs(3)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(3, 4)
    swapped = bias.astype(">f4")
    np.testing.assert_array_equal(model(unaligned, swapped, index)[0], expect(x, bias))


def test_lists_take_the_models_dtype(model):
    y, _, _ = model([[1, 2, 3, 4]], [0, 0, 0, 0], [0])
    np.testing.assert_array_equal(y, [[1, 4, 9, 16]])


def test_dlpack(model):
    torch = pytest.importorskip("torch")
    x, bias, index = inputs(3)
    parameter = torch.nn.Parameter(torch.from_numpy(x.copy()))
    y, _, _ = model(parameter, torch.from_numpy(bias), torch.from_numpy(index))
    np.testing.assert_array_equal(y, expect(x, bias))


def test_read_only_input(model):
    x, bias, index = inputs(3)
    x.flags.writeable = False
    np.testing.assert_array_equal(model(x, bias, index)[0], expect(x, bias))


@pytest.mark.parametrize(
    "change, status, words",
    [
        (lambda x, b, i: (x.astype(np.float64), b, i), "BIT_WRONG_DTYPE", "float64"),
        (lambda x, b, i: (x[0], b, i), "BIT_WRONG_RANK", "'x'"),
        (lambda x, b, i: (x[:, :3], b, i), "BIT_WRONG_SHAPE", "'x'"),
        (lambda x, b, i: (x, b, i[:1]), "BIT_WRONG_SHAPE", "batch"),
        (lambda x, b, i: (x, b), "BIT_WRONG_COUNT", "expects 3 inputs, got 2"),
        (lambda x, b, i: (x, b, i, i), "BIT_WRONG_COUNT", "expects 3 inputs, got 4"),
        (lambda x, b, i: (x, b, i + 9), "BIT_RUN_FAILED", "node 'pick' (ai.onnx Gather, opset 13)"),
    ],
)
def test_errors_leave_the_model_usable(model, change, status, words):
    x, bias, index = inputs(2)
    for _ in range(2):
        with pytest.raises(bm.RunError) as info:
            model(*change(x, bias, index))
        assert info.value.status == status
        assert words in str(info.value)
        np.testing.assert_array_equal(model(x, bias, index)[0], expect(x, bias))


def test_run_names_missing_and_unknown_inputs(model):
    x, bias, index = inputs(2)
    with pytest.raises(bm.RunError, match="expects inputs x, bias, index, got x, bias, indices"):
        model.run({"x": x, "bias": bias, "indices": index})


def test_load_errors(tmp_path):
    with pytest.raises(bm.RunError) as info:
        bm.load(tmp_path / "none.so")
    assert info.value.status == "BIT_FILE_ERROR" and "none.so" in str(info.value)
    broken = tmp_path / "broken.so"
    broken.write_bytes(FAKE.read_bytes()[:1000])
    with pytest.raises(bm.RunError):
        bm.load(broken)
    with pytest.raises(bm.RunError, match="x86-64-v9"):
        bm.load(FAKE, level="x86-64-v9")


def test_options():
    model = bm.load(FAKE, level="baseline", threads=1)
    assert model.level == "baseline" and model.threads == 1
    assert model(*inputs(1))[2] == 0
    assert model.weight_bytes == 16


def test_huge_pages_change_no_result(model):
    x = [np.ones((2, 4), np.float32), np.ones(4, np.float32), np.zeros(2, np.int64)]
    copied = bm.load(FAKE, huge_pages=True)
    for expected, got in zip(model(*x), copied(*x)):
        np.testing.assert_array_equal(got, expected)


def test_many_threads_share_a_model(model):
    wrong = []

    def work(seed):
        for batch in range(1, 40):
            x, bias, index = inputs(batch)
            if not np.array_equal(model(x + seed, bias, index)[0], expect(x + seed, bias)):
                wrong.append((seed, batch))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_models_come_and_go():
    for _ in range(50):
        model = bm.load(FAKE)
        x, bias, index = inputs(2)
        np.testing.assert_array_equal(model(x, bias, index)[0], expect(x, bias))
        del model


def test_import_needs_numpy_only():
    code = (
        "import sys, bit_mlir; print(sorted(m for m in ('torch', 'onnx', 'ml_dtypes', 'sklearn') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(BUILD / "python")}, capture_output=True)
    assert done.stdout.strip() == b"[]", done.stderr
