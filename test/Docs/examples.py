"""Prints every mlir example of the TableGen descriptions, each as one piece for --split-input-file."""

import re
import sys
from pathlib import Path

EXAMPLE = re.compile(r"^( *)```mlir\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def main(root):
    """Prints the examples below `root`; each begins with where it is from."""
    pieces = []
    for path in sorted(Path(root).rglob("*.td")):
        source = path.read_text(encoding="utf-8")
        for match in EXAMPLE.finditer(source):
            line = source.count("\n", 0, match.start()) + 1
            pieces.append(f"// EXAMPLE {path.name}:{line}\n{match[2]}")
    print("\n// -----\n\n".join(pieces))


main(sys.argv[1])
