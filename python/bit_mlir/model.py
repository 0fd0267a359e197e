"""A compiled library as a Python function on arrays."""

import ctypes
import json
import os
from typing import NamedTuple

import numpy as np

from . import runtime
from .dtypes import NAMES, to_numpy
from .errors import RunError
from .session import Session


class TensorInfo(NamedTuple):
    """An input or output: name, name of the dtype, shape; a symbolic dim is its name, None without one."""

    name: str
    dtype: str
    shape: tuple


def load(path, *, threads=0, level=None, weights=None, huge_pages=False, verify=False):
    """Opens a compiled library (.so).

    threads: at most so many a run, 0 for as many as the process may use; level: an instruction-set level of
    the library, default the best the CPU has; weights: the file of external weights, default beside the
    library; huge_pages: copies the weights into memory of 2 MB pages, which the CPU reads faster, where the system
    has them; verify: reads all weights and refuses those that are not as they were compiled.
    """
    return Model(path, threads=threads, level=level, weights=weights, huge_pages=huge_pages, verify=verify)


class Model:
    """A compiled model; calls may come from any number of threads at the same time."""

    def __init__(self, path, *, threads=0, level=None, weights=None, huge_pages=False, verify=False, report=None):
        """Opens the library; `load` and `compile` call this."""
        self.handle = None
        self.path = os.fspath(path)
        lib = self._library = runtime.library()
        options = runtime.Options(size=ctypes.sizeof(runtime.Options), threads=threads)
        options.flags = runtime.HUGE_PAGES * bool(huge_pages) | runtime.VERIFY_WEIGHTS * bool(verify)
        options.level = level.encode() if level else None
        options.weights_path = os.fsencode(weights) if weights else None
        handle = ctypes.c_void_p()
        runtime.check(lib.bit_model_load(os.fsencode(self.path), ctypes.byref(options), ctypes.byref(handle)))
        self.handle = handle
        self._report = report
        inputs = [self._info(lib.bit_model_input_info, i) for i in range(lib.bit_model_input_count(handle))]
        outputs = [self._info(lib.bit_model_output_info, i) for i in range(lib.bit_model_output_count(handle))]
        self.inputs = [info for info, _ in inputs]
        self.outputs = [info for info, _ in outputs]
        self.output_numbers = [number for _, number in outputs]
        self.input_dtypes = [to_numpy(number) for _, number in inputs]
        self.output_dtypes = [to_numpy(number) for number in self.output_numbers]
        self.output_recipes = self._recipes()
        # Taken by a call and put back after it: list.pop and append are atomic.
        self._idle = [Session(self)]

    def __del__(self):
        if getattr(self, "handle", None):
            self._idle = None
            self._library.bit_model_close(self.handle)

    def __repr__(self):
        def signature(infos):
            return ", ".join(f"{i.name}: {i.dtype}{list(i.shape)}".replace("'", "") for i in infos)

        types = f"({signature(self.inputs)}) -> ({signature(self.outputs)})"
        return f"<bit_mlir.Model {self.name}{types}, {self.level}>"

    def _info(self, ask, index):
        info = runtime.TensorInfo(size=ctypes.sizeof(runtime.TensorInfo))
        runtime.check(ask(self.handle, index, ctypes.byref(info)))
        shape = []
        for axis in range(info.rank):
            name = info.dim_names[axis] if info.dim_names else b""
            symbol = name.decode() if name else None
            shape.append(info.dims[axis] if info.dims[axis] >= 0 else symbol)
        dtype = NAMES.get(info.dtype, f"type {info.dtype}")
        return TensorInfo(info.name.decode(), dtype, tuple(shape)), info.dtype

    def _recipes(self):
        """Each output's dims as numbers or (input, axis) of the same symbol; None if one is unknown."""
        known = {}
        for source, info in enumerate(self.inputs):
            for axis, dim in enumerate(info.shape):
                if isinstance(dim, str):
                    known.setdefault(dim, (source, axis))
        recipes = []
        for info in self.outputs:
            steps = [known.get(dim) if isinstance(dim, str) else dim for dim in info.shape]
            recipes.append(None if None in steps else steps)
        return recipes

    @property
    def name(self):
        """The prefix of the library's C symbols."""
        return self._library.bit_model_name(self.handle).decode()

    @property
    def level(self):
        """The instruction-set level in use."""
        return self._library.bit_model_level(self.handle).decode()

    @property
    def threads(self):
        """How many threads a run uses at most."""
        return self._library.bit_model_threads(self.handle)

    @property
    def weight_bytes(self):
        """Bytes of all weights in the library or its weights file."""
        return self._library.bit_model_description(self.handle).contents.weights_bytes

    @property
    def arena_bytes(self):
        """Bytes of temporaries of the largest run so far."""
        idle = self._idle
        return max((self._library.bit_session_arena_bytes(s.handle) for s in idle), default=0)

    @property
    def report(self):
        """What the compiler found, packed and rejected: report.json of the compilation as a dict."""
        if self._report is None:
            text = self._library.bit_model_description(self.handle).contents.manifest_json
            self._report = json.loads(text) if text else {}
        return self._report

    def __call__(self, *arrays):
        """Runs on arrays in graph order; returns one array, or a tuple where there are several outputs."""
        dtypes = self.input_dtypes
        for index, x in enumerate(arrays):
            if type(x) is not np.ndarray or index >= len(dtypes) or x.dtype is not dtypes[index]:
                arrays = self._as_arrays(arrays, index)
                break
        results = self._run(arrays)
        return results[0] if len(results) == 1 else tuple(results)

    def run(self, arrays):
        """Runs on {input name: array}; returns {output name: array}."""
        names = [info.name for info in self.inputs]
        wrong = sorted(set(arrays) - set(names)) + [name for name in names if name not in arrays]
        if wrong:
            raise RunError(
                f"expects inputs {', '.join(names) or '(none)'}, got {', '.join(arrays) or '(none)'}",
                "BIT_WRONG_COUNT",
            )
        results = self._run(self._as_arrays([arrays[name] for name in names]))
        return {info.name: y for info, y in zip(self.outputs, results)}

    def _run(self, arrays):
        try:
            session = self._idle.pop()
        except IndexError:
            session = Session(self)
        try:
            return session.run(arrays)
        finally:
            self._idle.append(session)

    def _as_arrays(self, values, start=0):
        """numpy arrays of what the caller gave, without a copy where its layout allows."""
        arrays = list(values)
        for index in range(start, len(arrays)):
            wanted = self.input_dtypes[index] if index < len(self.input_dtypes) else None
            arrays[index] = _as_array(arrays[index], wanted)
        return arrays


def _as_array(value, wanted):
    if isinstance(value, np.ndarray):
        x = value
    elif hasattr(value, "__dlpack__"):
        x = _from_dlpack(value)
    else:
        # A list or a number has no dtype of its own, so it takes the model's.
        x = np.asarray(value) if hasattr(value, "dtype") else np.asarray(value, dtype=wanted)
    # The runtime counts strides in elements and reads this machine's byte order.
    if not x.dtype.isnative or any(stride % max(x.itemsize, 1) for stride in x.strides):
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    return x


def _from_dlpack(value):
    if getattr(value, "requires_grad", False):
        value = value.detach()
    try:
        return np.from_dlpack(value)
    except BufferError:
        # numpy's DLPack has no name for bfloat16 and the like; a torch tensor shows its bytes as integers.
        import torch

        number = {torch.bfloat16: 16, torch.float8_e4m3fn: 17, torch.float8_e5m2: 19}.get(value.dtype)
        if number is None:
            raise
        bits = torch.int16 if value.element_size() == 2 else torch.uint8
        return np.from_dlpack(value.view(bits)).view(to_numpy(number))
