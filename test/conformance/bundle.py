"""Many small models as one, so that a compilation serves all of them."""

import contextlib
import os

import onnx
from onnx import compose

import bit_mlir as bm
from bit_mlir.compiler import compile_file


def run_all(parts, folder):
    """{label: outputs, or the text of an error} for {label: (model, inputs)} of one opset.

    They are compiled together; where that fails, each by itself, which shows whose fault it is.
    """
    with contextlib.suppress(bm.CompileError):
        return _run(parts, folder)
    results = {}
    for label, part in parts.items():
        try:
            results.update(_run({label: part}, folder))
        except bm.CompileError as error:
            results[label] = _first_error(error)
    return results


def _run(parts, folder):
    path, library = os.path.join(folder, "parts.onnx"), os.path.join(folder, "parts.so")
    merged, feeds, places = onnx.ModelProto(), [], {}
    for number, (label, (model, inputs)) in enumerate(parts.items()):
        graph = compose.add_prefix_graph(model.graph, f"p{number}/")
        if number == 0:
            merged.CopyFrom(model)
            merged.graph.CopyFrom(graph)
        else:
            for field in ("node", "input", "output", "initializer"):
                getattr(merged.graph, field).extend(getattr(graph, field))
        places[label] = len(graph.output)
        feeds += inputs
    merged.graph.name = "parts"
    onnx.save(merged, path)
    compile_file(path, library, level=["x86-64-v3"])
    try:
        compiled = bm.load(library, threads=1)
    finally:
        os.unlink(library)
    try:
        got = compiled(*feeds)
    except (bm.RunError, TypeError) as error:
        if len(parts) == 1:
            return {label: f"run: {error}" for label in parts}
        return {label: _run({label: part}, folder)[label] for label, part in parts.items()}
    got = list(got) if isinstance(got, tuple) else [got]
    return {label: [got.pop(0) for _ in range(count)] for label, count in places.items()}


def _first_error(error):
    lines = str(error).splitlines()
    found = [line for line in lines if "error:" in line] or lines
    return "compile: " + found[0].split("error: ", 1)[-1].replace("'p0/", "'")
