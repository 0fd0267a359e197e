"""ONNX's node tests with other element types: for each operator one of its tests, once for each type that its schema
allows for each of its inputs. All of an operator's go into one model, which costs one compilation.

The expectation is that of onnx.reference where it runs the type, else onnxruntime's, else that of onnx.reference for
the same numbers in f64. `ORACLES` has the exceptions.
"""

import functools

import cases
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
}
FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
TOLERANCES = {TensorProto.FLOAT16: 2e-2, TensorProto.BFLOAT16: 6e-2, TensorProto.DOUBLE: 1e-6}

# Where onnx.reference is not what the operator's text says: whose numbers are compared instead, and why.
ORACLES = {
    "GridSample": "wide",  # keeps weights in the element type: of integers all are 0
    "LayerNormalization": "wide",  # gives Mean the type of X, not of stash_type
    "ReduceSumSquare": "wide",  # numpy sums narrow integers in wider ones
}


@functools.cache
def tests():
    """{operator: the names of its tests that are one node}"""
    found = {}
    for name, case in sorted(cases.selected()[0].items()):
        if len(case.model.graph.node) == 1:
            found.setdefault(cases.operator_of(case), []).append(name)
    return found


def make_all(operator):
    """{"T=int8": (model, inputs)} of an operator: every type that one of its type parameters may have."""
    for name in tests()[operator]:
        made = dict(_retype(cases.selected()[0][name]))
        if made:
            return made
    return {}


def _retype(case):
    model, inputs, _ = cases.prepare(case, "static")
    node, graph = model.graph.node[0], model.graph
    opset = next(entry.version for entry in model.opset_import if entry.domain == node.domain)
    schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    allowed = {t.type_param_str: t.allowed_type_strs for t in schema.type_constraints}
    originals = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    parameters = {}
    for index, name in enumerate(node.input):
        parameter = _formal(schema.inputs, index).type_str
        if name in originals and parameter in allowed:
            parameters.setdefault(parameter, originals[name])
    for parameter, original in parameters.items():
        for label, element in TYPES.items():
            if element == original or f"tensor({label})" not in allowed[parameter]:
                continue
            # Parameters of one type are changed together where they are floats, as models have them.
            together = {
                other
                for other, its in parameters.items()
                if its == original and original in FLOATS and f"tensor({label})" in allowed[other]
            }
            chosen = together if parameter == next(iter(parameters)) else {parameter}
            retyped = _change(model, _defined(node, inputs, element), schema, chosen | {parameter}, element)
            if retyped:
                yield f"{parameter}={label}", retyped


def _defined(node, inputs, element):
    """What a Cast of some floats to integers gives is not defined."""
    if not node.op_type.startswith("Cast") or element in FLOATS or element == TensorProto.BOOL:
        return inputs
    wide = [np.nan_to_num(array.astype(np.float64), nan=5, posinf=7, neginf=3) for array in inputs]
    return [np.clip(values, 0, 100).astype(array.dtype) for values, array in zip(wide, inputs)]


def _formal(formals, index):
    return formals[min(index, len(formals) - 1)]


def _change(model, inputs, schema, parameters, element):
    """The model with the type parameters as `element`, None where the checker refuses it."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    node = graph.node[0]
    places = {name: index for index, name in enumerate(node.input) if name}
    names = {name for name, index in places.items() if _formal(schema.inputs, index).type_str in parameters}
    names |= {n for index, n in enumerate(node.output) if _formal(schema.outputs, index).type_str in parameters}
    values = []
    for value, array in zip(graph.input, inputs):
        if value.name in names:
            value.type.tensor_type.elem_type = element
            array = convert(array, element, node.op_type, places[value.name])
        values.append(array)
    for index, tensor in enumerate(graph.initializer):
        if tensor.name in names:
            array = convert(numpy_helper.to_array(tensor), element, node.op_type, places[tensor.name])
            graph.initializer[index].CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in graph.output:
        if value.name in names:
            value.type.tensor_type.elem_type = element
    del graph.value_info[:]
    try:
        onnx.checker.check_model(changed, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return None
    return changed, values


def convert(array, element, operator, index):
    """The numbers of an input as another type, within its range; small floats that become integers are spread."""
    dtype = helper.tensor_dtype_to_np_dtype(element)
    if array.dtype == dtype:
        return array
    if element == TensorProto.BOOL:
        return array.astype(np.float64) > 0
    if array.dtype == bool:
        return array.astype(dtype)
    wide = array.astype(np.float64)
    if element not in FLOATS:
        if array.dtype.kind not in "iu":
            wide = np.rint(wide * 3 if np.abs(wide).max(initial=0) < 4 else wide)
        limits = np.iinfo(dtype)
        wide = np.clip(np.abs(wide) if limits.min == 0 else wide, max(limits.min, -100), min(limits.max, 100))
        if operator in ("Div", "Mod") and index == 1:
            wide = np.where(wide == 0, 3, wide)
        if operator == "Pow" and index == 1:
            wide = np.clip(wide, 0, 4)  # what does not fit is nobody's promise
    return wide.astype(dtype)


def expect(model, inputs, first=None):
    """What the outputs are, None where nobody can say. Floats stand for integers that lie nearest to them."""
    feed = {value.name: array for value, array in zip(model.graph.input, inputs)}
    ways = {"reference": _run_reference, "onnxruntime": _run_onnxruntime, "wide": _run_wide}
    first = first or ORACLES.get(model.graph.node[0].op_type, "reference")
    for way in (first, *(way for way in ways if way != first)):
        # Each of them refuses types in ways of its own.
        try:
            with np.errstate(all="ignore"):
                outputs = ways[way](model, feed)
        except Exception:  # noqa: BLE001, S112
            continue
        return [np.asarray(array) for array in outputs]
    return None


def _run_reference(model, feed):
    return ReferenceEvaluator(model).run(None, feed)


def _run_onnxruntime(model, feed):
    import onnxruntime

    if any(array.dtype.name == "bfloat16" for array in feed.values()):
        raise TypeError("onnxruntime takes no bfloat16 from numpy")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feed)


def _run_wide(model, feed):
    """onnx.reference in f64, then one rounding to the type that each output has."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    node = wide.graph.node[0]
    schema = onnx.defs.get_schema(node.op_type, wide.opset_import[0].version, node.domain)
    first = _formal(schema.inputs, list(node.input).index(model.graph.input[0].name)).type_str
    places = {name: index for index, name in enumerate(node.input)}
    double = {name for name, index in places.items() if _formal(schema.inputs, index).type_str == first}
    floats = {value.name for value in model.graph.input if value.type.tensor_type.elem_type in FLOATS}
    double |= floats | {tensor.name for tensor in model.graph.initializer if tensor.data_type in FLOATS}
    feed = {name: array.astype(np.float64) if name in double else array for name, array in feed.items()}
    for value in wide.graph.input:
        if value.name in double:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for index, tensor in enumerate(wide.graph.initializer):
        if tensor.name in double:
            array = numpy_helper.to_array(tensor).astype(np.float64)
            wide.graph.initializer[index].CopyFrom(numpy_helper.from_array(array, tensor.name))
    return ReferenceEvaluator(wide).run(None, feed)


def compare(model, want, have):
    """None, or the first difference of two lists of arrays."""
    for value, expected, got in zip(model.graph.output, want, have, strict=True):
        dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        if expected.shape != got.shape or dtype != got.dtype:
            return f"expects {dtype}{list(expected.shape)}, got {got.dtype}{list(got.shape)}"
        tolerance = TOLERANCES.get(value.type.tensor_type.elem_type, 1e-4)
        if dtype.kind == "b":
            expected = expected > 0.5
        x, y = expected.astype(np.float64), got.astype(np.float64)
        rounded = np.issubdtype(dtype, np.integer) and expected.dtype.kind == "f"
        close = np.isclose(y, x, rtol=tolerance, atol=0.5001 if rounded else tolerance, equal_nan=True)
        if not close.all():
            return f"{int((~close).sum())} of {close.size} differ, expects {x[~close][0]:g}, got {y[~close][0]:g}"
    return None
