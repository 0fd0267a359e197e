"""bit-opt's command line, as scripts rely on it: exit codes, messages, what is left on the disk."""

import json
import pathlib
import subprocess

import graphs
import numpy as np
import pytest

import bit_mlir as bm
from bit_mlir.paths import tool


def bit_opt(*arguments, **options):
    command = [tool("bit-opt"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return graphs.mlp(tmp_path_factory.mktemp("model") / "net.onnx", (32, 48, 10))


def test_compiles_to_library_and_header(model, tmp_path):
    done = bit_opt(model, "-o", tmp_path / "net.so")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.h", "net.so"]
    assert "2 BitLinear layers, 2 packed" in done.stderr
    assert "net_describe" in (tmp_path / "net.h").read_text()


@pytest.mark.parametrize("suffix", [".so", ".a", ".o", ".s", ".ll", ".mlir", ".mlirbc"])
def test_suffix_decides_what_is_written(model, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    done = bit_opt(model, "-o", path)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_size > 0


@pytest.mark.parametrize(
    "stage, word", [("onnx", "onnx.MatMul"), ("bit", "bit.linear"), ("linalg", "bit.packed_matmul")]
)
def test_emit_prints_a_stage(model, stage, word):
    done = bit_opt(model, f"--emit={stage}")
    assert done.returncode == 0, done.stderr
    assert word in done.stdout


def test_options_take_a_space_too(model):
    assert bit_opt(model, "--emit", "bit").stdout == bit_opt(model, "--emit=bit").stdout != ""


def test_report(model, tmp_path):
    done = bit_opt(model, "-o", tmp_path / "net.so", f"--report={tmp_path / 'r.json'}")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert {"model", "target", "bitlinear", "operators", "sizes", "stages", "peak_rss"} <= set(report)
    layers = report["bitlinear"]
    assert (layers["found"], layers["packed"], layers["rejected"]) == (2, 2, [])
    keys = "name n k bits_per_weight weight_scheme weight_granularity activation_bits activation_granularity"
    keys += " weight_error kernel source_bytes packed_bytes"
    assert set(keys.split()) <= set(layers["layers"][0])
    assert [(layer["n"], layer["k"]) for layer in layers["layers"]] == [(48, 32), (10, 48)]
    assert layers["layers"][0]["source_bytes"] >= 48 * 32 * 4
    assert report["sizes"]["library"] == (tmp_path / "net.so").stat().st_size
    assert report["sizes"]["source"] == model.stat().st_size


def test_same_input_same_output(model, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert bit_opt(model, "-o", tmp_path / name / "net.so").returncode == 0
    assert (tmp_path / "a/net.so").read_bytes() == (tmp_path / "b/net.so").read_bytes()


def test_help_fits_sixty_lines():
    done = bit_opt("--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 60
    for option in ("-o", "--emit", "--dim", "--level", "--target", "--report", "--quantize", "--name", "--weights"):
        assert option in done.stdout


def test_version_names_its_parts():
    done = bit_opt("--version")
    assert done.returncode == 0
    for part in ("bit-mlir 0.1.0", "LLVM 22", "libonnx 1.23", "ABI 2"):
        assert part in done.stdout


WRONG = {
    "unknown option": (["--no-such-option"], "--no-such-option"),
    "misspelt stage": (["--emit=bits"], "expects one of onnx, bit, linalg, llvm, asm, obj, static, shared"),
    "misspelt quantize": (["-o", "{}/m.so", "--quantize=al"], "expects one of trained, all, off"),
    "misspelt scheme": (
        ["-o", "{}/m.so", "--quantize=all", "--quantize-scheme=mean"],
        "expects one of absmean, absmedian, twn, sign, fit",
    ),
    "misspelt granularity": (
        ["-o", "{}/m.so", "--quantize=all", "--quantize-granularity=group"],
        "expects one of tensor, channel, group128",
    ),
    "misspelt bits": (["-o", "{}/m.so", "--quantize=all", "--activation-bits=4"], "expects one of 8, none"),
    "no expression": (["-o", "{}/m.so", "--quantize=all", "--skip=a("], "--skip=a(: expects a regular expression"),
    "skip without all": (["-o", "{}/m.so", "--skip=head"], "--skip: applies to --quantize=all, got --quantize=trained"),
    "misspelt target": (["-o", "{}/m.so", "--target=x86"], "expects one of native, x86-64, aarch64, or a triple"),
    "another machine": (["-o", "{}/m.so", "--target=riscv64-linux-gnu"], "expects one of native, x86-64, aarch64"),
    "another system": (["-o", "{}/m.so", "--target=aarch64-windows-msvc"], "expects one of native, x86-64, aarch64"),
    "misspelt triple": (["-o", "{}/m.so", "--target=aarch64-linux-gn"], "expects one of native, x86-64, aarch64"),
    "big-endian": (["-o", "{}/m.so", "--target=aarch64_be-linux-gnu"], "expects one of native, x86-64, aarch64"),
    "misspelt level": (["-o", "{}/m.so", "--level=avx2"], "expects one of x86-64-v3, avxvnni, avx512vnni, avx512vbmi"),
    "a level of AArch64": (
        ["-o", "{}/m.so", "--target=x86-64", "--level=neon"],
        "expects one of x86-64-v3, avxvnni, avx512vnni, avx512vbmi for target x86_64-unknown-linux-gnu",
    ),
    "a level of x86-64": (
        ["-o", "{}/m.so", "--target=aarch64", "--level=neon,x86-64-v3"],
        "--level=x86-64-v3: expects one of neon, dotprod, i8mm for target aarch64-unknown-linux-gnu",
    ),
    "a library for Darwin": (
        ["-o", "{}/m.so", "--target=arm64-apple-macosx"],
        "--target=arm64-apple-macosx: cannot link a shared library for it; expects an output of .a, .o, .s or .ll",
    ),
    "verify another machine": (
        ["-o", "{}/m.so", "--target=aarch64-linux-android", "--verify"],
        "cannot verify a library for aarch64-unknown-linux-android on ",
    ),
    "misspelt packing": (["-o", "{}/m.so", "--packing=3bit"], "expects one of 2bit"),
    "misspelt weights": (["-o", "{}/m.so", "--weights=inside"], "expects one of embed"),
    "dim without size": (["-o", "{}/m.so", "--dim=batch"], "--dim=batch"),
    "negative dim": (["-o", "{}/m.so", "--dim=batch=-1"], "--dim=batch=-1"),
    "no identifier": (["-o", "{}/m.so", "--name=3d"], "expects a C identifier"),
    "unknown suffix": (["-o", "{}/m.xyz"], ".so"),
    "no output": ([], "-o"),
    "a pass on a model": (["-o", "{}/m.so", "--canonicalize"], "--canonicalize"),
    "verify no sets": (["-o", "{}/m.so", "--verify=0"], "expects the number of input sets"),
    "verify a word": (["-o", "{}/m.so", "--verify=all"], "expects the number of input sets"),
    "verify an object": (["-o", "{}/m.o", "--verify"], "cannot verify"),
    "verify a stage": (["--emit=bit", "--verify"], "cannot verify"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_exits_two(model, tmp_path, name):
    arguments, words = WRONG[name]
    done = bit_opt(model, *(a.format(tmp_path) for a in arguments))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def broken(tmp_path, model, kind):
    path = tmp_path / "broken.onnx"
    contents = {
        "empty": b"",
        "random": bytes(range(256)) * 8,
        "truncated": model.read_bytes()[: model.stat().st_size // 2],
    }
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize("kind", ["empty", "random", "truncated", "folder", "missing"])
def test_bad_input_leaves_the_disk_as_it_was(model, tmp_path, kind):
    path = broken(tmp_path, model, kind)
    out = tmp_path / "out"
    out.mkdir()
    done = bit_opt(path, "-o", out / "new.so")
    assert done.returncode == 1
    assert "error: " in done.stderr and "broken.onnx" in done.stderr
    assert len(done.stderr.splitlines()) <= 20
    assert list(out.iterdir()) == []
    for name in ("old.so", "old.h"):
        (out / name).write_text("precious")
    assert bit_opt(path, "-o", out / "old.so").returncode == 1
    assert sorted(p.name for p in out.iterdir()) == ["old.h", "old.so"]
    assert all(p.read_text() == "precious" for p in out.iterdir())


def test_unwritable_output(model, tmp_path):
    done = bit_opt(model, "-o", tmp_path / "no/such/folder/m.so")
    assert done.returncode == 1
    assert "no/such/folder" in done.stderr


def test_all_unsupported_nodes_are_named(tmp_path):
    g = graphs.Graph()
    w = g.op("Add", g.op("RandomNormalLike", "x"), g.op("RandomUniformLike", "x"))
    path = tmp_path / "unsupported.onnx"
    g.save(path, {"x": [3]}, {w: [3]})
    done = bit_opt(path, "-o", tmp_path / "m.so")
    assert done.returncode == 1
    for node in ("node_randomnormallike_1", "node_randomuniformlike_2"):
        assert node in done.stderr
    assert "(ai.onnx RandomNormalLike, opset " in done.stderr


@pytest.mark.parametrize("folder", ["", "here"], ids=["bare name", "path"])
def test_recompiled_while_open(tmp_path, monkeypatch, folder):
    """The dynamic loader knows libraries by their names; a model opened after a recompilation has to be the new one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    path = str(pathlib.Path(folder) / "out.so")
    models = []
    for width in (10, 7, 5):
        source = graphs.mlp(tmp_path / f"net{width}.onnx", (32, 48, width))
        assert bit_opt(source, "--name=net", "-o", path).returncode == 0
        models += [bm.load(path), bm.load(path)]
    x = np.ones((2, 32), np.float32)
    assert [model(x).shape[-1] for model in models] == [10, 10, 7, 7, 5, 5]
