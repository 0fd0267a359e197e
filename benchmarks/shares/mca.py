"""llvm-mca's cycles for the inner loops, as the lit tests that guard them have them: no machine's noise is in these."""

import dataclasses
import re

TOKENS = re.compile(r"^// RUN: sed 's/TOKENS/(\d+)/g'.*--level=(\S+)")
TARGET = re.compile(r"--target=(\S+)")
CYCLES = re.compile(r"^// RUN: %hot_loop .*")
PRODUCT = re.compile(r"--product=(?:'([^']+)'|(\S+))")
HAVING = re.compile(r"--having=(\S+)")
CPU = re.compile(r"--cpu=([\w-]+)=([\d.]+)")


@dataclasses.dataclass
class Case:
    """One loop of a test: what it is compiled for, and {cpu: cycles per 1,024 multiply-adds}."""

    name: str
    level: str
    target: str
    tokens: int
    product: str
    having: str
    cpus: dict


def cases(name, text):
    """All cases of one test that are measured."""
    found, tokens, level, target = [], 0, "", ""
    for line in text.splitlines():
        compiled = TOKENS.match(line)
        if compiled:
            tokens, level = int(compiled[1]), compiled[2]
            target = "".join(TARGET.findall(line))
        elif CYCLES.match(line):
            # lit's %% is a percent sign.
            product = "".join("".join(groups) for groups in PRODUCT.findall(line)).replace("%%", "%")
            cpus = {cpu: float(cycles) for cpu, cycles in CPU.findall(line)}
            having = "".join(HAVING.findall(line))
            found.append(Case(name, level, target, tokens, product, having, cpus))
    return found


def parse(name, text):
    """Rows [name, level, tokens, cpu, cycles per 1,024 multiply-adds] of one test."""
    return [[c.name, c.level, c.tokens, cpu, cycles] for c in cases(name, text) for cpu, cycles in c.cpus.items()]


def read(folder):
    """Rows of all tests of kernels in a folder."""
    return [row for path in sorted(folder.glob("asm-*.mlir")) for row in parse(path.stem[4:], path.read_text())]
