"""ONNX's node tests with float outputs as a few models for each operator, with all types that the operator has."""

import functools

import cases
import feeds
import onnx
import retyped
import same
from onnx import TensorProto, compose

FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
# How many tests an operator contributes unless all are wanted, and how many of these dynamic, too.
STATIC, DYNAMIC = 2, 1
# A model has at most so many tests: what is compiled together stays in memory together.
BUNDLE = 24
# Floats that say how long something is, by position.
HELD = {"Range": (0, 1, 2), "Resize": (1, 2), "Upsample": (1,), "OneHot": (0, 1)}
# Graphs in attributes do not take prefixes.
ALONE = {"If", "Loop", "Scan"}


def _has_float(model):
    return any(value.type.tensor_type.elem_type in FLOATS for value in model.graph.output)


@functools.cache
def _tests():
    found = {}
    for name, case in sorted(cases.selected()[0].items()):
        if _has_float(case.model) and (same.FULL or "_expanded" not in name):
            found.setdefault(cases.operator_of(case), []).append(name)
    return found


def operators():
    """The operators that have tests with float outputs."""
    return sorted(_tests())


def _spread(names, count):
    """Some of them, from the first to the last."""
    if same.FULL or len(names) <= count:
        return names
    return [names[i * (len(names) - 1) // max(count - 1, 1)] for i in range(count)]


def _parts(operator):
    names = _tests()[operator]
    for mode, count in (("static", STATIC), ("dynamic", DYNAMIC)):
        for name in _spread(names, count):
            model, inputs, _ = cases.prepare(cases.selected()[0][name], mode)
            yield f"{name}-{mode}", model, inputs
    if operator in retyped.tests():
        for label, (model, inputs) in retyped.make_all(operator).items():
            if _has_float(model):
                yield label, model, inputs


def _bundle(name, parts, operator):
    merged, outputs = onnx.ModelProto(), []
    sets = [[], [], [], []]
    for number, (label, model, inputs) in enumerate(parts):
        prefix = f"p{number}/" if len(parts) > 1 else ""
        graph = compose.add_prefix_graph(model.graph, prefix) if prefix else model.graph
        for value in [*graph.input, *graph.output]:
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param:
                    dim.dim_param = prefix + dim.dim_param
        if number == 0:
            merged.CopyFrom(model)
            merged.graph.CopyFrom(graph)
        else:
            for field in ("node", "input", "output", "initializer"):
                getattr(merged.graph, field).extend(getattr(graph, field))
        outputs += [f"{label}, {value.name}" for value in graph.output]
        variants = feeds.variants(inputs, number, HELD.get(operator, ()))
        for whole, one in zip(sets, variants, strict=True):
            whole += one
    merged.graph.name = "nodes"
    return same.Item(name, merged, sets, outputs)


def items(operator):
    """[(Item, the same one by one)] of an operator: tests of one opset and domain together."""
    groups = {}
    for label, model, inputs in _parts(operator):
        key = (model.ir_version, tuple((entry.domain, entry.version) for entry in model.opset_import))
        groups.setdefault(label if operator in ALONE else key, []).append((label, model, inputs))
    made = []
    for parts in groups.values():
        for begin in range(0, len(parts), BUNDLE):
            some = parts[begin : begin + BUNDLE]
            made.append((_bundle(f"{operator}_{len(made)}", some, operator), some))
    return made


def one_by_one(operator, parts):
    """Items of one test each: of what is refused, or does not run on other inputs than its own."""
    return [_bundle(f"{operator}_part{i}", [part], operator) for i, part in enumerate(parts)]
