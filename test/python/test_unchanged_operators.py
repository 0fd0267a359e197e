"""What the import takes over without conversion is what libonnx's conversion leaves as it is."""

import pathlib
import re

import pytest
from onnx import TensorProto, defs, helper, version_converter

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "build/release/include/bit/Import/UnchangedOperators.inc"
OPSET = int(re.search(r"BIT_ONNX_OPSET (\d+)", (ROOT / "cmake/BitMlir.cmake").read_text())[1])
UNCHANGED = {name: int(since) for name, since in re.findall(r'\{"(\w+)", (\d+)\}', TABLE.read_text())}


def make_model(name, opset):
    """One node with all its operands; conversion looks at nothing else where it changes nothing."""
    schema = defs.get_schema(name, opset)
    inputs = [f"x{i}" for i in range(len(schema.inputs))]
    outputs = [f"y{i}" for i in range(len(schema.outputs))]
    types = [helper.make_tensor_value_info(i, TensorProto.FLOAT, [2, 3]) for i in inputs]
    results = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
    graph = helper.make_graph([helper.make_node(name, inputs, outputs, name="node")], "graph", types, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def test_table_is_whole():
    """Every operator of the import's opset stands in it."""
    known = {s.name for s in defs.get_all_schemas_with_history() if s.domain == "" and s.since_version <= OPSET}
    assert set(UNCHANGED) == known


@pytest.mark.parametrize("name", sorted(UNCHANGED))
def test_conversion_changes_nothing(name):
    """From the oldest opset that the table names."""
    if UNCHANGED[name] == OPSET:
        return
    model = make_model(name, UNCHANGED[name])
    converted = version_converter.convert_version(model, OPSET)
    assert converted.opset_import[0].version == OPSET
    assert list(converted.graph.node) == list(model.graph.node)


@pytest.mark.parametrize(
    ("name", "since"), [("Softmax", 13), ("ReduceMax", 18), ("Split", 18), ("Squeeze", 13), ("Clip", 11)]
)
def test_changes_are_known(name, since):
    """Attributes that became inputs, and defaults that changed."""
    assert UNCHANGED[name] == since
