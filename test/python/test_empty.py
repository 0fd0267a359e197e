"""Tensors without elements, with sizes known and unknown: what onnxruntime makes of them."""

import numpy as np
import onnx
import pytest
import ties
from onnx import TensorProto, helper, numpy_helper


def integers(*values):
    """A constant operand."""
    return np.array(values, np.int64)


KERNEL = np.ones((3, 4, 2, 2), np.float32)
SCALES = np.array([1, 1, 2, 2], np.float32)
# Operator, operands (a shape, or a constant) and attributes. One size of a shape is 0.
CASES = {
    "Pad": ("Pad", [(0, 3, 4), integers(1, 0, 1, 0, 2, 1)], {}),
    "Pad, edge": ("Pad", [(2, 3, 0), integers(0, 1, 0, 0, 1, 0)], {"mode": "edge"}),
    "Tile": ("Tile", [(0, 3), integers(2, 2)], {}),
    "Tile, by 0": ("Tile", [(2, 3), integers(2, 0)], {}),
    "Slice, at the end": ("Slice", [(4, 3), integers(4), integers(4), integers(0)], {}),
    "Concat": ("Concat", [(0, 3), (2, 3)], {"axis": 0}),
    "Expand": ("Expand", [(1, 3), integers(0, 3)], {}),
    "Reshape": ("Reshape", [(0, 3, 4), integers(-1, 4)], {}),
    "Gather": ("Gather", [(4, 0), integers(0, 1)], {}),
    "ScatterND": ("ScatterND", [(4, 3), np.zeros((0, 1), np.int64), (0, 3)], {}),
    "ReduceSum": ("ReduceSum", [(2, 0, 4), integers(1)], {}),
    "Softmax": ("Softmax", [(2, 0, 4)], {"axis": 2}),
    "CumSum": ("CumSum", [(2, 0, 4), np.array(1, np.int64)], {}),
    "TopK": ("TopK", [(2, 3, 4), integers(0)], {}),
    "NonZero": ("NonZero", [(0, 3)], {}),
    "Unique": ("Unique", [(0,)], {}),
    "MaxPool": ("MaxPool", [(0, 3, 6, 6)], {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}),
    "AveragePool": ("AveragePool", [(0, 3, 6, 6)], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "Conv": ("Conv", [(0, 4, 6, 6), KERNEL], {"pads": [1, 1, 1, 1]}),
    "ConvTranspose": ("ConvTranspose", [(0, 3, 3, 3), KERNEL], {"strides": [2, 2]}),
    "MatMul": ("MatMul", [(2, 3, 0), (2, 0, 5)], {}),
    "LRN": ("LRN", [(2, 3, 0, 4)], {"size": 3}),
    "LayerNormalization": ("LayerNormalization", [(0, 3, 4), np.ones(4, np.float32)], {}),
    "Resize": ("Resize", [(0, 2, 3, 4), None, SCALES], {"mode": "linear"}),
    "GridSample": ("GridSample", [(2, 3, 4, 5), (2, 0, 7, 2)], {}),
}


@pytest.mark.parametrize("symbolic", [False, True], ids=["static", "symbolic"])
@pytest.mark.parametrize("name", CASES)
def test_empty(name, symbolic, tmp_path):
    op, operands, attributes = CASES[name]
    outputs = ["y", "indices"] if op == "TopK" else ["y"]
    names, inputs, constants, values = [], [], [], {}
    for i, operand in enumerate(operands):
        names.append(f"x{i}" if operand is not None else "")
        if isinstance(operand, tuple):
            values[f"x{i}"] = np.arange(np.prod(operand), dtype=np.float32).reshape(operand)
            shape = [f"d{i}_{j}" for j in range(len(operand))] if symbolic else operand
            inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, shape))
        elif operand is not None:
            constants.append(numpy_helper.from_array(operand, f"x{i}"))
    node = helper.make_node(op, names, outputs, name="node", **attributes)
    results = [helper.make_empty_tensor_value_info(output) for output in outputs]
    graph = helper.make_graph([node], "g", inputs, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    expected = ties.reference(path).run(None, values)
    for output, value in zip(model.graph.output, expected):
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        output.CopyFrom(helper.make_tensor_value_info(output.name, kind, [None] * value.ndim))
    onnx.save(model, path)
    ours = ties.compiled(path, level=["x86-64-v3"]).run(values)
    for y, other in zip(ours.values(), expected, strict=True):
        assert y.shape == other.shape and y.dtype == other.dtype
        np.testing.assert_allclose(y, other, rtol=1e-5)
