"""ONNX's node tests, compiled and run; docs/conformance.md is the record of what passes."""

import cases
import onnx
import pytest
import runner
import table

import bit_mlir as bm
from bit_mlir.compiler import compile_file

NAMES = cases.selected()[0]
ALL = [(mode, name) for mode in cases.MODES for name in NAMES]
DECLINED = table.declined()


@pytest.fixture(scope="module")
def results(request):
    """The results of the tests that this session asks for; all of them for the table."""
    items = [item for item in request.session.items if item.fspath == request.node.fspath]
    if any(item.name == test_table_is_up_to_date.__name__ for item in items):
        return runner.run_all(ALL)
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    return runner.run_all([values["case"] for values in parameters if "case" in values])


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[1]}-{case[0]}")
def test_node(case, results):
    error = results[case]
    if case in DECLINED:
        assert error is not None, "passes now: run test/conformance/table.py"
        pytest.xfail(error)
    assert error is None, error


def test_table_is_up_to_date(results):
    assert table.PAGE.read_text() == table.render(results), "run test/conformance/table.py"


@pytest.mark.parametrize("operator", sorted(cases.not_run()[1]))
def test_operator_without_lowering_is_one_clear_error(operator, tmp_path):
    case = next(case for case in cases.not_run()[1][operator] if "_expanded" not in case.name)
    path = tmp_path / "model.onnx"
    onnx.save(case.model, path)
    with pytest.raises(bm.CompileError) as caught:
        compile_file(str(path), str(tmp_path / "model.so"))
    errors = [line for line in str(caught.value).splitlines() if "error:" in line]
    assert len(errors) == 1, errors
    assert "node '" in errors[0] and f"(ai.onnx {operator}, opset " in errors[0]
