"""ONNX's node tests as models of older opsets: for each operator one of its tests, written for every version of its
schema from 7 to the import's.

What has become an input since (axes, starts, pads, ratio and so on) is written as the attribute that it was; a test
that a version cannot express is passed over for the next one.
"""

import functools

import cases
import numpy as np
import onnx
import retyped
from onnx import helper, numpy_helper

FIRST, LAST = 7, 26


@functools.cache
def _history():
    """{operator: the versions of its schema}"""
    found = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.since_version <= LAST and not schema.deprecated:
            found.setdefault(schema.name, set()).add(max(schema.since_version, FIRST))
    return found


def versions(operator):
    """The opsets at which the schema of an operator changed, its first one among them."""
    return sorted(_history().get(operator, ()))


def make(operator, opset):
    """(model, inputs) of an operator at an opset, None where no test of it can be written."""
    for name in retyped.tests()[operator]:
        case = cases.selected()[0][name]
        written = _write(case, opset)
        if written:
            return written
    return None


def make_all(opset):
    """{operator: (model, inputs)} of the operators whose schema changed at an opset."""
    made = {operator: make(operator, opset) for operator in retyped.tests() if opset in versions(operator)}
    return {operator: part for operator, part in made.items() if part}


# Inputs that had another name as attributes.
ATTRIBUTES = {"constant_value": "value", "K": "k"}


def _write(case, opset):
    model, inputs, _ = cases.prepare(case, "static")
    node, graph = model.graph.node[0], model.graph
    now = next(entry.version for entry in model.opset_import if entry.domain == node.domain)
    if node.domain:
        return None
    newer, older = (onnx.defs.get_schema(node.op_type, version, "") for version in (now, opset))
    values = {value.name: array for value, array in zip(graph.input, inputs)}
    values |= {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    attributes = {}
    if _is_variadic(older):
        names = list(node.input)
    else:
        names = _place(node, newer, older, values, attributes)
    if names is None:
        return None
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name in older.attributes:
            attributes[attribute.name] = value
        elif value != helper.get_attribute_value(newer.attributes[attribute.name].default_value):
            return None
    if len(node.output) > older.max_output or (node.op_type, opset, attributes.get("mode")) == ("Resize", 10, b"cubic"):
        return None
    return _build(model, node, names, attributes, values, opset)


def _place(node, newer, older, values, attributes):
    """The inputs where the older schema has them; those that it has as attributes go there."""
    formals = [formal.name for formal in older.inputs]
    names = [""] * len(formals)
    for index, name in enumerate(node.input):
        formal = newer.inputs[index].name
        attribute = ATTRIBUTES.get(formal, formal)
        if not name:
            continue
        if formal in formals:
            names[formals.index(formal)] = name
        elif attribute in older.attributes and name in values:
            attributes[attribute] = _attribute(older.attributes[attribute], values[name])
        elif index < len(formals) and not names[index]:
            names[index] = name  # it was called something else
        else:
            return None
    for index, formal in enumerate(older.inputs):
        # Resize 11 wants a roi whether it is read or not.
        if not names[index] and formal.option == onnx.defs.OpSchema.FormalParameterOption.Single:
            names[index] = f"empty_{index}"
            values[names[index]] = np.zeros(0, np.float32)
    while names and not names[-1]:
        names.pop()
    return names


def _is_variadic(schema):
    return bool(schema.inputs) and schema.inputs[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic


def _attribute(schema, value):
    """A tensor's numbers as the attribute's type has them."""
    kinds = onnx.defs.OpSchema.AttrType
    numbers = np.asarray(value).reshape(-1).tolist()
    if schema.type in (kinds.INTS, kinds.FLOATS):
        return numbers
    return numbers[0] if len(numbers) == 1 else None


def _build(model, node, names, attributes, values, opset):
    graph = model.graph
    used = [value for value in graph.input if value.name in names]
    constants = [tensor for tensor in graph.initializer if tensor.name in names]
    constants += [numpy_helper.from_array(values[name], name) for name in names if name.startswith("empty_")]
    try:
        new = helper.make_node(node.op_type, names, list(node.output), name=node.op_type, **attributes)
        rewritten = helper.make_model(
            helper.make_graph([new], "older", used, list(graph.output), constants),
            opset_imports=[helper.make_opsetid("", opset)],
            ir_version=max(4, min(10, helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))),
        )
        onnx.checker.check_model(rewritten, full_check=True)
    except (ValueError, TypeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return None
    return rewritten, [values[value.name] for value in used]
