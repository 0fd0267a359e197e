"""What every lint asks of the tree: which files are tracked, what they say."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
C_SUFFIXES = (".c", ".h", ".cpp", ".hpp")


@cache
def tracked():
    """Paths of the tracked files that exist, relative to the root."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return tuple(p for p in map(Path, names.decode().split("\0")[:-1]) if (ROOT / p).is_file())


def with_suffix(*suffixes):
    """The tracked files with one of these suffixes."""
    return [path for path in tracked() if path.suffix in suffixes]


@cache
def text(path):
    """The file's text; a file that is no UTF-8 reads as empty."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
