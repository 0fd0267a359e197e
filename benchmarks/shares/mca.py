"""llvm-mca's cycles for the inner loops, as the lit tests that guard them have them: no machine's noise is in these."""

import re

TOKENS = re.compile(r"^// RUN: sed 's/TOKENS/(\d+)/g'.*--level=(\S+)")
CYCLES = re.compile(r"^// RUN: %hot_loop .*")
CPU = re.compile(r"--cpu=([\w-]+)=([\d.]+)")


def parse(name, text):
    """Rows [kernel, level, tokens, cpu, cycles per 1,024 multiply-adds] of one test."""
    rows, tokens, level = [], 0, ""
    for line in text.splitlines():
        found = TOKENS.match(line)
        if found:
            tokens, level = int(found[1]), found[2]
        elif CYCLES.match(line):
            rows += [[name, level, tokens, cpu, float(cycles)] for cpu, cycles in CPU.findall(line)]
    return rows


def read(folder):
    """Rows of all tests of kernels in a folder."""
    return [row for path in sorted(folder.glob("asm-*.mlir")) for row in parse(path.stem[4:], path.read_text())]
