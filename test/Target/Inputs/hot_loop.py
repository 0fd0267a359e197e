# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the loop of an assembly file that multiplies most, counts its instructions and asks llvm-mca for its time.

Prints a line for each figure. Exits 1 where the loop takes over 105% of the cycles that are given as today's: they are
a model's, so they are the same on every machine.
"""

import argparse
import collections
import re
import subprocess
import sys

ITERATIONS = 200
MARGIN = 1.05


class X86:
    """How assembly of x86 is read."""

    triple = "x86_64"
    comment = "#"
    jump = re.compile(r"j\w+\s+(\S+)$")
    memory = re.compile(r"-?\w*\([^)]*\)")
    no_access = ("lea", "nop", "prefetch")
    # Multiply-adds of one instruction on 512 bits.
    products = (("vpdpbusd", 64), ("vpmaddubsw", 64))

    @staticmethod
    def stores(text, memory):
        """Whether an instruction stores to the memory that it names."""
        return text.endswith(memory)

    @staticmethod
    def width(text):
        """Returns the bits of the widest register of an instruction."""
        return 512 if "%zmm" in text else 256 if "%ymm" in text else 128 if "%xmm" in text else 64

    @staticmethod
    def frame(body):
        """Matches fixed places on the stack. With an index it is an array of the kernel's."""
        # Without a frame pointer rbp is a register like others.
        return r"\(%r[sb]p\)" if "movq\t%rsp, %rbp" in body else r"\(%rsp\)"


class AArch64:
    """How assembly of AArch64 is read."""

    triple = "aarch64"
    comment = "//"
    jump = re.compile(r"(?:b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,[^,]*,)\s*(\S+)$")
    # Not a lane of a register.
    memory = re.compile(r"\[[a-z][^\]]*\]")
    no_access = ("prfm",)
    # As of 512 bits: 16, 32 and 8 on 128.
    products = (("sdot", 64), ("smmla", 128), (r"(smull|sml[as]l)2?\s+v\d+\.8h", 32))

    @staticmethod
    def stores(text, memory):
        """Whether an instruction stores to the memory that it names."""
        return text.startswith("st")

    @staticmethod
    def width(text):
        """Returns the bits of a vector register."""
        return 128

    @staticmethod
    def frame(body):
        """Matches fixed places on the stack."""
        # The register of a function that aligns its frame.
        base = "|x19" if "mov\tx19, sp" in body else ""
        return rf"\[(sp|x29{base})(, #\S+)?\]"


def read_functions(lines, name, isa):
    """Returns the instructions and labels of each function whose name matches."""
    functions, inside = [], False
    for line in lines:
        text = line.split(isa.comment)[0].strip()
        if re.match(r"[^\s:]+:$", text) and not text.startswith("."):
            inside = re.search(name, text[:-1]) is not None
            if inside:
                functions.append([])
        elif inside and text and (text.endswith(":") or not text.startswith(".")):
            functions[-1].append(text.removeprefix("{vex}").strip())
    return functions


def find_loops(body, isa):
    """Returns the innermost loops: from a label to a jump back to it, with no other such pair inside."""
    labels = {text[:-1]: i for i, text in enumerate(body) if text.endswith(":")}
    spans = []
    for i, text in enumerate(body):
        jump = isa.jump.match(text)
        if jump and labels.get(jump[1], i) < i:
            spans.append((labels[jump[1]], i + 1))
    inner = [a for a in spans if not any(a[0] <= b[0] and b[1] <= a[1] and a != b for b in spans)]
    return [[text for text in body[a:b] if not text.endswith(":")] for a, b in inner]


def count_products(loop, products, isa):
    """Counts the multiply-adds of a loop."""
    return sum(macs * isa.width(text) // 512 for text in loop for name, macs in products if re.match(name, text))


def count(loop, frame, isa):
    """Returns how many instructions there are of each name, and what touches memory: the stack at a fixed `frame`."""
    counts = collections.Counter()
    for text in loop:
        name = text.split()[0]
        counts[name] += 1
        memory = isa.memory.findall(text)
        if not memory or name.startswith(isa.no_access):
            continue
        if re.search(frame, memory[0]):
            counts["stack"] += 1
        counts["stores" if isa.stores(text, memory[0]) else "loads"] += 1
    return counts


def count_runs(loop, products):
    """Counts how often products begin after something else."""
    is_product = [any(re.match(name, text) for name, _ in products) for text in loop]
    return sum(now and not before for before, now in zip([False, *is_product], is_product))


def estimate(loop, mca, cpu, features, isa):
    """Returns the cycles of one iteration as llvm-mca sees them."""
    command = [mca, f"-mtriple={isa.triple}", f"-mcpu={cpu}", f"-iterations={ITERATIONS}"]
    command += [f"-mattr={features}"] if features else []
    # A jump needs its label.
    text = "\n".join(line for line in loop if not isa.jump.match(line)) + "\n"
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    found = re.search(r"^Total Cycles:\s+(\d+)", result.stdout, re.MULTILINE)
    if not found:
        sys.exit(f"hot_loop: {' '.join(command)}: {result.stderr}")
    return int(found[1]) / ITERATIONS


def main():
    """Prints the counts, and fails where the loop has become slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", help="what bit-opt --emit=asm writes")
    parser.add_argument("--function", default="", help="a regular expression of names")
    parser.add_argument("--product", help="what multiplies, REGEX=COUNT: how often it does on 512 bits")
    parser.add_argument("--having", default="", help="a regular expression: only loops with such an instruction")
    parser.add_argument("--mca", default="llvm-mca", help="the program to run")
    parser.add_argument("--mattr", default="", help="features for llvm-mca beside those of its CPU")
    parser.add_argument(
        "--cpu", action="append", default=[], help="CPU=CYCLES: a model of llvm-mca, today's cycles per 1,024 products"
    )
    parser.add_argument("--print", action="store_true", help="print the loop, too")
    arguments = parser.parse_args()
    with open(arguments.assembly, encoding="utf-8") as file:
        lines = file.readlines()
    isa = X86 if any("%r" in line for line in lines) else AArch64
    products = isa.products
    if arguments.product:
        name, macs = arguments.product.rsplit("=", 1)
        products = [(name, int(macs))]
    functions = read_functions(lines, arguments.function, isa)
    found = [(count_products(loop, products, isa), loop, body) for body in functions for loop in find_loops(body, isa)]
    found = [item for item in found if any(re.match(arguments.having, text) for text in item[1])]
    # Of passes over several groups the one that spills most.
    total, loop, body = max(
        found,
        key=lambda item: (item[0], count(item[1], isa.frame(item[2]), isa)["stack"], len(item[1])),
        default=(0, [], []),
    )
    if total == 0:
        sys.exit(f"hot_loop: {arguments.assembly}: expects a loop with products, got none")
    if arguments.print:
        print("\n".join(loop))
    counts = count(loop, isa.frame(body), isa)
    print(f"products: {total}")
    for name in ("loads", "stores", "stack"):
        print(f"{name}: {counts.pop(name, 0)}")
    print(f"instructions: {sum(counts.values())}")
    for name, number in sorted(counts.items()):
        print(f"{name}: {number}")
    print(f"runs of products: {count_runs(loop, products)}")
    slower = False
    for item in arguments.cpu:
        cpu, today = item.split("=")
        cycles = estimate(loop, arguments.mca, cpu, arguments.mattr, isa) * 1024 / total
        print(f"{cpu}: {cycles:.2f} cycles for 1024 products, {today} when it was written")
        slower |= cycles > float(today) * MARGIN
    if slower:
        sys.exit("hot_loop: slower than 105% of what it was")


if __name__ == "__main__":
    main()
