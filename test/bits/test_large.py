"""Models that fill tiles and threads have the same bits at every level and thread count, whole and in pieces."""

import large
import pytest
import same

ITEMS = large.items()


@pytest.mark.parametrize("name", ITEMS)
def test_large(name, tmp_path):
    item = ITEMS[name]
    found = same.check(item, str(tmp_path))
    assert not found, "\n".join(found[:20])
    assert not item.errors, "expects every set of inputs to run"
