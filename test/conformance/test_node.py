"""ONNX's node tests, compiled and run; docs/conformance.md is the record of what passes."""

import cases
import pytest
import runner
import table

NAMES = cases.selected()[0]
ALL = [(mode, name) for mode in cases.MODES for name in NAMES]
DECLINED = table.declined()


@pytest.fixture(scope="module")
def results(request):
    """The results of the tests that this session asks for; all of them for the table."""
    items = [item for item in request.session.items if item.fspath == request.node.fspath]
    wanted = [item.callspec.params["case"] for item in items if hasattr(item, "callspec")]
    return runner.run_all(ALL if any(not hasattr(item, "callspec") for item in items) else wanted)


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[1]}-{case[0]}")
def test_node(case, results):
    error = results[case]
    if case in DECLINED:
        assert error is not None, "passes now: run test/conformance/table.py"
        pytest.xfail(error)
    assert error is None, error


def test_table_is_up_to_date(results):
    assert table.PAGE.read_text() == table.render(results), "run test/conformance/table.py"
