"""Runs bit-opt on a model and opens what it wrote."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import weakref

from .errors import CompileError
from .model import Model
from .paths import tool


def compile(model, example_inputs=None, *, output=None, threads=0, dynamic_shapes=None, **options):
    """Compiles an ONNX file, or a torch.nn.Module with example arguments, and opens the result.

    output: where the library goes, with its header beside it; default: a temporary folder that lives as long
    as the Model. threads: as in `load`. dynamic_shapes: as in torch.onnx.export, for modules. Everything else
    is an option of bit-opt: dim={"batch": 1}, level=["x86-64-v3"], quantize="all", verify=8, report="report.json". With
    quantize="all" also quantize_scheme, quantize_granularity, skip, and activation_bits, 8 or None.
    """
    if "activation_bits" in options and options["activation_bits"] is None:
        options["activation_bits"] = "none"
    folder = tempfile.mkdtemp(prefix="bit_mlir-")
    try:
        if hasattr(model, "state_dict") and not isinstance(model, (str, os.PathLike)):
            source = _export(model, example_inputs, dynamic_shapes, folder)
        elif example_inputs is not None or dynamic_shapes is not None:
            raise TypeError("example_inputs and dynamic_shapes go with a torch.nn.Module, not with a file")
        else:
            source = os.fspath(model)
        library = os.fspath(output) if output else os.path.join(folder, f"{_stem(source)}.so")
        # A report elsewhere is the caller's; the Model reads its own copy.
        wanted = options.pop("report", None)
        report = os.path.join(folder, "report.json")
        compile_file(source, library, report=report, **options)
        if wanted and os.fspath(wanted).endswith(".json"):
            shutil.copyfile(report, wanted)
        elif wanted:
            compile_file(source, library, report=wanted, **options)
        with open(report, encoding="utf-8") as file:
            contents = json.load(file)
        compiled = Model(library, threads=threads, report=contents)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if output:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        weakref.finalize(compiled, shutil.rmtree, folder, True)
    return compiled


def compile_file(source, output, **options):
    """Runs bit-opt; raises CompileError with everything it said. Returns what it printed about the result."""
    command = [tool("bit-opt"), os.fspath(source), "-o", os.fspath(output), *arguments(options)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        code = done.returncode
        message = done.stderr.strip() or f"bit-opt ended with exit status {code}"
        raise CompileError(message, code if code in (1, 2) else 1)
    return done.stderr


def arguments(options):
    """bit-opt's options from keywords: underscores are dashes, a dict or a list repeats or lists values."""
    words = []
    for key, value in options.items():
        flag = ("-" if len(key) == 1 else "--") + key.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        elif isinstance(value, dict):
            words += [f"{flag}={name}={'?' if size is None else size}" for name, size in value.items()]
        elif isinstance(value, (list, tuple)):
            words.append(f"{flag}={','.join(map(str, value))}")
        elif len(key) == 1:
            words += [flag, str(value)]
        else:
            words.append(f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
    return words


def _stem(source):
    """The file's name as the identifier that names the library's symbols."""
    stem = re.sub(r"\W", "_", os.path.splitext(os.path.basename(source))[0], flags=re.ASCII)
    return stem or "model"


def _export(module, example_inputs, dynamic_shapes, folder):
    from .export import export_onnx

    if example_inputs is None:
        raise TypeError("a torch.nn.Module is compiled with example arguments: compile(module, x)")
    name = re.sub(r"\W", "_", type(module).__name__.lower(), flags=re.ASCII)
    path = os.path.join(folder, f"{name}.onnx")
    export_onnx(module, example_inputs, path, dynamic_shapes=dynamic_shapes)
    return path
