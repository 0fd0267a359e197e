"""Every operator of docs/conformance.md on every element type that its schema allows: right, or refused as said."""

import re

import pytest
import retyped
import runner

OPERATORS = list(retyped.tests())

# What is refused, by operator and type parameter: the types and a part of the error.
REFUSED = {
    ("Attention", "T2"): ("double float16 bfloat16", "expects Q, K and V of one float type, got"),
    ("Attention", "U"): (
        "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
        "expects attn_mask of bool or of floats, got",
    ),
    # libonnx's own body of the operator mixes int32 and int64.
    ("CenterCropPad", "Tind"): ("int32", "has inconsistent type tensor(int32)"),
}

# What neither onnx.reference nor onnxruntime computes: only that it compiles and runs is tested.
UNJUDGED = {("OneHot", "T3=bool")}

# Operators whose tests have no other type to take: of bool only, without typed inputs, or of more than one node.
ONE_TYPE = set(
    "And Constant ConstantOfShape DynamicQuantizeLinear If Loop MeanVarianceNormalization Not Or Scan Xor".split()
)


@pytest.fixture(scope="module")
def results(request):
    items = [item for item in request.session.items if item.fspath == request.node.fspath]
    wanted = [item.callspec.params["operator"] for item in items if hasattr(item, "callspec")]
    return runner.run_all([("types", operator) for operator in wanted])


@pytest.mark.parametrize("operator", OPERATORS)
def test_types(operator, results):
    found = results["types", operator]
    assert isinstance(found, dict), found
    assert bool(found) == (operator not in ONE_TYPE)
    wrong = []
    for label, error in found.items():
        parameter, element = label.split("=")
        types, refusal = REFUSED.get((operator, parameter), ("", ""))
        if element in types.split():
            if error is None or refusal not in error or not re.match(r"compile: node '.*' \(ai\.onnx ", error):
                wrong.append(f"{label}: expects the error '{refusal}', got {error}")
        elif (operator, label) in UNJUDGED:
            if error != "nobody says what is right":
                wrong.append(f"{label}: {error}")
        elif error is not None:
            wrong.append(f"{label}: {error}")
    assert not wrong, "\n".join(wrong)


def test_lists_name_what_there_is():
    assert {operator for operator, _ in REFUSED} <= set(OPERATORS)
    assert ONE_TYPE <= set(OPERATORS)
