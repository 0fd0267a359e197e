# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products by packed weights, bit for bit as scalar loops in C have them (products.c), by each level's kernels."""

import shutil
import subprocess

import product as p
import pytest
from cross import CPUS, FULL, ROOT

TOKENS = [1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 31, 32, 33, 128] if FULL else [1, 2, 3, 4, 7, 8, 16, 31, 33]

# Each size of rows and of k at least once for P1 and P2, with everything that a kernel may be asked for.
USUAL = [
    p.Product(1, 1),
    p.Product(15, 15, bits=1, bias=True),
    p.Product(16, 16),
    p.Product(17, 17, bias=True),
    p.Product(17, 33, bits=1),
    p.Product(64, 64, bias=True),
    p.Product(64, 100, bits=1),
    p.Product(80, 1000, bias=True),
    p.Product(200, 100),
    p.Product(80, 1100, bits=1, bias=True),
    p.Product(200, 1000, extreme=True),
    p.Product(65, 1056, bits=1, extreme=True),
    p.Product(80, 768, groups=6, bias=True),
    p.Product(17, 240, groups=5),
    p.Product(80, 288, bits=1, groups=3),
    p.Product(64, 272, low=-8, high=7),
    p.Product(300, 100, bias=True),
    p.Product(80, 100, floats=True, bias=True),
    p.Product(17, 100, bits=1, floats=True),
    p.Product(80, 96, groups=3, floats=True),
]
SHAPES = [p.Product(n, k, bits=b) for n in (1, 15, 16, 17, 64, 80, 200) for k in (1, 15, 16, 17, 64, 100, 1000)
          for b in (1, 2)]  # fmt: skip
# All codes and weights at an extreme, up to the longest sum that sdot's kernel of P2 takes.
LONG = [p.Product(3, 524_288, extreme=True), p.Product(2, 2_097_152, extreme=True)]


@pytest.fixture(scope="module")
def program(cross, tmp_path_factory):
    """products.c, for AArch64."""
    compiler = shutil.which("aarch64-linux-gnu-gcc") or shutil.which("aarch64-linux-gnu-gcc-12")
    assert compiler, "expects a C compiler for AArch64: scripts/setup installs it"
    library = next(path for path in sorted(cross.BUILD.rglob("libbitrt.*")) if path.suffix in (".a", ".so"))
    output = tmp_path_factory.mktemp("products") / "products"
    flags = ["-O2", "-std=gnu11", "-Wall", "-Werror", f"-I{ROOT}/runtime/include"]
    libraries = [library, f"-Wl,-rpath,{library.parent}", "-lm", "-lpthread", "-ldl"]
    subprocess.run([compiler, *flags, ROOT / "test/aarch64/products.c", *libraries, "-o", output], check=True)
    return output


def check(cross, program, product, folder, tokens):
    text, data = p.write(product, folder)
    library = cross.compile(text, folder / f"{product.name}.so")
    # Floats are multiplied by the same code at every level, so there is only one.
    levels = ["neon"] if product.floats else CPUS
    for level in levels:
        done = cross.qemu(program, library, data, *p.arguments(product), level, *tokens, cpu=CPUS[level])
        assert done.returncode == 0, f"{level}: {done.stderr}"
        runs = len(tokens) * (1 if product.floats else 3)
        assert done.stdout == f"{runs} products are right\n"


@pytest.mark.parametrize("product", [*USUAL, *SHAPES] if FULL else USUAL, ids=lambda product: product.name)
def test_right(cross, program, product, tmp_path):
    check(cross, program, product, tmp_path, TOKENS)


@pytest.mark.parametrize("product", LONG if FULL else LONG[:1], ids=lambda product: product.name)
def test_long_columns(cross, program, product, tmp_path):
    check(cross, program, product, tmp_path, [1, 2, 3])


def test_sees_one_wrong_weight(cross, program, tmp_path):
    product = p.Product(80, 100)
    text, data = p.write(product, tmp_path)
    library = cross.compile(text, tmp_path / "product.so")
    weights = bytearray(data.read_bytes())
    last = 80 * 100 - 1
    weights[last] = 0 if weights[last] else 1
    data.write_bytes(weights)
    done = cross.qemu(program, library, data, *p.arguments(product), "neon", 3)
    assert done.returncode == 1
    assert "column 79" in done.stderr
