"""Every operator of docs/conformance.md at each opset from 7 on at which its schema changed, against onnxruntime."""

import older
import pytest
import retyped
import runner

OPSETS = sorted({opset for operator in retyped.tests() for opset in older.versions(operator)})

# What is refused, and a part of the error.
REFUSED = {
    ("Scan", 8): "compile: node 'Scan' (ai.onnx Scan, opset 8): expects opset 9 or newer",
}

# Operators of which no node test can be written at any of their older opsets: test_control_flow.py has loops of opset
# 11 on, MeanVarianceNormalization's function of opset 13 is that of 9.
UNMADE = {"Loop", "MeanVarianceNormalization"}


@pytest.fixture(scope="module")
def results(request):
    items = [item for item in request.session.items if item.fspath == request.node.fspath]
    wanted = [item.callspec.params["opset"] for item in items if hasattr(item, "callspec")]
    return runner.run_all([("opset", str(opset)) for opset in wanted])


@pytest.mark.parametrize("opset", OPSETS)
def test_opset(opset, results):
    found = results["opset", str(opset)]
    assert isinstance(found, dict), found
    expected = {operator for operator in retyped.tests() if opset in older.versions(operator)} - UNMADE
    assert set(found) - UNMADE == expected, "no node test can be written at this opset"
    wrong = []
    for operator, error in found.items():
        if error != REFUSED.get((operator, opset)):
            wrong.append(f"{operator}: {error}")
    assert not wrong, "\n".join(wrong)
