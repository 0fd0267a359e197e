"""Files that are no models, or lie: one clear error, exit code 1, no output file, bounded time and memory."""

import os
import pathlib
import random
import re
import resource
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIT_OPT = pathlib.Path(os.environ.get("BIT_OPT", ROOT / "build/release/bin/bit-opt"))
SECONDS = 60
# A sanitizer's shadow memory takes all the addresses there are.
MEMORY = None if "BIT_OPT" in os.environ else 4 << 30


def run(path, *options):
    """Runs bit-opt with its address space limited: a claim of gigabytes would be seen."""

    def limit():
        if MEMORY:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return subprocess.run(
        [BIT_OPT, path, *options], capture_output=True, text=True, errors="replace", timeout=SECONDS, preexec_fn=limit
    )


def check_fails(path, expected, lines=1):
    """Expects `expected`, a pattern, in the one error, and an existing output left as it was."""
    output = path.parent / "out.mlir"
    output.write_text("mine")
    result = run(path, "--emit=onnx", "-o", output)
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    assert output.read_text() == "mine"
    errors = result.stderr.splitlines()
    assert len(errors) == lines, result.stderr
    for error in errors:
        assert error.startswith(f"{path}: error: "), error
    assert re.search(expected, result.stderr), result.stderr


def check_text(tmp_path, text, expected, lines=1, header='<ir_version: 8, opset_import: ["" : 18]>'):
    path = tmp_path / "m.onnx"
    onnx.save(parser.parse_model(header + text), path)
    check_fails(path, expected, lines)


def large_model(weight=None, **external):
    """A model with one weight of 68 KiB, or with one that only claims to have data."""
    tensor = numpy_helper.from_array(np.ones((17, 1024), np.float32), "w")
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in external.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
    if weight:
        weight(tensor)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 17])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1024])],
        [tensor],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def check_weight(tmp_path, expected, weight=None, **external):
    path = tmp_path / "m.onnx"
    path.write_bytes(large_model(weight, **external).SerializeToString())
    check_fails(path, expected)


def test_a_good_one_passes(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(large_model(), path)
    result = run(path, "--emit=onnx")
    assert result.returncode == 0, result.stderr
    assert "onnx.MatMul" in result.stdout


def test_missing(tmp_path):
    check_fails(tmp_path / "m.onnx", "cannot be read: No such file")


def test_folder(tmp_path):
    (tmp_path / "m.onnx").mkdir()
    check_fails(tmp_path / "m.onnx", "expects a file, got a folder")


def test_device(tmp_path):
    os.mkfifo(tmp_path / "m.onnx")
    check_fails(tmp_path / "m.onnx", "expects a file, got a device or pipe")


def test_empty(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"")
    check_fails(tmp_path / "m.onnx", "expects an ONNX model, got an empty file")


def test_truncated(tmp_path):
    data = large_model().SerializeToString()
    path = tmp_path / "m.onnx"
    for size in [*range(1, 12), 40, 100, 4096, 65536, *range(len(data) - 120, len(data), 9)]:
        path.write_bytes(data[:size])
        result = run(path, "--emit=onnx")
        assert result.returncode in (0, 1), (size, result.stderr)
        # Fields are optional: cut between two of them, a message may still be a model.
        if result.returncode == 1:
            assert len(result.stderr.splitlines()) == 1, (size, result.stderr)


def test_random_bytes(tmp_path):
    path = tmp_path / "m.onnx"
    generator = random.Random(3)
    for size in (1, 7, 100, 5000):
        path.write_bytes(generator.randbytes(size))
        check_fails(path, "expects an ONNX model|expects an IR version")


def test_random_changes(tmp_path):
    """Whatever one changed byte makes of a model: imported, or errors."""
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> g (float[n, 4] x, bool c) => (float[n, 4] y)'
        "<float[4] w = {1, 2, 3, 4}> { s = Add (x, w) y = If (c) <then_branch = a () => (float[n, 4] t)"
        "{ t = Relu (s) }, else_branch = b () => (float[n, 4] e) { e = Softmax <axis = 1> (s) }> }"
    )
    data = model.SerializeToString()
    path = tmp_path / "m.onnx"
    generator = random.Random(5)
    for _ in range(60):
        changed = bytearray(data)
        changed[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(changed)
        result = run(path, "--emit=onnx")
        assert result.returncode in (0, 1), (bytes(changed), result.stderr)
        assert (result.returncode == 1) == ("error: " in result.stderr), result.stderr


def test_no_graph(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    check_fails(path, "expects an ONNX model, got one without ir_version or graph")


def test_ir_version(tmp_path):
    check_text(
        tmp_path,
        "g (float x) => (float y) { y = Relu (x) }",
        "expects an IR version of 1 to [0-9]+, got 99",
        header='<ir_version: 99, opset_import: ["" : 18]>',
    )


EXTERNAL = [
    ({"location": "w.bin", "length": 69632}, "expects a regular file 'w.bin' in the model's folder"),
    ({"location": ""}, "expects a file in the model's folder, got ''"),
    ({"location": "../w.bin"}, "expects a file in the model's folder, got '../w.bin'"),
    ({"location": "a/../../w.bin"}, "expects a file in the model's folder"),
    ({"location": "/etc/passwd"}, "expects a file in the model's folder, got '/etc/passwd'"),
    ({"location": "folder"}, "expects a regular file 'folder'"),
    ({"location": "link"}, "expects a regular file 'link' in the model's folder, without links"),
    ({"location": "linked/secret"}, "expects a regular file 'linked/secret'"),
    ({"location": "short.bin"}, "expects 69632 bytes of data at offset 0 of 'short.bin', got a file of 100 bytes"),
    ({"location": "full.bin", "offset": -1}, "expects offset of its data to be a number of bytes, got '-1'"),
    ({"location": "full.bin", "length": "many"}, "expects length of its data to be a number of bytes, got 'many'"),
    ({"location": "full.bin", "offset": 1}, "expects 69632 bytes of data at offset 1 of 'full.bin'"),
    ({"location": "full.bin", "offset": 2**64 - 1}, "expects 69632 bytes of data at offset 18446744073709551615"),
    ({"location": "full.bin", "offset": 2**70}, "expects offset of its data to be a number of bytes"),
    ({"location": "full.bin", "length": 69628}, "expects 69632 bytes of data, got 69628"),
    ({"offset": 0}, "expects a file in the model's folder, got ''"),
    ({"location": "#bit:0"}, "location that begins with '#bit:'"),
]


@pytest.mark.parametrize("external,expected", EXTERNAL)
def test_external_data(tmp_path, external, expected):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/secret").write_bytes(bytes(69632))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "folder").mkdir()
    (folder / "short.bin").write_bytes(bytes(100))
    (folder / "full.bin").write_bytes(bytes(69632))
    (folder / "link").symlink_to(tmp_path / "out/secret")
    (folder / "linked").symlink_to(tmp_path / "out")
    check_weight(folder, re.escape(expected), **external)


def set_dims(*dims):
    def weight(tensor):
        tensor.ClearField("dims")
        tensor.dims.extend(dims)

    return weight


@pytest.mark.parametrize(
    "dims,expected",
    [
        ((17, 1025), "initializer 'w' expects 69700 bytes of data, got 69632"),
        ((-17, 1024), r"expects dimensions whose product is a 63-bit number of bits, got \[-17, 1024\]"),
        ((2**40, 2**40), "expects dimensions whose product is a 63-bit number"),
        ((2**32, 2**28), "expects dimensions whose product is a 63-bit number"),
        ((2**31, 2**20), "initializer 'w' expects 9007199254740992 bytes of data, got 69632"),
    ],
)
def test_dims(tmp_path, dims, expected):
    check_weight(tmp_path, expected, set_dims(*dims))


def test_dims_without_data(tmp_path):
    def weight(tensor):
        set_dims(2**20, 2**20)(tensor)
        tensor.ClearField("raw_data")

    check_weight(tmp_path, "initializer 'w' expects 1099511627776 values, got 0", weight)


def test_element_types(tmp_path):
    check_weight(tmp_path, "got elements of complex64", lambda w: setattr(w, "data_type", TensorProto.COMPLEX64))
    check_weight(tmp_path, "got elements of type number 999", lambda w: setattr(w, "data_type", 999))


TEXTS = [
    ("g (float x) => (float y) { y = Relu (z) }", "node 'y' .*expects an input that exists, got 'z'"),
    ("g (float x) => (float y) { z = Relu (x) }", "expects an output that some node makes, got 'y'"),
    ("g (float x) => (float y) { y = Relu (x) y = Neg (x) }", "expects unique value names, got 'y' twice"),
    ("g (float x, float x) => (float y) { y = Relu (x) }", "expects unique input names, got 'x' twice"),
    ("g (float x) => (float y) { a = Relu (b) b = Neg (a) y = Add (x, a) }", "expects a graph without cycles"),
    ("g (float x) => (float y) { y = Add (y, x) }", "node 'y' .*expects a graph without cycles"),
    ("g (float x) => (float y) { y = Relu <nope = 1> (x) }", "node 'y' .*nope"),
    ("g (float x) => (float y) { y = Relu (x, x) }", "node 'y' .*input"),
    (
        "g (float[6] x) => (float y, float z) { y, z = Split <num_outputs = 1099511627776> (x) }",
        "expects num_outputs to be the number of outputs, 2, got 1099511627776",
    ),
    ("g (float x) => (int64 y) { y = Relu (x) }", "node 'y' .*inferred elem type"),
    ("g (string[n] x) => (string[n] y) { y = Identity (x) }", "(?s)input 'x' expects numbers.*output 'y'"),
    ("g (seq(float[n]) x) => (int64 y) { y = SequenceLength (x) }", "input 'x' expects a tensor, got a sequence"),
    ("g (float[-2] x) => (float[n] y) { y = Relu (x) }", "input 'x' expects dimensions of at least 0, got -2"),
    (
        "g (float[4611686018427387904, 4] x) => (float[n, 4] y) { y = Relu (x) }",
        "input 'x' expects dimensions whose product is a 63-bit number of bits",
    ),
]


@pytest.mark.parametrize("text,expected", TEXTS)
def test_graphs(tmp_path, text, expected):
    check_text(tmp_path, text, expected, lines=2 if "string" in text else 1)


def test_unknown_opset(tmp_path):
    check_text(
        tmp_path,
        "g (float x) => (float y) { y = Relu (x) }",
        "expects ai.onnx opset 1 to 28, got 999",
        header='<ir_version: 8, opset_import: ["" : 999]>',
    )
    check_text(
        tmp_path,
        "g (float x) => (float y) { y = Relu (x) }",
        "node 'y' .*expects the model to import an opset of ai.onnx",
        header='<ir_version: 8, opset_import: ["acme" : 1]>',
    )


def test_many_errors_are_counted(tmp_path):
    nodes = "".join(f"y{i} = Nope (x) " for i in range(50))
    path = tmp_path / "m.onnx"
    onnx.save(
        parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 18]> g (float x) => (float y) {' + nodes + "y = Relu (x) }"
        ),
        path,
    )
    result = run(path, "--emit=onnx")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 21 and lines[-1] == "... and 30 more"


def test_claimed_vector_length(tmp_path):
    """libonnx's data propagation makes an object for each element of a vector; a claim must not become memory."""
    path = tmp_path / "m.onnx"
    onnx.save(
        parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 18]> g (int64[1000000000000] x) => (int64[n] y) { y = Add (x, x) }'
        ),
        path,
    )
    result = run(path, "--emit=onnx")
    assert result.returncode == 0, result.stderr
    assert "tensor<1000000000000xi64>" in result.stdout


def nested_functions(depth):
    text = '<ir_version: 10, opset_import: ["" : 18, "m" : 1]> g (float x) => (float y) { y = m.f0 (x) }'
    for i in range(depth):
        call = f"m.f{i + 1}" if i + 1 < depth else "Relu"
        text += f'<domain: "m", opset_import: ["" : 18, "m" : 1]> f{i} (a) => (c) {{ b = {call} (a) c = {call} (b) }}'
    return parser.parse_model(text)


def test_functions_that_explode(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(nested_functions(40), path)
    check_fails(path, "expects functions that expand to at most 200000 nodes, got 1099511627776")


def test_recursive_functions(tmp_path):
    check_text(
        tmp_path,
        'g (float x) => (float y) { y = m.f (x) } <domain: "m", opset_import: ["m" : 1]> f (a) => (b) { b = m.f (a) }',
        "functions: cycle detected in model-local function references",
        header='<ir_version: 10, opset_import: ["" : 18, "m" : 1]>',
    )


def field(number, payload):
    """One field of a protobuf message, as bytes."""
    size, length = len(payload), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + payload


def test_deep_nesting(tmp_path):
    """Deeper than protobuf's own library would write."""
    graph = b""
    for _ in range(5000):
        graph = field(1, field(5, field(6, graph)))  # node, attribute, graph
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08" + field(7, graph))
    check_fails(path, "graphs nested too deeply")


def test_declared_output(tmp_path):
    check_text(
        tmp_path,
        "g (float[n, 4] x) => (float[n, 5] y) { y = Relu (x) }",
        "output 'y' expects dimension 1 of 4, got 5",
    )
