"""Every operator of the conformance tests with float outputs has the same bits at every level and thread count."""

import contextlib

import nodes
import pytest
import same

import bit_mlir as bm


@pytest.mark.parametrize("operator", nodes.operators())
def test_node(operator, tmp_path):
    found, ran = [], 0
    for item, parts in nodes.items(operator):
        with contextlib.suppress(bm.CompileError):
            found += same.check(item, str(tmp_path))
            ran += len(parts)
            if not item.errors or len(parts) == 1:
                continue
        # Something of it is refused, which test/conformance is about, or fails and hides the others.
        for part in nodes.one_by_one(operator, parts):
            with contextlib.suppress(bm.CompileError):
                found += same.check(part, str(tmp_path))
                ran += 1
    assert not found, "\n".join(found[:20])
    assert ran
