"""Where the tools and the runtime are: beside the package, or where BIT_MLIR_BIN says."""

import os
import shutil

from .errors import Error

# Not resolved: in a build tree these files are links, and the libraries lie beside the links.
_HERE = os.path.dirname(os.path.abspath(__file__))


def tool(name):
    """The path of bit-opt or bit-run."""
    folders = [os.path.join(_HERE, "bin")]
    chosen = os.environ.get("BIT_MLIR_BIN")
    if chosen:
        folders.insert(0, chosen)
    for folder in folders:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(name)
    if found:
        return found
    raise Error(f"{name} is neither in {' nor in '.join(folders)} nor in PATH; BIT_MLIR_BIN can name its folder")


def runtime_library():
    """The path of libbitrt.so."""
    folders = [os.path.join(_HERE, "lib")]
    chosen = os.environ.get("BIT_MLIR_BIN")
    if chosen:
        folders.insert(0, os.path.join(chosen, os.pardir, "lib"))
    for folder in folders:
        path = os.path.join(folder, "libbitrt.so")
        if os.path.exists(path):
            return path
    raise Error(f"libbitrt.so is not in {' nor in '.join(folders)}; build the package, or set BIT_MLIR_BIN")
