"""A folder includes only itself and what stands above it in the layout of docs/architecture.md."""

import re

from tree import ROOT, text, with_suffix

# From the bottom of the project to its top. Folders in one row are siblings: none includes another.
LAYERS = [
    ["Support"],
    ["Layout"],
    ["Dialect/Onnx/IR"],
    ["Dialect/Onnx/Eval"],
    ["Import"],
    ["Dialect/Bit/IR"],
    ["Dialect/Bit/Transforms"],
    [
        "Conversion/OnnxToBit",
        "Conversion/OnnxToLinalg",
        "Conversion/BitToLinalg",
        "Conversion/BitToVector",
        "Conversion/BitToLLVM",
        "Conversion/LinalgToVector",
        "Conversion/ExpandMath",
    ],
    ["Target/Generic", "Target/X86", "Target/AArch64"],
    ["Pipelines"],
    ["Verify"],
    ["Compiler"],
    ["InitAll"],
    ["tools"],
]
RANK = {folder: rank for rank, row in enumerate(LAYERS) for folder in row}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
# The runtime's public headers; of the compiler only Compiler/ and the entry code see the ABI.
RUNTIME_HEADERS = {path.name for path in (ROOT / "runtime/include/bit").glob("*.h*")}
ABI_HEADERS = ("bit/abi.h", "bit/checksum.h")
RUNS_MODELS = {"Verify", "tools"}
SEES_ONNX = {"Import"}


def folder_of(path):
    """The layer a path below lib/, include/bit/ or tools/ belongs to; None for files outside the layers."""
    path = str(path)
    for prefix in ("include/bit/", "lib/"):
        if path.startswith(prefix):
            return layer(path[len(prefix) :])
    return "tools" if path.startswith("tools/") else None


def layer(below):
    if below.startswith("InitAll."):
        return "InitAll"
    if "/" not in below:
        return None
    # Target/X86.h is the header of the folder Target/X86.
    matches = [folder for folder in RANK if below.startswith((folder + "/", folder + "."))]
    assert matches, f"{below} lies in no folder of the layout: add it to LAYERS and to docs/architecture.md"
    return matches[0]


def sources():
    for path in with_suffix(".h", ".hpp", ".cpp", ".c"):
        folder = folder_of(path)
        if folder is not None:
            yield path, folder


def test_no_include_goes_up():
    wrong = []
    for path, folder in sources():
        for name in INCLUDE.findall(text(path)):
            if not name.startswith("bit/"):
                continue
            if "/" not in name[4:] and name[4:] in RUNTIME_HEADERS:
                if folder in RUNS_MODELS or (name in ABI_HEADERS and RANK[folder] >= RANK["Dialect/Bit/Transforms"]):
                    continue
                wrong.append(f"{path}: {name} belongs to the runtime; only {', '.join(ABI_HEADERS)} are shared")
                continue
            target = layer(name[4:])
            up = RANK[target] > RANK[folder] or (RANK[target] == RANK[folder] and target != folder)
            if up:
                wrong.append(f"{path}: {name} goes up or sideways, from {folder} to {target}")
    assert not wrong, "\n".join(wrong)


def test_only_the_import_sees_onnx():
    wrong = []
    for path, folder in sources():
        if folder in SEES_ONNX or str(path).startswith("tools/onnx-"):
            continue
        for name in INCLUDE.findall(text(path)):
            if name.startswith(("onnx/", "google/protobuf/")):
                wrong.append(f"{path}: {name}")
    assert not wrong, "\n".join(wrong)


def test_runtime_stands_alone():
    wrong = []
    for path in with_suffix(".h", ".c"):
        if not str(path).startswith("runtime/"):
            continue
        for name in INCLUDE.findall(text(path)):
            if name.startswith(("mlir/", "llvm/")) or (name.startswith("bit/") and name[4:] not in RUNTIME_HEADERS):
                wrong.append(f"{path}: {name}")
    assert not wrong, "\n".join(wrong)


def test_no_relative_include():
    wrong = [f"{p}: {n}" for p, _ in sources() for n in INCLUDE.findall(text(p)) if n.startswith("..")]
    assert not wrong, "\n".join(wrong)


def test_targets_are_asked_not_switched_on():
    """No pass and no conversion names an ISA: what a target can do is the kernel attribute's to answer."""
    isa = re.compile(r"llvm\.(x86|aarch64)\.|\b(isX86|isAArch64)\b")
    wrong = [str(p) for p, folder in sources() if RANK[folder] < RANK["Target/Generic"] and isa.search(text(p))]
    assert not wrong, "\n".join(wrong)


def test_the_lint_sees_something():
    assert folder_of("include/bit/Conversion/OnnxToBit/OnnxToBit.h") == "Conversion/OnnxToBit"
    assert folder_of("lib/Dialect/Onnx/IR/OnnxOps.cpp") == "Dialect/Onnx/IR"
    assert INCLUDE.findall('#include "bit/A/B.h"\n#include <vector>\n') == ["bit/A/B.h", "vector"]
    assert any(True for _ in sources())
