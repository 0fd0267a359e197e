"""Compiles a model once for all levels and runs it at each, on 1, 2 and 5 threads, cold and hot, whole and in pieces.

Everything must be equal bit for bit: also NaNs, signs of zeros and the texts of errors.
"""

import dataclasses
import json
import os

import numpy as np
import onnx
import qemu

import bit_mlir as bm
from bit_mlir.compiler import compile_file

THREADS = (1, 2, 5)
FULL = os.environ.get("BIT_TEST_FULL", "") not in ("", "0")


@dataclasses.dataclass
class Item:
    """A model and sets of inputs; `parts` names its outputs for the reports."""

    name: str
    model: onnx.ModelProto
    feeds: list
    parts: list = dataclasses.field(default_factory=list)
    options: dict = dataclasses.field(default_factory=dict)
    batch: str = ""  # the symbol whose dims may be split
    errors: list = dataclasses.field(default_factory=list)  # the feeds that did not run, once it was checked


def compile_item(item, folder, **options):
    """The path of the library."""
    path = os.path.join(folder, f"{item.name}.onnx")
    library = os.path.join(folder, f"{item.name}.{options.get('target', 'host')}.so")
    onnx.save(item.model, path)
    compile_file(path, library, **item.options, **options)
    return library


def run(model, feed):
    """The outputs, or the text of the error."""
    try:
        got = model(*feed)
    except bm.RunError as error:
        return str(error)
    return list(got) if isinstance(got, tuple) else [got]


def run_levels(library, feeds):
    """{(level, threads, turn): [outputs of each feed]} of the levels that this machine has."""
    results, names = {}, bm.load(library, threads=1).report["levels"]
    for level in names:
        for threads in THREADS:
            try:
                model = bm.load(library, threads=threads, level=level)
            except bm.RunError as error:
                if error.status != "BIT_UNSUPPORTED_CPU":
                    raise
                continue
            for turn in ("cold", "hot"):
                results[level, threads, turn] = [run(model, feed) for feed in feeds]
    return results


def bits(array):
    """An array's elements as bytes."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, array.dtype.itemsize)


def difference(want, have, parts=()):
    """None, or the first difference between what two runs of one feed gave."""
    if isinstance(want, str) or isinstance(have, str):
        return None if isinstance(want, str) and want == have else f"{_brief(want)} and {_brief(have)}"
    if len(want) != len(have):
        return f"{len(want)} and {len(have)} outputs"
    for number, (x, y) in enumerate(zip(want, have)):
        name = parts[number] if number < len(parts) else f"output {number}"
        if x.dtype != y.dtype or x.shape != y.shape:
            return f"{name}: {x.dtype}{list(x.shape)} and {y.dtype}{list(y.shape)}"
        if x.tobytes() == y.tobytes():
            continue
        unequal = np.flatnonzero((bits(x) != bits(y)).any(axis=1))
        at = unequal[0]
        shown = [f"{a.reshape(-1)[at]} ({a.reshape(-1)[at].tobytes()[::-1].hex()})" for a in (x, y)]
        return f"{name}: {len(unequal)} of {x.size} elements, at {at}: {shown[0]} and {shown[1]}"
    return None


def _brief(result):
    return f"the error '{result}'" if isinstance(result, str) else f"{len(result)} outputs"


def differences(item, results):
    """Lines that say which runs gave other bits than the first one."""
    (first, expected), *others = results.items()
    found = []
    for key, got in others:
        for number, (want, have) in enumerate(zip(expected, got, strict=True)):
            text = difference(want, have, item.parts)
            if text:
                found.append(f"{item.name}, inputs {number}: {first} and {key}: {text}")
    return found


def _axes(values, symbol):
    """For each input or output the axis that has the symbol, None without one."""
    dims = [[dim.dim_param for dim in value.type.tensor_type.shape.dim] for value in values]
    return [names.index(symbol) if symbol in names else None for names in dims]


def _piece(arrays, axes, begin, end):
    return [x if axis is None else x.take(range(begin, end), axis) for x, axis in zip(arrays, axes)]


def split_differences(item, run_one, expected):
    """The same of each feed in pieces along its batch, against the outputs of the whole."""
    inputs, outputs = (_axes(v, item.batch) for v in (item.model.graph.input, item.model.graph.output))
    # Exporters do not always name an output's batch.
    outputs = [0 if axis is None else axis for axis in outputs]
    found = []
    for number, (feed, whole) in enumerate(zip(item.feeds, expected, strict=True)):
        size = next(x.shape[axis] for x, axis in zip(feed, inputs) if axis is not None)
        for cuts in {(0, 1, size), (0, size // 2, size - 1, size)}:
            pieces = [run_one(_piece(feed, inputs, a, b)) for a, b in zip(cuts, cuts[1:]) if b > a]
            if isinstance(whole, str) or any(isinstance(piece, str) for piece in pieces):
                found.append(f"{item.name}, inputs {number}: cannot be split: {whole} {pieces}"[:500])
                continue
            joined = [np.concatenate(piece, axis) for axis, piece in zip(outputs, zip(*pieces))]
            text = difference(whole, joined, item.parts)
            if text:
                found.append(f"{item.name}, inputs {number}, split at {cuts}: {text}")
    return found


def check(item, folder):
    """What differs, here and on AArch64."""
    library = compile_item(item, folder)
    results = run_levels(library, item.feeds)
    assert len(results) >= 2 * len(THREADS), "expects a level that this machine has"
    found = differences(item, results)
    expected = next(iter(results.values()))
    item.errors = [number for number, got in enumerate(expected) if isinstance(got, str)]
    if item.batch:
        for level in dict.fromkeys(level for level, _, _ in results):
            model = bm.load(library, threads=2, level=level)
            found += split_differences(item, lambda feed, model=model: run(model, feed), expected)
    assert qemu.available(), "expects qemu, a cross compiler (scripts/setup) and the build of cmake --preset aarch64"
    report = os.path.join(folder, "report.json")
    other = compile_item(item, folder, target=qemu.TARGET, report=report)
    with open(report, encoding="utf-8") as file:
        levels = json.load(file)["levels"]
    results = {("x86-64", 1, "cold"): expected, **qemu.run_levels(other, levels, THREADS, item.feeds, folder)}
    found += differences(item, results)
    os.unlink(other)
    os.unlink(library)
    return found
