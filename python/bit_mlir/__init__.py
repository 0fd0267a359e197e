"""Compiles networks with ternary and binary weights to native libraries, and runs them.

    import bit_mlir as bm
    model = bm.compile("model.onnx")
    y = model(x)

Needs numpy only; `bm.nn` and the export of torch modules load torch when they are used.
"""

import importlib

from .compiler import compile  # noqa: A004 - the name that users expect
from .errors import CompileError, Error, RunError
from .model import Model, TensorInfo, load

__version__ = "0.1.0"
__all__ = ["CompileError", "Error", "Model", "RunError", "TensorInfo", "compile", "load", "nn", "quant"]

_LAZY = {"nn", "quant"}


def __getattr__(name):
    if name in _LAZY:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LAZY})
