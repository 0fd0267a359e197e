"""Compiled libraries at each level that this CPU has."""

import bit_mlir as bm


def open_levels(library, levels=("x86-64-v3", "avx512vnni"), **options):
    """The library, opened at those of its levels that the CPU has; at least one."""
    found = []
    for level in levels:
        try:
            found.append(bm.load(library, level=level, **options))
        except bm.Error as error:
            assert "lacks" in str(error)
    assert found
    return found
