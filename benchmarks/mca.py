#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the tables of docs/targets.md: llvm-mca's figures of each kernel's inner loop, as lit tests guard them.

Compiles each of test/Target/*/asm-*.mlir as its RUN lines say. A model's figures are the same on every machine.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from shares import mca

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/targets.md"
HOT_LOOP = ROOT / "test/Target/Inputs/hot_loop.py"
FOLDERS = {"AArch64": ROOT / "test/Target/AArch64", "x86-64": ROOT / "test/Target/X86"}
BEGIN = "<!-- begin: written by scripts/bench --mca -->"
END = "<!-- end -->"
# What programs of intrinsics reached by the same models before there was a compiler: multiply-adds a cycle. Of few
# tokens that is one, of many the best tile.
PLANNED = {
    ("dotprod-p2", "one"): {"neoverse-n1": 16.0, "neoverse-v1": 31.8, "neoverse-v2": 31.8, "apple-m1": 23.9},
    ("dotprod-p2", "many"): {"neoverse-n1": 26.9, "neoverse-v1": 52.8, "neoverse-v2": 53.6, "apple-m1": 40.1},
    ("i8mm-p2", "many"): {"neoverse-v1": 92.8, "neoverse-v2": 88.6},
    ("neon-p2", "one"): {"neoverse-n1": 7.5, "apple-m1": 10.6},
    ("tables", "many"): {"neoverse-n1": 21.3, "neoverse-v1": 34.0, "neoverse-v2": 31.9, "apple-m1": 39.1},
}


def run(command):
    """A command's output; ends the program where it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mca: {' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def measure(test, args):
    """Rows [name, level, tokens, cpu, cycles per 1,024 multiply-adds] of one test, as they are now."""
    text = test.read_text()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in mca.cases(test.stem[4:], text):
            if not case.tokens:
                continue  # other sizes than tokens: no product by packed weights
            source, assembly = folder / "loop.mlir", folder / "loop.s"
            source.write_text(text.replace("TOKENS", str(case.tokens)))
            options = [f"--level={case.level}", "--emit=asm"] + [f"--target={case.target}"] * bool(case.target)
            run([args.build / "bin/bit-opt", source, *options, "-o", assembly])
            cpus = [f"--cpu={cpu}=1e9" for cpu in case.cpus]
            extra = [f"--product={case.product}"] * bool(case.product) + [f"--having={case.having}"] * bool(case.having)
            printed = run([sys.executable, HOT_LOOP, assembly, f"--mca={args.mca}", *extra, *cpus])
            for cpu, cycles in re.findall(r"^([\w-]+): ([\d.]+) cycles", printed, re.MULTILINE):
                rows.append([case.name, case.level, case.tokens, cpu, float(cycles)])
    return rows


def update(test, rows):
    """Writes today's cycles to a test."""
    if not rows:
        return
    left = iter(rows)

    def replace(match):
        return f"--cpu={match[1]}={next(left)[4]:.2f}"

    lines = test.read_text().splitlines(keepends=True)
    lines = [mca.CPU.sub(replace, line) if mca.CYCLES.match(line) else line for line in lines]
    test.write_text("".join(lines))


def cell(row, most):
    """Multiply-adds a cycle, and what was planned."""
    if row is None:
        return ""
    name, _, tokens, cpu, cycles = row
    size = "one" if tokens == 1 else "many" if tokens == most else ""
    planned = PLANNED.get((name, size), {}).get(cpu)
    return f"{1024 / cycles:.1f}" + (f" ({planned:.1f})" if planned else "")


def table(rows):
    """Lines of Markdown: a line for each kernel and number of tokens, a column for each CPU."""
    cpus = list(dict.fromkeys(row[3] for row in rows))
    lines = ["| kernel | M | " + " | ".join(cpus) + " |", "|" + " --- |" * (2 + len(cpus))]
    for name, tokens in dict.fromkeys((row[0], row[2]) for row in rows):
        most = max(row[2] for row in rows if row[0] == name)
        of = {row[3]: row for row in rows if (row[0], row[2]) == (name, tokens)}
        lines.append(f"| {name} | {tokens} | " + " | ".join(cell(of.get(cpu), most) for cpu in cpus) + " |")
    return lines


def insert(page, found):
    """The page with other tables."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    lines = [line for title, rows in found.items() for line in (f"### {title}", "", *table(rows), "")]
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"{END}{after}"


def main():
    """Prints the table, too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--mca", default="/usr/lib/llvm-22/bin/llvm-mca", help="the program to run")
    parser.add_argument("--update", action="store_true", help="write the cycles to the tests, too")
    args = parser.parse_args()
    found = {}
    for title, folder in FOLDERS.items():
        found[title] = []
        for test in sorted(folder.glob("asm-*.mlir")):
            rows = measure(test, args)
            found[title] += rows
            if args.update:
                update(test, rows)
        print("\n".join([title, *table(found[title])]))
    PAGE.write_text(insert(PAGE.read_text(), found))


if __name__ == "__main__":
    main()
